"""Marks in Vault, against something that answers like it."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import hvac.exceptions
import pytest

from components.secrets.vault_documents import read_only_policy
from tests.unit.tools.ephemeral.fakes import CLUSTER
from tools.ephemeral import vault_keeper
from tools.ephemeral.mark import Mark
from tools.ephemeral.vault_keeper import VaultKeeper
from tools.problem import Problem

MARK = Mark(CLUSTER, "pr-1", "00000001")
NEXT = Mark(CLUSTER, "pr-1", "00000002")
NAME = "litellm-env-pr-1"


class FakeVault:
    """Enough of hvac's client: documents' metadata, policies and roles."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, str]] = {}
        self.policies: dict[str, str] = {"default": "# nothing\n"}
        self.roles: dict[str, dict[str, Any]] = {}
        self.url = "https://vault.example.com"
        self.sys = self
        self.secrets = SimpleNamespace(kv=SimpleNamespace(v2=self))
        self.auth = SimpleNamespace(kubernetes=self)
        self.may_list_policies = True

    def read_secret_metadata(self, path: str, mount_point: str) -> Any:
        assert mount_point == "litellm"
        if path not in self.documents:
            raise hvac.exceptions.InvalidPath
        return {"data": {"custom_metadata": self.documents[path] or None}}

    def update_metadata(self, path: str, mount_point: str, custom_metadata: dict[str, str]) -> None:
        assert mount_point == "litellm"
        self.documents[path] = custom_metadata

    def list_secrets(self, path: str, mount_point: str) -> Any:
        assert mount_point == "litellm"
        below = [name.removeprefix(f"{path}/") for name in self.documents if name.startswith(f"{path}/")]
        if not below:
            raise hvac.exceptions.InvalidPath
        return {"data": {"keys": sorted({f"{name.split('/')[0]}/" if "/" in name else name for name in below})}}

    def delete_metadata_and_all_versions(self, path: str, mount_point: str) -> None:
        assert mount_point == "litellm"
        del self.documents[path]

    def read_policy(self, name: str) -> Any:
        if name not in self.policies:
            raise hvac.exceptions.InvalidPath
        return {"data": {"rules": self.policies[name]}}

    def list_policies(self) -> Any:
        if not self.may_list_policies:
            raise hvac.exceptions.Forbidden
        return {"data": {"policies": [*self.policies]}}

    def delete_policy(self, name: str) -> None:
        del self.policies[name]

    def read_role(self, name: str, mount_point: str) -> Any:
        assert mount_point == "kubernetes"
        if name not in self.roles:
            raise hvac.exceptions.InvalidPath
        return self.roles[name]

    def delete_role(self, name: str, mount_point: str) -> None:
        assert mount_point == "kubernetes"
        del self.roles[name]


@pytest.fixture
def vault() -> FakeVault:
    """A Vault with all that one environment has."""
    made = FakeVault()
    keeper(made).claim(MARK, ["api-keys", "salt"])
    made.policies[NAME] = read_only_policy("litellm", ["ephemeral/pr-1/salt"], str(MARK))
    made.roles[NAME] = {"bound_service_account_namespaces": [NAME], "token_policies": [NAME]}
    return made


def keeper(vault: FakeVault) -> VaultKeeper:
    return VaultKeeper(vault, "litellm", "kubernetes")


def test_documents_are_marked_before_they_are_written(vault: FakeVault):
    assert vault.documents == {f"ephemeral/pr-1/{name}": {"managed-by": str(MARK)} for name in ("api-keys", "salt")}


def test_all_that_carries_the_mark_goes(vault: FakeVault):
    swept = keeper(vault).sweep(MARK)
    assert (vault.documents, vault.roles, [*vault.policies]) == ({}, {}, ["default"])
    assert len(swept.removed) == 4
    assert not swept.foreign


def test_documents_of_virtual_keys_go_too(vault: FakeVault):
    """They are in a folder of their own."""
    keeper(vault).claim(MARK, ["keys/ci"])
    assert "ephemeral/pr-1/keys/ci" in vault.documents
    keeper(vault).sweep(MARK)
    assert vault.documents == {}


def test_a_second_sweep_finds_nothing(vault: FakeVault):
    keeper(vault).sweep(MARK)
    assert keeper(vault).sweep(MARK).removed == ()


def test_the_mark_of_the_next_environment_removes_nothing_of_this_one(vault: FakeVault):
    swept = keeper(vault).sweep(NEXT)
    assert not swept.removed
    assert len(swept.foreign) == 4
    assert len(vault.documents) == 2


