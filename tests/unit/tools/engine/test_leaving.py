"""What stays when a stack goes, what is said about it, and what is refused."""

from typing import Any

import pytest

from tests.unit.tools.engine.fakes import FakeCluster
from tests.unit.tools.engine.test_sharing import API, named
from tools.engine import state, vault_roles
from tools.engine.leaving import Staying, look
from tools.problem import Problem

COMPONENT = "urn:pulumi:dev::litellm::litellm:index:ExternalSecretsOperator$"
RELEASE = {
    "urn": f"{COMPONENT}kubernetes:helm.sh/v3:Release::external-secrets-release",
    "type": "kubernetes:helm.sh/v3:Release",
    "inputs": {"namespace": "external-secrets"},
}
HOME = {
    "urn": f"{COMPONENT}kubernetes:core/v1:Namespace::external-secrets-namespace",
    "type": "kubernetes:core/v1:Namespace",
}
GATEWAY = {
    "urn": "urn:pulumi:dev::litellm::kubernetes:core/v1:Namespace::namespace",
    "type": "kubernetes:core/v1:Namespace",
}
FOREIGN = {f"{API}/externalsecrets": [named("own", "litellm-dev"), named("db", "team-a")]}
ALONE = {f"{API}/externalsecrets": [named("own", "litellm-dev")]}


def exported(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"deployment": {"resources": [dict(each) for each in resources]}}


def auth(path: str) -> tuple[dict[str, Any], ...]:
    return (
        {"urn": "urn:pulumi:dev::litellm::pulumi:pulumi:Stack::litellm-dev", "type": "pulumi:pulumi:Stack"},
        {"urn": "u1", "type": "pulumi:providers:vault", "inputs": {"address": "http://v"}},
        {"urn": "u2", "type": "vault:index/authBackend:AuthBackend", "inputs": {"path": path}},
        {"urn": "u3", "type": "vault:kubernetes/authBackendConfig:AuthBackendConfig", "inputs": {}},
        {
            "urn": "u4",
            "type": "vault:kubernetes/authBackendRole:AuthBackendRole",
            "inputs": {"roleName": "litellm-dev"},
        },
    )


def looked(found: dict[str, Any], objects: dict[str, Any], *, with_operator: bool = False) -> Staying:
    return look(found, "litellm-dev", lambda: FakeCluster(objects=objects), with_operator=with_operator)


def test_an_operator_that_others_use_stays_and_they_are_named():
    staying = looked(exported(RELEASE, HOME), FOREIGN)
    assert staying.operator
    (line,) = staying.lines
    assert "kept, with its CRDs: External Secrets Operator in namespace external-secrets" in line
    assert "namespace team-a: ExternalSecret db" in line
    assert "own" not in line


def test_an_operator_that_nobody_else_uses_stays_unless_it_was_asked_for():
    assert looked(exported(RELEASE, HOME), ALONE).operator
    assert "ARGS=--with-operator" in looked(exported(RELEASE, HOME), ALONE).lines[0]
    assert not looked(exported(RELEASE, HOME), ALONE, with_operator=True).operator


def test_an_operator_that_others_use_does_not_go_whoever_asks():
    with pytest.raises(Problem, match=r"is used by others; nothing was changed.*\n.*team-a: ExternalSecret db"):
        looked(exported(RELEASE, HOME), FOREIGN, with_operator=True)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_who_cannot_look_lets_it_stay(status: int):
    refused = {f"{API}/externalsecrets": status}
    assert "is not known" in looked(exported(RELEASE), refused).lines[0]
    with pytest.raises(Problem, match="is not known"):
        looked(exported(RELEASE), refused, with_operator=True)


def test_a_stack_without_operator_asks_no_cluster():
    def connect() -> FakeCluster:
        raise AssertionError("nothing of the stack is in use by others")

    assert look(exported(GATEWAY), "litellm-dev", connect, with_operator=False).lines == ()


@pytest.fixture
def roles(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str] | None]:
    found: dict[str, list[str] | None] = {}
    monkeypatch.setattr(vault_roles, "of_others", lambda _provider, path, _own: found.get(path, []))
    return found


def test_an_auth_method_by_which_others_log_in_stays(roles: dict[str, list[str] | None]):
    roles["kubernetes"] = ["team-a", "team-b"]
    staying = looked(exported(*auth("kubernetes")), {})
    assert staying.auth_method
    assert "kept: the auth method kubernetes/ in Vault, by which others log in: team-a, team-b" in staying.lines[0]
    assert "kubernetesAuth.create: false" in staying.lines[0]


def test_an_auth_method_of_the_stack_alone_goes(roles: dict[str, list[str] | None]):
    assert not looked(exported(*auth("kubernetes-dev")), {}).auth_method


@pytest.mark.parametrize(("path", "stays"), [("kubernetes", True), ("kubernetes-dev", False)])
def test_roles_that_may_not_be_listed_keep_a_path_that_is_nobodys_own(
    roles: dict[str, list[str] | None], path: str, stays: bool
):
    roles[path] = None
    assert looked(exported(*auth(path)), {}).auth_method is stays


def kept(found: dict[str, Any]) -> list[str]:
    return [each["type"] for each in found["deployment"]["resources"] if each.get("retainOnDelete")]


def test_a_state_of_an_earlier_release_learns_what_stays():
    """It had the operator deleted with the stack."""
    found = exported(RELEASE, HOME, GATEWAY)
    assert state.retain(found, operator=True, auth_method=False)
    assert kept(found) == [RELEASE["type"], HOME["type"]]
    assert not state.retain(found, operator=True, auth_method=False), "no news"


def test_an_operator_that_was_asked_for_goes_and_its_namespace_stays():
    found = exported(RELEASE | {"retainOnDelete": True}, HOME | {"retainOnDelete": True})
    assert state.retain(found, operator=False, auth_method=False)
    assert kept(found) == [HOME["type"]]


def test_an_auth_method_stays_with_its_configuration():
    found = exported(*auth("kubernetes"))
    assert state.retain(found, operator=True, auth_method=True)
    assert kept(found) == [*state.AUTH_METHOD]


def test_helm_releases_of_other_components_are_none_of_this():
    other = RELEASE | {"urn": "urn:pulumi:dev::litellm::kubernetes:helm.sh/v3:Release::other"}
    assert state.operator(exported(other)) is None
    assert not state.retain(exported(other), operator=True, auth_method=True)
