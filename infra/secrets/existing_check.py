"""The look at a store of somebody else: it must be there, be ready, and be for the namespace of the gateway."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.cluster import kubeconfig_path
from infra.kubernetes_api import UNREACHABLE, KubernetesApi, RefusedError
from infra.secrets.existing import ExistingStore
from infra.stack import NamedStack

API = "/apis/external-secrets.io/v1"


def check(store: ExistingStore, target: NamedStack, documents: Mapping[str, object]) -> Iterator[str]:
    """Every problem is a sentence. What is in the store nobody looks at: only the operator can."""
    del documents
    kind, name = store.config.kind, store.config.name
    place = f"{API}/clustersecretstores" if kind == "ClusterSecretStore" else namespaced(target.namespace)
    where = "" if kind == "ClusterSecretStore" else f" in namespace {target.namespace}"
    try:
        found = KubernetesApi(kubeconfig_path(), target.config.context).get(f"{place}/{name}")
    except RefusedError as error:
        if error.status == 404:
            yield (
                f"litellm:secrets.existing: there is no {kind} {name}{where} (`kubectl get {kind.lower()}s`): make it first, "
                "or name another one"
            )
        return
    except UNREACHABLE:  # the look at the cluster says so
        return
    if reason := not_ready(found):
        yield f"litellm:secrets.existing: {kind} {name}{where} is not ready ({reason}): `kubectl describe` it first"
    if kind == "ClusterSecretStore" and not admits(found, target.namespace):
        yield (
            f"litellm:secrets.existing: ClusterSecretStore {name} is not for namespace {target.namespace} (spec.conditions): "
            "have it added there"
        )


def namespaced(namespace: str) -> str:
    return f"{API}/namespaces/{namespace}/secretstores"


def not_ready(store: Mapping[str, Any]) -> str:
    """Why a store is not ready, in one word; empty when it is, or when nobody has looked yet."""
    status: dict[str, Any] = store.get("status") or {}
    conditions: list[dict[str, str]] = status.get("conditions") or []
    ready = next((each for each in conditions if each.get("type") == "Ready"), {"status": "True"})
    return "" if ready["status"] == "True" else ready.get("reason") or "of unknown reason"


def admits(store: Mapping[str, Any], namespace: str) -> bool:
    """Whether a ClusterSecretStore serves a namespace. What goes by labels, only the operator decides."""
    conditions: list[dict[str, Any]] = store["spec"].get("conditions") or []
    return not conditions or any(
        "namespaceSelector" in each
        or namespace in each.get("namespaces", ())
        or any(matches(pattern, namespace) for pattern in each.get("namespaceRegexes", ()))
        for each in conditions
    )


def matches(pattern: str, namespace: str) -> bool:
    """Whether the operator finds a pattern anywhere in a name. What only Go takes for a pattern is left to it."""
    try:
        return re.search(pattern, namespace) is not None
    except re.error:
        return True
