"""Documents with values of Vault's client, against a Vault that answers like the real one."""

import json
from collections.abc import Callable
from typing import Any

import hvac.exceptions
import pytest

from components.secrets import vault_generated
from components.secrets.vault_generated import GeneratedProvider
from components.secrets.vault_once import VaultRefusalError

OURS, THEIRS = "litellm/dev/1/2", "litellm/dev/1/3"


def props(rotation: int = 0, **changed: Any) -> dict[str, Any]:
    return {
        "mount": "litellm",
        "path": "dev/database",
        "generated": {"password": {"length": 40.0, "prefix": "", "rotation": float(rotation)}},
        "given": {"username": "litellm"},
        "owner": OURS,
        "connection": {"address": "http://v"},
    } | changed


class KilledError(Exception):
    """The run ends here, and nobody hears what it did."""


class FakeVault:
    """KV version 2 documents in memory: versions, check-and-set, and metadata."""

    def __init__(self) -> None:
        self.versions: dict[str, list[dict[str, Any] | None]] = {}
        self.custom: dict[str, dict[str, str]] = {}
        self.meanwhile: list[Callable[[], None]] = []
        """What others do between the look and the write."""
        self.killed_after_write = False
        self.secrets = self.kv = self.v2 = self

    def read_secret_version(self, path: str, mount_point: str, raise_on_deleted_version: bool) -> dict[str, Any]:
        assert not raise_on_deleted_version
        found = self.versions.get(f"{mount_point}/{path}")
        if not found:
            raise hvac.exceptions.InvalidPath
        value = None if found[-1] is None else dict(found[-1])
        return {"data": {"data": value, "metadata": {"version": len(found)}}}

    def create_or_update_secret(self, path: str, mount_point: str, cas: int, secret: dict[str, str]) -> dict[str, Any]:
        if self.meanwhile:
            self.meanwhile.pop(0)()
        found = self.versions.setdefault(f"{mount_point}/{path}", [])
        if cas != len(found):
            raise hvac.exceptions.InvalidRequest("check-and-set parameter did not match the current version")
        found.append(secret)
        if self.killed_after_write:
            raise KilledError
        return {"data": {"version": len(found)}}

    def read_secret_metadata(self, path: str, mount_point: str) -> dict[str, Any]:
        place = f"{mount_point}/{path}"
        if place not in self.versions and place not in self.custom:
            raise hvac.exceptions.InvalidPath
        found = self.versions.get(place, [])
        versions = {
            str(number): {"deletion_time": "" if value is not None else "2026-01-01T00:00:00Z", "destroyed": False}
            for number, value in enumerate(found, 1)
        }
        return {
            "data": {
                "current_version": len(found),
                "versions": versions,
                "custom_metadata": self.custom.get(place),
            }
        }

    def update_metadata(self, path: str, mount_point: str, custom_metadata: dict[str, str]) -> None:
        self.custom[f"{mount_point}/{path}"] = custom_metadata

    def delete_metadata_and_all_versions(self, path: str, mount_point: str) -> None:
        del self.versions[f"{mount_point}/{path}"], self.custom[f"{mount_point}/{path}"]

    def values(self, place: str = "litellm/dev/database") -> list[str]:
        return [str(each["password"]) for each in self.versions[place] if each and "password" in each]


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> FakeVault:
    fake = FakeVault()
    monkeypatch.setattr(vault_generated, "connect", lambda props: fake)
    return fake


def made(vault: FakeVault) -> dict[str, Any]:
    return GeneratedProvider().create(props()).outs or {}


def test_a_document_is_made_with_what_is_known_and_what_is_generated(vault: FakeVault):
    assert made(vault)["version"] == "1"
    (document,) = vault.versions["litellm/dev/database"]
    assert document is not None
    assert document["username"] == "litellm"
    assert len(document["password"]) == 40


def test_the_state_never_holds_a_generated_value(vault: FakeVault):
    created = GeneratedProvider().create(props())
    updated = GeneratedProvider().update(created.id, created.outs or {}, props(1))
    said = f"{created.id} {json.dumps(created.outs)} {json.dumps(updated.outs)}"
    assert len(vault.values()) == 2
    assert not [value for value in vault.values() if value in said]


