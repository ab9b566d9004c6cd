"""What a stack has and others use: looked up before a `destroy`, and kept. And the Secrets that nobody uses any more."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from components.labels import INSTANCE, PART_OF
from components.sync.shared import KEPT_BY_HELM, OPERATOR, OWNER_MARK, SYNCED
from infra.kubernetes_api import METADATA, METADATA_LIST, RefusedError
from infra.operator import CRD
from tools.engine.cluster import Cluster

API = "/apis/external-secrets.io"
KINDS = {
    "ExternalSecret": f"{API}/v1/externalsecrets",
    "SecretStore": f"{API}/v1/secretstores",
    "PushSecret": f"{API}/v1alpha1/pushsecrets",
    "ClusterSecretStore": f"{API}/v1/clustersecretstores",
    "ClusterExternalSecret": f"{API}/v1/clusterexternalsecrets",
    "ClusterPushSecret": f"{API}/v1alpha1/clusterpushsecrets",
}
"""What needs the operator, and where all of a kind are listed."""

JSON = "application/json"

SHOWN = 5
"""Names of a kind in one namespace; more are counted."""

PART_OF_LITELLM = ",".join(f"{key}={value}" for key, value in PART_OF.items())


@dataclass(frozen=True)
class User:
    """Somebody who needs the operator."""

    namespace: str
    """Empty for what belongs to no namespace."""

    stack: str
    """The stack whose namespace it is; empty where it is no stack's."""

    objects: Mapping[str, Sequence[str]]
    """Names by kind."""

    def __str__(self) -> str:
        where = f"namespace {self.namespace}" if self.namespace else "cluster-wide"
        who = f" ({self.stack})" if self.stack else ""
        return f"{where}{who}: " + ", ".join(f"{kind} {shown(names)}" for kind, names in self.objects.items())


def shown(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def users(cluster: Cluster, but: str | None) -> list[User]:
    """Everybody who uses the operator of a cluster, except for the namespace `but`.

    Raises:
        RefusedError: when the API does not let the answer be known.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for kind, path in KINDS.items():
        for each in listed(cluster, path, 404):
            metadata = each["metadata"]
            found.setdefault(metadata.get("namespace", ""), {}).setdefault(kind, []).append(metadata["name"])
    if not found:
        return []
    namespaces = listed(cluster, f"/api/v1/namespaces?labelSelector={quote(PART_OF_LITELLM)}", 403, 404)
    stacks = {each["metadata"]["name"]: each["metadata"].get("labels", {}) for each in namespaces}
    return [
        User(namespace, stacks.get(namespace, {}).get(INSTANCE, ""), objects)
        for namespace, objects in sorted(found.items())
        if namespace != but
    ]


def listed(cluster: Cluster, path: str, *statuses: int, accept: str = METADATA_LIST) -> list[dict[str, Any]]:
    """The objects at a path; none when the answer is one of these errors."""
    # A list of metadata without any has no list.
    return unless(cluster, path, *statuses, accept=accept).get("items") or []


def unless(cluster: Cluster, path: str, *statuses: int, accept: str = JSON) -> dict[str, Any]:
    """What is at a path; nothing when the answer is one of these errors."""
    try:
        return cluster.get(path, accept)
    except RefusedError as error:
        if error.status in statuses:
            return {}
        raise


def take_over(cluster: Cluster, namespace: str, say: Callable[[str], None]) -> None:
    """Let the next installation have the operator that a destroyed stack left: Helm takes over what it finds.

    For that Helm must not know the release any more. Its objects stay as they are, and say by themselves whose they are.
    """
    records = left_behind(cluster, namespace)
    for record in records:
        unless_gone(cluster, record)
    if records:
        say(f"taking over External Secrets Operator in namespace {namespace}, which a stack that is gone has left")


def left_behind(cluster: Cluster, namespace: str) -> list[str]:
    """Where Helm has the records of an operator that a destroyed stack left; none for one of somebody else."""
    home = unless(cluster, f"/api/v1/namespaces/{namespace}", 403, 404, accept=METADATA)
    marked = unless(cluster, f"/api/v1/namespaces/{namespace}/configmaps/{OWNER_MARK}", 404, accept=METADATA)
    crd = unless(cluster, CRD, 403, 404, accept=METADATA)
    ours = PART_OF.items() <= home.get("metadata", {}).get("labels", {}).items()
    # A release of this program that left no mark did not ask Helm to keep the CRDs either: a stack may have that one still.
    kept = KEPT_BY_HELM.items() <= crd.get("metadata", {}).get("annotations", {}).items()
    if not ours or not kept or marked:
        return []
    secrets = f"/api/v1/namespaces/{namespace}/secrets"
    records = listed(cluster, f"{secrets}?labelSelector={quote(f'owner=helm,name={OPERATOR}')}", 403)
    return [f"{secrets}/{record['metadata']['name']}" for record in records]


def drop_unused_secrets(cluster: Cluster, namespace: str) -> list[str]:
    """Delete the Secrets in the namespace of a stack that were made from its documents, and that nothing reads any more.

    They outlive their ExternalSecrets, so nobody else does it. One stays for as long as there is an ExternalSecret of its name,
    or a pod that reads it.
    """
    place = f"/api/v1/namespaces/{namespace}"
    selector = quote(f"{PART_OF_LITELLM},{SYNCED}")
    names = {
        each["metadata"]["name"] for each in listed(cluster, f"{place}/secrets?labelSelector={selector}", 403, 404)
    }
    if not names:
        return []
    externals = listed(cluster, f"{API}/v1/namespaces/{namespace}/externalsecrets", 404, accept=JSON)
    wanted = {each["spec"].get("target", {}).get("name") or each["metadata"]["name"] for each in externals}
    pods = [pod for pod in listed(cluster, f"{place}/pods", accept=JSON) if "deletionTimestamp" not in pod["metadata"]]
    read = {name for pod in pods for name in read_by(pod["spec"])}
    unused = sorted(names - wanted - read)
    for name in unused:
        unless_gone(cluster, f"{place}/secrets/{name}")
    return unused


def read_by(pod: Any) -> Iterator[str]:
    """The names of all Secrets in a pod's spec, wherever they stand in it."""
    if isinstance(pod, list):
        for item in cast("list[Any]", pod):
            yield from read_by(item)
    elif isinstance(pod, dict):
        for key, value in cast("dict[str, Any]", pod).items():
            if key in ("secretRef", "secretKeyRef", "secret") and isinstance(value, dict):
                named = cast("dict[str, Any]", value)
                yield str(named.get("name") or named.get("secretName"))
            if key == "imagePullSecrets" and isinstance(value, list):
                yield from (str(entry.get("name")) for entry in cast("list[dict[str, Any]]", value))
            yield from read_by(value)


def unless_gone(cluster: Cluster, path: str) -> None:
    try:
        cluster.delete(path)
    except RefusedError as error:
        if error.status != 404:
            raise
