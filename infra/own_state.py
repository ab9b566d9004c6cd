"""What a stack has by its own state, which the program asks the engine for."""

from collections.abc import Iterator, Mapping
from typing import Any

RELEASE, COMPONENT = "kubernetes:helm.sh/v3:Release", "litellm:index:ExternalSecretsOperator$"


def has_operator(state: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the stack has External Secrets Operator: the mark in the cluster says only what a stack is called."""
    return any(each["type"] == RELEASE and COMPONENT in urn for urn, each in state.items())


def is_empty(state: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether it knows of nothing that a stack has: of one that was never up, that is gone, or whose state was lost."""
    return all(str(each["type"]).startswith("pulumi:") for each in state.values())


HANDED_OVER = "LITELLM_DOCUMENTS_HANDED_OVER"
"""Environment variable of the program, `true` where the documents in Vault that its state has are not deleted with their
resources. `make up` sees to that."""

GENERATED = ":VaultGenerated", ":AwsGenerated"
"""How the types of documents end whose values are made in the store."""

DOCUMENT, SECRET = "vault:kv/secretV2:SecretV2", "aws:secretsmanager/secret:Secret"
POLICY, ROLES = (
    "vault:index/policy:Policy",
    ("vault:kubernetes/authBackendRole:AuthBackendRole", "vault:jwt/authBackendRole:AuthBackendRole"),
)

IN_AWS = {
    "aws:iam/role:Role": ("name",),
    "aws:iam/policy:Policy": ("name",),
    "aws:eks/podIdentityAssociation:PodIdentityAssociation": ("associationId",),
}
"""What the stack has in IAM and EKS, and what it is called there."""


def written(state: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """The documents that the stack has written, by their place in the store, and which version it wrote last."""
    return dict(place for each in state.values() for place in versions(str(each["type"]), outputs_of(each)))


def outputs_of(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    return resource.get("outputs") or {}


def versions(kind: str, outputs: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    metadata: Mapping[str, Any] = outputs.get("metadata") or {}
    version = str(metadata.get("version", "")) if kind == DOCUMENT else ""
    if version.isdigit():
        yield f"{outputs['mount']}/{outputs['name']}", int(version)
    if kind.endswith(GENERATED[0]) and str(outputs.get("version")).isdigit():
        yield f"{outputs['mount']}/{outputs['path']}", int(outputs["version"])
    if kind == SECRET and "name" in outputs:
        yield str(outputs["name"]), 1
    if kind.endswith(":VaultSaltKey") and not outputs.get("adopted"):
        yield f"{outputs['mount']}/{outputs['path']}", 1


def granted(state: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The policies and roles that the stack has made: in Vault by their paths in its API, in AWS by their names."""
    found: list[str] = []
    for each in state.values():
        kind, outputs = str(each["type"]), outputs_of(each)
        if kind == POLICY and "name" in outputs:
            found.append(f"sys/policies/acl/{outputs['name']}")
        if kind in ROLES and {"backend", "roleName"} <= outputs.keys():
            found.append(f"auth/{outputs['backend']}/role/{outputs['roleName']}")
        found += [str(outputs[name]) for name in IN_AWS.get(kind, ()) if name in outputs]
    return tuple(found)


def made_in_the_store(state: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The documents whose values are made in the store, by the names of their resources."""
    return sorted(
        urn.rpartition("::")[2].removeprefix("documents-").removesuffix("-generated")
        for urn, each in state.items()
        if str(each["type"]).endswith(GENERATED)
    )


def written_by_pulumi(state: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The documents in Vault whose values the state has, by their places."""
    found = [outputs_of(each) for each in state.values() if each["type"] == DOCUMENT]
    return [f"{outputs['mount']}/{outputs['name']}" for outputs in found if {"mount", "name"} <= outputs.keys()]


def rotations(state: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The counters of the values that Pulumi has generated, by the names of their generators."""
    found = {
        urn.rpartition("::")[2]: outputs_of(each).get("keepers")
        for urn, each in state.items()
        if each["type"] == "random:index/randomPassword:RandomPassword"
    }
    return {name: str(keepers["rotation"]) for name, keepers in found.items() if keepers and "rotation" in keepers}
