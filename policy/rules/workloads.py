"""What the rules need to know of workloads: where their pods are, and which one is the gateway."""

from collections.abc import Iterator, Sequence
from typing import Any

from policy.resource import Resource, at, entries, mapping

TEMPLATES = {
    "Pod": ("spec",),
    "Deployment": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "ReplicaSet": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}


def pod_of(resource: Resource) -> dict[str, Any]:
    """The pod's spec; empty for what has no pods."""
    path = TEMPLATES.get(resource.kind) if resource.type.startswith("kubernetes:") else None
    return mapping(at(resource.inputs, *path)) if path else {}


def containers(pod: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every container with its name, also those that run before the others."""
    for group in ("initContainers", "containers"):
        for container in entries(pod.get(group)):
            yield str(at(container, "name")), mapping(container)


def gateway_container(resource: Resource) -> dict[str, Any]:
    """LiteLLM's container of a Deployment; empty for everything else."""
    if resource.kind != "Deployment":
        return {}
    for name, container in containers(pod_of(resource)):
        if name == "litellm" or "litellm" in str(container.get("image")).rpartition("/")[2]:
            return container
    return {}


def gateways(resources: Sequence[Resource]) -> list[Resource]:
    return [resource for resource in resources if gateway_container(resource)]


def workers(container: dict[str, Any]) -> int:
    """LiteLLM's processes in each pod."""
    arguments = entries(container.get("args"))
    if "--num_workers" in arguments[:-1]:
        value = arguments[arguments.index("--num_workers") + 1]
        return int(value) if str(value).isdigit() else 1
    return 1
