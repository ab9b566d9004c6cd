"""Who has the certificate of the way in."""

from typing import Literal

from pydantic import model_validator

from infra.config.base import ObjectName, Section
from infra.config.references import PropertyReference

ENDS_AT = "litellm/tls-ends-at"
"""For the policy, which sees objects and no configuration: the annotation that says where the TLS of a host ends, where the
object itself does not."""


class TlsConfig(Section):
    """TLS: a certificate from cert-manager, a Secret that is there already, a certificate out of the store, or none of ours,
    where the controller or what is in front of it has one."""

    issuer: ObjectName | None = None
    """cert-manager issuer that makes the certificate, and renews it."""

    issuer_kind: Literal["ClusterIssuer", "Issuer"] = "ClusterIssuer"
    """Kind of `issuer`: of the cluster, or of the gateway's namespace."""

    secret_name: ObjectName | None = None
    """Secret with the certificate (`tls.crt`, `tls.key`), in the gateway's namespace. With an issuer: the Secret that
    cert-manager writes, by default named after the Ingress."""

    certificate: PropertyReference | None = None
    """A certificate in the store, with those of its authorities below it, as PEM. External Secrets Operator makes the Secret,
    and takes a renewed one within `externalSecrets.refreshInterval`: one wildcard certificate for all environments."""

    private_key: PropertyReference | None = None
    """The private key of `certificate`, as PEM, in the store."""

    ends_at: Literal["controller", "load-balancer"] | None = None
    """Where TLS ends without a Secret of this stack: at the `controller`, with its own default certificate or that of a
    Gateway's listener, or at a `load-balancer` in front of it, which speaks plain HTTP to the controller. The URL is
    https."""

    @model_validator(mode="after")
    def has_a_certificate(self) -> "TlsConfig":
        if (self.certificate is None) != (self.private_key is None):
            raise ValueError("certificate and privateKey belong together: give both, or neither")
        sources = {
            "issuer or secretName": self.issuer or self.secret_name,
            "certificate": self.certificate,
            "endsAt": self.ends_at,
        }
        given = [name for name, source in sources.items() if source is not None]
        if not given:
            raise ValueError(
                "tls needs issuer (cert-manager) or secretName (a certificate that is there), certificate and "
                "privateKey (out of "
                "the store), or endsAt; without TLS, remove it"
            )
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are different certificates: keep one of them")
        if self.issuer is None and "issuer_kind" in self.model_fields_set:
            raise ValueError("issuerKind is given without issuer: name the issuer, or remove issuerKind")
        return self
