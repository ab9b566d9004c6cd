"""A cluster from which External Secrets Operator was taken away, and its CRDs with it: what is left is brought in order.

Every ExternalSecret of the cluster then hangs in its deletion, as only the operator removes its finalizer; and once that
happens, Kubernetes collects the Secrets that belong to it. So first the Secrets are set free, then what hangs is written down
and let go, so that the CRDs can go and come back, and in the end what others had is made again.
"""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from infra.kubernetes_api import METADATA, RefusedError
from tools.engine.cluster import Cluster
from tools.engine.sharing import JSON, listed, unless
from tools.private_file import private_folder
from tools.problem import Problem

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
GROUPS = ("external-secrets.io", "generators.external-secrets.io")
PAUSE_SECONDS, PATIENCE_SECONDS = 1, 60
KEPT = ("name", "namespace", "labels", "annotations")
"""What of the metadata of an object is made again."""

Object = dict[str, Any]


def identity(cluster: Cluster) -> str:
    """What tells this cluster from every other one."""
    return str(cluster.get("/api/v1/namespaces/kube-system", METADATA)["metadata"]["uid"])


def heal(
    cluster: Cluster, file: Path, say: Callable[[str], None], *, pause: Callable[[float], None] = time.sleep
) -> None:
    """Free the Secrets, write what hangs into `file`, and wait until the CRDs that are being deleted are gone.

    Raises:
        Problem: when they do not go.
    """
    leaving = going(cluster)
    hanging = [(path, each) for name in leaving for path, each in objects_of(cluster, name) if hangs(each)]
    if not leaving:
        say("no CRD of External Secrets Operator is being deleted")
        return
    freed = sum(set_free(cluster, each) for _, each in hanging if each["kind"] == "ExternalSecret")
    write(file, [without_status(each) for _, each in hanging])
    for path, each in hanging:
        cluster.patch(f"{path}/{each['metadata']['name']}", {"metadata": {"finalizers": None}})
    say(
        f"the CRDs of External Secrets Operator were being deleted: {freed} Secrets stay where they are, and {len(hanging)} "
        f"objects are written down in {file}"
    )
    for _ in range(PATIENCE_SECONDS // PAUSE_SECONDS):
        if not (leaving := going(cluster)):
            return
        pause(PAUSE_SECONDS)
    raise Problem(
        f"these CRDs do not go: {', '.join(leaving)}; `kubectl get crd {leaving[0]} -o yaml` says what holds them"
    )


def restore(
    cluster: Cluster, file: Path, own: str, say: Callable[[str], None], *, pause: Callable[[float], None] = time.sleep
) -> None:
    """Make again what `heal` wrote down, but for the namespace `own`, whose stack has just made what it needs."""
    if not file.exists():
        return
    missing = [each for each in read(file) if each["metadata"].get("namespace") != own]
    for each in missing:
        make(cluster, each, pause)
    file.unlink()
    names = "".join(f"\n  - {each['kind']} {place_of(each)}" for each in missing)
    if names:
        say(
            f"made again, as it was:{names}\nWhose SecretStore is gone, too, is synced when its owner has made it again"
        )


def going(cluster: Cluster) -> list[str]:
    """Names of the operator's CRDs that are being deleted."""
    found = [each["metadata"] for each in listed(cluster, CRDS)]
    return [crd["name"] for crd in found if crd["name"].partition(".")[2] in GROUPS and "deletionTimestamp" in crd]


def objects_of(cluster: Cluster, name: str) -> Iterator[tuple[str, Object]]:
    """All objects of a CRD, each with the path of its list."""
    plural, _, group = name.partition(".")
    spec: Object = unless(cluster, f"{CRDS}/{name}", 404).get("spec") or {"versions": []}
    version = next((each["name"] for each in spec["versions"] if each["served"]), None)
    if version is None:
        return
    for each in listed(cluster, f"/apis/{group}/{version}/{plural}", 404, accept=JSON):
        namespace = each["metadata"].get("namespace")
        yield (
            f"/apis/{group}/{version}/" + (f"namespaces/{namespace}/{plural}" if namespace else plural),
            {**each, "apiVersion": f"{group}/{version}", "kind": spec["names"]["kind"]},
        )


def hangs(each: Object) -> bool:
    return "deletionTimestamp" in each["metadata"]


def set_free(cluster: Cluster, external: Object) -> bool:
    """Let the Secret of an ExternalSecret outlive it; only its metadata is read."""
    metadata = external["metadata"]
    name = external["spec"].get("target", {}).get("name") or metadata["name"]
    path = f"/api/v1/namespaces/{metadata['namespace']}/secrets/{name}"
    found = unless(cluster, path, 404, accept=METADATA).get("metadata", {})
    owners: list[Object] = found.get("ownerReferences", [])
    others = [owner for owner in owners if owner["uid"] != metadata["uid"]]
    if len(others) == len(owners):
        return False
    # With the version, or somebody else's new owner would be lost.
    cluster.patch(path, {"metadata": {"ownerReferences": others or None, "resourceVersion": found["resourceVersion"]}})
    return True


def without_status(each: Object) -> Object:
    metadata = {key: each["metadata"][key] for key in KEPT if key in each["metadata"]}
    return {"apiVersion": each["apiVersion"], "kind": each["kind"], "metadata": metadata, "spec": each.get("spec", {})}


def write(file: Path, found: list[Object]) -> None:
    """Add to what is written down already: a run that was killed may have let go of some before."""
    known = read(file) if file.exists() else []
    merged = {(each["kind"], place_of(each)): each for each in [*known, *found]}
    private_folder(file.parent)
    file.touch(0o600)
    file.write_text(json.dumps([*merged.values()]))


def read(file: Path) -> list[Object]:
    return json.loads(file.read_text())


def place_of(each: Object) -> str:
    metadata = each["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}" if "namespace" in metadata else metadata["name"]


def make(cluster: Cluster, each: Object, pause: Callable[[float], None]) -> None:
    """Make one object, unless it is there or its namespace is not. The operator's webhook may need a moment."""
    namespace = each["metadata"].get("namespace")
    plural = f"{each['kind'].lower()}s"
    path = f"/apis/{each['apiVersion']}/" + (f"namespaces/{namespace}/{plural}" if namespace else plural)
    for attempt in range(PATIENCE_SECONDS // PAUSE_SECONDS):
        try:
            cluster.create(path, each)
        except RefusedError as error:
            if error.status in (404, 409):
                return
            if error.status < 500 or attempt == PATIENCE_SECONDS // PAUSE_SECONDS - 1:
                raise
            pause(PAUSE_SECONDS)
        else:
            return
