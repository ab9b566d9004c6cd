"""Before anything of a stack is deleted: do its targets answer, and will they let it go?

Otherwise a `destroy` stops half-way, with a namespace that hangs in its deletion, or a database that is gone before its
password.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from infra import operator
from infra.kubernetes_api import UNREACHABLE, KubernetesApi, RefusedError
from infra.reason import reason
from tools.engine import state
from tools.engine.cluster import Cluster
from tools.engine.part import Part
from tools.engine.sharing import unless

Exported = Mapping[str, Any]

DYNAMIC_IN_AWS = ("AwsSaltKey", "AwsKey", "AwsInitialValue", "AwsGenerated")
EXTERNAL_SECRET = "kubernetes:external-secrets.io/v1:ExternalSecret"  # noqa: S105 - a type


@dataclass(frozen=True)
class Obstacle:
    """Why a stack cannot go as a whole."""

    part: Part
    why: str
    back: str
    """How to have the part back."""

    may_be_gone: bool = True
    """Whether it can be that nobody has the part back."""

    def ways_out(self, name: str) -> str:
        again = f"{self.why}\n    {self.back}, and run `make destroy STACK={name}` again"
        if not self.may_be_gone:
            return again
        return (
            f"{again}; or, if it does not come back:\n"
            f"    `make destroy STACK={name} ARGS='--without {self.part}'`, {WITHOUT[self.part]}"
        )


WITHOUT = {
    Part.store: "which forgets what the stack has in the store, and says what that is",
    Part.operator: "which lets the ExternalSecrets go without it",
    Part.cluster: "which forgets what the stack has in the cluster",
}


@dataclass(frozen=True)
class Sight:
    """What stands in the way of a stack that is to go."""

    obstacles: tuple[Obstacle, ...] = ()

    gone: tuple[str, ...] = ()
    """URNs of what is gone already, with what it was in: nobody could delete it."""

    lines: tuple[str, ...] = ()
    """What is to be said about that."""


def look(
    exported: Exported, connect: Callable[[], Cluster], operator_namespace: str, without: Collection[Part] = ()
) -> Sight:
    """Look at every target that the stack has something in, but for those that it goes `without`."""
    parts = [
        *([] if Part.store in without else [*in_vault(exported), in_aws(exported)]),
        *([] if Part.cluster in without else [in_cluster(exported, connect, operator_namespace, without)]),
    ]
    return Sight(
        tuple(each for part in parts for each in part.obstacles),
        tuple(urn for part in parts for urn in part.gone),
        tuple(line for part in parts for line in part.lines),
    )


def in_vault(exported: Exported) -> Iterator[Sight]:
    """One look for each provider: a stack may have two, for two namespaces of Vault."""
    for provider in state.of_type(exported, state.VAULT):
        own = [each for each in vault_resources(exported) if is_of(provider, each)]
        if not own:
            continue
        places = {str(each["urn"]): place for each in own if (place := place_in_vault(each))}
        mounts = {mount for mount, _ in places.values() if mount}
        paths = [path for _, path in places.values() if path]
        why, lacking = import_module("tools.engine.vault_target").look(state.part(provider, "inputs"), mounts, paths)
        obstacles = (Obstacle(Part.store, why, "Bring Vault back, or log in to it"),) if why else ()
        gone = tuple(urn for urn, (mount, _) in places.items() if mount in lacking)
        lines = tuple(
            f"{mount}/ is not in Vault any more, and what the stack had in it went with it" for mount in sorted(lacking)
        )
        yield Sight(obstacles, gone, lines)


def vault_resources(exported: Exported) -> list[state.Resource]:
    return [each for each in state.resources(exported) if is_in_vault(each) and goes(each)]


def is_in_vault(resource: state.Resource) -> bool:
    return str(resource.get("type")).startswith("vault:") or resource.get("type") == state.GENERATED


def is_of(provider: state.Resource, resource: state.Resource) -> bool:
    """Whether a resource goes through a provider. What Vault's client writes goes to where the first one does."""
    if resource["type"] == state.GENERATED:
        return str(provider["urn"]).endswith("::vault")
    return str(resource.get("provider", "")).startswith(provider["urn"])


def goes(resource: state.Resource) -> bool:
    return not resource.get("retainOnDelete")


