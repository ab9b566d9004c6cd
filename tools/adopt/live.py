"""What runs in a cluster, or is written as its manifests: a Deployment of LiteLLM, with its ConfigMap, Ingress and autoscaler.

No Secret is read.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import yaml

from tools.adopt.pods import OF_TOOLS, read_account, read_arguments, read_metadata, read_rest, read_volumes, scale
from tools.adopt.running import Running, Tree, as_tree, at, list_at, tree_at, trees_at
from tools.adopt.way_in import read_ingress, read_service
from tools.adopt.workload import read_environment, read_image, read_placement, read_resources
from tools.problem import Problem

Get = Callable[[str], Tree]
"""Reads one object of the Kubernetes API by its path."""


def from_cluster(get: Get, namespace: str, name: str, kind: str = "deployments") -> Running:
    """Read a Deployment, or another kind that has a template of pods.

    Raises:
        Problem: when none of its ConfigMaps holds a configuration of LiteLLM.
    """
    deployment = get(f"/apis/apps/v1/namespaces/{namespace}/{kind}/{name}")
    pod = tree_at(deployment, "spec.template.spec")
    containers = trees_at(pod, "containers")
    found = next(((each, config) for each in containers for config in configurations(get, namespace, pod, each)), None)
    container, config = found or without_configuration(containers, name, namespace)
    running = Running(config=config, namespace=namespace)
    running.files = dict(modules(get, namespace, pod, container))
    replicas = at(deployment, "spec.replicas")
    running.gateway["replicas"] = 1 if replicas is None else int(replicas)
    for other in containers:
        if other is not container:
            running.leave(f"container {other.get('name')}", "the stack file has no key for more containers")
    read_image(running, str(container.get("image") or ""), "image")
    read_arguments(running, [*list_at(container, "command"), *list_at(container, "args")])
    for source in list_at(container, "envFrom"):
        read_source(running, get, namespace, as_tree(source))
    read_environment(running, list_at(container, "env"), "env")
    read_resources(running, tree_at(container, "resources"), "resources")
    read_placement(running, pod, "pod")
    read_rest(running, pod, container)
    read_metadata(
        running, tree_at(deployment, "spec.template.metadata"), tree_at(deployment, "spec.selector.matchLabels")
    )
    others = [each for each in trees_at(pod, "volumes") if not at(each, "configMap.name")]
    read_volumes(running, others, list_at(container, "volumeMounts"), "volume")
    account = str(pod.get("serviceAccountName") or "default")
    if account != "default":
        read_account(running, get(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}"))
    read_scaling(running, get, namespace, name)
    read_way_in(running, get, namespace, tree_at(deployment, "spec.template.metadata.labels"))
    return running


def without_configuration(containers: list[Tree], name: str, namespace: str) -> tuple[Tree, Tree]:
    """The container of LiteLLM, where all that it serves is in its database."""
    for each in containers:
        words = [str(word) for word in (*list_at(each, "command"), *list_at(each, "args"))]
        if "litellm" in str(each.get("image")) and not any(word.startswith(("--config", "-c")) for word in words):
            return each, {}
    raise Problem(
        f"no ConfigMap that Deployment {name} in namespace {namespace} mounts holds a configuration of LiteLLM: adopt its "
        "config.yaml with FROM=config.yaml"
    )


def read_source(running: Running, get: Get, namespace: str, source: Tree) -> None:
    """An entry of `envFrom`."""
    prefix = str(source.get("prefix") or "")
    if secret := at(source, "secretRef.name"):
        if prefix:
            running.leave(
                f"Secret {secret}", f"its keys are variables that begin with {prefix}: add them to secretEnvironment"
            )
        else:
            running.whole_secrets.append(str(secret))
    elif other := at(source, "configMapRef.name"):
        values = tree_at(get(f"/api/v1/namespaces/{namespace}/configmaps/{other}"), "data")
        entries = [{"name": f"{prefix}{key}", "value": value} for key, value in values.items()]
        read_environment(running, entries, str(other))


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
    """Files beside the configuration, such as Python modules, that the container mounts out of ConfigMaps."""
    for data in mounted(get, namespace, pod, container):
        yield from ((name, str(text)) for name, text in data.items() if configuration(str(text)) is None)


def configuration(text: str) -> Tree | None:
    """A text as LiteLLM's configuration; None when it is none."""
    try:
        content = as_tree(yaml.safe_load(text))
    except yaml.YAMLError:
        return None
    sections = {"model_list", "litellm_settings", "general_settings", "router_settings"}
    return content if sections & set(content) else None


