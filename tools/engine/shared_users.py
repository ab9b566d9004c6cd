"""Who uses what a shared stack has: as long as there is somebody, it is not destroyed."""

from collections.abc import Mapping
from typing import Any

from tools.engine import sharing, state, vault_roles
from tools.engine.cluster import Cluster

ROUTES = "/apis/gateway.networking.k8s.io/v1/httproutes"
CERTIFICATES = "/apis/cert-manager.io/v1/certificates"


def look(exported: Mapping[str, Any], cluster: Cluster) -> list[str]:
    """Everybody who needs the operator, the auth method, the Gateway or the issuer of the stack; a line for each.

    Raises:
        RefusedError, and the errors of a cluster that cannot be reached: when nobody can tell.
    """
    return [
        *(str(user) for user in sharing.users(cluster, None)),
        *logins(exported),
        *(line for gateway in objects(exported, "Gateway") for line in routes(cluster, gateway)),
        *(line for issuer in objects(exported, "ClusterIssuer") for line in certificates(cluster, issuer)),
    ]


def objects(exported: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    """Metadata of the stack's objects of a kind."""
    found = [each for each in state.resources(exported) if str(each.get("type", "")).endswith(f":{kind}")]
    return [state.part(each, "inputs")["metadata"] for each in found]


def logins(exported: Mapping[str, Any]) -> list[str]:
    """Roles of others in the auth method that the stack enabled."""
    method = state.auth_method(exported)
    if method is None:
        return []
    own = state.roles(exported)
    found = vault_roles.of_others(method.vault, method.path, "")
    others = ["roles that this token may not list"] if found is None else [role for role in found if role not in own]
    return [f"auth/{method.path}/ in Vault: role {role}" for role in others]


def routes(cluster: Cluster, gateway: Mapping[str, Any]) -> list[str]:
    return [
        f"namespace {each['metadata']['namespace']}: HTTPRoute {each['metadata']['name']}"
        for each in sharing.listed(cluster, ROUTES, 404, accept=sharing.JSON)
        if any(
            parent.get("name") == gateway["name"]
            and parent.get("namespace", each["metadata"]["namespace"]) == gateway.get("namespace")
            for parent in each["spec"].get("parentRefs", ())
        )
    ]


def certificates(cluster: Cluster, issuer: Mapping[str, Any]) -> list[str]:
    wanted = {"kind": "ClusterIssuer", "name": issuer["name"]}
    return [
        f"namespace {each['metadata']['namespace']}: Certificate {each['metadata']['name']}"
        for each in sharing.listed(cluster, CERTIFICATES, 404, accept=sharing.JSON)
        if wanted.items() <= each["spec"].get("issuerRef", {}).items()
    ]
