"""What the engine asks before it writes to Vault. What is created is not in its state."""

from typing import Any

import hvac.exceptions
import pulumi
import pytest

from infra.environment import deploy
from infra.secrets import vault_claims
from infra.secrets.claims import TakenError
from infra.secrets.vault import VaultStore
from infra.secrets.vault_claims import VaultClaims
from tests.recording import run
from tests.unit.infra.stacks import target

STACK = "litellm/dev"
OURS = f"{STACK}/{'a' * 8}/{'1' * 8}"
THEIRS = f"{STACK}/{'b' * 8}/{'2' * 8}"
UNKNOWN = pulumi.output.Unknown()


class FakeVault:
    """Documents with versions and marks, policies and roles."""

    def __init__(self) -> None:
        self.marks: dict[str, str] = {}
        self.versions: dict[str, list[dict[str, str]]] = {}
        self.policies: dict[str, str] = {}
        self.roles: dict[str, dict[str, Any]] = {}
        self.faster: dict[str, str] | None = None
        """What somebody writes between the look and the write."""
        self.sys = self.secrets = self.kv = self.v2 = self.adapter = self

    def read_secret_metadata(self, path: str, mount_point: str) -> Any:
        if path not in self.marks and path not in self.versions:
            raise hvac.exceptions.InvalidPath
        custom = {"managed-by": self.marks[path]} if path in self.marks else None
        return {"data": {"custom_metadata": custom, "current_version": len(self.versions.get(path, []))}}

    def update_metadata(self, path: str, mount_point: str, custom_metadata: dict[str, str]) -> None:
        self.marks.pop(path, None)
        if custom_metadata:
            self.marks[path] = custom_metadata["managed-by"]

    def create_or_update_secret(self, path: str, mount_point: str, cas: int, secret: dict[str, str]) -> None:
        if self.faster is not None:
            self.versions[path] = [self.faster]
        if cas != len(self.versions.get(path, [])):
            raise hvac.exceptions.InvalidRequest("check-and-set parameter did not match the current version")
        self.versions.setdefault(path, []).append(secret)

    def read_policy(self, name: str) -> Any:
        if name not in self.policies:
            raise hvac.exceptions.InvalidPath
        return {"data": {"rules": self.policies[name]}}

    def get(self, url: str) -> Any:
        if url not in self.roles:
            if "/internal/ui/mounts/" in url:
                raise hvac.exceptions.Forbidden
            raise hvac.exceptions.InvalidPath
        return {"data": self.roles[url]}


@pytest.fixture
def vault() -> FakeVault:
    return FakeVault()


def claims(vault: FakeVault, **settings: Any) -> VaultClaims:
    stack = target(secrets={"vault": settings})
    assert isinstance(stack.store, VaultStore)
    return VaultClaims(vault, stack.store, stack)


def document(mark: Any = OURS) -> dict[str, Any]:
    return {"name": "dev/api-keys", "customMetadata": {"data": {"managed-by": mark}}}


def test_a_document_that_nobody_has_is_taken_before_it_is_written(vault: FakeVault):
    claims(vault).claim_document(document(), {})
    assert vault.marks == {"dev/api-keys": OURS}
    assert vault.versions == {"dev/api-keys": [{}]}


@pytest.mark.parametrize(("preview", "mark"), [(True, OURS), (True, UNKNOWN), (False, UNKNOWN)])
def test_a_preview_takes_nothing_and_nobody_does_without_a_mark(
    vault: FakeVault, monkeypatch: pytest.MonkeyPatch, preview: bool, mark: Any
):
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: preview)
    claims(vault).claim_document(document(mark), {})
    assert not vault.marks
    assert not vault.versions


@pytest.mark.parametrize("mark", [STACK, THEIRS], ids=["of an earlier release", "of another state"])
@pytest.mark.parametrize("known", [OURS, UNKNOWN], ids=["in an up", "in a preview of a new state"])
def test_a_lost_state_does_not_overwrite_what_its_stack_wrote(vault: FakeVault, mark: str, known: Any):
    """The owner is the same, the state is not."""
    vault.marks, vault.versions = {"dev/api-keys": mark}, {"dev/api-keys": [{"master-key": "the first"}]}
    with pytest.raises(TakenError, match=r"litellm/dev/api-keys.*bring it back, or set .*adopt to true.*vault\.prefix"):
        claims(vault).claim_document(document(known), {})
    assert vault.versions == {"dev/api-keys": [{"master-key": "the first"}]}


