"""A stack that stands is moved to values that are made in Vault's client: no value changes, and no state has one any more.

The tests build on each other.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.support import REFUSED, Project, Vault, completion

STACK = "stored"
DOCUMENTS = {"api-keys": "master-key", "database": "password", "redis": "password", "database-admin": "password"}

CONFIG: dict[str, Any] = {
    "protect": False,
    "secrets": {"vault": {"prefix": STACK}},
    "externalSecrets": {"install": True},
    "database": {"storage": "1Gi"},
    "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "128Mi"}},
    "gateway": {
        "allowMemoryBelowFloor": True,
        "resources": {"cpu": "100m", "memory": "1536Mi"},
        "models": [{"name": "mock", "provider": "mock", "response": "Hello."}],
    },
    "ingress": {"host": "stored.localhost"},
}
IN_STORE: dict[str, Any] = CONFIG | {"secrets": {**CONFIG["secrets"], "generation": "store"}}


def values(vault: Vault) -> dict[str, str]:
    return {document: vault.read("litellm", f"{STACK}/{document}")[name] for document, name in DOCUMENTS.items()}


def in_the_state(project: Project, values: dict[str, str]) -> list[str]:
    """Documents whose value is in the state, decrypted."""
    state = project.pulumi("stack", "export", "--show-secrets", "--stack", STACK)
    return [document for document, value in values.items() if value in state]


@pytest.fixture(scope="module")
def before(project: Project, vault: Vault) -> Iterator[dict[str, str]]:
    """Its values, while Pulumi's state has them."""
    project.write_stack(STACK, CONFIG)
    project.make("up", STACK)
    found = values(vault)
    assert in_the_state(project, found) == list(DOCUMENTS)
    yield found
    project.make("destroy", STACK, check=False)


def test_one_up_moves_them_and_changes_none(project: Project, vault: Vault, before: dict[str, str]):
    project.write_stack(STACK, IN_STORE)
    project.make("up", STACK)
    assert values(vault) == before
    assert in_the_state(project, before) == []
    assert project.changes(STACK, "--refresh") == []


def test_a_rotation_makes_one_in_the_store_that_no_state_has(project: Project, vault: Vault, before: dict[str, str]):
    project.write_stack(STACK, IN_STORE | {"keys": {"master": {"rotation": 1}}})
    project.make("up", STACK)
    after = values(vault)
    assert [document for document in DOCUMENTS if after[document] != before[document]] == ["api-keys"]
    assert in_the_state(project, after) == []
    url = project.outputs(STACK)["url"]
    assert completion(url, after["api-keys"]).status_code == 200
    assert completion(url, before["api-keys"]).status_code in REFUSED
