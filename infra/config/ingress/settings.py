"""Config key `ingress`: how clients reach the gateway from outside the cluster."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from infra.config.aws.vpc import Cidr
from infra.config.base import ALLOWED, URL_PATH, DnsName, ObjectName, Port, Section, url_such_as
from infra.config.ingress.alb import ALB_MAX_IDLE_SECONDS, AlbConfig
from infra.config.ingress.gateway_api import GatewayApiConfig
from infra.config.ingress.parts import Part, overlap, paths_of
from infra.config.ingress.tls import TlsConfig

STREAM_MARGIN_SECONDS = 60

CLASS_ANNOTATION = "kubernetes.io/ingress.class"
"""How a class was named before Kubernetes had a field for it. Some controllers, such as that of GKE, read nothing else."""

Controller = Literal["nginx", "traefik", "alb", "gateway-api", "other"]

CLASS_OF_OLD = "nginx"
"""The class of stack files that name none: what they had when it could be left out."""

PublicUrl = Annotated[str, url_such_as("https://litellm.example.com")]

UrlPath = Annotated[str, StringConstraints(pattern=URL_PATH, max_length=200)]
"""The path of a URL: `/llm`. No `/` at its end."""


class PrivateConfig(Section):
    """Another host, on which nothing is closed."""

    host: DnsName
    """Host name, such as one that only the network of the company knows: `litellm.internal.example.com`."""

    class_name: ObjectName | None = None
    """Ingress class of this host, of the same controller. Defaults to `ingress.className`."""

    gateway: GatewayApiConfig | None = None
    """The Gateway of this host. Defaults to `ingress.gateway`."""


class IngressConfig(Section):
    """The way in: an Ingress, an HTTPRoute, or one that somebody else makes."""

    enabled: bool = True
    """Make an Ingress or a route. With false the gateway is reached inside the cluster only, through its Service, or by a route
    that somebody else makes (`publicUrl`)."""

    controller: Controller | None = None
    """Who reads it, and whose annotations are set: `nginx` (ingress-nginx, which is retired), `traefik`, `alb` (AWS Load
    Balancer Controller), `gateway-api` (an HTTPRoute on the Gateway in `gateway`), or `other` (a plain Ingress, with nothing
    but your own `annotations`). Defaults to what `className` says where that is nginx, traefik or alb, and to `gateway-api`
    with `gateway`."""

    class_name: ObjectName | None = None
    """Ingress class: `traefik`, `nginx-internal`. One must be named: a new stack without is refused, and one that is up keeps
    `nginx`, which was the default once. Not for `gateway-api`, and not with the annotation `kubernetes.io/ingress.class`."""

    host: DnsName | None = None
    """Host name of the gateway: `litellm.example.com`. Required when enabled."""

    additional_hosts: tuple[DnsName, ...] = ()
    """More host names that lead to the gateway. Its URL has `host`."""

    path: UrlPath | None = None
    """Path below which the gateway is served, such as `/llm` where other things share the host: of the rules, of LiteLLM itself
    (`SERVER_ROOT_PATH`), of the probes and of the URL. Nothing may cut it off on the way."""

    public_url: PublicUrl | None = None
    """URL of the gateway for its clients, where host, TLS and port do not say it: with `enabled: false` that of a route which
    somebody else makes, whose path becomes LiteLLM's; otherwise that of what stands in front of the controller."""

    tls: TlsConfig | None = None
    """TLS. Without it the gateway speaks plain HTTP, and keys travel readable. Not for controller `alb`, see there."""

    alb: AlbConfig | None = None
    """The load balancer of controller `alb`, and its certificate."""

    gateway: GatewayApiConfig | None = None
    """The Gateway of controller `gateway-api`."""

    closed: tuple[Part, ...] = ()
    """Parts of LiteLLM that nobody reaches from outside: `metrics` (`/metrics`), `admin` (the admin page and the ways to log
    in to it: `/ui`, `/sso`, `/login`, …). See docs/ways-in.md for how each controller does it; with controller `other`, list
    `paths`."""

    paths: tuple[UrlPath, ...] = ()
    """The only paths that lead to the gateway from outside, below `path`: `[/v1]`. Defaults to all but those that are
    `closed`."""

    private: PrivateConfig | None = None
    """A host of its own on which nothing is closed, for what `closed` and `paths` keep from the others."""

    trusted_proxy_ranges: tuple[Cidr, ...] | None = None
    """Networks of what stands in front of LiteLLM: the pods of the ingress controller, or the subnets of a load balancer.
    LiteLLM takes their `X-Forwarded-For`, and limits failed logins to its page by the address of the client; without them it
    limits only those for one user. `[]` where clients connect directly. No client may be in one of them. See docs/ui.md."""

    annotations: dict[str, str] = Field(default_factory=dict)
    """More annotations of the Ingress or HTTPRoute, over ours."""

    stream_timeout_seconds: Annotated[int, Field(ge=1, le=86400)] | None = None
    """Seconds that the controller waits for the next piece of an answer. Defaults to the gateway's `requestTimeout` and a
    minute: the gateway gives up first, and says why. In an HTTPRoute it is the time of a whole answer. Traefik has no such
    limit, and `other` none that the program knows. A load balancer of AWS takes 4000 at most."""

    max_body_megabytes: Annotated[int, Field(ge=1, le=4096)] = 100
    """Largest request in megabytes, for prompts with images and files. nginx's own default is 1; the others have no limit."""

    public_port: Port | None = None
    """Port under which clients reach the controller, where it is not 80 or 443: for the URL only."""

    wait_for_address: bool = True
    """Wait until the Ingress has an address, or the HTTPRoute is accepted. With false for controllers that publish none."""

    @model_validator(mode="after")
    def has_a_host(self) -> "IngressConfig":
        if self.enabled and self.host is None:
            raise ValueError(
                "host is missing: give the gateway's host name (litellm.example.com), or set enabled: false"
            )
        return self

    @model_validator(mode="after")
    def class_is_named_once(self) -> "IngressConfig":
        annotated = CLASS_ANNOTATION in self.annotations
        if annotated and self.class_name:
            raise ValueError(f"{CLASS_ANNOTATION} is refused by Kubernetes next to ingressClassName: use className")
        if annotated and self.controller is None:
            raise ValueError(
                f"{CLASS_ANNOTATION} is refused by Kubernetes next to ingressClassName: use className; or, for a "
                f"controller that "
                "reads the annotation only, say which one in controller (other, if it is not one of those)"
            )
        if self.class_name and self.used_controller is None:
            raise ValueError(
                "className is a name of your own cluster: say in controller whose class it is, nginx, traefik or alb, or other"
            )
        if self.used_controller == "gateway-api":
            if self.class_name or annotated:
                raise ValueError("className is for an Ingress, and the Gateway has its own class: remove it")
        elif self.controller and not self.class_name and not annotated and self.enabled:
            raise ValueError(
                "className is missing: name the Ingress class of the controller (`kubectl get ingressclass`)"
            )
        return self

    @model_validator(mode="after")
    def gateway_is_for_routes(self) -> "IngressConfig":
        routed = self.used_controller == "gateway-api"
        if routed and self.gateway is None:
            raise ValueError("gateway is missing: name the Gateway that the route is attached to, and its namespace")
        if self.gateway and not routed:
            raise ValueError("gateway is given for another controller: use controller gateway-api, or remove gateway")
        if routed and self.tls and self.tls.ends_at is None:
            raise ValueError(
                "the listener of a Gateway has the certificate: use tls.endsAt controller, and remove the rest of tls"
            )
        return self

    @model_validator(mode="after")
    def load_balancer_has_what_it_needs(self) -> "IngressConfig":
        if self.used_controller != "alb":
            if self.alb:
                raise ValueError(
                    f"alb is given, but the controller is {self.used_controller}: use className alb, or controller alb, or "
                    "remove alb"
                )
            return self
        if self.tls:
            raise ValueError(
                "a load balancer of AWS takes its certificate from ACM: give alb.certificateArn or alb.certificateDomain, and "
                "remove tls"
            )
        if (self.stream_timeout_seconds or 0) > ALB_MAX_IDLE_SECONDS:
            raise ValueError(
                f"streamTimeoutSeconds is {self.stream_timeout_seconds}, but a load balancer of AWS waits for at most "
                f"{ALB_MAX_IDLE_SECONDS} seconds: lower it"
            )
        if self.private and not self.load_balancer.group_name:
            raise ValueError("private needs alb.groupName: two Ingresses without a group are two load balancers")
        return self

    @model_validator(mode="after")
    def hosts_are_different(self) -> "IngressConfig":
        names = [self.host, *self.additional_hosts, *([self.private.host] if self.private else [])]
        if len(set(names)) < len(names):
            raise ValueError("host, additionalHosts and private.host have a name twice: remove it once")
        if not self.enabled and (self.additional_hosts or self.private):
            raise ValueError("additionalHosts and private are hosts of an Ingress, which enabled: false makes none of")
        return self

    @model_validator(mode="after")
    def what_is_closed_is_closed(self) -> "IngressConfig":
        if not self.enabled and (self.closed or self.paths):
            raise ValueError(
                "closed and paths are for the Ingress or route that the stack makes: with enabled: false close them in your own"
            )
        if self.private and not (self.closed or self.paths):
            raise ValueError(
                "private is a host for what is closed: say what, in closed or in paths, or use additionalHosts"
            )
        if self.used_controller == "other" and self.closed:
            if not self.paths:
                raise ValueError(
                    "closed: a plain Ingress can only say what is open, so list that in paths ([/v1, /chat/completions, …])"
                )
            if open_ := next((path for path in self.paths for part in self.closed_paths if overlap(path, part)), None):
                raise ValueError(
                    f"paths[{self.paths.index(open_)}] leads to a part that is closed, and a plain Ingress cannot keep it out: "
                    "name longer paths"
                )
        return self

    @field_validator("public_url")
    @classmethod
    def public_url_is_plain(cls, value: str | None) -> str | None:
        if value and (urlsplit(value).query or urlsplit(value).fragment):
            raise ValueError("is a URL with a query or a fragment, and clients put paths behind it: leave them out")
        return value

    @model_validator(mode="after")
    def path_is_that_of_the_url(self) -> "IngressConfig":
        if self.public_url is None:
            return self
        path = urlsplit(self.public_url).path or None
        if path and not re.fullmatch(URL_PATH, path):
            raise ValueError(f"publicUrl must end in {ALLOWED[URL_PATH]}")
        if self.path != path and (self.enabled or self.path):
            raise ValueError(
                "publicUrl has another path than path: LiteLLM answers below one of them only, so give both the same"
            )
        return self

    @property
    def used_controller(self) -> Controller | None:
        """The controller; None where className is one of the cluster's own and nobody says whose."""
        if self.controller:
            return self.controller
        if self.gateway:
            return "gateway-api"
        by_name: dict[str, Controller] = {"nginx": "nginx", "traefik": "traefik", "alb": "alb"}
        return by_name.get(self.class_name or CLASS_OF_OLD)

    @property
    def used_class(self) -> str | None:
        """The Ingress class; None for a route, and where an annotation names it."""
        if self.used_controller == "gateway-api" or CLASS_ANNOTATION in self.annotations:
            return None
        return self.class_name or CLASS_OF_OLD

    @property
    def names_no_class(self) -> bool:
        """Whether an Ingress is wanted, and nothing says of which class."""
        return self.enabled and not self.class_name and not self.controller and not self.gateway

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host names of the Ingress or route, without the private one."""
        return (*([self.host] if self.host else []), *self.additional_hosts)

    @property
    def all_hosts(self) -> tuple[str, ...]:
        """Every host name that a certificate must be for."""
        return (*self.hosts, *([self.private.host] if self.private else []))

    @property
    def closed_paths(self) -> tuple[str, ...]:
        """What nobody reaches from outside, below `path`."""
        return paths_of(self.closed)

    @property
    def root_path(self) -> str:
        """The path below which LiteLLM answers; empty without one."""
        return self.path or (urlsplit(self.public_url).path if self.public_url and not self.enabled else "")

    @property
    def speaks_tls(self) -> bool:
        """Whether clients use https, as far as host and certificates say."""
        return self.load_balancer.has_certificate if self.used_controller == "alb" else self.tls is not None

    @property
    def url(self) -> str | None:
        """URL of the gateway for its clients; None without a way in."""
        return self.public_url or (self.url_of(self.host or "") if self.enabled else None)

    @property
    def pages_url(self) -> str | None:
        """URL of LiteLLM's pages, to which logins come back: that of the private host where the others do not reach them."""
        hidden = self.private and ("admin" in self.closed or self.paths)
        return self.url_of(self.private.host) if self.private and hidden else self.url

    def url_of(self, host: str) -> str:
        """URL of one of the hosts."""
        port = f":{self.public_port}" if self.public_port else ""
        return f"{'https' if self.speaks_tls else 'http'}://{host}{port}{self.root_path}"

    @property
    def load_balancer(self) -> AlbConfig:
        """The load balancer of controller `alb`."""
        return self.alb or AlbConfig()

    def stream_timeout(self, request_timeout: int) -> int:
        """Seconds that the controller waits, for a gateway with this `requestTimeout`."""
        return self.stream_timeout_seconds or request_timeout + STREAM_MARGIN_SECONDS