def test_a_refusal_says_in_which_cluster_the_other_one_is(vault: FakeVault):
    vault.marks, vault.versions = {"dev/api-keys": THEIRS}, {"dev/api-keys": [{}]}
    with pytest.raises(TakenError, match=r"another state of stack dev, in cluster bbbbbbbb"):
        claims(vault).claim_document(document(), {})


@pytest.mark.parametrize("own_cluster", [True, False])
def test_a_refusal_says_that_the_other_one_is_in_this_cluster(vault: FakeVault, own_cluster: bool):
    check = claims(vault)
    cluster = check.store.cluster if own_cluster else "b" * 8
    vault.marks, vault.versions = {"dev/api-keys": f"{STACK}/{cluster}/{'2' * 8}"}, {"dev/api-keys": [{}]}
    with pytest.raises(TakenError) as caught:
        check.claim_document(document(), {})
    assert ("another state of stack dev, in this cluster" in str(caught.value)) is own_cluster


def test_a_refusal_names_a_stack_of_an_earlier_release(vault: FakeVault):
    vault.marks, vault.versions = {"dev/api-keys": STACK}, {"dev/api-keys": [{}]}
    with pytest.raises(TakenError, match="of a stack dev;"):
        claims(vault).claim_document(document(), {})


@pytest.mark.parametrize(
    "custom", [UNKNOWN, {"data": UNKNOWN}, {}, None], ids=["unknown", "data unknown", "empty", "none"]
)
def test_a_document_whose_mark_is_not_known_yet_is_not_taken(vault: FakeVault, custom: Any):
    claims(vault).claim_document({"name": "dev/api-keys", "customMetadata": custom}, {})
    assert not vault.marks
    assert not vault.versions


def test_a_document_without_a_mark_is_not_overwritten(vault: FakeVault):
    vault.versions = {"dev/api-keys": [{"theirs": "x"}]}
    with pytest.raises(TakenError, match="of somebody else"):
        claims(vault).claim_document(document(), {})


def test_an_up_that_was_killed_is_finished(vault: FakeVault):
    """The document is there, and its state knows only the identity."""
    vault.marks, vault.versions = {"dev/api-keys": OURS}, {"dev/api-keys": [{}, {"master-key": "x"}]}
    claims(vault).claim_document(document(), {})


def test_an_environment_that_was_marked_before_is_written(vault: FakeVault):
    vault.marks = {"dev/api-keys": OURS}
    claims(vault).claim_document(document(), {})
    assert vault.versions == {"dev/api-keys": [{}]}


def test_of_two_that_come_at_once_the_second_is_refused(vault: FakeVault):
    vault.faster = {"master-key": "the first"}
    with pytest.raises(TakenError):
        claims(vault).claim_document(document(), {})
    assert vault.versions == {"dev/api-keys": [{"master-key": "the first"}]}


def test_the_second_one_is_refused_when_it_comes_again(vault: FakeVault):
    """It had marked the document when it lost: with that mark, it would look like an `up` of its own that was killed."""
    vault.faster = {"master-key": "the first"}
    with pytest.raises(TakenError):
        claims(vault).claim_document(document(), {})
    vault.faster = None
    with pytest.raises(TakenError):
        claims(vault).claim_document(document(), {})


def test_the_first_one_goes_on_when_the_second_was_refused(vault: FakeVault):
    vault.faster = {"master-key": "the first"}
    with pytest.raises(TakenError):
        claims(vault).claim_document(document(), {})
    claims(vault).document_is_ours(document(THEIRS), document(THEIRS))


def test_a_write_that_vault_refuses_for_another_reason_says_so(vault: FakeVault, monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: Any) -> None:
        raise hvac.exceptions.InvalidRequest("the mount is being upgraded")

    monkeypatch.setattr(vault, "create_or_update_secret", refuse)
    with pytest.raises(hvac.exceptions.InvalidRequest, match="upgraded"):
        claims(vault).claim_document(document(), {})


def test_a_document_is_marked_before_it_has_a_version(vault: FakeVault, monkeypatch: pytest.MonkeyPatch):
    """Killed in between, the next `up` finds its own mark."""
    seen: list[dict[str, str]] = []
    monkeypatch.setattr(vault, "create_or_update_secret", lambda **_: seen.append(dict(vault.marks)))
    claims(vault).claim_document(document(), {})
    assert seen == [{"dev/api-keys": OURS}]


