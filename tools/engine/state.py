"""The state of a stack, as `pulumi stack export` prints it: what of it others use, and what becomes of that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Resource = dict[str, Any]

RELEASE = "kubernetes:helm.sh/v3:Release"
VAULT, ROLE = "pulumi:providers:vault", "vault:kubernetes/authBackendRole:AuthBackendRole"
AUTH_METHOD = ("vault:index/authBackend:AuthBackend", "vault:kubernetes/authBackendConfig:AuthBackendConfig")
OPERATOR_COMPONENT = "litellm:index:ExternalSecretsOperator$"


def resources(exported: Mapping[str, Any]) -> list[Resource]:
    """Everything that the state knows and that is not about to be deleted."""
    found: list[Resource] = exported["deployment"].get("resources") or []
    return [resource for resource in found if not resource.get("delete")]


def operator(exported: Mapping[str, Any]) -> Resource | None:
    """The Helm release of External Secrets Operator; None when the stack does not have it."""
    return next((each for each in resources(exported) if each.get("type") == RELEASE and is_of_operator(each)), None)


def is_of_operator(resource: Resource) -> bool:
    return OPERATOR_COMPONENT in str(resource["urn"])


@dataclass(frozen=True)
class AuthMethod:
    """An auth method that a stack enabled in Vault."""

    path: str
    role: str
    """The role of the stack."""

    provider: Mapping[str, Any]
    """How the stack reached Vault."""

    own: bool
    """Whether its path is the one that a stack takes for itself alone."""


def auth_method(exported: Mapping[str, Any]) -> AuthMethod | None:
    """The auth method that the stack enabled; None when it uses one that was there, or none."""
    inputs: dict[str, dict[str, Any]] = {
        str(each.get("type")): each.get("inputs") or {} for each in resources(exported)
    }
    if AUTH_METHOD[0] not in inputs:
        return None
    path, role = str(inputs[AUTH_METHOD[0]]["path"]), str(inputs.get(ROLE, {}).get("roleName", ""))
    stack = str(resources(exported)[0]["urn"]).removeprefix("urn:pulumi:").partition("::")[0]
    return AuthMethod(path, role, inputs.get(VAULT, {}), path == f"kubernetes-{stack}")


def retain(exported: Mapping[str, Any], *, operator: bool, auth_method: bool) -> bool:
    """Write into a state what of it stays where it is when the stack goes; returns whether that is news.

    Args:
        exported: the state.
        operator: whether the operator's Helm release stays. Its namespace does in any case.
        auth_method: whether the auth method in Vault stays.
    """
    wanted = {RELEASE: operator, "kubernetes:core/v1:Namespace": True, **dict.fromkeys(AUTH_METHOD, auth_method)}
    changed = False
    for each in resources(exported):
        kind = str(each.get("type"))
        if kind not in wanted or not (is_of_operator(each) or kind in AUTH_METHOD):
            continue
        if each.get("retainOnDelete", False) != wanted[kind]:
            each["retainOnDelete"], changed = wanted[kind], True
    return changed
