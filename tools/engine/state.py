"""The state of a stack, as `pulumi stack export` prints it: what of it others may use, and what becomes of that."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

Resource = dict[str, Any]

NAMESPACE, RELEASE = "kubernetes:core/v1:Namespace", "kubernetes:helm.sh/v3:Release"
VAULT, ROLE = "pulumi:providers:vault", "vault:kubernetes/authBackendRole:AuthBackendRole"
AUTH_METHOD = ("vault:index/authBackend:AuthBackend", "vault:kubernetes/authBackendConfig:AuthBackendConfig")
AWS = "pulumi:providers:aws"
SUBNET_GROUPS = {"aws:rds/subnetGroup:SubnetGroup": "rds", "aws:elasticache/subnetGroup:SubnetGroup": "elasticache"}
OPERATOR_COMPONENT = "litellm:index:ExternalSecretsOperator$"


def resources(exported: Mapping[str, Any]) -> list[Resource]:
    """Everything that the state knows and that is not about to be deleted."""
    found: list[Resource] = exported["deployment"].get("resources") or []
    return [resource for resource in found if not resource.get("delete")]


def being_made(exported: Mapping[str, Any]) -> list[Resource]:
    """The Kubernetes objects that the engine was making when it was killed, and that the state does not have."""
    known = {each["urn"] for each in resources(exported)}
    operations: list[dict[str, Any]] = exported["deployment"].get("pending_operations") or []
    making: dict[str, Resource] = {
        each["resource"]["urn"]: each["resource"] for each in operations if each["type"] == "creating"
    }
    return [each for urn, each in making.items() if urn not in known and is_whole_object(each)]


def apply_again(exported: Mapping[str, Any], urns: Collection[str]) -> bool:
    """Have the next `up` apply these objects, whatever it finds in the state; returns whether that changed the state.

    An update that is cancelled while the provider waits has changed the object, and the provider tells the engine nothing of
    it: the state goes on to have the version before. Whoever goes back to that one would be told that nothing changed.
    """
    found = [each for each in resources(exported) if each["urn"] in urns and not each.get("initErrors")]
    for each in found:
        each["initErrors"] = ["an update of it was not finished"]
    return bool(found)


def is_whole_object(resource: Resource) -> bool:
    """Whether a resource is a Kubernetes object. A Patch has only some fields, of an object that may be somebody else's."""
    kind = str(resource.get("type"))
    named = {"apiVersion", "kind", "metadata"} <= part(resource, "inputs").keys()
    return kind.startswith("kubernetes:") and not kind.endswith("Patch") and named


def of_type(exported: Mapping[str, Any], *types: str) -> list[Resource]:
    return [each for each in resources(exported) if each.get("type") in types]


