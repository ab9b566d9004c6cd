"""What runs in a cluster: a Deployment of LiteLLM, with its ConfigMap, Ingress and autoscaler. No Secret is read."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import yaml

from tools.adopt.running import Running, Tree, as_tree, at, list_at, tree_at, trees_at
from tools.adopt.workload import read_environment, read_image, read_ingress, read_placement, read_resources
from tools.problem import Problem

Get = Callable[[str], Tree]
"""Reads one object of the Kubernetes API by its path."""


def from_cluster(get: Get, namespace: str, name: str) -> Running:
    """Read a Deployment.

    Raises:
        Problem: when none of its ConfigMaps holds a configuration of LiteLLM.
    """
    deployment = get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
    pod = tree_at(deployment, "spec.template.spec")
    containers = trees_at(pod, "containers")
    found = next(((each, config) for each in containers for config in configurations(get, namespace, pod, each)), None)
    if found is None:
        raise Problem(
            f"no ConfigMap that Deployment {name} in namespace {namespace} mounts holds a configuration of LiteLLM: adopt its "
            "config.yaml with FROM=config.yaml"
        )
    container, config = found
    running = Running(config=config, namespace=namespace)
    running.files = dict(modules(get, namespace, pod, container))
    running.gateway["replicas"] = int(at(deployment, "spec.replicas") or 1)
    for other in containers:
        if other is not container:
            running.leave(f"container {other.get('name')}", "the stack file has no key for more containers")
    read_image(running, str(container.get("image") or ""), "image")
    read_arguments(running, container)
    read_environment(running, list_at(container, "env"), "env")
    for source in list_at(container, "envFrom"):
        if secret := at(source, "secretRef.name"):
            running.whole_secrets.append(str(secret))
        elif other := at(source, "configMapRef.name"):
            values = get(f"/api/v1/namespaces/{namespace}/configmaps/{other}")
            read_environment(
                running, [{"name": key, "value": value} for key, value in tree_at(values, "data").items()], str(other)
            )
    read_resources(running, tree_at(container, "resources"), "resources")
    read_placement(running, pod, "pod")
    read_scaling(running, get, namespace, name)
    read_way_in(running, get, namespace, tree_at(deployment, "spec.template.metadata.labels"))
    return running


def configurations(get: Get, namespace: str, pod: Tree, container: Tree) -> Iterator[Tree]:
    """Whatever the container mounts that is a configuration of LiteLLM."""
    for data in mounted(get, namespace, pod, container):
        for text in data.values():
            if (config := configuration(str(text))) is not None:
                yield config


def mounted(get: Get, namespace: str, pod: Tree, container: Tree) -> Iterator[Tree]:
    """What is in the ConfigMaps that a container mounts."""
    mounts = {mount.get("name") for mount in trees_at(container, "volumeMounts")}
    for volume in trees_at(pod, "volumes"):
        if (name := at(volume, "configMap.name")) and volume.get("name") in mounts:
            yield tree_at(get(f"/api/v1/namespaces/{namespace}/configmaps/{name}"), "data")


def modules(get: Get, namespace: str, pod: Tree, container: Tree) -> Iterator[tuple[str, str]]:
    """Python files that the container mounts out of ConfigMaps."""
    for data in mounted(get, namespace, pod, container):
        yield from ((name, str(text)) for name, text in data.items() if name.endswith(".py"))


def configuration(text: str) -> Tree | None:
    """A text as LiteLLM's configuration; None when it is none."""
    try:
        content = as_tree(yaml.safe_load(text))
    except yaml.YAMLError:
        return None
    sections = {"model_list", "litellm_settings", "general_settings", "router_settings"}
    return content if sections & set(content) else None


def read_arguments(running: Running, container: Mapping[str, Any]) -> None:
    words = [str(word) for word in (*list_at(container, "command"), *list_at(container, "args"))]
    for option, value in zip(words, [*words[1:], ""], strict=True):
        if option == "--num_workers":
            running.gateway["workers"] = int(value)
        elif option == "--detailed_debug":
            running.leave(
                "args", "--detailed_debug logs requests and answers: set gateway.logLevel where that is meant"
            )


def read_scaling(running: Running, get: Get, namespace: str, name: str) -> None:
    for scaler in list_at(get(f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers"), "items"):
        if at(scaler, "spec.scaleTargetRef.name") == name:
            running.gateway["replicas"] = int(at(scaler, "spec.minReplicas") or 1)
            running.leave("autoscaler", "the stack has its lowest number of replicas, and does not scale by itself")


def read_way_in(running: Running, get: Get, namespace: str, labels: Mapping[str, Any]) -> None:
    services = {
        at(service, "metadata.name")
        for service in list_at(get(f"/api/v1/namespaces/{namespace}/services"), "items")
        if (selector := tree_at(service, "spec.selector")) and selector.items() <= labels.items()
    }
    for ingress in list_at(get(f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses"), "items"):
        rules = list_at(ingress, "spec.rules")
        backends = {at(path, "backend.service.name") for rule in rules for path in list_at(rule, "http.paths")}
        if backends & services:
            read_ingress(
                running,
                str(at(ingress, "spec.ingressClassName") or ""),
                rules,
                list_at(ingress, "spec.tls"),
                tree_at(ingress, "metadata.annotations"),
                f"ingress {at(ingress, 'metadata.name')}",
            )
            return
