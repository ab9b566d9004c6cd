"""Rules about who reaches what."""

from collections.abc import Collection, Iterator, Sequence

from infra.config.ingress.tls import ENDS_AT
from policy.resource import Resource, at, entries, known, mapping
from policy.rule import rule, stack_rule
from policy.rules.workloads import gateway_container, gateways, pod_of

ALB = "alb.ingress.kubernetes.io"
INGRESS_NGINX = "nginx.ingress.kubernetes.io/"
METRICS = "metrics"
"""Name of the port on which a gateway shows its metrics without asking for a key."""

EVERYWHERE = ("0.0.0.0/0", "::/0")

GATEWAY_API = "kubernetes:gateway.networking.k8s.io/"
INTERNAL = {
    "service.beta.kubernetes.io/aws-load-balancer-scheme": "internal",
    "service.beta.kubernetes.io/aws-load-balancer-internal": "true",
    "networking.gke.io/load-balancer-type": "Internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
}
"""Annotations with which a cloud makes a load balancer that the internet does not reach."""


@rule(
    "tls",
    reason="without TLS, keys and prompts travel readable",
    fix="set ingress.tls, or for controller alb a certificate",
)
def tls(resource: Resource) -> Iterator[str]:
    if at(resource.inputs, "metadata", "annotations", ENDS_AT):
        return
    if resource.kind == "HTTPRoute" and resource.type.startswith(GATEWAY_API):
        for host in entries(at(resource.inputs, "spec", "hostnames")):
            yield f"host {host} has no TLS, as far as the route says"
    if resource.kind == "Ingress":
        certificate = at(resource.inputs, "metadata", "annotations", f"{ALB}/certificate-arn")
        covered = {
            host for entry in entries(at(resource.inputs, "spec", "tls")) for host in entries(at(entry, "hosts"))
        }
        for entry in entries(at(resource.inputs, "spec", "rules")):
            if not certificate and at(entry, "host") not in covered:
                yield f"host {at(entry, 'host')} has no TLS"
    if resource.kind == "Gateway" and resource.type.startswith(GATEWAY_API):
        for listener in entries(at(resource.inputs, "spec", "listeners")):
            if at(listener, "protocol") == "HTTP":
                yield f"listener {at(listener, 'name')} has no TLS"


@rule(
    "retired-controller",
    reason="ingress-nginx is retired: since March 2026 nobody mends it, not even what opens a cluster to attackers",
    fix="move to a controller that is kept, such as Traefik or an implementation of the Gateway API (docs/ways-in.md)",
)
def retired_controller(resource: Resource) -> Iterator[str]:
    annotations = mapping(at(resource.inputs, "metadata", "annotations"))
    if resource.kind == "Ingress" and any(name.startswith(INGRESS_NGINX) for name in annotations):
        yield "its controller is ingress-nginx"


@rule(
    "public-load-balancer",
    reason="a gateway that everybody reaches is one leaked key away from everybody's bill",
    fix="use an internal load balancer; a stack that is meant to be public is named in policy/levels.yaml",
)
def public_load_balancer(resource: Resource) -> Iterator[str]:
    annotations = mapping(at(resource.inputs, "metadata", "annotations"))
    if resource.kind == "Ingress" and annotations.get(f"{ALB}/scheme") == "internet-facing":
        yield "the load balancer is internet-facing"
    balanced = resource.kind == "Service" and at(resource.inputs, "spec", "type") == "LoadBalancer"
    if balanced and not any(annotations.get(name) == value for name, value in INTERNAL.items()):
        yield "a Service of type LoadBalancer, not marked as internal"
    if resource.type == "aws:lb/loadBalancer:LoadBalancer" and not resource.inputs.get("internal"):
        yield "the load balancer is internet-facing"