def inputs_of(exported: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The inputs of the only resource of a type; nothing where there is none."""
    found = of_type(exported, kind)
    return part(found[0], "inputs") if found else {}


def provider_of(exported: Mapping[str, Any], resource: Resource, kind: str) -> Mapping[str, Any]:
    """The inputs of a resource's own provider: a stack may have two of a kind."""
    urn = str(resource.get("provider", "")).rpartition("::")[0]
    own = [part(each, "inputs") for each in of_type(exported, kind) if each["urn"] == urn]
    return own[0] if own else inputs_of(exported, kind)


def part(resource: Mapping[str, Any], name: str) -> dict[str, Any]:
    return resource.get(name) or {}


def operator(exported: Mapping[str, Any]) -> Resource | None:
    """The Helm release of External Secrets Operator; None when the stack does not have it."""
    return next(iter(operator_parts(exported, RELEASE)), None)


def operator_parts(exported: Mapping[str, Any], kind: str) -> list[Resource]:
    return [each for each in of_type(exported, kind) if OPERATOR_COMPONENT in str(each["urn"])]


@dataclass(frozen=True)
class AuthMethod:
    """An auth method that a stack enabled in Vault."""

    path: str
    role: str
    """The role of the stack."""

    vault: Mapping[str, Any]
    """How the stack reached Vault: `address`, `namespace`, `caCertFile`."""

    own: bool
    """Whether its path is the one that a stack takes for itself alone."""

    urns: tuple[str, ...]


def auth_method(exported: Mapping[str, Any]) -> AuthMethod | None:
    """The auth method that the stack enabled; None when it uses one that was there, or none."""
    path = inputs_of(exported, AUTH_METHOD[0]).get("path")
    if path is None:
        return None
    urns = tuple(str(each["urn"]) for each in of_type(exported, *AUTH_METHOD))
    stack = urns[0].removeprefix("urn:pulumi:").partition("::")[0]
    role = str(inputs_of(exported, ROLE).get("roleName", ""))
    provider = provider_of(exported, of_type(exported, AUTH_METHOD[0])[0], VAULT)
    return AuthMethod(path, role, provider, path == f"kubernetes-{stack}", urns)


def roles(exported: Mapping[str, Any]) -> set[str]:
    """The roles of an auth method that the stack made: a shared stack has several."""
    return {str(part(each, "inputs").get("roleName")) for each in of_type(exported, ROLE)}


@dataclass(frozen=True)
class SubnetGroup:
    """A group of subnets that a stack made for its server in AWS."""

    service: str
    name: str
    own: frozenset[str]
    """Names of the stack's own servers."""

    connection: Mapping[str, Any]
    """How the stack reached AWS: `region`, `role_arn`, `external_id`."""

    urn: str


def aws_connection(exported: Mapping[str, Any]) -> dict[str, Any]:
    """How the stack reached AWS: `region`, `role_arn`, `external_id`."""
    provider = inputs_of(exported, AWS)
    # Pulumi writes what is no text as JSON into the inputs of a provider.
    roles: list[dict[str, str]] = json.loads(provider.get("assumeRoles") or "[]")
    role = {"role_arn": roles[0].get("roleArn"), "external_id": roles[0].get("externalId")} if roles else {}
    return {"region": provider.get("region"), **role}


def subnet_groups(exported: Mapping[str, Any]) -> list[SubnetGroup]:
    servers = of_type(exported, "aws:rds/instance:Instance", "aws:elasticache/replicationGroup:ReplicationGroup")
    own = {str(name) for each in servers for name in (each.get("id"), part(each, "outputs").get("identifier"))}
    connection = aws_connection(exported)
    return [
        SubnetGroup(SUBNET_GROUPS[each["type"]], str(each["id"]), frozenset(own), connection, str(each["urn"]))
        for each in of_type(exported, *SUBNET_GROUPS)
        if "id" in each
    ]


DOCUMENT, GENERATED = "vault:kv/secretV2:SecretV2", "pulumi-python:dynamic/litellm:VaultGenerated"

HOLD_DATA = (
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:postgresql.cnpg.io/v1:Cluster",
    DOCUMENT,
    GENERATED,
    "aws:secretsmanager/secret:Secret",
    "aws:secretsmanager/secretVersion:SecretVersion",
    "aws:rds/instance:Instance",
)
"""Types whose deletion cannot be made good by the next `up`."""

SYNCED = "kubernetes:external-secrets.io/"


def hold_data(exported: Mapping[str, Any]) -> list[str]:
    """The URNs of what holds data, and goes with the stack."""
    return [str(each["urn"]) for each in of_type(exported, *HOLD_DATA) if not each.get("retainOnDelete")]


def documents(exported: Mapping[str, Any]) -> list[str]:
    """The URNs of the documents with generated values that Vault's provider has written."""
    urns = [str(each["urn"]) for each in of_type(exported, DOCUMENT)]
    return [urn for urn in urns if not urn.endswith("::documents-providers")]


def free_data(exported: Mapping[str, Any]) -> bool:
    """Write into a state that what holds data needs no Secret any more, once it is to go; returns whether that is news.

    Otherwise the Secrets of a server could only go after it, and with them the identity that they are read with.
    """
    secrets = {str(each["urn"]) for each in resources(exported) if str(each.get("type")).startswith(SYNCED)}
    news = False
    for each in of_type(exported, *HOLD_DATA):
        by_property: dict[str, list[str]] = part(each, "propertyDependencies")
        for needed in (each.get("dependencies") or [], *by_property.values()):
            left = [urn for urn in needed if urn not in secrets]
            news = news or left != needed
            needed[:] = left
    return news


def retain(exported: Mapping[str, Any], wanted: Mapping[str, bool]) -> bool:
    """Write into a state what stays where it is when the stack goes, by URN; returns whether that is news."""
    news = [
        each
        for each in resources(exported)
        if each["urn"] in wanted and bool(each.get("retainOnDelete")) != wanted[each["urn"]]
    ]
    for each in news:
        each["retainOnDelete"] = wanted[each["urn"]]
    return bool(news)
