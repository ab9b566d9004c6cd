"""Seconds from a rotation to the moment when all pods have the new value: by `make up`, and after a change in Vault.

`python -m bench.rotation --rounds 3`: see bench/README.md.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from bench import report
from bench.options import JsonOption, LogOption
from bench.workspace import MOUNT, Workspace, workspace
from tests.e2e.support import kubectl, objects
from tools.engine.stack_file import merge

TARGET = 1.3
LIMIT_SECONDS = 400
PAUSE_SECONDS = 0.2
REFRESH_SECONDS = 15

NAME = "bench"
OF_OTHERS = f"{NAME}/of-others"
PROGRAMS = ("pulumi", "kubectl", "helm", "make")
PODS = ("-l", "app.kubernetes.io/name=litellm")

GATEWAY: dict[str, Any] = {
    "replicas": 2,
    "allowMemoryBelowFloor": True,
    "resources": {"cpu": "100m", "memory": "1536Mi"},
}
CONFIG: dict[str, Any] = {
    "gateway": GATEWAY,
    "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "128Mi"}},
    "secrets": {"reload": "restarter"},
    "externalSecrets": {"refreshInterval": f"{REFRESH_SECONDS}s"},
    "secretEnvironment": {"BENCH_KEY": {"document": OF_OTHERS, "property": "key"}},
}

ROTATIONS: Mapping[str, Callable[[int], dict[str, Any]]] = {
    "master key": lambda count: {"keys": {"master": {"rotation": count}}},
    "database password": lambda count: {"database": {"rotation": count}},
    "Redis password": lambda count: {"redis": {"rotation": count}},
}
"""What `up` rotates, and what says so."""

BARE, OUTSIDE = "bare rollout", "change in Vault"


@dataclass
class Taken:
    """What was measured, in seconds."""

    rollouts: list[float] = field(default_factory=list[float])
    """Of `kubectl rollout restart` of the same Deployment, to its end."""

    ups: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """From `make up` to the last pod on the new value, by what it rotates."""

    whole_ups: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    """The same to the end of `make up`, which goes on until the user of before is locked."""

    outside: list[float] = field(default_factory=list[float])
    """From the write into Vault to the last pod on the new value."""

    def ratios(self) -> dict[str, float]:
        """Each `up` against the bare rollout."""
        return {what: report.ratio(taken, self.rollouts) for what, taken in self.ups.items()}


def is_done(deployment: Mapping[str, Any], before: frozenset[str], now: frozenset[str]) -> bool:
    """Whether a Deployment has all the pods that it should have, and none of those of before.

    Args:
        before: the pods that were there, by their UIDs.
        now: those that serve: pods that are about to go are none of them.
    """
    status, wanted = deployment["status"], deployment["spec"]["replicas"]
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    counts = [status.get(name, 0) for name in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")]
    return seen and counts == [wanted] * 4 and len(now) == wanted and not before & now


@dataclass
class Rotations:
    """A stack whose secrets change."""

    workspace: Workspace
    namespace: str
    counts: dict[str, int] = field(default_factory=dict[str, int])

    def pods(self) -> frozenset[str]:
        found = objects("pods", "-n", self.namespace, *PODS)
        return frozenset(each["metadata"]["uid"] for each in found if not each["metadata"].get("deletionTimestamp"))

    def deployment(self) -> dict[str, Any]:
        return json.loads(kubectl("get", "deployment", "litellm", "-n", self.namespace, "-o", "json").stdout)

    def replaced(self, begin: Callable[[], Any]) -> tuple[float, float]:
        """Seconds until all pods are others, and until what began it is done."""
        before, begun = self.pods(), time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(begin)
            while not is_done(self.deployment(), before, self.pods()):
                if running.done():
                    running.result()
                if time.monotonic() - begun > LIMIT_SECONDS:
                    raise RuntimeError(f"not all pods are others within {LIMIT_SECONDS} seconds")
                time.sleep(PAUSE_SECONDS)
            taken = time.monotonic() - begun
            running.result()
        return taken, time.monotonic() - begun

    def rollout(self) -> float:
        return self.replaced(lambda: kubectl("rollout", "restart", "deployment/litellm", "-n", self.namespace))[0]

    def up(self, what: str) -> tuple[float, float]:
        self.counts[what] = self.counts.get(what, 0) + 1
        file = self.workspace.project.folder / f"Pulumi.{NAME}.yaml"
        changes = {f"litellm:{key}": value for key, value in ROTATIONS[what](self.counts[what]).items()}
        file.write_text(json.dumps(merge(json.loads(file.read_text()), {"config": changes})))
        return self.replaced(lambda: self.workspace.project.make("up", NAME))

    def change(self) -> float:
        value = f"bench-{secrets.token_hex(16)}"
        return self.replaced(lambda: self.workspace.vault.write(MOUNT, OF_OTHERS, key=value))[0]


def measure(of: Rotations, rounds: int, progress: Callable[[str], None]) -> Taken:
    taken = Taken()
    for _ in range(rounds):
        taken.rollouts.append(of.rollout())
        progress(f"{BARE}: {taken.rollouts[-1]:.1f} s")
        for what in ROTATIONS:
            pods, end = of.up(what)
            taken.ups.setdefault(what, []).append(pods)
            taken.whole_ups.setdefault(what, []).append(end)
            progress(f"{what}: {pods:.1f} s ({end:.1f} s to the end of the command)")
        taken.outside.append(of.change())
        progress(f"{OUTSIDE}: {taken.outside[-1]:.1f} s")
    return taken


def rows(taken: Taken) -> list[tuple[str, str, str, str]]:
    ratios = taken.ratios()
    return [
        (BARE, report.spread(taken.rollouts), "", ""),
        *(
            (
                f"up: {what}",
                report.spread(seconds),
                report.verdict(ratios[what], TARGET),
                report.spread(taken.whole_ups[what]),
            )
            for what, seconds in taken.ups.items()
        ),
        (f"{OUTSIDE} (read again every {REFRESH_SECONDS} s)", report.spread(taken.outside), "", ""),
    ]


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each is taken; the median counts.")] = 2,
    as_json: JsonOption = False,
    log: LogOption = None,
) -> None:
    """Time rotations until all pods have the new value."""
    before = report.machine()
    with workspace(PROGRAMS) as bench:
        bench.vault.mount(MOUNT)
        bench.vault.write(MOUNT, OF_OTHERS, key="bench-first")
        stack = bench.add_stack(NAME, "dev", CONFIG)
        bench.project.make("up", NAME)
        try:
            taken = measure(Rotations(bench, stack.namespace), rounds, lambda line: typer.echo(line, err=True))
        finally:
            if log:
                log.write_text("\n".join(bench.project.log))
    if as_json:
        report.show_json(
            {"machine": before, "refreshSeconds": REFRESH_SECONDS, **vars(taken), "ratios": taken.ratios()}
        )
        return
    report.show(
        "Seconds of a rotation until all pods have the new value",
        ("", "seconds", f"ratio (at most {TARGET})", "to the end of `up`"),
        rows(taken),
        f"median (least-most) on {before['cores']} cores, load {before['load']} before",
    )


if __name__ == "__main__":
    app()