def test_a_document_is_marked_before_it_is_written(vault: FakeVault):
    marked: list[bool] = []
    vault.meanwhile = [lambda: marked.append(vault.custom["litellm/dev/database"] == {"managed-by": OURS})]
    made(vault)
    assert marked == [True]


def test_what_is_there_is_taken_over_with_its_version(vault: FakeVault):
    vault.versions["litellm/dev/database"] = [{}, {"username": "litellm", "password": "old"}]
    assert made(vault)["version"] == "2"
    assert vault.values() == ["old"]


def test_other_metadata_of_a_document_that_is_taken_over_stays(vault: FakeVault):
    vault.versions["litellm/dev/database"] = [{"username": "litellm", "password": "old"}]
    vault.custom["litellm/dev/database"] = {"team": "a", "managed-by": THEIRS}
    made(vault)
    assert vault.custom["litellm/dev/database"] == {"team": "a", "managed-by": OURS}


def test_a_place_that_was_only_taken_gets_its_values(vault: FakeVault):
    vault.versions["litellm/dev/database"] = [{}]
    assert made(vault)["version"] == "2"
    assert len(vault.values()) == 1


def test_a_rotation_writes_one_new_version(vault: FakeVault):
    updated = GeneratedProvider().update("", made(vault), props(1))
    assert (updated.outs or {})["version"] == "2"
    assert len(set(vault.values())) == 2


def test_a_rotation_that_was_killed_after_its_write_is_not_done_again(vault: FakeVault):
    olds = made(vault)
    vault.killed_after_write = True
    with pytest.raises(KilledError):
        GeneratedProvider().update("", olds, props(1))
    vault.killed_after_write = False
    again = GeneratedProvider().update("", olds, props(1))
    assert (again.outs or {})["version"] == "2"
    assert len(vault.values()) == 2


def test_a_creation_that_was_killed_after_its_write_is_not_done_again(vault: FakeVault):
    vault.killed_after_write = True
    with pytest.raises(KilledError):
        made(vault)
    vault.killed_after_write = False
    assert made(vault)["version"] == "1"
    assert len(vault.values()) == 1


def test_what_somebody_writes_meanwhile_is_not_lost(vault: FakeVault):
    olds = made(vault)

    def write() -> None:
        there = vault.versions["litellm/dev/database"]
        there.append({**(there[-1] or {}), "more": "theirs"})

    vault.meanwhile = [write]
    updated = GeneratedProvider().update("", olds, props(1))
    assert (updated.outs or {})["version"] == "3"
    last = vault.versions["litellm/dev/database"][-1] or {}
    assert last["more"] == "theirs"
    assert last["password-rotation"] == "1"


def test_of_two_rotations_at_once_one_value_is_made(vault: FakeVault):
    olds = made(vault)
    vault.meanwhile = [lambda: None]

    def other() -> None:
        GeneratedProvider().update("", olds, props(1))

    vault.meanwhile = [other]
    updated = GeneratedProvider().update("", olds, props(1))
    assert (updated.outs or {})["version"] == "2"
    assert len(vault.values()) == 2


def test_a_document_that_is_written_all_the_time_is_left_alone(vault: FakeVault):
    olds = made(vault)

    def write() -> None:
        vault.versions["litellm/dev/database"].append({"username": "litellm", "password": "theirs"})

    vault.meanwhile = [write] * 9
    with pytest.raises(VaultRefusalError, match="all the time"):
        GeneratedProvider().update("", olds, props(1))


def test_a_write_that_vault_refuses_for_another_reason_is_an_error(vault: FakeVault, monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: Any) -> None:
        raise hvac.exceptions.InvalidRequest("the mount is being upgraded")

    monkeypatch.setattr(vault, "create_or_update_secret", refuse)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="upgraded"):
        made(vault)


