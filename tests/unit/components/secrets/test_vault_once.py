"""The dynamic providers, against a Vault that answers like the real one (end-to-end tests use the real one)."""

from typing import Any

import hvac.exceptions
import pytest

from components.secrets import vault_once
from components.secrets.vault_once import MountProvider, SaltKeyProvider, VaultMount, VaultRefusalError, VaultSaltKey
from tests.recording import run

SALT = {
    "mount": "litellm",
    "path": "dev/salt",
    "property": "salt-key",
    "length": 48,
    "connection": {"address": "http://v"},
}
MOUNT: dict[str, Any] = {"path": "litellm", "connection": {"address": "http://v"}}


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


def test_a_write_that_vault_refuses_for_another_reason_is_no_adoption(
    vault: FakeVault, monkeypatch: pytest.MonkeyPatch
):
    def refuse(**_: Any) -> None:
        raise hvac.exceptions.InvalidRequest("the mount is being upgraded")

    vault.documents["litellm/dev/salt"] = {"salt-key": "sk-old"}
    monkeypatch.setattr(vault, "create_or_update_secret", refuse)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="upgraded"):
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


def test_a_refresh_finds_the_salt_key_and_does_not_read_it(vault: FakeVault):
    created = SaltKeyProvider().create(SALT)
    found = SaltKeyProvider().read("litellm/dev/salt#salt-key", created.outs or {})
    assert (found.id, found.outs) == ("litellm/dev/salt#salt-key", SALT)


def test_a_refresh_keeps_in_mind_that_a_salt_key_was_adopted(vault: FakeVault):
    vault.documents["litellm/dev/salt"] = {"salt-key": "sk-old"}
    created = SaltKeyProvider().create(SALT)
    found = SaltKeyProvider().read(created.id, created.outs or {})
    SaltKeyProvider().delete(created.id, found.outs or {})
    assert vault.documents["litellm/dev/salt"] == {"salt-key": "sk-old"}


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
    made = MountProvider().create(MOUNT)
    assert (made.id, made.outs) == ("litellm", MOUNT)


@pytest.mark.parametrize(
    "engine",
    [
        {"type": "kv", "options": {"version": "1"}},
        {"type": "kv", "options": None},
        {"type": "pki", "options": None},
        {"type": "plugin", "options": {"version": "2"}},
    ],
    ids=["version 1", "version 1 as of old", "another type", "another type, version 2"],
)
def test_an_engine_of_another_kind_is_refused(vault: FakeVault, engine: dict[str, Any]):
    vault.engines["litellm/"] = engine
    with pytest.raises(VaultRefusalError, match="KV version 2"):
        MountProvider().create(MOUNT)


def test_an_engine_that_is_used_keeps_its_settings(vault: FakeVault):
    theirs = {"type": "kv", "options": {"version": "2"}, "description": "of the platform team"}
    vault.engines["litellm/"] = theirs
    MountProvider().create(MOUNT)
    assert vault.engines == {"litellm/": theirs}


@pytest.mark.parametrize(("path", "replaces"), [("litellm", []), ("other", ["path"])])
def test_only_another_path_is_another_engine(path: str, replaces: list[str]):
    news = {"path": path, "connection": {"address": "https://other"}}
    change = MountProvider().diff("litellm", MOUNT, news)
    assert (change.changes, change.replaces) == (bool(replaces), replaces)


@pytest.mark.parametrize(("mounted", "found"), [("litellm/", "litellm"), ("other/", None)])
def test_a_refresh_sees_whether_the_engine_is_there(vault: FakeVault, mounted: str, found: str | None):
    vault.engines = {mounted: {"type": "kv", "options": {"version": "2"}}}
    read = MountProvider().read("litellm", MOUNT)
    assert (read.id, read.outs) == (found, MOUNT)


@pytest.mark.parametrize(
    ("given", "settings"),
    [
        ({}, {"namespace": None, "verify": True}),
        ({"namespace": None, "ca_cert_file": None}, {"namespace": None, "verify": True}),
        ({"namespace": "team", "ca_cert_file": "ca.pem"}, {"namespace": "team", "verify": "ca.pem"}),
    ],
    ids=["defaults", "said to be the defaults", "own"],
)
def test_vault_is_reached_as_the_connection_says_and_its_certificate_is_checked(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], settings: dict[str, Any]
):
    monkeypatch.setattr(vault_once.hvac, "Client", lambda **said: said)
    reached = vault_once.connect({"connection": {"address": "https://v"} | given})
    assert reached == {"url": "https://v", "timeout": 30} | settings


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
    assert {key: value for key, value in inputs.items() if key != "__provider"} == SALT


def test_states_that_stand_know_both_resources_by_their_types():
    """Of another type they would be others to the engine: the old ones deleted, and new ones made."""

    def program() -> None:
        VaultMount("engine", **MOUNT)
        VaultSaltKey("salt", mount="litellm", path="dev/salt", connection={"address": "http://v"})

    recorded = run(program)
    assert recorded.named("engine").type == "pulumi-python:dynamic/litellm:VaultMount"
    assert recorded.named("salt").type == "pulumi-python:dynamic/litellm:VaultSaltKey"
    assert {key: recorded.named("engine").inputs[key] for key in MOUNT} == MOUNT
