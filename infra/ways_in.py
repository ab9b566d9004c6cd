"""A look at what the way in builds on: the Gateway and its listeners."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from infra.config.ingress.gateway_api import GatewayApiConfig
from infra.config.ingress.settings import IngressConfig
from infra.kubernetes_api import KubernetesApi, RefusedError

GATEWAYS = "/apis/gateway.networking.k8s.io/v1"


def look(client: KubernetesApi, ingress: IngressConfig, namespace: str) -> Iterator[str]:
    """Problems with the Gateways of an HTTPRoute in `namespace`."""
    if not ingress.enabled or ingress.gateway is None:
        return
    private = ingress.private
    yield from look_at_gateway(client, "ingress.gateway", ingress.gateway, ingress, ingress.hosts, namespace)
    if private and private.gateway:
        yield from look_at_gateway(
            client, "ingress.private.gateway", private.gateway, ingress, (private.host,), namespace
        )


def look_at_gateway(
    client: KubernetesApi,
    where: str,
    wanted: GatewayApiConfig,
    ingress: IngressConfig,
    hosts: Sequence[str],
    namespace: str,
) -> Iterator[str]:
    """Whether the Gateway has a listener that takes the route: for its hosts, from its namespace, with the TLS that it
    expects."""
    try:
        gateway = client.get(f"{GATEWAYS}/namespaces/{wanted.namespace}/gateways/{wanted.name}")
    except RefusedError as error:
        if error.status == 403:
            return
        if error.status != 404:
            raise
        yield (
            f"litellm:{where}: there is no Gateway {wanted.name} in namespace {wanted.namespace} (`kubectl get gateways -A`): "
            "correct its name, or let whoever runs the cluster make it; the stack makes none"
        )
        return
    listeners = [listener for listener in entries(gateway, "listeners") if fits(listener, wanted.section_name)]
    if not listeners:
        names = ", ".join(str(listener.get("name")) for listener in entries(gateway, "listeners"))
        yield f"litellm:{where}.sectionName: Gateway {wanted.name} has no listener of that name; it has {names}"
        return
    if namespace != wanted.namespace and not any(takes_other_namespaces(listener) for listener in listeners):
        yield (
            f"litellm:{where}: Gateway {wanted.name} takes routes of its own namespace {wanted.namespace} only: let "
            f"its listener "
            f"allow namespace {namespace} (allowedRoutes.namespaces)"
        )
    for host in hosts:
        if not any(is_for(str(listener.get("hostname") or ""), host) for listener in listeners):
            yield f"litellm:{where}: Gateway {wanted.name} has no listener for host {host}"
    at_gateway = ingress.tls is not None and ingress.tls.ends_at == "controller"
    if at_gateway and not any(listener.get("protocol") == "HTTPS" for listener in listeners):
        yield (
            "litellm:ingress.tls.endsAt is controller, but no listener that the route is attached to has protocol HTTPS: name "
            f"another one in litellm:{where}.sectionName, or say load-balancer where TLS ends before the Gateway"
        )


def entries(gateway: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    return cast("list[Mapping[str, Any]]", gateway["spec"].get(key, []))


def fits(listener: Mapping[str, Any], section: str | None) -> bool:
    return section is None or listener.get("name") == section


def takes_other_namespaces(listener: Mapping[str, Any]) -> bool:
    allowed: Any = listener.get("allowedRoutes", {}).get("namespaces", {})
    return allowed.get("from", "Same") != "Same"


def is_for(hostname: str, host: str) -> bool:
    """Whether a listener takes a host: `*.example.com` stands for any number of labels."""
    return not hostname or hostname == host or (hostname.startswith("*.") and host.endswith(hostname[1:]))
