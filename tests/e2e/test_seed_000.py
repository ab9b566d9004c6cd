"""docs/seeds/000.md: documents that somebody put into Vault by hand, adopted as they are, and the steps that verify it."""

import base64
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import hvac.exceptions
import pytest

from tests.e2e.seeds import example, postgres, small
from tests.e2e.support import Project, Vault, completion, eventually, kubectl, objects, token_of

STACK, NAMESPACE, SERVERS, MOUNT = "seed000", "ai-services", "seed000-servers", "seed000"
MODEL = "gpt-3.5-turbo"


def key() -> str:
    return f"sk-{secrets.token_hex(24)}"


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    return {name: key() for name in ("master-key", "salt-key", "openai-key", "anthropic-key")}


@pytest.fixture(scope="module")
def stack(project: Project, vault: Vault, keys: dict[str, str]) -> Iterator[str]:
    """The example, with the engine and the addresses of this cluster."""
    config: dict[str, Any] = example("seed-000")
    vault.mount(MOUNT)
    vault.write(MOUNT, "api-keys", **keys)
    with postgres(SERVERS, "litellm") as password:
        host = f"postgres.{SERVERS}.svc:5432"
        vault.write(
            MOUNT, "database", url=f"postgresql://litellm:{quote(password, safe='')}@{host}/litellm?sslmode=prefer"
        )
        changed = {
            "protect": False,
            "secrets": {"vault": {"mount": {"path": MOUNT, "create": False}, "policy": "seed000-policy"}},
            "externalSecrets": {"install": True, "refreshInterval": "15s"},
            "redis": {"kind": "none"},
            "gateway": small(config["gateway"]),
            "ingress": {"host": "seed000.localhost"},
        }
        project.write_stack(STACK, config | changed)
        project.make("up", STACK)
        yield STACK
        project.make("destroy", STACK, check=False)


def synced() -> dict[str, str]:
    """The newest Secret of the gateway."""
    found = objects("secrets", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=litellm-env")
    newest = max(found, key=lambda each: each["metadata"]["creationTimestamp"])
    return {name: base64.b64decode(value).decode() for name, value in newest["data"].items()}


def test_the_operator_has_synced_every_value_from_where_it_was(stack: str, keys: dict[str, str]):
    assert stack
    for external in objects("externalsecrets", "-n", NAMESPACE):
        assert [each["status"] for each in external["status"]["conditions"] if each["type"] == "Ready"] == ["True"]
    found = synced()
    assert [
        found[name] for name in ("LITELLM_MASTER_KEY", "LITELLM_SALT_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY")
    ] == [keys[name] for name in ("master-key", "salt-key", "openai-key", "anthropic-key")]


def test_the_url_of_the_database_is_the_one_of_the_document(stack: str, vault: Vault):
    assert stack
    assert synced()["DATABASE_URL"] == vault.read(MOUNT, "database")["url"]


def test_the_pods_run(stack: str):
    assert stack
    kubectl("rollout", "status", "deployment/litellm", "-n", NAMESPACE, "--timeout=5s")


def test_the_gateway_answers_with_the_key_that_was_there(project: Project, stack: str, keys: dict[str, str]):
    url = project.outputs(stack)["url"]
    assert project.make("key", stack).stdout.strip() == keys["master-key"]
    assert completion(url, keys["master-key"], MODEL).ok
    assert not completion(url, key(), MODEL).ok


def test_the_operators_identity_reads_these_two_documents_and_no_other(project: Project, vault: Vault, stack: str):
    assert stack
    vault.write(MOUNT, "of-others", value="x")
    client = vault.log_in(f"kubernetes-{STACK}", f"litellm-{STACK}", token_of(NAMESPACE, "secret-reader", "vault"))
    for name in ("api-keys", "database"):
        client.secrets.kv.v2.read_secret_version(path=name, mount_point=MOUNT, raise_on_deleted_version=True)
    with pytest.raises(hvac.exceptions.Forbidden):
        client.secrets.kv.v2.read_secret_version(path="of-others", mount_point=MOUNT, raise_on_deleted_version=True)


def test_a_key_that_is_changed_in_vault_is_in_the_cluster_within_the_refresh_interval(
    stack: str, vault: Vault, keys: dict[str, str]
):
    assert stack
    another = key()
    vault.write(MOUNT, "api-keys", **{**keys, "openai-key": another})
    eventually(lambda: synced()["OPENAI_API_KEY"] == another, "the new key is in the Secret", 40)


def test_a_second_up_changes_nothing_and_nothing_was_written(project: Project, vault: Vault, stack: str):
    assert project.changes(stack, "--refresh") == []
    assert sorted(vault.list(MOUNT, "")) == ["api-keys", "database", "of-others"]
