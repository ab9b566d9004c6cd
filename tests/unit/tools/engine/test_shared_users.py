"""Who uses what a shared stack has."""

from typing import Any

import pytest

from infra.kubernetes_api import RefusedError
from tools.engine import shared_users, vault_roles


class Cluster:
    """Lists by path; everything else is not there."""

    def __init__(self, **lists: list[dict[str, Any]]) -> None:
        self.lists = lists

    def get(self, path: str, accept: str = "") -> dict[str, Any]:
        name = path.partition("?")[0].rpartition("/")[2]
        if name not in self.lists:
            raise RefusedError(404, "")
        return {"items": self.lists[name]}

    def text(self, path: str) -> str:
        raise NotImplementedError

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError(path)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        raise AssertionError(path)

    def patch_json(self, path: str, operations: list[dict[str, Any]]) -> dict[str, Any]:
        raise AssertionError(path)

    def delete(self, path: str) -> None:
        raise AssertionError(path)


def resource(kind: str, name: str, provider: str = "", **inputs: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:shared::litellm::{kind}::{name}", "type": kind, "inputs": inputs, "provider": provider}


METHOD = resource("vault:index/authBackend:AuthBackend", "backend", path="kubernetes")
PROVIDER = resource("pulumi:providers:vault", "vault", address="https://vault")
ROLES = [resource("vault:kubernetes/authBackendRole:AuthBackendRole", name, roleName=name) for name in ("a", "b")]
GATEWAY = resource(
    "kubernetes:gateway.networking.k8s.io/v1:Gateway", "gateway", metadata={"name": "g", "namespace": "n"}
)
ISSUER = resource("kubernetes:cert-manager.io/v1:ClusterIssuer", "issuer", metadata={"name": "i"})


def exported(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"deployment": {"resources": [*resources]}}


def named(namespace: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": name}, "spec": spec}


def test_without_anybody_there_is_nobody():
    assert shared_users.look(exported(GATEWAY, ISSUER), Cluster()) == []


def test_who_reads_secrets_needs_the_operator():
    found = shared_users.look(exported(), Cluster(externalsecrets=[named("team", "keys")], namespaces=[]))
    assert found == ["namespace team: ExternalSecret keys"]


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        (["a", "b"], []),
        (["a", "b", "c"], ["auth/kubernetes/ in Vault: role c"]),
        (None, ["auth/kubernetes/ in Vault: role roles that this token may not list"]),
    ],
)
def test_who_logs_in_needs_the_auth_method(monkeypatch: pytest.MonkeyPatch, roles: list[str] | None, said: list[str]):
    monkeypatch.setattr(vault_roles, "of_others", lambda *_: roles)
    assert shared_users.look(exported(METHOD, PROVIDER, *ROLES), Cluster()) == said


def test_routes_need_the_gateway_that_they_name():
    routes = [
        named("x", "ours", parentRefs=[{"name": "g", "namespace": "n"}]),
        named("n", "near", parentRefs=[{"name": "g"}]),
        named("x", "other", parentRefs=[{"name": "g"}, {"name": "h", "namespace": "n"}]),
    ]
    assert shared_users.look(exported(GATEWAY), Cluster(httproutes=routes)) == [
        "namespace x: HTTPRoute ours",
        "namespace n: HTTPRoute near",
    ]


def test_certificates_need_their_issuer():
    certificates = [
        named("x", "ours", issuerRef={"kind": "ClusterIssuer", "name": "i"}),
        named("x", "other", issuerRef={"kind": "Issuer", "name": "i"}),
    ]
    assert shared_users.look(exported(ISSUER), Cluster(certificates=certificates)) == ["namespace x: Certificate ours"]
