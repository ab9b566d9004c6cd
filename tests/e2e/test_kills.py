"""The engine is killed at random moments of `up`, a rotation and `destroy`: no value is lost or made twice, nothing is left.

KILLS says how often (4), KILL_SEED when: a run prints its seed, and each failure names it. Two of three kills are of stacks
that only write documents, which is quick: one has its values in Pulumi's state, the other in Vault alone.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.support import Project, Vault, killed, kubectl, objects

KILLS = int(os.environ.get("KILLS") or 4)
SEED = int(os.environ.get("KILL_SEED") or random.randrange(1_000_000))

SMALL: dict[str, Any] = {
    "protect": False,
    "database": {"storage": None, "resources": {"cpu": "50m", "memory": "256Mi"}},
    "redis": {"kind": "none"},
    "gateway": {
        "allowMemoryBelowFloor": True,
        "resources": {"cpu": "100m", "memory": "1Gi"},
        "preStopSeconds": 0,
        "models": [{"name": "mock", "provider": "mock", "response": "Hello."}],
    },
}
WHOLE = {"killed-whole": SMALL | {"externalSecrets": {"install": True}, "ingress": {"host": "killed.localhost"}}}
WRITING = {
    f"killed-{where}": SMALL
    | {
        "gitops": True,
        "secrets": {"generation": where},
        "ingress": {"host": f"{where}.localhost"},
    }
    for where in ("state", "store")
}
LASTS = {"killed-whole": 40.0}
"""Seconds within which a run is killed; 15 for the others."""

Values = dict[str, dict[str, str]]


def values(vault: Vault, stack: str) -> Values:
    return {document: vault.read("litellm", f"{stack}/{document}") for document in vault.list("litellm", stack)}


def every_master_key(vault: Vault, stack: str) -> list[str]:
    """The different ones of all versions that Vault has."""
    path = f"{stack}/api-keys"
    kv = vault.client.secrets.kv.v2
    versions = kv.read_secret_metadata(path=path, mount_point="litellm")["data"]["versions"]
    found = [
        kv.read_secret_version(path=path, mount_point="litellm", version=each, raise_on_deleted_version=True)["data"][
            "data"
        ]
        for each in versions
    ]
    return sorted({each["master-key"] for each in found if "master-key" in each})


def unknown(project: Project, stack: str) -> list[str]:
    """What the stack's namespace has and its state does not know, but for what follows from objects that it does know."""
    known = project.pulumi("stack", "export", "--stack", stack)
    namespace = f"litellm-{stack}"
    kinds = "externalsecrets,secretstores.external-secrets.io,jobs,deployments,statefulsets,services,configmaps,serviceaccounts"
    there = [(each["kind"], each["metadata"]["name"]) for each in objects(kinds, "-n", namespace)]
    ours = [(kind, name) for kind, name in there if name not in ("default", "kube-root-ca.crt")]
    secrets = {each["metadata"]["name"] for each in objects("secrets", "-n", namespace)}
    external = {name for kind, name in ours if kind == "ExternalSecret"}
    return [f"{kind} {name}" for kind, name in ours if f'"{namespace}/{name}"' not in known] + sorted(
        secrets - external
    )