@pytest.mark.parametrize("metadata", [{}, {"managed-by": "litellm/prod"}, {"managed-by": f"{MARK}/x"}])
def test_a_document_of_somebody_else_in_the_same_place_stays(vault: FakeVault, metadata: dict[str, str]):
    vault.documents["ephemeral/pr-1/theirs"] = metadata
    assert keeper(vault).sweep(MARK).foreign == ("litellm/ephemeral/pr-1/theirs",)
    assert [*vault.documents] == ["ephemeral/pr-1/theirs"]


def test_a_policy_without_the_mark_stays_and_so_does_its_role(vault: FakeVault):
    vault.policies[NAME] = vault.policies[NAME].partition("\n")[2]
    keeper(vault).sweep(MARK)
    assert NAME in vault.policies
    assert NAME in vault.roles


@pytest.mark.parametrize(
    "change",
    [
        {"bound_service_account_namespaces": [NAME, "prod"]},
        {"bound_service_account_namespaces": ["*"]},
        {"token_policies": [NAME, "admin"]},
    ],
)
def test_a_role_that_somebody_gave_another_meaning_stays(vault: FakeVault, change: dict[str, Any]):
    vault.roles[NAME] |= change
    keeper(vault).sweep(MARK)
    assert NAME in vault.roles


def test_environments_of_this_cluster_are_found_by_documents_and_policies(vault: FakeVault):
    assert keeper(vault).marks(CLUSTER) == {MARK}
    assert keeper(vault).marks("ffffffff") == set()
    vault.documents.clear()
    assert keeper(vault).marks(CLUSTER) == {MARK}


def test_those_of_one_name_are_found_without_a_look_at_all(vault: FakeVault):
    keeper(vault).claim(Mark(CLUSTER, "pr-2", "00000003"), ["salt"])
    assert keeper(vault).marks(CLUSTER, "pr-1") == {MARK}
    assert keeper(vault).marks(CLUSTER, "pr-3") == set()


def test_a_token_that_may_not_list_policies_finds_the_documents(vault: FakeVault):
    vault.may_list_policies = False
    assert keeper(vault).marks(CLUSTER) == {MARK}


def test_documents_of_an_environment_before_are_not_taken_over(vault: FakeVault):
    with pytest.raises(Problem, match=f"belongs to {MARK}.* `env-reap` clears"):
        keeper(vault).claim(NEXT, ["salt"])


def test_a_document_without_a_mark_is_not_taken_over(vault: FakeVault):
    vault.documents["ephemeral/pr-1/redis"] = {}
    with pytest.raises(Problem, match="belongs to somebody who left no mark"):
        keeper(vault).claim(MARK, ["redis"])
    assert vault.documents["ephemeral/pr-1/redis"] == {}


def test_a_claim_leaves_what_else_somebody_wrote_to_its_metadata(vault: FakeVault):
    vault.documents["ephemeral/pr-1/salt"] |= {"note": "kept"}
    keeper(vault).claim(MARK, ["salt"])
    assert vault.documents["ephemeral/pr-1/salt"] == {"managed-by": str(MARK), "note": "kept"}


def test_a_role_goes_before_its_policy(vault: FakeVault, monkeypatch: pytest.MonkeyPatch):
    """The policy has the mark that says whose the role is."""
    roles: list[dict[str, Any]] = []
    monkeypatch.setattr(vault, "delete_policy", lambda name: roles.append(dict(vault.roles)))
    keeper(vault).sweep(MARK)
    assert roles == [{}]


def test_a_policy_whose_role_is_gone_already_goes_as_well(vault: FakeVault):
    """A sweep was killed in between."""
    vault.roles.clear()
    assert f"policy {NAME}" in keeper(vault).sweep(MARK).removed
    assert NAME not in vault.policies


def test_without_the_auth_method_there_is_no_role_and_the_rest_goes(vault: FakeVault, monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: str) -> Any:
        raise hvac.exceptions.UnsupportedOperation

    monkeypatch.setattr(vault, "read_role", refuse)
    assert f"policy {NAME}" in keeper(vault).sweep(MARK).removed
    assert not vault.documents


def test_a_document_beside_the_folders_of_environments_is_nobodys(vault: FakeVault):
    vault.documents["ephemeral/notes"] = {"managed-by": str(Mark(CLUSTER, "notes", "00000009"))}
    assert keeper(vault).marks(CLUSTER) == {MARK}