def place_in_vault(resource: state.Resource) -> tuple[str, str] | None:
    """The mount that a resource is in, and the path that is deleted; None of what is nowhere by itself."""
    inputs = state.part(resource, "inputs")
    match str(resource["type"]):
        case "vault:kv/secretV2:SecretV2":
            return str(inputs["mount"]), f"{inputs['mount']}/metadata/{inputs['name']}"
        case state.GENERATED:
            return str(inputs["mount"]), f"{inputs['mount']}/metadata/{inputs['path']}"
        case "vault:index/policy:Policy":
            return "", f"sys/policies/acl/{inputs['name']}"
        case "vault:kubernetes/authBackendRole:AuthBackendRole" | "vault:jwt/authBackendRole:AuthBackendRole":
            method = f"auth/{inputs['backend']}"
            return method, f"{method}/role/{inputs['roleName']}"
        case "vault:kubernetes/authBackendConfig:AuthBackendConfig":
            return f"auth/{inputs['backend']}", ""
        case _:
            return None


def in_aws(exported: Exported) -> Sight:
    own = [each for each in state.resources(exported) if is_in_aws(each) and goes(each)]
    if not own:
        return Sight()
    # The SDK of AWS takes long to import, and most stacks have nothing there.
    why = import_module("tools.engine.aws_users").unusable(state.aws_connection(exported))
    return Sight((Obstacle(Part.store, why, "Log in to AWS", may_be_gone=False),)) if why else Sight()


def is_in_aws(resource: state.Resource) -> bool:
    kind = str(resource.get("type"))
    return kind.startswith("aws:") or kind.rpartition("litellm:")[2] in DYNAMIC_IN_AWS


def in_cluster(
    exported: Exported, connect: Callable[[], Cluster], operator_namespace: str, without: Collection[Part]
) -> Sight:
    own = [each for each in state.resources(exported) if is_in_cluster(each) and goes(each)]
    if not own:
        return Sight()
    try:
        cluster = connect()
        cluster.get("/version")
        waits = Part.operator not in without and [each for each in own if each["type"] == EXTERNAL_SECRET]
        why = operator_missing(cluster, operator_namespace) if waits else ""
    except (RefusedError, *UNREACHABLE) as error:
        return Sight((Obstacle(Part.cluster, f"the cluster cannot be used: {reason(error)}", "Mend that"),))
    back = "Bring it back (`make repair STACK=…` does, where a stack installs it)"
    return Sight((Obstacle(Part.operator, why, back),)) if why else Sight()


def is_in_cluster(resource: state.Resource) -> bool:
    return str(resource.get("type")).startswith("kubernetes:") and bool(resource.get("custom", True))


def operator_missing(cluster: Cluster, namespace: str) -> str:
    """Why ExternalSecrets would hang in their deletion: only the operator takes their finalizer away. Without its CRDs they are
    gone, and do not hang."""
    sight = operator.look(cast("KubernetesApi", cluster), namespace)
    if not sight.versions or sight.running is None or any(each.ready for each in sight.running):
        return ""
    found = "is not in the cluster" if not sight.running else "does not work (no pod of its controller is ready)"
    return f"External Secrets Operator {found}: the stack's ExternalSecrets would hang in their deletion, and their namespace"


def forgotten(exported: Exported, without: Collection[Part]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is left where it is when a stack goes without some parts: URNs, and the lines that say what it is."""
    found = [
        each
        for each in state.resources(exported)
        if goes(each)
        and (
            (Part.store in without and (is_in_vault(each) or is_salt_in_vault(each)))
            or (Part.cluster in without and is_in_cluster(each))
        )
    ]
    left = [place[1] for each in found if is_in_vault(each) and (place := place_in_vault(each)) and place[1]]
    lines = tuple(f"left in Vault, if it comes back: {path}" for path in sorted(left))
    return tuple(str(each["urn"]) for each in found), lines


def is_salt_in_vault(resource: state.Resource) -> bool:
    return str(resource.get("type")).endswith("litellm:VaultSaltKey")


def let_go(exported: Exported, cluster: Cluster) -> int:
    """Take the operator's finalizer from the stack's ExternalSecrets, which keep their Secrets; returns from how many.

    Raises:
        RefusedError, and the errors of a cluster that does not answer.
    """
    freed = 0
    for each in state.of_type(exported, EXTERNAL_SECRET):
        namespace, _, name = str(each["id"]).rpartition("/")
        path = f"/apis/external-secrets.io/v1/namespaces/{namespace}/externalsecrets/{name}"
        if unless(cluster, path, 404).get("metadata", {}).get("finalizers"):
            cluster.patch(path, {"metadata": {"finalizers": None}})
            freed += 1
    return freed
