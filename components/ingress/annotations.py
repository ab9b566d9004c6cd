"""What each controller is told about an Ingress."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pulumi

MAX_DEREGISTRATION_SECONDS = 3600
"""The longest that an Application Load Balancer lets a target finish what it does."""

NOBODY = "255.255.255.255/32"
"""An address that no connection comes from."""

CLOSED = "closed"
"""The action of a load balancer that answers for what is closed."""

Args = Mapping[str, Any]
"""Those of the component `Ingress`."""

Annotations = dict[str, pulumi.Input[str]]


def nginx(args: Args, tls: bool) -> Annotations:
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


def nginx_closed(tls: bool) -> Annotations:
    """ingress-nginx refuses by address, for all paths of one Ingress."""
    annotations = {"whitelist-source-range": NOBODY, "ssl-redirect": str(tls).lower()}
    return {f"nginx.ingress.kubernetes.io/{key}": value for key, value in annotations.items()}


def traefik(_: Args, tls: bool) -> Annotations:
    """Traefik neither buffers nor limits answers, so that only the entry point is left to choose. How long a request may take
    to arrive is a setting of the entry point: an Ingress cannot say it."""
    entry_point = {"router.entrypoints": "websecure", "router.tls": "true"} if tls else {"router.entrypoints": "web"}
    return {f"traefik.ingress.kubernetes.io/{key}": value for key, value in entry_point.items()}


def closed_pattern(path: str, closed: Iterable[str]) -> str:
    """Every way to write one of these paths, for Traefik, which looks at a path as the client wrote it. LiteLLM reads `%2F`
    as a slash."""
    slash = "(?:/|%2[Ff])"
    roots = "|".join(re.escape(f"{path}{each}".removeprefix("/")).replace("/", slash) for each in closed)
    return f"^/(?:{roots})(?:{slash}.*)?$"


def alb(args: Args, tls: bool) -> Annotations:
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
        "healthcheck-path": f"{args.get('path', '')}/health/readiness",
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
        f"actions.{CLOSED}": json.dumps(NOT_FOUND) if args.get("closed_paths") else None,
    }
    annotations |= {key: value for key, value in optional.items() if value is not None}
    return {f"alb.ingress.kubernetes.io/{key}": value for key, value in annotations.items()}


NOT_FOUND = {
    "type": "fixed-response",
    "fixedResponseConfig": {"contentType": "text/plain", "statusCode": "404", "messageBody": "not found"},
}


def joined(values: Mapping[str, str]) -> str:
    return ",".join(f"{key}={values[key]}" for key in sorted(values))


def other(_: Args, __: bool) -> Annotations:
    """A controller that the program knows nothing of: whatever it needs is in the stack's own annotations."""
    return {}


CONTROLLERS: Mapping[str, Callable[[Args, bool], Annotations]] = {
    "nginx": nginx,
    "traefik": traefik,
    "alb": alb,
    "other": other,
}

ISSUER_ANNOTATIONS = {"ClusterIssuer": "cert-manager.io/cluster-issuer", "Issuer": "cert-manager.io/issuer"}


def certificate(args: Args) -> dict[str, str]:
    """What tells cert-manager to make the certificate."""
    issuer = args.get("issuer")
    return {ISSUER_ANNOTATIONS[args.get("issuer_kind", "ClusterIssuer")]: issuer} if issuer else {}
