"""Wall time and peak memory of a `pulumi preview` without changes, against a plain program that registers the same resources.

`python -m bench.preview --rounds 5`: see bench/README.md.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from subprocess import run
from typing import Annotated, Any

import typer

from bench import report
from bench.options import JsonOption
from bench.plain import plain
from bench.process_group import Usage, measure
from bench.workspace import MOUNT, ROOT, Workspace, workspace

DEV, PROD, BASELINE = "bench-dev", "bench-prod", "bench-baseline"
TARGET_RATIO = 1.15
"""Against the plain program of the same resources."""

PLAIN = "-plain"
MEGABYTE = 1_000_000

PROVIDERS_DOCUMENT = "shared/providers"

PROGRAM = '''\
"""One resource of each provider that the project uses."""

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_random as random
import pulumi_vault as vault

from nothing import Nothing

cluster = kubernetes.Provider("kubernetes", cluster_identifier="bench-baseline")
store = vault.Provider("vault", skip_child_token=True)
generator = random.Provider("random")

kubernetes.core.v1.Namespace(
    "namespace", metadata={"name": "bench-baseline"}, opts=pulumi.ResourceOptions(provider=cluster)
)
vault.Policy(
    "policy", name="bench-baseline", policy='path "a" { capabilities = ["read"] }', opts=pulumi.ResourceOptions(provider=store)
)
random.RandomPassword("password", length=40, opts=pulumi.ResourceOptions(provider=generator))
Nothing("nothing")
'''

DYNAMIC = """\
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class NothingProvider(ResourceProvider):
    def create(self, props):
        return CreateResult("nothing", props)


class Nothing(Resource):
    def __init__(self, name):
        super().__init__(NothingProvider(), name, {})
