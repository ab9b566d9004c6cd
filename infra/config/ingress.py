"""Config key `ingress`: how clients reach the gateway from outside the cluster."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from infra.config.aws.vpc import CertificateArn, Cidr, shaped
from infra.config.base import Checked, DnsName, Port, Section

STREAM_MARGIN_SECONDS = 60

ALB_MAX_IDLE_SECONDS = 4000
"""The longest idle timeout of an Application Load Balancer."""

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.3 and 1.2. The controller's own default still speaks TLS 1.0."""


class TlsConfig(Section):
    """TLS of the Ingress: a certificate from cert-manager, or a Secret that is there already."""

    issuer: DnsName | None = None
    """cert-manager issuer that makes the certificate, and renews it."""

    issuer_kind: Literal["ClusterIssuer", "Issuer"] = "ClusterIssuer"
    """Kind of `issuer`: of the cluster, or of the gateway's namespace."""

    secret_name: DnsName | None = None
    """Secret with the certificate (`tls.crt`, `tls.key`), in the gateway's namespace. With an issuer: the Secret that
    cert-manager writes, by default named after the Ingress."""

    @model_validator(mode="after")
    def has_a_certificate(self) -> "TlsConfig":
        if self.issuer is None and self.secret_name is None:
            raise ValueError(
                "tls needs issuer (cert-manager) or secretName (a certificate that is there); without TLS, remove it"
            )
        if self.issuer is None and "issuer_kind" in self.model_fields_set:
            raise ValueError("issuerKind is given without issuer: name the issuer, or remove issuerKind")
        return self


def pairs(value: dict[str, str]) -> dict[str, str]:
    for key, text in value.items():
        if not key or "," in key + text or "=" in key:
            raise ValueError(
                "is written as key=value,key=value: no key may be empty or have = in it, nothing may have a comma"
            )
    return value


Pairs = Annotated[dict[str, str], Checked(pairs, "no comma, and no = in a name")]