class Trial:
    """A stack that is killed again and again."""

    def __init__(self, project: Project, vault: Vault, stack: str, config: dict[str, Any]) -> None:
        self.project, self.vault, self.stack, self.config = project, vault, stack, config
        self.rotations = self.change = 0
        self.took = ""
        """How long the command ran that was killed, and what went on after it."""
        self.write()

    def write(self) -> None:
        gateway = self.config["gateway"] | {"environment": {"CHANGE": str(self.change)}}
        changed = {"gateway": gateway, "keys": {"master": {"rotation": self.rotations}}}
        self.project.write_stack(self.stack, self.config | changed)

    def kill(self, verb: str, seconds: float) -> None:
        """Begin it, end it in the middle, and do what docs/runbooks/interrupted-up.md says."""
        begun = time.monotonic()
        killed(self.project, verb, self.stack, lambda: time.monotonic() >= begun + seconds)
        ended = time.monotonic()
        self.project.make("recover", self.stack, arguments="--force")
        # Where Helm was killed, `up` says just this.
        pending = "owner=helm,name=external-secrets,status in (pending-install,pending-upgrade)"
        kubectl("delete", "secret", "-n", "external-secrets", "-l", pending)
        recovered = time.monotonic()
        self.project.make(verb, self.stack)
        again = time.monotonic()
        parts = {"killed": ended - begun, "recover": recovered - ended, verb: again - recovered}
        self.took = ", ".join(f"{what} {taken:.0f} s" for what, taken in parts.items())

    def up(self, seconds: float) -> None:
        self.change += 1
        self.write()
        before, keys = values(self.vault, self.stack), every_master_key(self.vault, self.stack)
        self.kill("up", seconds)
        assert values(self.vault, self.stack) == before
        assert every_master_key(self.vault, self.stack) == keys
        self.is_in_order()

    def rotation(self, seconds: float) -> None:
        self.rotations += 1
        self.write()
        before, keys = values(self.vault, self.stack), every_master_key(self.vault, self.stack)
        self.kill("up", seconds)
        after = values(self.vault, self.stack)
        assert {name: each for name, each in after.items() if name != "api-keys"} == {
            name: each for name, each in before.items() if name != "api-keys"
        }
        new = after["api-keys"]["master-key"]
        assert new not in keys
        assert set(every_master_key(self.vault, self.stack)) == {*keys, new}
        self.is_in_order()

    def destroy(self, seconds: float) -> None:
        salt = self.vault.read("litellm", f"{self.stack}/salt")
        self.kill("destroy", seconds)
        assert values(self.vault, self.stack) == {"salt": salt}
        assert self.leftovers() == []
        self.project.make("up", self.stack)
        assert self.vault.read("litellm", f"{self.stack}/salt") == salt
        self.is_in_order()

    def is_in_order(self) -> None:
        assert self.project.changes(self.stack, "--refresh") == []
        if self.stack in WHOLE:
            assert unknown(self.project, self.stack) == []

    def leftovers(self) -> list[str]:
        there = self.vault.everything()
        found = [f"litellm-{self.stack}"] if f"litellm-{self.stack}" in there["policies"] else []
        found += [f"kubernetes-{self.stack}/"] if f"kubernetes-{self.stack}/" in there["auth"] else []
        spaces = {each["metadata"]["name"] for each in objects("namespaces")}
        return found + [name for name in (f"litellm-{self.stack}",) if name in spaces]


@pytest.fixture(scope="module")
def trial(project: Project, vault: Vault) -> Iterator[Callable[[str], Trial]]:
    """A stack that is up, by its name; the first one in the cluster has the operator."""
    made: dict[str, Trial] = {}

    def of(stack: str) -> Trial:
        if stack not in made:
            made[stack] = Trial(project, vault, stack, {**WHOLE, **WRITING}[stack])
            project.make("up", stack)
        return made[stack]

    yield of
    for stack in reversed(made):
        project.make("destroy", stack, check=False)


@pytest.mark.parametrize("number", range(KILLS))
def test_killed_at_a_random_moment_nothing_is_lost_made_twice_or_left(trial: Callable[[str], Trial], number: int):
    dice = random.Random(f"{SEED}-{number}")
    stack = dice.choice([*WRITING]) if number % 3 else next(iter(WHOLE))
    verb, seconds = dice.choice(("up", "rotation", "rotation", "destroy")), dice.uniform(2, LASTS.get(stack, 15))
    where = f"seed {SEED}, number {number}: {verb} of {stack} killed at {seconds:.1f} s"
    killing, begun = trial(stack), time.monotonic()
    try:
        getattr(killing, verb)(seconds)
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from error
    print(f"{where}; in order after {time.monotonic() - begun:.0f} s, of which {killing.took}")
