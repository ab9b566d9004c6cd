"""The way in: a Kubernetes Ingress that lets streams through."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from components.labels import labels

MAX_DEREGISTRATION_SECONDS = 3600
"""The longest that an Application Load Balancer lets a target finish what it does."""


class LoadBalancer(TypedDict):
    """What the AWS Load Balancer Controller makes of an Ingress of class `alb`."""

    group_name: NotRequired[str]
    """Optional: group of Ingresses that share one load balancer. Defaults to one of our own."""

    scheme: NotRequired[str]
    """Optional: `internal` or `internet-facing`. Defaults to `internal`."""

    certificate_arn: NotRequired[pulumi.Input[str]]
    """Optional: ARN of the certificate in ACM. Defaults to plain HTTP."""

    ssl_redirect: NotRequired[bool]
    """Optional: redirect plain HTTP to HTTPS. Defaults to true, with a certificate."""

    ssl_policy: NotRequired[str]
    """Optional: TLS policy. Defaults to the controller's, or that of the group."""

    inbound_cidrs: NotRequired[Sequence[str]]
    """Optional: networks that may connect. Defaults to all."""

    attributes: NotRequired[Mapping[str, str]]
    """Optional: more attributes of the load balancer. Defaults to none."""

    tags: NotRequired[Mapping[str, str]]
    """Optional: tags of what the controller makes in AWS. Defaults to none."""


class IngressArgs(TypedDict):
    """Arguments of `Ingress`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the Ingress and of the Service."""

    host: pulumi.Input[str]
    """Required: host name."""

    class_name: str
    """Required: `nginx` (ingress-nginx), `traefik` or `alb` (AWS Load Balancer Controller)."""

    service_name: pulumi.Input[str]
    """Required: name of the Service."""

    service_port: pulumi.Input[int]
    """Required: port of the Service."""

    stream_timeout: NotRequired[int]
    """Optional: seconds that the controller waits for the next piece of an answer. Defaults to 660."""

    max_body_megabytes: NotRequired[int]
    """Optional: largest request in megabytes. Defaults to 100."""

    issuer: NotRequired[str]
    """Optional: cert-manager issuer that makes the certificate. Defaults to none."""

    issuer_kind: NotRequired[str]
    """Optional: `ClusterIssuer` or `Issuer`. Defaults to `ClusterIssuer`."""

    tls_secret_name: NotRequired[str]
    """Optional: Secret with the certificate. Defaults to `<name>-tls` with an issuer, to plain HTTP without one."""

    load_balancer: NotRequired[LoadBalancer]
    """Optional: the load balancer of class `alb`. Defaults to an internal one with plain HTTP."""

    annotations: NotRequired[Mapping[str, str]]
    """Optional: more annotations, over ours. Defaults to none."""

    path: NotRequired[str]
    """Optional: path below which the gateway is served, as in its `SERVER_ROOT_PATH`: `/llm`. Defaults to the whole host."""

    public_port: NotRequired[int]
    """Optional: port of the URL. Defaults to the scheme's."""

    wait_for_address: NotRequired[bool]
    """Optional: wait until the Ingress has an address. Defaults to true."""

    timeout: NotRequired[str]
    """Optional: how long to wait for the address, a Go duration. Defaults to `5m`."""


class Ingress(pulumi.ComponentResource):
    """An Ingress for one host, with the annotations that its controller needs for long answers and long prompts.

    **Type:** `litellm:index:Ingress`. **Produces:** `networking.k8s.io/v1 Ingress`.

    Raises:
        ValueError: for a class without known annotations.
    """

    url: pulumi.Output[str]
    """URL of the gateway, without a slash at the end. Known when the Ingress is there."""

    def __init__(self, name: str, args: IngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:Ingress", name, None, opts)
        if args["class_name"] not in CONTROLLERS:
            raise ValueError(f"class_name is {args['class_name']!r}; allowed: {', '.join(CONTROLLERS)}")
        secret = args.get("tls_secret_name") or (f"{name}-tls" if args.get("issuer") else None)
        tls = secret is not None or "certificate_arn" in args.get("load_balancer", {})
        metadata: Any = {
            "name": name,
            "namespace": args["namespace"],
            "labels": labels(name),
            "annotations": {
                **CONTROLLERS[args["class_name"]](args, tls),
                **certificate(args),
                **({} if args.get("wait_for_address", True) else {"pulumi.com/skipAwait": "true"}),
                **args.get("annotations", {}),
            },
        }
        service = {"name": args["service_name"], "port": {"number": args["service_port"]}}
        spec: Any = {
            "ingressClassName": args["class_name"],
            "rules": [
                {
                    "host": args["host"],
                    "http": {
                        "paths": [
                            {"path": path, "pathType": "Prefix", "backend": {"service": service}}
                            for path in paths(args.get("path", ""))
                        ]
                    },
                }
            ],
        }
        if secret:
            spec["tls"] = [{"hosts": [args["host"]], "secretName": secret}]
        timeout = args.get("timeout", "5m")
        ingress = k8s.networking.v1.Ingress(
            f"{name}-ingress",
            metadata=metadata,
            spec=spec,
            opts=pulumi.ResourceOptions(
                parent=self, custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout)
            ),
        )
        scheme = "https" if tls else "http"
        public_port = args.get("public_port")
        port = f":{public_port}" if public_port else ""
        below = f"{port}{args.get('path', '')}"
        self.url = pulumi.Output.all(args["host"], ingress.urn).apply(lambda known: f"{scheme}://{known[0]}{below}")
        self.register_outputs({"url": self.url})