def test_an_engine_that_is_not_there_has_no_document(vault: FakeVault, monkeypatch: pytest.MonkeyPatch):
    def missing(**_: Any) -> None:
        raise hvac.exceptions.UnsupportedOperation

    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    monkeypatch.setattr(vault, "read_secret_metadata", missing)
    claims(vault).claim_document(document(), {})


def test_a_stack_that_adopts_leaves_a_document_without_a_mark_alone(vault: FakeVault):
    vault.versions = {"dev/api-keys": [{"theirs": "x"}]}
    with pytest.raises(TakenError):
        claims(vault, adopt=True).claim_document(document(), {})


@pytest.mark.parametrize("mark", [STACK, THEIRS])
def test_a_stack_that_adopts_takes_its_own_documents_over(vault: FakeVault, mark: str):
    vault.marks, vault.versions = {"dev/api-keys": mark}, {"dev/api-keys": [{"master-key": "the first"}]}
    claims(vault, adopt=True).claim_document(document(), {})


@pytest.mark.parametrize("mark", ["litellm/prod", "litellm/dev/other", f"{THEIRS}/{'3' * 8}", f"x{STACK}", "somebody"])
def test_a_stack_that_adopts_leaves_those_of_others_alone(vault: FakeVault, mark: str):
    vault.marks, vault.versions = {"dev/api-keys": mark}, {"dev/api-keys": [{"master-key": "x"}]}
    with pytest.raises(TakenError):
        claims(vault, adopt=True).claim_document(document(), {})


def test_a_document_that_another_state_took_over_is_not_written_again(vault: FakeVault):
    vault.marks = {"dev/api-keys": THEIRS}
    with pytest.raises(TakenError, match="another state of stack dev"):
        claims(vault).document_is_ours(document(), document(STACK))


@pytest.mark.parametrize("mark", [STACK, OURS])
def test_a_stack_that_stands_changes_its_documents(vault: FakeVault, mark: str):
    vault.marks = {"dev/api-keys": mark}
    claims(vault).document_is_ours(document(mark), document(mark))


POLICY = 'path "litellm/data/dev/api-keys" {\n  capabilities = ["read"]\n}\n'


def test_a_policy_of_somebody_else_is_not_overwritten(vault: FakeVault):
    vault.policies = {"litellm-dev": 'path "team/*" { capabilities = ["read"] }'}
    with pytest.raises(TakenError, match=r"policy litellm-dev already.*secrets\.vault\.policy"):
        claims(vault).policy_is_free({"name": "litellm-dev", "policy": POLICY}, {})


@pytest.mark.parametrize("policies", [{}, {"litellm-dev": POLICY.strip()}])
def test_a_policy_that_would_be_the_same_is_free(vault: FakeVault, policies: dict[str, str]):
    vault.policies = policies
    claims(vault).policy_is_free({"name": "litellm-dev", "policy": POLICY}, {})


def test_an_auth_method_that_is_there_is_neither_taken_nor_to_be_deleted(vault: FakeVault):
    claims(vault).auth_method_is_free({"path": "kubernetes-dev"}, {})
    vault.roles = {"/v1/sys/internal/ui/mounts/auth/kubernetes-dev": {"type": "kubernetes"}}
    with pytest.raises(
        TakenError, match=r"auth/kubernetes-dev/ already.*vault read.*another kubernetesAuth\.path"
    ) as caught:
        claims(vault).auth_method_is_free({"path": "kubernetes-dev"}, {})
    assert "disable" not in str(caught.value)


ROLE = {
    "roleName": "litellm-dev",
    "boundServiceAccountNames": ["secret-reader"],
    "boundServiceAccountNamespaces": UNKNOWN,
    "tokenPolicies": ["litellm-dev"],
}
FOUND = {
    "bound_service_account_names": ["secret-reader"],
    "bound_service_account_namespaces": ["litellm-dev"],
    "token_policies": ["litellm-dev"],
}


@pytest.mark.parametrize("differs", FOUND)
def test_a_role_of_somebody_else_is_not_overwritten(vault: FakeVault, differs: str):
    vault.roles = {"/v1/auth/kubernetes-dev/role/litellm-dev": FOUND | {differs: ["other"]}}
    with pytest.raises(TakenError, match=r"role litellm-dev at auth/kubernetes-dev/.*kubernetesAuth\.role"):
        claims(vault).role_is_free(ROLE | {"boundServiceAccountNamespaces": ["litellm-dev"]}, {})