@pytest.mark.parametrize("work", ["create", "update", "read"])
def test_a_deleted_document_is_not_made_anew(vault: FakeVault, work: str):
    """Its values are nowhere else: whoever can undelete them would find others in their place."""
    olds = made(vault)
    vault.versions["litellm/dev/database"].append(None)
    calls: dict[str, Callable[[], Any]] = {
        "create": lambda: made(vault),
        "update": lambda: GeneratedProvider().update("", olds, props(1)),
        "read": lambda: GeneratedProvider().read("x", olds),
    }
    with pytest.raises(VaultRefusalError, match=r"undelete -mount=litellm -versions=2 dev/database.*metadata delete"):
        calls[work]()
    assert len(vault.values()) == 1


@pytest.mark.parametrize("news", [props(1), props(path="qa/database"), props(given={"username": "other"})])
def test_a_document_of_which_nothing_is_left_is_not_made_anew_by_an_update(vault: FakeVault, news: dict[str, Any]):
    olds = made(vault)
    vault.delete_metadata_and_all_versions("dev/database", "litellm")
    with pytest.raises(VaultRefusalError, match=r"litellm/dev/database.*backup.*make recover"):
        GeneratedProvider().update("", olds, news)
    assert not any(vault.versions.values())


def test_a_value_that_was_changed_elsewhere_is_no_difference(vault: FakeVault):
    olds = made(vault)
    vault.versions["litellm/dev/database"].append({"username": "litellm", "password": "theirs"})
    assert GeneratedProvider().read("x", olds).outs == olds


def test_a_refresh_learns_of_an_older_version_as_after_a_restore(vault: FakeVault):
    olds = made(vault)
    assert (GeneratedProvider().read("x", {**olds, "version": "3"}).outs or {})["version"] == "1"


def test_a_refresh_says_of_a_document_of_which_nothing_is_left_that_it_is_gone(vault: FakeVault):
    olds = made(vault)
    vault.delete_metadata_and_all_versions("dev/database", "litellm")
    assert GeneratedProvider().read("x", olds).id is None


def test_a_document_that_moves_takes_its_values_along(vault: FakeVault):
    olds = made(vault)
    (value,) = vault.values()
    moved = GeneratedProvider().update("", olds, props(path="qa/database"))
    assert vault.values("litellm/qa/database") == [value]
    assert (moved.outs or {})["version"] == "1"
    assert "litellm/dev/database" not in vault.versions
    assert vault.custom["litellm/qa/database"] == {"managed-by": OURS}


def test_a_move_that_was_killed_after_its_write_loses_no_value(vault: FakeVault):
    olds = made(vault)
    (value,) = vault.values()
    vault.killed_after_write = True
    with pytest.raises(KilledError):
        GeneratedProvider().update("", olds, props(path="qa/database"))
    vault.killed_after_write = False
    GeneratedProvider().update("", olds, props(path="qa/database"))
    assert vault.values("litellm/qa/database") == [value]
    assert "litellm/dev/database" not in vault.versions


def test_a_document_goes_with_its_stack(vault: FakeVault):
    GeneratedProvider().delete("x", made(vault))
    assert not vault.versions


def test_a_document_that_another_state_took_over_stays(vault: FakeVault):
    olds = made(vault)
    vault.custom["litellm/dev/database"] = {"managed-by": THEIRS}
    GeneratedProvider().delete("x", olds)
    assert len(vault.values()) == 1


def test_a_document_that_is_gone_already_stops_nobody(vault: FakeVault):
    olds = made(vault)
    vault.delete_metadata_and_all_versions("dev/database", "litellm")
    GeneratedProvider().delete("x", olds)
    assert not vault.versions


@pytest.mark.parametrize(
    ("news", "changes"),
    [
        (props(), False),
        (props(generated={"password": {"length": 64.0, "prefix": "", "rotation": 0.0}}), False),
        (props(1), True),
        (props(given={"username": "other"}), True),
        (props(path="qa/database"), True),
        (props(connection={"address": "http://other"}), True),
    ],
)
def test_a_preview_shows_a_change_of_what_is_wanted_only(vault: FakeVault, news: dict[str, Any], changes: bool):
    assert GeneratedProvider().diff("x", made(vault), news).changes is changes