"""


@dataclass
class Previews:
    """What the previews of one program took, round by round."""

    usages: list[Usage] = field(default_factory=list[Usage])

    @property
    def seconds(self) -> list[float]:
        return [usage.seconds for usage in self.usages]

    @property
    def megabytes(self) -> list[float]:
        return [usage.peak_bytes / MEGABYTE for usage in self.usages]

    def typical(self) -> Usage:
        """The one with the median of memory."""
        return sorted(self.usages, key=lambda usage: usage.peak_bytes)[len(self.usages) // 2]


def prod_that_fits(bench: Workspace) -> dict[str, Any]:
    """Production on a small cluster: the same resources, but with the Postgres of the other stack, and with small pods."""
    return {
        # The pod that restarts others is beside the question.
        "secrets": {"vault": {"address": os.environ["VAULT_ADDR"]}, "reload": "none"},
        "keys": {"salt": {"retain": True}},
        "externalSecrets": {"install": False},
        "database": {
            "host": f"postgres.{bench.stacks[0].namespace}.svc",
            "sslmode": "prefer",
            "maxConnections": 100,
            "admin": {"document": f"{DEV}/database-admin"},
            "name": "prod",
            "username": "prod",
        },
        "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "128Mi"}},
        "gateway": {
            "allowMemoryBelowFloor": True,
            "resources": {"cpu": "100m", "memory": "1Gi"},
            "preStopSeconds": 0,
            "databaseConnectionPoolLimit": 5,
        },
        # No controller of this class has to be there.
        "ingress": {"className": "nginx", "waitForAddress": False},
    }


def deploy(bench: Workspace, progress: Callable[[str], None]) -> dict[str, list[str]]:
    """Bring everything up; returns the command that previews each program."""
    project, vault = bench.project, bench.vault
    progress("deploying dev")
    dev = {
        "externalSecrets": {"install": True},
        "ingress": {"host": f"{DEV}.localhost"},
        "networkPolicy": {"database": [{"namespace": f"litellm-{PROD}"}]},
    }
    bench.add_stack(DEV, "dev", dev)
    project.make("up", DEV)
    progress("deploying prod, made to fit")
    vault.write(MOUNT, PROVIDERS_DOCUMENT, **{"openai-key": "sk-no-key", "anthropic-key": "sk-no-key"})
    bench.add_stack(PROD, "vault-production", prod_that_fits(bench), ROOT / "examples")
    project.make("up", PROD)
    progress("deploying the minimal program")
    baseline = write_baseline(project.folder / "baseline")
    in_baseline = ("--cwd", str(baseline), "--stack", BASELINE)
    project.pulumi("stack", "init", "--non-interactive", *in_baseline)
    project.pulumi("up", "--yes", "--skip-preview", "--non-interactive", *in_baseline)
    quiet = ("--non-interactive", "--expect-no-changes")
    return {
        "minimal program": ["pulumi", "preview", *in_baseline, *quiet],
        "dev": ["pulumi", "preview", "--stack", DEV, "--config-file", merged_file(bench, DEV), *quiet],
        "dev, plain": ["pulumi", "preview", *add_plain(bench, DEV, progress), *quiet],
        "prod": ["pulumi", "preview", "--stack", PROD, "--config-file", merged_file(bench, PROD), *quiet],
        "prod, plain": ["pulumi", "preview", *add_plain(bench, PROD, progress), *quiet],
    }


def add_plain(bench: Workspace, stack: str, progress: Callable[[str], None]) -> tuple[str, ...]:
    """The plain program of a stack, with a state of its own that knows the same objects; returns how to name it."""
    progress(f"writing the plain program of {stack}")
    project, folder = bench.project, bench.project.folder / f"{stack}{PLAIN}"
    # Not with `project.pulumi`, which keeps what was printed: this is the state with its values.
    export = ["pulumi", "stack", "export", "--show-secrets", "--stack", stack]
    done = run(export, cwd=project.folder, env=project.environment, check=True, capture_output=True, timeout=60)
    made = plain(json.loads(done.stdout), f"{stack}{PLAIN}")
    made.write(folder, ROOT / ".venv")
    state = folder / "state.json"
    state.touch(0o600)
    state.write_text(json.dumps(made.deployment))
    named = ("--cwd", str(folder), "--stack", f"{stack}{PLAIN}")
    project.pulumi("stack", "init", "--non-interactive", *named)
    project.pulumi("stack", "import", "--non-interactive", "--file", str(state), *named)
    state.unlink()
    return named


def merged_file(bench: Workspace, stack: str) -> str:
    """The stack file that `make` gives to Pulumi."""
    (path,) = (bench.project.folder / ".state").glob(f"*/Pulumi.{stack}.yaml")
    return str(path)


def write_baseline(folder: Path) -> Path:
    folder.mkdir()
    (folder / "__main__.py").write_text(PROGRAM)
    (folder / "nothing.py").write_text(DYNAMIC)
    # The folder's own version of the SDK and the same way to start it as the project's.
    options = {"toolchain": "pip", "virtualenv": str(ROOT / ".venv")}
    runtime = {"name": "python", "options": options}
    config = {"pulumi:disable-default-providers": {"value": ["kubernetes", "vault", "random"]}}
    (folder / "Pulumi.yaml").write_text(json.dumps({"name": "baseline", "runtime": runtime, "config": config}))
    return folder


def undeploy(bench: Workspace, progress: Callable[[str], None]) -> None:
    progress("destroying everything")
    # Of the plain programs nothing: their objects are those of the stacks, and their states go with the folder.
    folder = bench.project.folder / "baseline"
    if folder.exists():
        bench.project.pulumi(
            "destroy", "--yes", "--skip-preview", "--non-interactive", "--cwd", str(folder), "--stack", BASELINE
        )
    bench.project.make("destroy", PROD)
    bench.vault.client.secrets.kv.v2.delete_metadata_and_all_versions(path=PROVIDERS_DOCUMENT, mount_point=MOUNT)
    bench.project.make("destroy", DEV)


def compare(rounds: int, progress: Callable[[str], None]) -> dict[str, Previews]:
    with workspace(("pulumi", "make", "kubectl", "helm")) as bench:
        commands = deploy(bench, progress)
        results = {name: Previews() for name in commands}
        # The first round fills caches and writes bytecode; it does not count.
        for number in range(rounds + 1):
            for name, command in commands.items():
                folder = bench.project.folder
                usage = measure(command, folder, bench.project.environment)
                if number:
                    results[name].usages.append(usage)
                    progress(f"{name}: {usage.seconds:.2f} s, {usage.peak_bytes / MEGABYTE:.0f} MB")
        undeploy(bench, progress)
    return results


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    rounds: Annotated[int, typer.Option(min=1, help="How often each program is previewed; the median counts.")] = 7,
    as_json: JsonOption = False,
) -> None:
    """Compare previews without changes with those of a plain program of the same resources."""
    before = report.machine()
    results = compare(rounds, progress=lambda line: typer.echo(line, err=True))
    if as_json:
        report.show_json(
            {
                "machine": before,
                "target": TARGET_RATIO,
                "programs": {name: as_data(taken, floor(name, results)) for name, taken in results.items()},
            }
        )
    else:
        report.show(
            "`pulumi preview` without changes",
            ("", "seconds", "ratio", "peak MB", "ratio"),
            [row(name, taken, floor(name, results)) for name, taken in results.items()],
            f"median of {rounds} on {before['cores']} cores, load {before['load']} before; ratio at most {TARGET_RATIO}",
        )


def floor(name: str, results: Mapping[str, Previews]) -> Previews:
    """What a program is measured against: the plain program of its stack, and where there is none, the minimal one."""
    return results.get(f"{name}, plain") or results["minimal program"]


def row(name: str, taken: Previews, baseline: Previews) -> tuple[str, ...]:
    ratios = [
        report.verdict(report.ratio(ours, theirs), TARGET_RATIO)
        for ours, theirs in ((taken.seconds, baseline.seconds), (taken.megabytes, baseline.megabytes))
    ]
    return name, report.spread(taken.seconds), ratios[0], f"{median(taken.megabytes):.0f}", ratios[1]


def as_data(taken: Previews, baseline: Previews) -> dict[str, Any]:
    return {
        "seconds": taken.seconds,
        "secondsRatio": round(report.ratio(taken.seconds, baseline.seconds), 3),
        "peakMegabytes": [round(value) for value in taken.megabytes],
        "memoryRatio": round(report.ratio(taken.megabytes, baseline.megabytes), 3),
        "processesAtPeakMegabytes": {name: round(size / MEGABYTE) for name, size in taken.typical().processes.items()},
    }


if __name__ == "__main__":
    app()
