"""Config key `ingress`: how clients reach the gateway from outside the cluster."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from infra.config.base import DnsName, Port, Section

STREAM_MARGIN_SECONDS = 60


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


class IngressConfig(Section):
    """The Ingress."""

    enabled: bool = True
    """Make an Ingress. With false the gateway is reached inside the cluster only, through its Service."""

    class_name: Literal["nginx", "traefik"] = "nginx"
    """Ingress class, and the controller whose annotations are set: `nginx` (ingress-nginx) or `traefik`."""

    host: DnsName | None = None
    """Host name of the gateway: `litellm.example.com`. Required when enabled."""

    tls: TlsConfig | None = None
    """TLS. Without it the gateway speaks plain HTTP, and keys travel readable."""

    annotations: dict[str, str] = Field(default_factory=dict)
    """More annotations of the Ingress, over ours."""

    stream_timeout_seconds: Annotated[int, Field(ge=1, le=86400)] | None = None
    """Seconds that the ingress controller waits for the next piece of an answer. Defaults to the gateway's `requestTimeout`
    and a minute: the gateway gives up first, and says why. For Traefik this is a setting of the controller, off by default."""

    max_body_megabytes: Annotated[int, Field(ge=1, le=4096)] = 100
    """Largest request in megabytes, for prompts with images and files. nginx's own default is 1."""

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

    def stream_timeout(self, request_timeout: int) -> int:
        """Seconds that the ingress controller waits, for a gateway with this `requestTimeout`."""
        return self.stream_timeout_seconds or request_timeout + STREAM_MARGIN_SECONDS
