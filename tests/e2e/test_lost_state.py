"""A state is lost, and everything that it knew is still there: the stack is taken over, and not one value is made anew.

The tests build on each other.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support import Project, Vault, completion, kubectl, objects, psql

STACK, NAMESPACE = "lost", "litellm-lost"

CONFIG: dict[str, Any] = {
    "protect": False,
    "secrets": {"vault": {"prefix": STACK}, "generation": "state"},
    "database": {"storage": "1Gi"},
    "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "128Mi"}},
    "gateway": {
        "allowMemoryBelowFloor": True,
        "resources": {"cpu": "100m", "memory": "1536Mi"},
        "models": [{"name": "mock", "provider": "mock", "response": "Hello."}],
    },
    "ingress": {"host": "lost.localhost"},
}
TAKING_OVER = CONFIG | {"secrets": {"vault": {"prefix": STACK, "adopt": True}, "generation": "state"}}


def values(vault: Vault) -> dict[str, dict[str, str]]:
    return {document: vault.read("litellm", f"{STACK}/{document}") for document in vault.list("litellm", STACK)}


def identities(*kinds: str) -> dict[str, str]:
    """What is there of these kinds, by its name."""
    return {each["metadata"]["name"]: each["metadata"]["uid"] for each in objects(",".join(kinds), "-n", NAMESPACE)}


@pytest.fixture(scope="module")
def before(project: Project, vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The values of a stack that runs, whose state is lost then."""
    project.write_stack(STACK, CONFIG)
    project.make("up", STACK)
    psql(NAMESPACE, "CREATE TABLE kept (number int); INSERT INTO kept VALUES (7)")
    known = project.environment["PULUMI_BACKEND_URL"]
    empty: Path = tmp_path_factory.mktemp("empty")
    project.environment["PULUMI_BACKEND_URL"] = f"file://{empty}"
    yield values(vault)
    project.make("destroy", STACK, check=False)
    project.environment["PULUMI_BACKEND_URL"] = known
    project.run(["pulumi", "stack", "rm", "--yes", "--force", "--stack", STACK], project.environment, check=False)


def test_it_is_recognised_before_anything_is_written(project: Project, vault: Vault, before: dict[str, Any]):
    there = identities("pods", "externalsecrets", "jobs")
    done = project.make("up", STACK, check=False)
    assert done.returncode != 0
    said = " ".join((done.stdout + done.stderr).split())
    assert "stack lost is in namespace litellm-lost already, and its state knows nothing of it" in said
    assert "set litellm:secrets.vault.adopt to true" in said
    assert identities("pods", "externalsecrets", "jobs") == there
    assert values(vault) == before


def test_another_salt_key_is_refused(project: Project, vault: Vault, before: dict[str, Any]):
    vault.write("litellm", "shared/of-another-stack", **{"salt-key": "sk-not-the-salt-key-of-this-stack"})
    of_another = {"salt": {"existing": {"document": "shared/of-another-stack", "property": "salt-key"}}}
    project.write_stack(STACK, TAKING_OVER | {"keys": of_another})
    done = project.make("up", STACK, check=False)
    assert done.returncode != 0
    assert "asks for another salt key than this stack has, which is litellm/lost/salt" in " ".join(
        (done.stdout + done.stderr).split()
    )


def test_one_up_takes_it_over_with_every_value(project: Project, vault: Vault, before: dict[str, Any]):
    volumes = identities("persistentvolumeclaims")
    project.write_stack(STACK, TAKING_OVER)
    project.make("up", STACK)
    assert values(vault) == before
    assert identities("persistentvolumeclaims") == volumes
    assert psql(NAMESPACE, "SELECT number FROM kept") == "7"
    url = project.outputs(STACK)["url"]
    assert completion(url, before["api-keys"]["master-key"]).status_code == 200


def test_nothing_is_left_of_what_the_lost_state_knew(project: Project, before: dict[str, Any]):
    known = project.pulumi("stack", "export", "--stack", STACK)
    left = identities("externalsecrets", "secretstores.external-secrets.io", "jobs")
    assert [name for name in left if f'"{NAMESPACE}/{name}"' not in known] == []
    assert project.changes(STACK, "--refresh") == []


def test_it_goes_as_any_other(project: Project, vault: Vault, before: dict[str, Any]):
    project.make("destroy", STACK)
    assert vault.list("litellm", STACK) == ["salt"]
    assert not kubectl("get", "namespace", NAMESPACE, check=False).stdout
