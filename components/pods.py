"""What Pod Security level `restricted` asks of a pod, and a little more; and what all pods of a stack have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from components.labels import labels

RESTRICTED_CONTAINER: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


class PodSettings(TypedDict):
    """What pods get beside what their component gives them, in Kubernetes' own words."""

    node_selector: NotRequired[Mapping[str, str]]
    """Optional: labels of the nodes that the pods may run on. Defaults to any node."""

    tolerations: NotRequired[Sequence[Mapping[str, Any]]]
    """Optional: taints of nodes that the pods tolerate. Defaults to none."""

    affinity: NotRequired[Mapping[str, Any]]
    """Optional: which nodes, and which pods beside them, the pods are drawn to, or kept from. Defaults to none."""

    priority_class: NotRequired[str | None]
    """Optional: name of the pods' PriorityClass. Defaults to the cluster's default."""

    topology_spread: NotRequired[Sequence[Mapping[str, Any]] | None]
    """Optional: how the pods of one version of a workload spread, without `labelSelector`; for workloads of several pods.
    Defaults to what their component does by itself."""


FIELDS = {
    "nodeSelector": "node_selector",
    "tolerations": "tolerations",
    "affinity": "affinity",
    "priorityClassName": "priority_class",
}
"""Fields of a pod's spec, and where `PodSettings` have them."""


def restricted_pod(user: int) -> dict[str, Any]:
    """A pod-level security context: never root, files owned by `user`, the runtime's seccomp profile."""
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def secret_variable(name: str, secret: Any, key: str) -> dict[str, Any]:
    """An environment variable whose value stays in a Secret."""
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def fields(settings: PodSettings | None) -> dict[str, Any]:
    """What settings say in a pod's spec, by Kubernetes' names."""
    given = cast("Mapping[str, Any]", settings or {})
    return {field: given[key] for field, key in FIELDS.items() if given.get(key)}


def template(
    name: str,
    spec: Mapping[str, Any],
    settings: PodSettings | None = None,
    annotations: Mapping[str, pulumi.Input[str]] | None = None,
) -> dict[str, Any]:
    """The template of the pods of workload `name`: what their component says, with what the stack says to all of them."""
    return {
        "metadata": {"labels": labels(name)} | ({"annotations": dict(annotations)} if annotations else {}),
        "spec": {**spec, **fields(settings)},
    }