@stack_rule(
    "network-policy",
    reason="without one, every pod of the cluster reaches the database and Redis",
    fix="set networkPolicy.enabled to true",
)
def network_policy(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    closed = {resource.namespace for resource in resources if denies_by_default(resource)}
    workloads = sorted((resource for resource in resources if pod_of(resource)), key=lambda resource: resource.name)
    # One workload of each namespace stands for all of them.
    by_namespace = {str(namespace): each for each in workloads if (namespace := known(each.namespace))}
    for namespace in sorted(by_namespace.keys() - closed):
        yield by_namespace[namespace], f"no NetworkPolicy closes namespace {namespace} by default"


def denies_by_default(resource: Resource) -> bool:
    spec = mapping(resource.inputs.get("spec"))
    everything = not any(entries(value) or mapping(value) for value in mapping(spec.get("podSelector")).values())
    return (
        resource.kind == "NetworkPolicy"
        and everything
        and "Ingress" in entries(spec.get("policyTypes"))
        and not entries(spec.get("ingress"))
    )


@stack_rule(
    "private-metrics",
    reason="a metrics' port asks for no key: whoever reaches it reads the names of keys, teams and models, and what they cost",
    fix="let no Ingress, route or load balancer lead there, and name the scraper in monitoring.clients",
)
def private_metrics(resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    ports = {METRICS, *metrics_ports(resources)}
    if ports == {METRICS}:
        return
    for resource in resources:
        if any(port in ports for port in backend_ports(resource)):
            yield resource, "leads to the metrics' port"
        spec = mapping(resource.inputs.get("spec"))
        balanced = resource.kind == "Service" and spec.get("type") in ("LoadBalancer", "NodePort")
        if balanced and any(at(port, "port") in ports for port in entries(spec.get("ports"))):
            yield resource, f"has the metrics' port, and is of type {spec.get('type')}"
        if opens_to_everybody(resource, ports) and any(selects(resource, each) for each in gateways(resources)):
            yield resource, "opens the metrics' port to everybody"


def metrics_ports(resources: Sequence[Resource]) -> Iterator[int]:
    """Numbers of the ports on which gateways show their metrics without a key."""
    for resource in gateways(resources):
        for port in entries(gateway_container(resource).get("ports")):
            number = known(at(port, "containerPort"))
            if at(port, "name") == METRICS and number is not None:
                yield int(number)


def backend_ports(resource: Resource) -> Iterator[object]:
    """Ports, by number or name, to which an Ingress or a route leads."""
    spec = mapping(resource.inputs.get("spec"))
    if resource.kind == "Ingress":
        paths = [path for each in entries(spec.get("rules")) for path in entries(at(each, "http", "paths"))]
        for backend in [mapping(spec.get("defaultBackend")), *(mapping(at(path, "backend")) for path in paths)]:
            yield from mapping(at(backend, "service", "port")).values()
    if resource.type.startswith(GATEWAY_API):
        for each in entries(spec.get("rules")):
            yield from (at(backend, "port") for backend in entries(at(each, "backendRefs")))


def opens_to_everybody(resource: Resource, ports: Collection[object]) -> bool:
    """Whether a NetworkPolicy lets anybody in to one of these ports."""
    return resource.kind == "NetworkPolicy" and any(
        is_for_anybody(opening) and has_one_of(opening, ports)
        for opening in entries(at(resource.inputs, "spec", "ingress"))
    )


def is_for_anybody(opening: object) -> bool:
    senders = entries(at(opening, "from"))
    return not senders or any(at(sender, "ipBlock", "cidr") in EVERYWHERE for sender in senders)


def has_one_of(opening: object, ports: Collection[object]) -> bool:
    """Whether an opening is for one of these ports: without any it is for all."""
    found = entries(at(opening, "ports"))
    return not found or any(port in ports for each in found for port in ports_of(each))


def ports_of(entry: object) -> Collection[object]:
    """One port by number or name, or all from the first to the last."""
    first, last = known(at(entry, "port")), known(at(entry, "endPort"))
    return [first] if first is None or last is None else range(int(first), int(last) + 1)


def selects(policy: Resource, workload: Resource) -> bool:
    """Whether a NetworkPolicy may be for the pods of a workload, as far as their labels say."""
    labels = mapping(at(workload.inputs, "spec", "template", "metadata", "labels"))
    wanted = mapping(at(policy.inputs, "spec", "podSelector", "matchLabels"))
    return policy.namespace == workload.namespace and all(labels.get(name) == value for name, value in wanted.items())
