"""The way in: an HTTPRoute of the Gateway API, on a Gateway that is there."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import pulumi
import pulumi_kubernetes as k8s

from components.ingress.url import open_paths, url_of
from components.labels import labels

API_VERSION = "gateway.networking.k8s.io/v1"

ACCEPTED = "jsonpath={.status.parents[0].conditions[?(@.type=='Accepted')].status}=True"


class HttpRouteArgs(TypedDict):
    """Arguments of `HttpRoute`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the HTTPRoute and of the Service."""

    host: pulumi.Input[str]
    """Required: host name."""

    additional_hosts: NotRequired[Sequence[pulumi.Input[str]]]
    """Optional: more host names that lead to the Service. Defaults to none."""

    gateway_name: pulumi.Input[str]
    """Required: name of the Gateway."""

    gateway_namespace: pulumi.Input[str]
    """Required: namespace of the Gateway."""

    section_name: NotRequired[str]
    """Optional: listener of the Gateway. Defaults to all that fit the host."""

    service_name: pulumi.Input[str]
    """Required: name of the Service."""

    service_port: pulumi.Input[int]
    """Required: port of the Service."""

    stream_timeout: NotRequired[int]
    """Optional: seconds that an answer may take, from its request to its end. Defaults to 660."""

    path: NotRequired[str]
    """Optional: path below which the gateway is served, and of which it knows: `/llm`. Defaults to none."""

    paths: NotRequired[Sequence[str]]
    """Optional: the only paths, below `path`, that lead to the Service. Defaults to all."""

    closed_paths: NotRequired[Sequence[str]]
    """Optional: paths, below `path`, that lead nowhere: the Gateway answers with an error of its own. Defaults to none."""

    tls: NotRequired[bool]
    """Optional: the listener speaks TLS, or what is in front of it. Defaults to false."""

    annotations: NotRequired[Mapping[str, str]]
    """Optional: annotations. Defaults to none."""

    public_port: NotRequired[int]
    """Optional: port of the URL. Defaults to the scheme's."""

    url: NotRequired[str]
    """Optional: URL for clients, where it is another one. Defaults to one made of `tls`, `host`, `public_port` and `path`."""

    wait_until_accepted: NotRequired[bool]
    """Optional: wait until the Gateway has accepted the route. Defaults to true."""

    timeout: NotRequired[str]
    """Optional: how long to wait for that, a Go duration. Defaults to `5m`."""


class HttpRoute(pulumi.ComponentResource):
    """An HTTPRoute from a Gateway to the gateway.

    **Type:** `litellm:index:HttpRoute`. **Produces:** `gateway.networking.k8s.io/v1 HTTPRoute`.

    Its timeouts are those of a whole answer, as the Gateway API knows no others; implementations that lack them ignore them.
    """

    url: pulumi.Output[str]
    """URL of the gateway, without a slash at the end. Known when the route is there."""

    def __init__(self, name: str, args: HttpRouteArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:HttpRoute", name, None, opts)
        given: Any = args
        awaited = {"pulumi.com/waitFor": ACCEPTED} if args.get("wait_until_accepted", True) else {}
        parent = {"name": args["gateway_name"], "namespace": args["gateway_namespace"]}
        if "section_name" in args:
            parent["sectionName"] = args["section_name"]
        timeout = args.get("timeout", "5m")
        route = k8s.apiextensions.CustomResource(
            f"{name}-route",
            api_version=API_VERSION,
            kind="HTTPRoute",
            metadata={
                "name": name,
                "namespace": args["namespace"],
                "labels": labels(name),
                "annotations": {**awaited, **args.get("annotations", {})},
            },
            spec={
                "parentRefs": [parent],
                "hostnames": [args["host"], *args.get("additional_hosts", ())],
                "rules": rules(args),
            },
            opts=pulumi.ResourceOptions(
                parent=self, custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout)
            ),
        )
        url = url_of("https" if args.get("tls") else "http", given)
        self.url = pulumi.Output.all(url, route.urn).apply(lambda known: str(known[0]))
        self.register_outputs({"url": self.url})


def rules(args: HttpRouteArgs) -> list[dict[str, Any]]:
    """What is open, and before it, as the longer prefix wins anyhow, what is closed: a rule that leads to nobody."""
    path = args.get("path", "")
    seconds = f"{args.get('stream_timeout', 660)}s"
    closed = [prefix(f"{path}{each}") for each in args.get("closed_paths", ())]
    opened = [prefix(each) for each in open_paths(cast("Mapping[str, Any]", args))]
    backend = {"name": args["service_name"], "port": args["service_port"]}
    return [
        *([{"matches": closed}] if closed else []),
        {
            "matches": opened,
            "backendRefs": [backend],
            "timeouts": {"request": seconds, "backendRequest": seconds},
        },
    ]


def prefix(path: str) -> dict[str, Any]:
    return {"path": {"type": "PathPrefix", "value": path}}
