"""A stack that an earlier commit of this project deployed lives on with a later one.

    make upgrade FROM=<commit> [TO=<commit>]

Without FROM: the last state of main before the program got rooms of its own. Without TO: the work tree.
"""

import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT
from tests.e2e.support import Project, Vault, completion, eventually, kubectl

FIRST = "38a90a3"
FROM = os.environ.get("UPGRADE_FROM") or FIRST
TO = os.environ.get("UPGRADE_TO", "")
STACK = "living"
NAMESPACE = f"litellm-{STACK}"

CONFIG: dict[str, Any] = {
    "protect": False,
    "externalSecrets": {"install": True},
    "database": {"storage": "1Gi", "resources": {"cpu": "50m", "memory": "256Mi"}},
    "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "128Mi"}},
    "gateway": {
        # What a release pins by default is its to change; this stack says it by itself.
        "image": "ghcr.io/berriai/litellm-non_root:v1.106.2",
        "allowMemoryBelowFloor": True,
        "resources": {"cpu": "100m", "memory": "1Gi"},
        "preStopSeconds": 0,
        "logLevel": "INFO",
        "models": [{"name": "mock", "provider": "mock", "model": "mock", "response": "Hello from LiteLLM."}],
    },
    "ingress": {"className": "traefik", "host": "living.localhost"},
}

CHANGES: Mapping[str, str] = {
    "identity": "the random part of the mark of documents that are still to be made",
    "litellm-deployment": "variables: lists that LiteLLM would fetch at its start, its address (PROXY_BASE_URL), when Python "
    "collects garbage; its disk; a relay to Postgres, and the line of hosts that leads there",
    **dict.fromkeys(
        ("postgres-server", "redis-server", "litellm-migration-job", "database-bootstrap-job"),
        "requests and limits of ephemeral storage: the servers restart, and the Jobs, which cannot be changed, run once more",
    ),
    **dict.fromkeys(
        ("litellm-migration", "litellm-migration-secret"),
        "the migration has a Secret of its own, so that it does not run again for another master key",
    ),
    "external-secrets-release": "its CRDs get the annotation with which Helm keeps them",
    "external-secrets-owner": "says whose the operator is",
    **dict.fromkeys(
        ("litellm-env-secret", "postgres-admin-secret", "postgres-role-secret", "redis-config-secret"),
        "the Secret outlives its ExternalSecret: a policy, changed in place",
    ),
    **dict.fromkeys(
        [f"network-{name}-egress" for name in ("postgres", "redis", "litellm-migration", "database-bootstrap")],
        "what servers and Jobs connect to is limited",
    ),
}
"""What an upgrade to this release may change, by the name of the resource, each with its reason."""

CONFIG_FILE = "litellm-config-"
"""How its name begins, which follows from its content: one pod with one worker counts for itself (`redis.coordination`)."""

HOLDS_DATA = (
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:core/v1:Namespace",
    "kubernetes:core/v1:PersistentVolumeClaim",
    "kubernetes:helm.sh/v3:Release",
    "pulumi-python:dynamic/litellm:VaultMount",
    "pulumi-python:dynamic/litellm:VaultSaltKey",
    "random:index/randomPassword:RandomPassword",
    "vault:kv/secretV2:SecretV2",
)
"""Types that no upgrade may replace or delete."""


def commit_at_hand(commit: str) -> bool:
    command = ["git", "-C", str(ROOT), "cat-file", "-e", f"{commit}^{{commit}}"]
    return bool(shutil.which("git")) and subprocess.run(command, check=False, capture_output=True).returncode == 0


pytestmark = pytest.mark.skipif(
    not all(commit_at_hand(commit) for commit in (FROM, TO) if commit),
    reason=f"this checkout has no commit {FROM}: fetch the whole history",
)


def checkout(commit: str, folder: Path, environment: Mapping[str, str]) -> Project:
    """A commit in a folder of its own, with the packages of its own lock."""
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    # Its bootstrap looks for uv on PATH; that of this project will do.
    path = os.pathsep.join([environment["PATH"], str(ROOT / ".venv" / "bin")])
    return Project(folder, {**environment, "PATH": path})


@pytest.fixture(scope="module")
def before(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The earlier commit, with the stack deployed."""
    old = checkout(FROM, tmp_path_factory.mktemp("before"), project.environment)
    old.write_stack(STACK, CONFIG)
    old.make("up", STACK)
    return old


@pytest.fixture(scope="module")
def after(project: Project, before: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The later one, with the same stack file and the same backend."""
    new = checkout(TO, tmp_path_factory.mktemp("after"), project.environment) if TO else project
    new.write_stack(STACK, CONFIG)
    return new


@pytest.fixture(scope="module")
def salt(before: Project, vault: Vault) -> dict[str, str]:
    return vault.read("litellm", f"{STACK}/salt")


def named(found: Sequence[Mapping[str, Any]]) -> list[str]:
    return sorted(f"{change['op']} {change['type']} {change['name']}" for change in found)


def is_config_file(change: Mapping[str, Any]) -> bool:
    return str(change["name"]).startswith(CONFIG_FILE)


def test_the_later_program_changes_nothing_but_what_its_notes_say(after: Project):
    found = after.changes(STACK)
    assert named([each for each in found if each["name"] not in CHANGES and not is_config_file(each)]) == []


def test_nothing_that_holds_data_is_replaced(after: Project):
    lost = [change for change in after.changes(STACK) if change["op"] in ("replace", "delete")]
    assert named([change for change in lost if change["type"] in HOLDS_DATA]) == []


def test_the_later_program_deploys_it(after: Project, salt: dict[str, str], vault: Vault):
    volume = claim()
    after.make("up", STACK)
    assert (claim(), vault.read("litellm", f"{STACK}/salt")) == (volume, salt)
    assert after.changes(STACK, "--refresh") == []


def test_the_later_program_rotates_its_master_key(after: Project, salt: dict[str, str], vault: Vault):
    old, url = vault.read("litellm", f"{STACK}/api-keys")["master-key"], after.outputs(STACK)["url"]
    after.write_stack(STACK, CONFIG | {"keys": {"master": {"rotation": 1}}})
    after.make("up", STACK)
    new = vault.read("litellm", f"{STACK}/api-keys")["master-key"]
    assert new != old
    eventually(lambda: completion(url, new).status_code == 200, "the new key works")
    assert vault.read("litellm", f"{STACK}/salt") == salt


def test_the_later_program_destroys_it(after: Project, salt: dict[str, str], vault: Vault):
    after.make("destroy", STACK)
    assert not kubectl("get", "namespace", NAMESPACE, check=False).stdout
    assert vault.read("litellm", f"{STACK}/salt") == salt


def claim() -> str:
    """The volume of the stack's Postgres, by its identity."""
    return kubectl("get", "pvc", "-n", NAMESPACE, "-o", "jsonpath={.items[*].metadata.uid}").stdout
