"""What Pod Security level `restricted` asks of a pod, and a little more; and what all pods of a stack have in common."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from components.delivery import AgentDelivery, delivered
from components.labels import labels


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

    image_pull_secrets: NotRequired[Sequence[pulumi.Input[str]]]
    """Optional: names of Secrets with logins to image registries. Defaults to none."""

    labels: NotRequired[Mapping[str, str]]
    """Optional: more labels. Defaults to none."""

    annotations: NotRequired[Mapping[str, str]]
    """Optional: more annotations. Defaults to none."""

    host_aliases: NotRequired[Sequence[Mapping[str, Any]]]
    """Optional: lines of `/etc/hosts`: `ip` and `hostnames`. Defaults to none."""

    cpu_limit: NotRequired[str | None]
    """Optional: CPU limit of each container that has none. Defaults to none."""

    agent: NotRequired[AgentDelivery]
    """Optional: Vault Agent, where it brings values into the pods and no Secret has them. Defaults to Secrets."""


FIELDS = {
    "nodeSelector": "node_selector",
    "tolerations": "tolerations",
    "affinity": "affinity",
    "priorityClassName": "priority_class",
    "hostAliases": "host_aliases",
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
    given: PodSettings = settings or {}
    notes = {**given.get("annotations", {}), **(annotations or {})}
    pull = [{"name": secret} for secret in given.get("image_pull_secrets", ())]
    containers = {
        group: [limited(each, given.get("cpu_limit")) for each in spec[group]]
        for group in ("initContainers", "containers")
        if group in spec
    }
    described: dict[str, Any] = {
        "metadata": {"labels": {**given.get("labels", {}), **labels(name)}} | ({"annotations": notes} if notes else {}),
        "spec": {**spec, **containers, **fields(settings), **({"imagePullSecrets": pull} if pull else {})},
    }
    return delivered(described, given["agent"], given.get("cpu_limit")) if "agent" in given else described


def limited(container: Mapping[str, Any], cpu: str | None) -> Mapping[str, Any]:
    """A container with a CPU limit, where one is asked for and it has none."""
    resources = container.get("resources", {})
    if cpu is None or not isinstance(resources, Mapping):
        return container
    given = cast("Mapping[str, Any]", resources)
    return {**container, "resources": {**given, "limits": {"cpu": cpu, **given.get("limits", {})}}}
