"""Seconds from `make env-up` to the first completion against the same steps by hand, seconds of `make env-down`, and how both
grow with the number of environments.

`python -m bench.ephemeral --rounds 2 --together 5 --sequence 20`: see bench/README.md.
"""

import subprocess
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from bench import manifests, report
from bench.manifests import Planned
from bench.options import IngressAddressOption, JsonOption, LogOption
from bench.up import LIMIT_SECONDS, SCRIPT, FirstCompletion
from bench.workspace import ROOT, Workspace, everything, prepare, stop
from tests.e2e.shared import AUTH, MOUNT, inventory, shared_things
from tests.e2e.support import kubectl, tail
from tools.ephemeral.mark import new_mark
from tools.ephemeral.names import name_of
from tools.ephemeral.template import read_template

TARGET_RATIO = 1.2
TARGET_DOWN_SECONDS = 20.0
SMALL = {"resources": {"cpu": "100m", "memory": "1Gi"}}
"""Of the gateway: several have to fit on one small machine."""


@dataclass
class Taken:
    """What was measured, in seconds."""

    up: list[float] = field(default_factory=list[float])
    """From the command to the first completion."""

    by_hand: list[float] = field(default_factory=list[float])
    down: list[float] = field(default_factory=list[float])


@dataclass
class Bench:
    """A checkout from which environments are made, on shared things."""

    workspace: Workspace
    overlay: Path
    folder: Path
    address: str

    @property
    def environment(self) -> dict[str, str]:
        return {**self.workspace.project.environment, "OVERLAY": str(self.overlay), "OWNER": "bench"}

    def planned(self, name: str) -> Planned:
        """An environment as the program would make it."""
        stack = read_template(ROOT, None, [self.overlay]).stack(name_of(name), new_mark("0" * 8, name))
        return manifests.planned(stack)

    def start(self, what: str, name: str) -> "subprocess.Popen[str]":
        command = ["make", "--no-print-directory", f"env-{what}", f"NAME={name}", "TTL=2h"]
        return subprocess.Popen(
            command,
            cwd=self.workspace.project.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def up(self, names: Sequence[str]) -> list[float]:
        """Seconds until each of several environments that are made at once has answered."""
        return self.race([self.planned(name) for name in names], lambda: self.all("up", names))

    def down(self, names: Sequence[str]) -> list[float]:
        """Seconds until each of several environments that are removed at once is gone."""
        return self.all("down", names)

    def all(self, what: str, names: Sequence[str]) -> list[float]:
        begin = time.monotonic()
        running = [self.start(what, name) for name in names]
        seconds: list[float] = []
        for process in running:
            printed, _ = process.communicate(timeout=LIMIT_SECONDS)
            seconds.append(time.monotonic() - begin)
            self.workspace.project.log.append(printed)
            if process.returncode:
                raise RuntimeError(f"env-{what} failed:\n{printed}")
        return seconds

    def race(self, stacks: Sequence[Planned], work: Callable[[], object]) -> list[float]:
        completions = [FirstCompletion(stack, self.address, self.workspace.vault) for stack in stacks]
        begin = time.monotonic()
        for completion in completions:
            completion.start()
        try:
            work()
            for completion in completions:
                completion.join(60)
        finally:
            for completion in completions:
                completion.given_up.set()
        if late := [completion.url for completion in completions if not completion.at]:
            raise RuntimeError(f"everything is up, and no completion at {', '.join(late)} within a minute")
        return [completion.at - begin for completion in completions]

    def by_hand(self, name: str) -> float:
        stack = self.planned(name)
        folder = self.folder / f"{name}-{time.monotonic_ns()}"
        manifests.write(stack, folder)

        def work() -> None:
            done = subprocess.run(
                [str(SCRIPT), "up", str(folder)],
                env=self.environment,
                check=False,
                capture_output=True,
                text=True,
                timeout=LIMIT_SECONDS,
            )
            self.workspace.project.log.append(done.stdout)
            if done.returncode:
                raise RuntimeError(f"by hand, it failed:\n{tail(done)}")

        seconds = self.race([stack], work)[0]
        self.undo(stack)
        return seconds

    def undo(self, stack: Planned) -> None:
        namespace, vault = stack.namespace, self.workspace.vault
        stop(namespace)
        kubectl("delete", "namespace", namespace, "--ignore-not-found")
        if stack.role:
            vault.client.auth.kubernetes.delete_role(stack.role, mount_point=AUTH)
        if policy := stack.policy:
            vault.client.sys.delete_policy(policy["name"])
        for document in vault.list(MOUNT, stack.prefix):
            vault.client.secrets.kv.v2.delete_metadata_and_all_versions(f"{stack.prefix}/{document}", mount_point=MOUNT)


@contextmanager
def bench(address: str, log: Path | None) -> Generator[Bench]:
    """Everything that is shared, and in the end nothing that was not there before."""
    from tests.e2e.test_ephemeral import overlay  # noqa: PLC0415 - it looks at the machine's environment

    with TemporaryDirectory(prefix="litellm-bench-") as name:
        folder = Path(name)
        (folder / "project").mkdir()
        workspace = prepare(folder / "project")
        before = everything(workspace.vault)
        try:
            with shared_things(workspace.vault):
                inside = inventory(workspace.vault)
                yield Bench(workspace, overlay(folder, "bench", gateway=SMALL), folder, address)
                left = inventory(workspace.vault) - inside
        finally:
            if log:
                log.write_text("\n".join(workspace.project.log))
        if left := left | (everything(workspace.vault) - before):
            raise SystemExit(f"error: this is left: {', '.join(sorted(left))}")


def compare(of: Bench, rounds: int, progress: Callable[[str], None]) -> Taken:
    """One environment on an empty cluster, made by `env-up` and by hand in turns."""
    taken = Taken()
    for number in range(rounds):
        for way in ("env-up", "by hand")[:: -1 if number % 2 else 1]:
            if way == "by hand":
                taken.by_hand.append(of.by_hand(f"hand-{number}"))
                progress(f"by hand: {taken.by_hand[-1]:.1f} s")
            else:
                taken.up += of.up([f"round-{number}"])
                taken.down += of.down([f"round-{number}"])
                progress(f"env-up: {taken.up[-1]:.1f} s, env-down: {taken.down[-1]:.1f} s")
    return taken


def one_after_another(of: Bench, count: int, progress: Callable[[str], None]) -> Taken:
    """Environments in sequence, each removed before the next."""
    taken = Taken()
    for number in range(count):
        taken.up += of.up([f"sequence-{number}"])
        taken.down += of.down([f"sequence-{number}"])
        progress(f"{number + 1} of {count}: env-up {taken.up[-1]:.1f} s, env-down {taken.down[-1]:.1f} s")
    return taken


def side_by_side(of: Bench, count: int, progress: Callable[[str], None]) -> Taken:
    """Environments that stay, one more each time; then all are removed, one by one."""
    names = [f"beside-{number}" for number in range(count)]
    taken = Taken()
    for name in names:
        taken.up += of.up([name])
        progress(f"{name}: env-up {taken.up[-1]:.1f} s")
    for name in reversed(names):
        taken.down += of.down([name])
        progress(f"{name}: env-down {taken.down[-1]:.1f} s")
    taken.down.reverse()
    return taken


def all_at_once(of: Bench, count: int, progress: Callable[[str], None]) -> Taken:
    names = [f"together-{number}" for number in range(count)]
    taken = Taken(up=of.up(names), down=of.down(names))
    progress(f"{count} at once: env-up until {max(taken.up):.1f} s, env-down until {max(taken.down):.1f} s")
    return taken


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    rounds: Annotated[int, typer.Option(min=0, help="How often each way is taken; the median counts.")] = 2,
    together: Annotated[int, typer.Option(min=0, help="So many at once.")] = 0,
    beside: Annotated[int, typer.Option(min=0, help="So many side by side, one more each time.")] = 0,
    sequence: Annotated[int, typer.Option(min=0, help="So many in sequence.")] = 0,
    ingress_address: IngressAddressOption = "127.0.0.1",
    as_json: JsonOption = False,
    log: LogOption = None,
) -> None:
    """Time environments that live as long as a branch."""
    before = report.machine()

    def progress(line: str) -> None:
        typer.echo(line, err=True)

    parts: list[tuple[str, int, Callable[[Bench, int, Callable[[str], None]], Taken]]] = [
        ("one", rounds, compare),
        ("at once", together, all_at_once),
        ("side by side", beside, side_by_side),
        ("in sequence", sequence, one_after_another),
    ]
    with bench(ingress_address, log) as of:
        results = {name: measure(of, count, progress) for name, count, measure in parts if count}
    if as_json:
        report.show_json({"machine": before, "results": {name: vars(taken) for name, taken in results.items()}})
        return
    report.show(
        "Seconds of environments",
        ("", "env-up", "by hand", f"ratio (at most {TARGET_RATIO})", f"env-down (at most {TARGET_DOWN_SECONDS:.0f})"),
        [row(name, taken) for name, taken in results.items()],
        f"median (least-most) on {before['cores']} cores, load {before['load']} before",
    )


def row(name: str, taken: Taken) -> tuple[str, ...]:
    hand = report.spread(taken.by_hand) if taken.by_hand else ""
    ratio = report.verdict(report.ratio(taken.up, taken.by_hand), TARGET_RATIO) if taken.by_hand else ""
    return name, report.spread(taken.up), hand, ratio, report.spread(taken.down)


if __name__ == "__main__":
    app()