def test_a_policy_that_only_speaks_of_the_mark_is_somebody_elses(vault: FakeVault):
    """What counts is its first line, and all of it."""
    vault.policies[NAME] = "# mine\n" + vault.policies[NAME]
    assert f"policy {NAME}" in keeper(vault).sweep(MARK).foreign
    assert NAME in vault.policies


def test_an_error_of_vault_is_a_problem_that_names_the_rights(vault: FakeVault, monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: str) -> Any:
        raise hvac.exceptions.Forbidden("permission denied")

    monkeypatch.setattr(vault, "read_secret_metadata", refuse)
    looks: list[Callable[[], Any]] = [
        lambda: keeper(vault).claim(MARK, ["salt"]),
        lambda: keeper(vault).marks(CLUSTER),
        lambda: keeper(vault).sweep(MARK),
    ]
    for look in looks:
        with pytest.raises(Problem, match=r"docs/rights\.md"):
            look()


@pytest.mark.parametrize("own_roles", [True, False])
def test_the_keeper_looks_where_the_configuration_says(
    vault: FakeVault, monkeypatch: pytest.MonkeyPatch, own_roles: bool
):
    monkeypatch.setattr(vault_keeper, "connect", lambda _store, _problems: vault)
    config = SimpleNamespace(kubernetes_auth=SimpleNamespace(create_role=own_roles))
    store: Any = SimpleNamespace(mount="litellm", auth_path="kubernetes", config=config)
    opened = vault_keeper.open_keeper(cast("Any", None), store, [])
    assert (opened.client, opened.mount, opened.auth_path) == (vault, "litellm", "kubernetes")
    assert opened.own_roles is own_roles


def test_what_goes_and_what_stays_is_named(vault: FakeVault):
    documents = {f"litellm/ephemeral/pr-1/{name}" for name in ("api-keys", "salt")}
    everything = {f"role {NAME} of auth/kubernetes", f"policy {NAME}", *documents}
    assert set(keeper(vault).sweep(NEXT).foreign) == everything
    assert set(keeper(vault).sweep(MARK).removed) == everything


def test_policies_of_ordinary_stacks_are_not_looked_at(vault: FakeVault, monkeypatch: pytest.MonkeyPatch):
    vault.policies["litellm-prod"] = read_only_policy("litellm", ["prod/salt"], "litellm/prod")
    read: list[str] = []
    original = vault.read_policy

    def read_policy(name: str) -> Any:
        read.append(name)
        return original(name)

    monkeypatch.setattr(vault, "read_policy", read_policy)
    assert keeper(vault).marks(CLUSTER) == {MARK}
    assert read == [NAME]


def test_what_was_not_there_is_not_named(vault: FakeVault):
    vault.roles.clear()
    vault.policies.clear()
    swept = keeper(vault).sweep(MARK)
    assert set(swept.removed) == {f"litellm/ephemeral/pr-1/{name}" for name in ("api-keys", "salt")}
    assert swept.foreign == ()
    again = keeper(vault).sweep(MARK)
    assert (again.removed, again.foreign) == ((), ())


def test_a_policy_alone_shows_that_something_of_a_name_is_left(vault: FakeVault):
    vault.documents.clear()
    assert keeper(vault).marks(CLUSTER, "pr-1") == {MARK}


def test_one_value_is_read(vault: FakeVault, monkeypatch: pytest.MonkeyPatch):
    def read(path: str, mount_point: str, raise_on_deleted_version: bool) -> Any:
        assert (path, mount_point, raise_on_deleted_version) == ("ephemeral/pr-1/api-keys", "litellm", True)
        return {"data": {"data": {"master-key": "sk-1"}}}

    monkeypatch.setattr(vault, "read_secret_version", read, raising=False)
    assert keeper(vault).read({"key": "ephemeral/pr-1/api-keys", "property": "master-key"}) == "sk-1"


def test_with_one_role_for_all_only_documents_are_looked_at():
    """The token has no right to look at policies and roles."""
    vault = FakeVault()
    shared = VaultKeeper(vault, "litellm", "kubernetes", own_roles=False)
    vault.__dict__.update(sys=None, auth=None)
    shared.claim(MARK, ["api-keys"])
    assert vault.documents == {f"ephemeral/{NAME}/api-keys": {"managed-by": str(MARK)}}
    assert shared.marks(CLUSTER) == shared.marks(CLUSTER, "pr-1") == {MARK}
    assert shared.sweep(MARK).removed == (f"litellm/ephemeral/{NAME}/api-keys",)


def test_claiming_again_changes_nothing(vault: FakeVault):
    keeper(vault).claim(MARK, ["api-keys", "salt", "redis"])
    assert len(vault.documents) == 3
