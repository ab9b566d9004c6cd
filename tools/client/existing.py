"""Values of a store that only External Secrets Operator reads: as it has synced them into the cluster."""

import base64
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from components.labels import NAME
from components.secrets.references import RemoteReference
from components.sync.shared import SYNCED
from infra.cluster import kubeconfig_path
from infra.config.load import ConfigProblem
from infra.kubernetes_api import UNREACHABLE, KubernetesApi, RefusedError
from infra.reason import reason
from infra.secrets.existing import ExistingStore
from tools.client.stored import Read, Stored
from tools.problem import Problem

SECRET, MASTER_KEY = "litellm-env", "LITELLM_MASTER_KEY"


def read(store: ExistingStore, problems: Sequence[ConfigProblem], reference: RemoteReference) -> str:
    """The master key that the gateway runs with.

    Raises:
        Problem: when the cluster cannot be asked, refuses, or has no such Secret.
    """
    del problems, reference
    selector = quote(f"{NAME}={SECRET},{SYNCED}")
    path = f"/api/v1/namespaces/{store.namespace}/secrets?labelSelector={selector}"
    try:
        found: list[dict[str, Any]] = KubernetesApi(kubeconfig_path(), store.context).get(path)["items"]
    except (RefusedError, *UNREACHABLE) as error:
        raise Problem(f"the Secrets of namespace {store.namespace} cannot be read: {reason(error)}") from None
    newest = sorted((each for each in found if MASTER_KEY in (each.get("data") or {})), key=made_at)
    if not newest:
        raise Problem(f"there is no Secret with a master key in namespace {store.namespace}: `make up` has it made")
    return base64.b64decode(newest[-1]["data"][MASTER_KEY]).decode()


def reader(store: ExistingStore, problems: Sequence[ConfigProblem]) -> Read:
    """Reads nothing: only the operator does."""
    del problems

    def unreadable(_key: str, _mount: str | None) -> Stored | None:
        raise Problem(f"only External Secrets Operator reads the store {store.config.name}")

    return unreadable


def made_at(secret: dict[str, Any]) -> str:
    return secret["metadata"].get("creationTimestamp", "")
