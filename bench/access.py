"""How long access as code takes, by the number of keys: it should be linear.

`python -m bench.access`, and with `--url` against a LiteLLM that has its database: see bench/README.md.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from bench import plan, report
from bench.options import JsonOption
from components.access.objects import KEYS, MASTER_KEY, OF_A_KEY
from infra.config.access import AccessConfig
from infra.config.access_wishes import wishes
from tools.engine.stack_file import Stack
from tools.process import child_environment

ROOT = Path(__file__).resolve().parent.parent
SIZES = (50, 100, 250, 500)
OWNER = "litellm-bench/access"
TARGET = 1.2
LIMIT_SECONDS = 900

# The Job's own program, with its requests counted. Its processor time does not grow with what else the machine has to do.
SCRIPT = """
import http.client, json, sys, time
from components.access.reconcile import main
requests = 0
request = http.client.HTTPConnection.request
def counted(*given, **more):
    global requests
    requests += 1
    return request(*given, **more)
http.client.HTTPConnection.request = counted
wall, processor = time.perf_counter(), time.process_time()
code = main(*sys.argv[1:])
print(json.dumps([code, requests, time.process_time() - processor, time.perf_counter() - wall]))
"""


@dataclass(frozen=True)
class Run:
    """What one run of the Job's program took."""

    requests: int
    processor: float
    wall: float


class FailedError(Exception):
    """The Job's program failed, and why."""


def section(keys: int) -> dict[str, Any]:
    """Config key `access` with so many keys."""
    return {"keys": {f"bench-{number}": {"budget": 1, "budgetDuration": "1d"} for number in range(keys)}}


def value_of(name: str) -> str:
    """Nothing but this benchmark ever has a key of this value, and it removes what it made."""
    return f"sk-{name}-{os.getpid()}-" + "x" * 32


def reconcile(url: str, master: str, keys: int) -> Run:
    """Run the Job's program for a stack of so many keys.

    Raises:
        FailedError: with the last thing that it said.
    """
    config = AccessConfig.model_validate(section(keys))
    wanted = wishes(config, OWNER)
    with TemporaryDirectory(prefix="litellm-bench-") as name:
        folder = Path(name)
        (folder / "access.json").write_text(json.dumps(wanted))
        for file, text in {MASTER_KEY: master, **{OF_A_KEY + key: value_of(key) for key in wanted[KEYS]}}.items():
            (folder / file).touch(0o600)
            (folder / file).write_text(text)
        command = [sys.executable, "-c", SCRIPT, url, str(folder / "access.json"), str(folder)]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=child_environment(os.environ),
            check=False,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
    lines = done.stdout.strip().splitlines() or [""]
    code, *taken = json.loads(lines[-1]) if lines[-1].startswith("[") else [done.returncode]
    if code:
        raise FailedError(lines[-2] if len(lines) > 1 else done.stderr[-500:])
    return Run(*taken)


Times = dict[str, list[Run]]


def measure(url: str, master: str, sizes: Sequence[int], progress: Callable[[str], None]) -> tuple[Times, Times]:
    """First runs, which make the keys, and second ones, which find nothing to do. Nothing is left of either."""
    first: Times = {}
    second: Times = {}
    for size in sizes:
        try:
            first.setdefault(str(size), []).append(reconcile(url, master, size))
            second.setdefault(str(size), []).append(reconcile(url, master, size))
        finally:
            reconcile(url, master, 0)
        progress(f"{size} keys: {first[str(size)][-1].wall:.1f} s, then {second[str(size)][-1].wall:.1f} s")
    return first, second


@contextmanager
def loopback() -> Generator[tuple[str, str]]:
    """An API that answers like LiteLLM's: its URL and its master key."""
    # That of the tests. It is no part of what is measured.
    from tests.litellm_api import MASTER, LiteLLM, serving  # noqa: PLC0415

    with serving(LiteLLM()) as url:
        yield url, MASTER


def stack_with(keys: int) -> dict[str, Any]:
    """Development with so many keys."""
    document = Stack.read(ROOT, "dev").document
    return {**document, "config": {**document["config"], "litellm:access": section(keys)}}


def planned(sizes: Sequence[int], rounds: int, progress: Callable[[str], None]) -> dict[str, list[float]]:
    """Processor seconds of the offline plan that each number of keys adds."""
    found: dict[str, list[float]] = {str(size): [] for size in sizes}
    with TemporaryDirectory(prefix="litellm-bench-") as name:
        folder = Path(name)
        (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
        for size in (0, *sizes):
            plan.write(folder, f"keys-{size}", stack_with(size))
        for _ in range(rounds):
            none = plan.run(folder, ["keys-0"])
            for size in sizes:
                found[str(size)].append(plan.run(folder, [f"keys-{size}"]) - none)
                progress(f"plan with {size} keys: {found[str(size)][-1]:.2f} s more than with none")
    return found


def per_key(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """What each key takes, against what each takes with the fewest: 1 when it is linear."""
    fewest = min(values, key=int)
    each = {size: median(taken) / int(size) for size, taken in values.items()}
    return {size: taken / each[fewest] for size, taken in each.items()}


def of(runs: Times, what: str) -> dict[str, list[float]]:
    return {size: [float(getattr(run, what)) for run in taken] for size, taken in runs.items()}


def rows(title: str, values: Mapping[str, Sequence[float]], unit: str) -> list[tuple[str, str, str, str]]:
    ratios = per_key(values)
    return [
        (
            f"{title}, {size} keys",
            f"{median(taken):.3f} {unit}".replace(".000", ""),
            f"{median(taken) / int(size) * 1000:.1f}",
            report.verdict(ratios[size], TARGET),
        )
        for size, taken in values.items()
    ]


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    url: Annotated[str, typer.Option(help="A LiteLLM with its database, to run against as well.")] = "",
    key_variable: Annotated[str, typer.Option(help="Variable with its master key.")] = "LITELLM_MASTER_KEY",
    rounds: Annotated[int, typer.Option(min=1, help="How often each is planned; the median counts.")] = 1,
    sizes: Annotated[str, typer.Option(help="Numbers of keys.")] = ",".join(map(str, SIZES)),
    as_json: JsonOption = False,
) -> None:
    """Time access as code by the number of keys."""
    before, counts = report.machine(), [int(size) for size in sizes.split(",")]
    if url and not os.environ.get(key_variable):
        raise typer.BadParameter(f"needs the master key in {key_variable}", param_hint="--url")

    def tell(line: str) -> None:
        typer.echo(line, err=True)

    with loopback() as (own, master):
        first, second = measure(own, master, counts, tell)
    table: dict[str, tuple[Mapping[str, Sequence[float]], str]] = {
        "first run, requests": (of(first, "requests"), ""),
        "first run": (of(first, "processor"), "s"),
        "second run, requests": (of(second, "requests"), ""),
        "second run": (of(second, "processor"), "s"),
        "plan": (planned(counts, rounds, tell), "s"),
    }
    if url:
        made, again = measure(url.rstrip("/"), os.environ[key_variable], counts, tell)
        table |= {"LiteLLM, first run": (of(made, "wall"), "s"), "LiteLLM, second run": (of(again, "wall"), "s")}
    if as_json:
        report.show_json({"machine": before, **{what: values for what, (values, _) in table.items()}})
        return
    report.show(
        "Access as code",
        ("", "median", "thousandths for each key", f"ratio (at most {TARGET})"),
        [row for what, (values, unit) in table.items() for row in rows(what, values, unit)],
        f"processor seconds, with LiteLLM wall seconds, on {before['cores']} cores, load {before['load']} before",
    )


if __name__ == "__main__":
    app()