WELL_KNOWN = ("oauth-protected-resource", "oauth-authorization-server")
"""What clients of MCP servers ask the host for, with the path of the gateway behind it (RFC 9728, RFC 8414)."""


def paths(below: str) -> list[str]:
    """The paths of the host that are the gateway's."""
    return [below, *(f"/.well-known/{name}{below}" for name in WELL_KNOWN)] if below else ["/"]


Annotations = dict[str, pulumi.Input[str]]


def nginx(args: IngressArgs, tls: bool) -> Annotations:
    """ingress-nginx: its defaults cut a stream after 60 s without data, hold answers back and refuse prompts over 1 MB."""
    timeout = str(args.get("stream_timeout", 660))
    annotations = {
        "proxy-read-timeout": timeout,
        "proxy-send-timeout": timeout,
        "proxy-buffering": "off",
        "proxy-request-buffering": "off",
        "proxy-body-size": f"{args.get('max_body_megabytes', 100)}m",
        "ssl-redirect": str(tls).lower(),
    }
    return {f"nginx.ingress.kubernetes.io/{key}": value for key, value in annotations.items()}


def traefik(_: IngressArgs, tls: bool) -> Annotations:
    """Traefik: neither buffers nor limits answers by default, so that only the entry point is left to choose."""
    entry_point = {"router.entrypoints": "websecure", "router.tls": "true"} if tls else {"router.entrypoints": "web"}
    return {f"traefik.ingress.kubernetes.io/{key}": value for key, value in entry_point.items()}


def alb(args: IngressArgs, tls: bool) -> Annotations:
    """AWS Load Balancer Controller: an ALB cuts a stream after 60 s without data, and one of a pod that stops after 300 s."""
    given = args.get("load_balancer", {})
    timeout = args.get("stream_timeout", 660)
    redirect = tls and given.get("ssl_redirect", True)
    ports = [*([{"HTTP": 80}] if redirect or not tls else []), *([{"HTTPS": 443}] if tls else [])]
    draining = min(timeout, MAX_DEREGISTRATION_SECONDS)
    annotations: Annotations = {
        "scheme": given.get("scheme", "internal"),
        "target-type": "ip",
        "listen-ports": json.dumps(ports),
        "load-balancer-attributes": joined(
            {**given.get("attributes", {}), "idle_timeout.timeout_seconds": str(timeout)}
        ),
        "target-group-attributes": joined({"deregistration_delay.timeout_seconds": str(draining)}),
        # What the kubelet asks, as often and as patiently.
        "healthcheck-path": "/health/readiness",
        "healthcheck-interval-seconds": "10",
        "healthcheck-timeout-seconds": "5",
        "healthy-threshold-count": "2",
        "unhealthy-threshold-count": "3",
        "success-codes": "200",
    }
    optional: dict[str, pulumi.Input[str] | None] = {
        "group.name": given.get("group_name"),
        "certificate-arn": given.get("certificate_arn"),
        "ssl-redirect": "443" if redirect else None,
        "ssl-policy": given.get("ssl_policy"),
        "inbound-cidrs": ",".join(given.get("inbound_cidrs", ())) or None,
        "tags": joined(given.get("tags", {})) or None,
    }
    annotations |= {key: value for key, value in optional.items() if value is not None}
    return {f"alb.ingress.kubernetes.io/{key}": value for key, value in annotations.items()}


def joined(values: Mapping[str, str]) -> str:
    return ",".join(f"{key}={values[key]}" for key in sorted(values))


CONTROLLERS: Mapping[str, Callable[[IngressArgs, bool], Annotations]] = {"nginx": nginx, "traefik": traefik, "alb": alb}

ISSUER_ANNOTATIONS = {"ClusterIssuer": "cert-manager.io/cluster-issuer", "Issuer": "cert-manager.io/issuer"}


def certificate(args: IngressArgs) -> dict[str, str]:
    """What tells cert-manager to make the certificate."""
    issuer = args.get("issuer")
    return {ISSUER_ANNOTATIONS[args.get("issuer_kind", "ClusterIssuer")]: issuer} if issuer else {}