def read_scaling(running: Running, get: Get, namespace: str, name: str) -> None:
    for scaler in trees_at(get(f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers"), "items"):
        if at(scaler, "spec.scaleTargetRef.name") != name:
            continue
        metrics = [tree_at(each, "resource") for each in trees_at(scaler, "spec.metrics")]
        cpu = next((at(each, "target.averageUtilization") for each in metrics if each.get("name") == "cpu"), None)
        spec = tree_at(scaler, "spec")
        scale(running, spec.get("minReplicas"), spec.get("maxReplicas") or 1, cpu, "autoscaler")
        others = [each for each in metrics if each.get("name") != "cpu"]
        if others or spec.get("behavior"):
            running.leave("autoscaler", "other metrics or a behaviour: the stack scales by CPU (gateway.autoscaling)")


def read_way_in(running: Running, get: Get, namespace: str, labels: Mapping[str, Any]) -> None:
    services = {
        at(service, "metadata.name"): service
        for service in trees_at(get(f"/api/v1/namespaces/{namespace}/services"), "items")
        if (selector := tree_at(service, "spec.selector")) and selector.items() <= labels.items()
    }
    for name, service in services.items():
        written = {key for key in tree_at(service, "metadata.annotations") if not key.startswith(OF_TOOLS)}
        read_service(running, tree_at(service, "spec") | {"annotations": written}, f"service {name}")
    for ingress in list_at(get(f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses"), "items"):
        rules = list_at(ingress, "spec.rules")
        backends = {at(path, "backend.service.name") for rule in rules for path in list_at(rule, "http.paths")}
        if not backends & set(services):
            continue
        name = at(ingress, "metadata.name")
        if running.ingress is not None:
            running.leave(f"ingress {name}", "a second way in: the stack has one Ingress")
            continue
        read_ingress(
            running,
            str(at(ingress, "spec.ingressClassName") or ""),
            rules,
            list_at(ingress, "spec.tls"),
            tree_at(ingress, "metadata.annotations"),
            f"ingress {name}",
        )


PATHS = {
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Service": "/api/v1/namespaces/{}/services",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "Ingress": "/apis/networking.k8s.io/v1/namespaces/{}/ingresses",
    "HorizontalPodAutoscaler": "/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers",
}
"""Where the API has what a Deployment goes with."""


def from_manifests(documents: Sequence[Tree]) -> Running:
    """What somebody keeps as files, or got from `kubectl get -o yaml`: read as a cluster that has nothing else.

    Raises:
        Problem: when there is no Deployment of LiteLLM among them.
    """
    objects = [item for each in documents for item in (trees_at(each, "items") if "items" in each else [each])]
    workloads = [each for each in objects if each.get("kind") in ("Deployment", "StatefulSet")]
    chosen = next((each for each in workloads if "litellm" in str(tree_at(each, "spec.template.spec")).lower()), None)
    if chosen is None:
        raise Problem(
            "the manifests that FROM names have no Deployment of LiteLLM: give the file with it and its ConfigMap"
        )
    namespace = str(at(chosen, "metadata.namespace") or "")
    missing: list[str] = []

    def get(path: str) -> Tree:
        for kind, prefix in PATHS.items():
            mine = [each for each in objects if each.get("kind") == kind]
            if path == prefix.format(namespace):
                return {"items": mine}
            for each in mine:
                if path == f"{prefix.format(namespace)}/{at(each, 'metadata.name')}":
                    return each
        missing.append(path)
        return {}

    kind = PATHS[str(chosen["kind"])].rpartition("/")[2]
    running = from_cluster(get, namespace, str(at(chosen, "metadata.name")), kind)
    for path in dict.fromkeys(missing):
        *_, kind, name = path.split("/")
        running.leave(
            f"{kind} {name}", "is named and not among the manifests: add it to the file, or adopt from the cluster"
        )
    read = {*PATHS, "List", "Namespace", "Secret", "PodDisruptionBudget"}
    for other in objects:
        if other is not chosen and (other.get("kind") not in read or other in workloads):
            running.leave(f"{other.get('kind')} {at(other, 'metadata.name')}", "is not read")
    return running
