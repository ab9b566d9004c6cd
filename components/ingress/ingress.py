"""The way in: a Kubernetes Ingress that lets streams through."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import pulumi
import pulumi_kubernetes as k8s

from components.ingress.annotations import CLOSED, CONTROLLERS, certificate, closed_pattern, nginx_closed
from components.ingress.url import open_paths, url_of
from components.labels import labels

MIDDLEWARES = "traefik.ingress.kubernetes.io/router.middlewares"


class LoadBalancer(TypedDict):
    """What the AWS Load Balancer Controller makes of an Ingress."""

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

    additional_hosts: NotRequired[Sequence[pulumi.Input[str]]]
    """Optional: more host names that lead to the Service. Defaults to none."""

    path: NotRequired[str]
    """Optional: path below which the gateway is served, and of which it knows: `/llm`. Defaults to none."""

    paths: NotRequired[Sequence[str]]
    """Optional: the only paths, below `path`, that lead to the Service. Defaults to all."""

    closed_paths: NotRequired[Sequence[str]]
    """Optional: paths, below `path`, that lead nowhere. Not for controller `other`. Defaults to none."""

    class_name: NotRequired[str]
    """Optional: Ingress class. Defaults to none: an annotation names it, or the cluster has a default class."""

    controller: NotRequired[str]
    """Optional: whose annotations are set: `nginx` (ingress-nginx), `traefik`, `alb` (AWS Load Balancer Controller), or `other`
    for nobody's. Defaults to `class_name`."""

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

    tls_ends_at: NotRequired[str]
    """Optional: where TLS ends without a Secret: at the `controller`, with its default certificate, or at a `load-balancer` in
    front of it. Defaults to nowhere, unless there is a certificate."""

    load_balancer: NotRequired[LoadBalancer]
    """Optional: the load balancer of controller `alb`. Defaults to an internal one with plain HTTP."""

    annotations: NotRequired[Mapping[str, str]]
    """Optional: more annotations, over ours. Defaults to none."""

    public_port: NotRequired[int]
    """Optional: port of the URL. Defaults to the scheme's."""

    url: NotRequired[str]
    """Optional: URL for clients, where it is another one. Defaults to one made of TLS, `host`, `public_port` and `path`."""

    wait_for_address: NotRequired[bool]
    """Optional: wait until the Ingress has an address. Defaults to true."""

    timeout: NotRequired[str]
    """Optional: how long to wait for the address, a Go duration. Defaults to `5m`."""


