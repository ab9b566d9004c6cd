"""The dynamic providers, against a Vault that answers like the real one (end-to-end tests use the real one)."""

from typing import Any

import hvac.exceptions
import pytest

from components.secrets import vault_once
from components.secrets.vault_once import MountProvider, SaltKeyProvider, VaultRefusalError, VaultSaltKey
from tests.recording import run

SALT = {
    "mount": "litellm",
    "path": "dev/salt",
    "property": "salt-key",
    "length": 48,
    "connection": {"address": "http://v"},
}
MOUNT = {"path": "litellm", "connection": {"address": "http://v"}}


class FakeVault:
    """Engines and KV version 2 documents in memory."""

    def __init__(self) -> None:
        self.engines: dict[str, Any] = {"litellm/": {"type": "kv", "options": {"version": "2"}}}
        self.documents: dict[str, dict[str, str]] = {}
        self.sys = self.secrets = self.kv = self.v2 = self.adapter = self

    def list_mounted_secrets_engines(self) -> dict[str, Any]:
        return {"data": self.engines}

    def enable_secrets_engine(self, backend_type: str, path: str, options: dict[str, str]) -> None:
        self.engines[f"{path}/"] = {"type": backend_type, "options": options}

    def disable_secrets_engine(self, path: str) -> None:
        del self.engines[f"{path}/"]

    def create_or_update_secret(self, path: str, mount_point: str, cas: int, secret: dict[str, str]) -> None:
        assert cas == 0
        if f"{mount_point}/{path}" in self.documents:
            raise hvac.exceptions.InvalidRequest("check-and-set parameter did not match the current version")
        self.documents[f"{mount_point}/{path}"] = secret

    def delete_metadata_and_all_versions(self, path: str, mount_point: str) -> None:
        del self.documents[f"{mount_point}/{path}"]

    def get(self, url: str) -> dict[str, Any]:
        document = self.documents.get(url.removeprefix("/v1/").replace("/subkeys/", "/"))
        if document is None:
            raise hvac.exceptions.InvalidPath
        return {"data": {"subkeys": dict.fromkeys(document)}}


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> FakeVault:
    fake = FakeVault()
    monkeypatch.setattr(vault_once, "connect", lambda props: fake)
    return fake


def test_a_salt_key_is_made_when_there_is_none(vault: FakeVault):
    SaltKeyProvider().create(SALT)
    value = vault.documents["litellm/dev/salt"]["salt-key"]
    assert value.startswith("sk-")
    assert len(value) == 51
    assert value[3:].isalnum()


def test_a_salt_key_is_adopted_and_not_overwritten(vault: FakeVault):
    vault.documents["litellm/dev/salt"] = {"salt-key": "sk-old"}
    assert SaltKeyProvider().create(SALT).id == "litellm/dev/salt#salt-key"
    assert vault.documents["litellm/dev/salt"] == {"salt-key": "sk-old"}


def test_the_state_never_holds_the_salt_key(vault: FakeVault):
    created = SaltKeyProvider().create(SALT)
    assert vault.documents["litellm/dev/salt"]["salt-key"] not in f"{created.id} {created.outs}"


def test_a_document_without_the_property_is_not_adopted(vault: FakeVault):
    vault.documents["litellm/dev/salt"] = {"other": "x"}
    with pytest.raises(VaultRefusalError, match=r"has no property 'salt-key'.*prefix"):
        SaltKeyProvider().create(SALT)


def test_moving_the_salt_key_is_refused_at_preview():
    with pytest.raises(VaultRefusalError, match=r"litellm/dev/salt#salt-key.*litellm/qa/salt.*unreadable"):
        SaltKeyProvider().diff("litellm/dev/salt#salt-key", SALT, SALT | {"path": "qa/salt"})


@pytest.mark.parametrize("change", [{"length": 64}, {"connection": {"address": "https://other"}}])
def test_settings_of_the_generator_and_of_the_connection_change_nothing(change: dict[str, Any]):
    assert SaltKeyProvider().diff("litellm/dev/salt#salt-key", SALT, SALT | change).changes is False


def test_a_lost_salt_key_is_an_error_and_not_made_anew(vault: FakeVault):
    """A refresh that says "gone" would make the next `up` generate another key, and LiteLLM's database unreadable."""
    with pytest.raises(VaultRefusalError, match="undelete"):
        SaltKeyProvider().read("litellm/dev/salt#salt-key", SALT)


def test_the_salt_key_of_a_short_lived_environment_goes_with_it(vault: FakeVault):
    SaltKeyProvider().create(SALT)
    SaltKeyProvider().delete("litellm/dev/salt#salt-key", SALT)
    assert not vault.documents


def test_a_salt_key_that_was_there_before_does_not_go_with_the_stack(vault: FakeVault):
    """The state that made it may be another one, whose gateway needs it."""
    vault.documents["litellm/dev/salt"] = {"salt-key": "sk-old"}
    created = SaltKeyProvider().create(SALT)
    SaltKeyProvider().delete(created.id, created.outs or {})
    assert vault.documents["litellm/dev/salt"] == {"salt-key": "sk-old"}


def test_an_engine_is_mounted_when_there_is_none(vault: FakeVault):
    vault.engines.clear()
    MountProvider().create(MOUNT)
    assert vault.engines == {"litellm/": {"type": "kv", "options": {"version": "2"}}}


def test_an_engine_that_is_there_is_used(vault: FakeVault):
    assert MountProvider().create(MOUNT).id == "litellm"


@pytest.mark.parametrize("engine", [{"type": "kv", "options": {"version": "1"}}, {"type": "pki", "options": None}])
def test_an_engine_of_another_kind_is_refused(vault: FakeVault, engine: dict[str, Any]):
    vault.engines["litellm/"] = engine
    with pytest.raises(VaultRefusalError, match="KV version 2"):
        MountProvider().create(MOUNT)


@pytest.mark.parametrize("documents", [{}, {"litellm/dev/salt": {"salt-key": "sk-old"}}], ids=["empty", "in use"])
def test_an_engine_outlives_the_stack(vault: FakeVault, documents: dict[str, dict[str, str]]):
    """Others may have made it, may use it, and may be about to write to one that is empty."""
    vault.documents = documents
    MountProvider().delete("litellm", MOUNT)
    assert "litellm/" in vault.engines


def test_the_resource_carries_no_value_and_no_token():
    def program() -> None:
        VaultSaltKey("salt", mount="litellm", path="dev/salt", connection={"address": "http://v"})

    inputs = run(program).named("salt").inputs
    assert {key for key in inputs if key != "__provider"} == {"mount", "path", "property", "length", "connection"}
    assert inputs["connection"] == {"address": "http://v"}