class AlbConfig(Section):
    """What the AWS Load Balancer Controller makes of the Ingress: an Application Load Balancer, or a part of a shared one.

    The controller takes what is said twice in a group only when it is the same: the scheme, the idle timeout, the port that
    plain HTTP is redirected to, the TLS policy.
    """

    group_name: (
        Annotated[
            str, shaped(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?", "a name such as ops-internal, at most 63 characters")
        ]
        | None
    ) = None
    """Group of Ingresses that share one load balancer. Without one, the gateway has a load balancer of its own."""

    scheme: Literal["internal", "internet-facing"] = "internal"
    """`internal`: reached from the VPC and what is connected to it. `internet-facing`: from everywhere."""

    certificate_arn: CertificateArn | None = None
    """ARN of the certificate in ACM, in the region of the cluster. It must be for `host`."""

    certificate_domain: (
        Annotated[
            str, shaped(r"(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)+", "the domain of a certificate such as *.example.com")
        ]
        | None
    ) = None
    """Domain of a certificate in ACM that is looked up: its newest one that is issued. It must be for `host`."""

    ssl_redirect: bool = True
    """Redirect plain HTTP to HTTPS, for the whole group. With false the gateway asks for no port 80. Without certificate it
    has no effect."""

    ssl_policy: (
        Annotated[
            str,
            shaped(r"ELBSecurityPolicy-[A-Za-z0-9-]+", f"a TLS policy of Elastic Load Balancing such as {TLS_POLICY}"),
        ]
        | None
    ) = None
    """TLS policy. Defaults to `ELBSecurityPolicy-TLS13-1-2-2021-06`, in a group to what the others say."""

    inbound_cidrs: tuple[Cidr, ...] = ()
    """Networks that may connect. Defaults to all."""

    attributes: Pairs = Field(default_factory=dict)
    """More attributes of the load balancer: `{deletion_protection.enabled: "true"}`."""

    tags: Pairs = Field(default_factory=dict)
    """Tags of what the controller makes in AWS."""

    @property
    def has_certificate(self) -> bool:
        return bool(self.certificate_arn or self.certificate_domain)

    @property
    def tls_policy(self) -> str | None:
        """TLS policy; None to leave it to the group."""
        return self.ssl_policy or (TLS_POLICY if self.has_certificate and not self.group_name else None)

    @field_validator("attributes")
    @classmethod
    def idle_timeout_is_ours(cls, value: dict[str, str]) -> dict[str, str]:
        if "idle_timeout.timeout_seconds" in value:
            raise ValueError(
                "idle_timeout.timeout_seconds follows the gateway's requestTimeout: use streamTimeoutSeconds"
            )
        return value

    @model_validator(mode="after")
    def one_certificate(self) -> "AlbConfig":
        if self.certificate_arn and self.certificate_domain:
            raise ValueError("certificateArn and certificateDomain are both given: remove one of them")
        if self.has_certificate:
            return self
        if self.scheme == "internet-facing":
            raise ValueError(
                "an internet-facing load balancer without certificate would send keys through the internet in plain text: "
                "give certificateArn or certificateDomain, or use scheme internal"
            )
        if self.ssl_policy:
            raise ValueError(
                "sslPolicy is given without certificate: give certificateArn or certificateDomain, or remove it"
            )
        return self


class IngressConfig(Section):
    """The Ingress."""

    enabled: bool = True
    """Make an Ingress. With false the gateway is reached inside the cluster only, through its Service."""

    class_name: Literal["nginx", "traefik", "alb"] = "nginx"
    """Ingress class, and the controller whose annotations are set: `nginx` (ingress-nginx), `traefik`, or `alb` (AWS Load
    Balancer Controller)."""

    host: DnsName | None = None
    """Host name of the gateway: `litellm.example.com`. Required when enabled."""

    tls: TlsConfig | None = None
    """TLS. Without it the gateway speaks plain HTTP, and keys travel readable. Not for class `alb`, see there."""

    alb: AlbConfig | None = None
    """The load balancer of class `alb`, and its certificate."""

    annotations: dict[str, str] = Field(default_factory=dict)
    """More annotations of the Ingress, over ours."""

    stream_timeout_seconds: Annotated[int, Field(ge=1, le=86400)] | None = None
    """Seconds that the ingress controller waits for the next piece of an answer. Defaults to the gateway's `requestTimeout`
    and a minute: the gateway gives up first, and says why. For Traefik this is a setting of the controller, off by default.
    A load balancer of AWS takes 4000 at most."""

    max_body_megabytes: Annotated[int, Field(ge=1, le=4096)] = 100
    """Largest request in megabytes, for prompts with images and files. nginx's own default is 1; the others have no limit."""

    public_port: Port | None = None
    """Port under which clients reach the ingress controller, where it is not 80 or 443: for the URL only."""

    wait_for_address: bool = True
    """Wait until the Ingress has an address. With false for controllers that publish none."""

    @field_validator("annotations")
    @classmethod
    def class_is_not_an_annotation(cls, value: dict[str, str]) -> dict[str, str]:
        if "kubernetes.io/ingress.class" in value:
            raise ValueError(
                "kubernetes.io/ingress.class is refused by Kubernetes next to ingressClassName: use className"
            )
        return value

    @model_validator(mode="after")
    def has_a_host(self) -> "IngressConfig":
        if self.enabled and self.host is None:
            raise ValueError(
                "host is missing: give the gateway's host name (litellm.example.com), or set enabled: false"
            )
        return self

    @model_validator(mode="after")
    def class_has_what_it_needs(self) -> "IngressConfig":
        if self.class_name != "alb":
            if self.alb:
                raise ValueError(f"alb is given, but className is {self.class_name}: use className alb, or remove alb")
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
        return self

    @property
    def url(self) -> str | None:
        """URL of the gateway for its clients; None without an Ingress."""
        if not self.enabled:
            return None
        balancer = self.load_balancer
        certified = balancer.certificate_arn or balancer.certificate_domain if self.class_name == "alb" else self.tls
        port = f":{self.public_port}" if self.public_port else ""
        return f"{'https' if certified else 'http'}://{self.host}{port}"

    @property
    def load_balancer(self) -> AlbConfig:
        """The load balancer of class `alb`."""
        return self.alb or AlbConfig()

    def stream_timeout(self, request_timeout: int) -> int:
        """Seconds that the ingress controller waits, for a gateway with this `requestTimeout`."""
        return self.stream_timeout_seconds or request_timeout + STREAM_MARGIN_SECONDS


def certificate_covers(names: Iterable[str], host: str) -> bool:
    """Whether a certificate with these names is for `host`. A wildcard stands for one label."""
    parent = host.partition(".")[2]
    return any(name.lower() in (host, f"*.{parent}") for name in names)
