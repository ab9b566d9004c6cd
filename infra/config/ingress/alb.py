"""The load balancer of class `alb`, and its certificate."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from infra.config.aws.vpc import CertificateArn, Cidr, shaped
from infra.config.base import Checked, Section

ALB_MAX_IDLE_SECONDS = 4000
"""The longest idle timeout of an Application Load Balancer."""

TLS_POLICY = "ELBSecurityPolicy-TLS13-1-2-2021-06"
"""TLS 1.3 and 1.2. The controller's own default still speaks TLS 1.0."""


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


def certificate_covers(names: Iterable[str], host: str) -> bool:
    """Whether a certificate with these names is for `host`. A wildcard stands for one label."""
    parent = host.partition(".")[2]
    return any(name.lower() in (host, f"*.{parent}") for name in names)