def test_what_a_preview_does_not_know_of_a_role_yet_is_no_difference(vault: FakeVault):
    vault.roles = {"/v1/auth/kubernetes-dev/role/litellm-dev": FOUND}
    claims(vault).role_is_free(ROLE, {})


def test_a_role_that_would_be_the_same_is_free(vault: FakeVault):
    claims(vault).role_is_free(ROLE, {})
    vault.roles = {"/v1/auth/kubernetes-dev/role/litellm-dev": FOUND}
    claims(vault).role_is_free(ROLE | {"boundServiceAccountNamespaces": ["litellm-dev"]}, {})


def test_each_check_is_asked_for_what_the_stack_makes_in_vault(vault: FakeVault, monkeypatch: pytest.MonkeyPatch):
    """By a type that no resource has, nothing would ever be checked."""
    stack = target(secrets={"vault": {"kubernetesAuth": {"create": True}}})
    assert isinstance(stack.store, VaultStore)
    monkeypatch.setattr(vault_claims, "open_client", lambda *_: vault)
    checks = vault_claims.claims(stack.store, stack)
    assert {type_: check.__name__ for type_, check in checks.before_create.items()} == {
        "vault:kv/secretV2:SecretV2": "claim_document",
        vault_claims.GENERATED: "claim_generated",
        "vault:index/policy:Policy": "policy_is_free",
        "vault:index/authBackend:AuthBackend": "auth_method_is_free",
        "vault:kubernetes/authBackendRole:AuthBackendRole": "role_is_free",
        "vault:jwt/authBackendRole:AuthBackendRole": "role_is_free",
    }
    assert {type_: check.__name__ for type_, check in checks.before_update.items()} == {
        "vault:kv/secretV2:SecretV2": "document_is_ours",
        vault_claims.GENERATED: "generated_is_ours",
    }
    others = (target(secrets={"vault": {"auth": "jwt"}}), target(secrets={"generation": "store"}))
    registered = {
        each.type for made in (stack, *others) for each in run(lambda made=made: deploy(made), stack="dev").resources
    }
    assert {*checks.before_create, *checks.before_update} <= registered


def generated(mark: Any = OURS) -> dict[str, Any]:
    """A document whose values are made in Vault's client, as the engine has it."""
    return {"mount": "litellm", "path": "dev/api-keys", "owner": mark}


def test_a_document_with_values_of_vaults_client_is_claimed_like_any_other(vault: FakeVault):
    of = claims(vault)
    of.claim_generated(generated(), {})
    assert (vault.marks, vault.versions) == ({"dev/api-keys": OURS}, {"dev/api-keys": [{}]})
    with pytest.raises(TakenError, match=r"litellm/dev/api-keys is in Vault already"):
        of.claim_generated(generated(THEIRS), {})
    vault.marks["dev/api-keys"] = THEIRS
    with pytest.raises(TakenError, match="another state of stack dev"):
        of.generated_is_ours(generated(), generated())


def test_what_pulumi_wrote_so_far_is_taken_over_by_vaults_client(vault: FakeVault):
    vault.marks["dev/api-keys"], vault.versions["dev/api-keys"] = OURS, [{}, {"master-key": "there"}]
    claims(vault).claim_generated(generated(), {})
    assert len(vault.versions["dev/api-keys"]) == 2


BACKEND = "vault:index/authBackend:AuthBackend"
CONFIG = "/v1/auth/kubernetes-dev/config"


@pytest.mark.parametrize(
    ("host", "adopt", "found"),
    [("https://k", True, "kubernetes-dev"), ("https://other", True, None), ("https://k", False, None)],
    ids=["of this cluster", "of another cluster", "not taken over"],
)
def test_the_auth_method_of_a_lost_state_is_imported(vault: FakeVault, host: str, adopt: bool, found: str | None):
    vault.roles = {CONFIG: {"kubernetes_host": host, "kubernetes_ca_cert": ""}}
    check = claims(vault, adopt=adopt, kubernetesAuth={"host": "https://k"})
    assert check.there(BACKEND, {"path": "kubernetes-dev"}) == found


def test_an_auth_method_that_is_not_there_is_made(vault: FakeVault):
    assert claims(vault, adopt=True).there(BACKEND, {"path": "kubernetes-dev"}) is None


def test_what_vault_takes_again_as_it_is_needs_no_import(vault: FakeVault):
    assert claims(vault, adopt=True).there("vault:index/policy:Policy", {"name": "litellm-dev"}) is None