class Ingress(pulumi.ComponentResource):
    """An Ingress, with the annotations that its controller needs for long answers and long prompts.

    **Type:** `litellm:index:Ingress`. **Produces:** `networking.k8s.io/v1 Ingress`; where paths are closed, with nginx a second
    one that lets nobody in, and with Traefik a `traefik.io/v1alpha1 Middleware`.

    Raises:
        ValueError: for a controller without known annotations.
    """

    url: pulumi.Output[str]
    """URL of the gateway, without a slash at the end. Known when the Ingress is there."""

    def __init__(self, name: str, args: IngressArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:Ingress", name, None, opts)
        controller = args.get("controller", args.get("class_name", ""))
        if controller not in CONTROLLERS:
            raise ValueError(f"controller is {controller!r}; allowed: {', '.join(CONTROLLERS)}")
        given: Any = args
        secret = args.get("tls_secret_name") or (f"{name}-tls" if args.get("issuer") else None)
        ends_here = secret is not None or args.get("tls_ends_at") == "controller"
        certified = ends_here or "certificate_arn" in args.get("load_balancer", {})
        tls = [{"hosts": hosts(args), **({"secretName": secret} if secret else {})}] if ends_here else None
        annotations = {
            **CONTROLLERS[controller](given, certified),
            **certificate(given),
            **args.get("annotations", {}),
        }
        guards: list[pulumi.Resource] = []
        if args.get("closed_paths") and controller == "nginx":
            guards.append(self._ingress(f"{name}-closed", args, nginx_closed(certified), closed_rules(args), tls))
        if args.get("closed_paths") and controller == "traefik":
            guards.append(self._middleware(f"{name}-closed", args))
            first = pulumi.Output.concat(args["namespace"], f"-{name}-closed@kubernetescrd")
            theirs = args.get("annotations", {}).get(MIDDLEWARES)
            annotations[MIDDLEWARES] = pulumi.Output.concat(first, f",{theirs}") if theirs else first
        spec_rules = rules(args, answered_for=controller == "alb")
        ingress = self._ingress(name, args, annotations, spec_rules, tls, guards)
        scheme = "https" if certified or "tls_ends_at" in args else "http"
        self.url = pulumi.Output.all(url_of(scheme, given), ingress.urn).apply(lambda known: str(known[0]))
        self.register_outputs({"url": self.url})

    def _ingress(
        self,
        name: str,
        args: IngressArgs,
        annotations: Mapping[str, pulumi.Input[str]],
        spec_rules: list[Any],
        tls: list[Any] | None,
        after: Sequence[pulumi.Resource] = (),
    ) -> k8s.networking.v1.Ingress:
        awaited = {} if args.get("wait_for_address", True) else {"pulumi.com/skipAwait": "true"}
        metadata: Any = {
            "name": name,
            "namespace": args["namespace"],
            "labels": labels(name),
            "annotations": {**awaited, **annotations},
        }
        spec: Any = {"rules": spec_rules}
        if "class_name" in args:
            spec["ingressClassName"] = args["class_name"]
        if tls:
            spec["tls"] = tls
        timeout = args.get("timeout", "5m")
        return k8s.networking.v1.Ingress(
            f"{name}-ingress",
            metadata=metadata,
            spec=spec,
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=list(after),
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout),
            ),
        )

    def _middleware(self, name: str, args: IngressArgs) -> k8s.apiextensions.CustomResource:
        """The Middleware that sends what is closed to a path that LiteLLM does not have. The Ingress itself names it, so that
        Traefik serves nothing where it does not find it, instead of everything."""
        path = args.get("path", "")
        pattern = closed_pattern(path, args.get("closed_paths", ()))
        return k8s.apiextensions.CustomResource(
            f"{name}-middleware",
            api_version="traefik.io/v1alpha1",
            kind="Middleware",
            metadata={"name": name, "namespace": args["namespace"], "labels": labels(name)},
            spec={"replacePathRegex": {"regex": pattern, "replacement": f"{path}/closed-from-outside"}},
            opts=pulumi.ResourceOptions(parent=self),
        )


def hosts(args: IngressArgs) -> list[pulumi.Input[str]]:
    return [args["host"], *args.get("additional_hosts", ())]


def rules(args: IngressArgs, *, answered_for: bool) -> list[Any]:
    """A rule for each host; `answered_for` where the load balancer itself answers for what is closed."""
    service = {"name": args["service_name"], "port": {"number": args["service_port"]}}
    path = args.get("path", "")
    answer = {"name": CLOSED, "port": {"name": "use-annotation"}}
    closed = args.get("closed_paths", ()) if answered_for else ()
    paths = [prefix(f"{path}{each}", answer) for each in closed]
    paths += [prefix(each, service) for each in open_paths(cast("Mapping[str, Any]", args))]
    return [{"host": host, "http": {"paths": paths}} for host in hosts(args)]


def closed_rules(args: IngressArgs) -> list[Any]:
    """What is closed, for an Ingress that lets nobody in. It needs a backend as any other."""
    service = {"name": args["service_name"], "port": {"number": args["service_port"]}}
    paths = [prefix(f"{args.get('path', '')}{each}", service) for each in args.get("closed_paths", ())]
    return [{"host": host, "http": {"paths": paths}} for host in hosts(args)]


def prefix(path: str, service: Mapping[str, Any]) -> dict[str, Any]:
    return {"path": path, "pathType": "Prefix", "backend": {"service": service}}
