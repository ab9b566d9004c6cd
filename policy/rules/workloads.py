"""What the rules need to know of workloads: where their pods are, and which one is the gateway."""

from collections.abc import Iterator, Sequence
from typing import Any

from policy.resource import Resource, at, entries, known, mapping

AGENT = "vault.hashicorp.com/agent-"
AGENTS_USER = 100
"""Of the Injector, where a pod says nothing."""

AGENTS_CONTEXT: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
    "runAsNonRoot": True,
}
"""What the Injector gives to its containers, unless a pod refuses it."""

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


def injected(resource: Resource) -> Iterator[tuple[str, dict[str, Any]]]:
    """The agent that Vault's Injector puts into a pod, as the pod's annotations say; what they leave out is the Injector's."""
    path = TEMPLATES.get(resource.kind) if resource.type.startswith("kubernetes:") else None
    notes = mapping(at(resource.inputs, *path[:-1], "metadata", "annotations")) if path else {}
    given = {name.removeprefix(AGENT): value for name, value in notes.items() if name.startswith(AGENT)}
    if given.get("inject") != "true":
        return
    secure = given.get("set-security-context", "true") == "true"
    context = {**AGENTS_CONTEXT, "runAsUser": int(known(given.get("run-as-user")) or AGENTS_USER)} if secure else {}
    resources = {
        kind: {"memory": given.get(f"{kind}-mem", "128Mi"), "ephemeral-storage": given.get(f"{kind}-ephemeral", "0")}
        for kind in ("requests", "limits")
    }
    yield "vault-agent", {"image": given.get("image"), "securityContext": context, "resources": resources}


def gateway_container(resource: Resource) -> dict[str, Any]:
    """LiteLLM's container of a Deployment; empty for everything else."""
    if resource.kind != "Deployment":
        return {}
    for each in entries(pod_of(resource).get("containers")):
        container = mapping(each)
        # Other programs run in its image as well.
        command = " ".join(map(str, entries(container.get("command")))) or "litellm"
        named = container.get("name") == "litellm"
        if named or ("litellm" in str(container.get("image")).rpartition("/")[2] and "litellm" in command):
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
