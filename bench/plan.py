"""Time of the offline plan, by the number of models and of stacks: it should be linear in both.

`python -m bench.plan --rounds 5`: see bench/README.md.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
import yaml

from bench import report
from bench.options import JsonOption
from tools.engine.stack_file import Stack
from tools.process import child_environment

ROOT = Path(__file__).resolve().parent.parent
MODELS = (1, 10, 100, 500)
STACKS = (1, 5, 20)
LIMIT_SECONDS = 300

# All stacks in one process, as `plan --against` does it. A first plan loads the program, which is paid once. Processor time,
# because it does not grow with what else the machine has to do.
SCRIPT = """
import sys
from pathlib import Path
from time import process_time
from tools.report.markdown import markdown
from tools.report.model import Report
from tools.report.offline import stack_report
project, names = Path(sys.argv[1]), sys.argv[2].split(",")
stack_report(project, names[0], [])
start = process_time()
markdown(Report("plan", [stack_report(project, name, []) for name in names]))
print(process_time() - start)
"""


def stack_with(models: int) -> dict[str, Any]:
    """Production with so many models."""
    document = Stack.read(ROOT, "prod").document
    listed = [{"name": f"model-{index}", "provider": "openai", "model": f"gpt-{index}"} for index in range(models)]
    gateway = document["config"]["litellm:gateway"] | {"models": listed}
    return {**document, "config": {**document["config"], "litellm:gateway": gateway}}


def run(folder: Path, names: Sequence[str]) -> float:
    """Seconds to plan these stacks, without the start."""
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, str(folder), ",".join(names)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=child_environment(os.environ),
        check=True,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
    )
    return float(done.stdout.split()[-1])


def command_line() -> float:
    """Seconds of the whole command for production, as somebody waits for it."""
    command = [sys.executable, "-m", "tools.cli", "plan", "--stack", "prod"]
    start = time.perf_counter()
    subprocess.run(
        command, cwd=ROOT, env=child_environment(os.environ), check=True, capture_output=True, timeout=LIMIT_SECONDS
    )
    return time.perf_counter() - start


Times = dict[str, list[float]]


def measure(rounds: int, progress: Callable[[str], None]) -> tuple[Times, Times, list[float]]:
    """Seconds of planning by number of models, by number of stacks, and of the whole command."""
    models: Times = {str(count): [] for count in MODELS}
    stacks: Times = {str(count): [] for count in STACKS}
    command: list[float] = []
    with TemporaryDirectory(prefix="litellm-bench-") as name:
        folder = Path(name)
        (folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
        for count in MODELS:
            write(folder, f"models-{count}", stack_with(count))
        for index in range(max(STACKS)):
            write(folder, f"stack-{index}", stack_with(10))
        # The first round fills caches and writes bytecode; it does not count.
        for number in range(rounds + 1):
            taken = {f"models {count}": run(folder, [f"models-{count}"]) for count in MODELS}
            for count in STACKS:
                taken[f"stacks {count}"] = run(folder, [f"stack-{index}" for index in range(count)])
            whole = command_line()
            progress(", ".join(f"{what}: {seconds:.2f} s" for what, seconds in taken.items()))
            if number:
                command.append(whole)
                for count in MODELS:
                    models[str(count)].append(taken[f"models {count}"])
                for count in STACKS:
                    stacks[str(count)].append(taken[f"stacks {count}"])
    return models, stacks, command


def write(folder: Path, name: str, document: Mapping[str, Any]) -> None:
    (folder / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump(dict(document)))


def slope(times: Times, smaller: int, larger: int) -> float:
    """Milliseconds of each one more, between two sizes: the same everywhere when it is linear."""
    return (median(times[str(larger)]) - median(times[str(smaller)])) / (larger - smaller) * 1000


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each is planned; the median counts.")] = 5,
    as_json: JsonOption = False,
) -> None:
    """Time the offline plan."""
    before = report.machine()
    models, stacks, command = measure(rounds, progress=lambda line: typer.echo(line, err=True))
    if as_json:
        report.show_json({"machine": before, "models": models, "stacks": stacks, "command": command})
        return
    rows = [(f"{count} models", spread(models[str(count)]), per_one(models, MODELS, count)) for count in MODELS]
    rows += [(f"{count} stacks", spread(stacks[str(count)]), per_one(stacks, STACKS, count)) for count in STACKS]
    rows.append(("`plan --stack prod`, wall time with the start", spread(command), ""))
    report.show(
        "Offline plan",
        ("", "processor seconds", "ms for each more"),
        rows,
        f"median of {rounds} on {before['cores']} cores, load {before['load']} before",
    )


def per_one(times: Times, sizes: Sequence[int], count: int) -> str:
    """Milliseconds of each one more than the next smaller size."""
    position = sizes.index(count)
    return f"{slope(times, sizes[position - 1], count):.1f}" if position else ""


def spread(values: Sequence[float]) -> str:
    return f"{median(values):.3f} ({min(values):.3f}-{max(values):.3f})"


if __name__ == "__main__":
    app()
