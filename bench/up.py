"""Seconds from `make up` to the first chat completion, against the same steps done by hand.

`python -m bench.up --rounds 2`: see bench/README.md.
"""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Annotated, Any
from urllib.parse import urlsplit

import requests
import typer

from bench import manifests, report
from bench.manifests import Planned
from bench.options import IngressAddressOption, JsonOption, LogOption
from bench.workspace import Workspace, workspace
from infra.secrets.documents import API_KEYS, MASTER_KEY
from tests.e2e.support import Vault, tail

STACK = "bench"
TARGET_RATIO = 1.2
SCRIPT = Path(__file__).with_name("by_hand.sh")
POLL_SECONDS = 0.1
LIMIT_SECONDS = 900
SITUATIONS = {True: "operator to be installed", False: "operator in the cluster"}


@dataclass
class Times:
    """What one way took, round by round, in seconds."""

    first_completion: list[float] = field(default_factory=list[float])
    end: list[float] = field(default_factory=list[float])
    """Until the command had ended."""


class FirstCompletion(Thread):
    """Asks for a completion until it gets one, from before there is anything to ask."""

    def __init__(self, stack: Planned, address: str, vault: Vault) -> None:
        super().__init__(daemon=True)
        parts = urlsplit(stack.url)
        self.host = parts.hostname or ""
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        self.url = f"{parts.scheme}://{address}:{port}/v1/chat/completions"
        self.stack, self.vault = stack, vault
        self.given_up = Event()
        self.at = 0.0
        """When the answer was there, on the clock of `time.monotonic`."""

    def run(self) -> None:
        key = ""
        while not self.given_up.is_set():
            status = self.ask(key)
            if status == 200:
                self.at = time.monotonic()
                return
            # Until the ingress knows the host there is no point in a key, and Vault is busy.
            if status not in (0, 404) and not key:
                key = self.vault.read(self.stack.mount, f"{self.stack.prefix}/{API_KEYS}")[MASTER_KEY]
            else:
                time.sleep(POLL_SECONDS)

    def ask(self, key: str) -> int:
        headers = {"Host": self.host, "Authorization": f"Bearer {key}"}
        body = {"model": "mock", "messages": [{"role": "user", "content": "Hello"}]}
        try:
            return requests.post(self.url, json=body, headers=headers, timeout=10, verify=False).status_code
        except requests.RequestException:
            return 0


@dataclass
class Comparison:
    """The two ways to bring the same stack up."""

    bench: Workspace
    address: str
    folder: Path

    def run(self, rounds: int, *, install: bool, progress: Callable[[str], None]) -> dict[str, Times]:
        stack = self.bench.add_stack(
            STACK,
            "dev",
            {"externalSecrets": {"install": install}, "ingress": {"host": f"{STACK}.litellm.localhost"}},
        )
        manifests.write(stack, self.folder / str(install))
        ways: dict[str, Callable[[], None]] = {
            "make up": self.with_pulumi,
            "by hand": lambda: self.by_hand("up", install=install),
        }
        times = {name: Times() for name in ways}
        for number in range(rounds):
            # Whoever is second finds warm caches.
            for name in list(ways)[:: -1 if number % 2 else 1]:
                first, end = self.time(stack, ways[name])
                times[name].first_completion.append(first)
                times[name].end.append(end)
                progress(f"{SITUATIONS[install]}, {name}: {first:.1f} s (ended after {end:.1f} s)")
                self.undo(stack, name, install=install)
        return times

    def time(self, stack: Planned, up: Callable[[], None]) -> tuple[float, float]:
        completion = FirstCompletion(stack, self.address, self.bench.vault)
        start = time.monotonic()
        completion.start()
        try:
            up()
            end = time.monotonic() - start
            completion.join(60)
        finally:
            completion.given_up.set()
        if not completion.at:
            raise RuntimeError(f"everything is up, and no completion at {completion.url} within a minute")
        return completion.at - start, end

    def with_pulumi(self) -> None:
        self.bench.project.make("up", STACK)

    def by_hand(self, what: str, *, install: bool) -> None:
        done = subprocess.run(
            [str(SCRIPT), what, str(self.folder / str(install))],
            env=self.bench.project.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
        self.bench.project.log.append(done.stdout)
        if done.returncode:
            raise RuntimeError(f"by hand, it failed:\n{tail(done)}")

    def undo(self, stack: Planned, way: str, *, install: bool) -> None:
        if way == "make up":
            self.bench.project.make("destroy", STACK)
        else:
            self.bench.remove(stack)
        # What others may use stays with either.
        self.bench.vault.client.sys.disable_secrets_engine(stack.mount)
        if install:
            self.bench.remove_operator()


def measure(
    rounds: int, address: str, progress: Callable[[str], None], log: Path | None
) -> dict[bool, dict[str, Times]]:
    with workspace(("pulumi", "make", "kubectl", "helm", "vault")) as bench:
        comparison = Comparison(bench, address, bench.project.folder / "by-hand")
        try:
            installing = comparison.run(rounds, install=True, progress=progress)
            comparison.by_hand("operator", install=True)
            return {True: installing, False: comparison.run(rounds, install=False, progress=progress)}
        finally:
            if log:
                log.write_text("\n".join(bench.project.log))


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each way is taken; the median counts.")] = 2,
    ingress_address: IngressAddressOption = "127.0.0.1",
    as_json: JsonOption = False,
    log: LogOption = None,
) -> None:
    """Compare `make up` with the same steps done by hand."""
    before = report.machine()
    results = measure(rounds, ingress_address, progress=lambda line: typer.echo(line, err=True), log=log)
    if as_json:
        report.show_json({"machine": before, "target": TARGET_RATIO, "situations": as_data(results)})
    else:
        report.show(
            "Seconds to the first completion",
            ("", "make up", "by hand", f"ratio (at most {TARGET_RATIO})"),
            [row(SITUATIONS[install], times) for install, times in results.items()],
            f"median of {rounds} on {before['cores']} cores, load {before['load']} before",
        )


def row(situation: str, times: dict[str, Times]) -> tuple[str, ...]:
    ours, theirs = (times[way].first_completion for way in ("make up", "by hand"))
    return (
        situation,
        report.spread(ours),
        report.spread(theirs),
        report.verdict(report.ratio(ours, theirs), TARGET_RATIO),
    )


def as_data(results: dict[bool, dict[str, Times]]) -> dict[str, Any]:
    return {
        SITUATIONS[install]: {
            "ratio": round(report.ratio(times["make up"].first_completion, times["by hand"].first_completion), 3),
            **{way: {"firstCompletion": taken.first_completion, "end": taken.end} for way, taken in times.items()},
        }
        for install, times in results.items()
    }


if __name__ == "__main__":
    app()
