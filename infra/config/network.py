"""Config key `networkPolicy`: who reaches the pods of the gateway's namespace, and what they reach."""

from pydantic import Field, model_validator

from infra.config.aws.vpc import Cidr
from infra.config.base import DnsLabel, Port, Section


class PeerConfig(Section):
    """One end of a connection."""

    namespace: DnsLabel | None = None
    """All pods of this namespace."""

    namespace_labels: dict[str, str] = Field(default_factory=dict)
    """All pods of the namespaces that have all of these labels."""

    cidr: Cidr | None = None
    """A network, such as that of a VPC: for what is not a pod, and for pods with `hostNetwork`."""

    @model_validator(mode="after")
    def says_one_thing(self) -> "PeerConfig":
        if [bool(self.namespace), bool(self.namespace_labels), bool(self.cidr)].count(True) != 1:
            raise ValueError("needs exactly one of namespace, namespaceLabels and cidr")
        return self


class ClientConfig(PeerConfig):
    """Where connections may come from: exactly one of its keys."""


class DestinationConfig(PeerConfig):
    """Where connections may go to: exactly one of `namespace`, `namespaceLabels` and `cidr`, and the ports there."""

    ports: tuple[Port, ...] = ()
    """TCP ports of the pods or hosts there; of pods their own, not those of a Service. Without any: all."""


class EgressConfig(Section):
    """What the stack's pods may connect to."""

    servers: bool = True
    """Postgres and Redis in the namespace connect to nothing, the Jobs to DNS and the database (and to AWS, where they log in
    with IAM tokens)."""

    gateway: bool = False
    """The gateway connects to DNS, its database and Redis, what its configuration names by URL, port 443 outside, and `allow`.
    Never to the metadata endpoint of a cloud; to private networks, such as those of VPC endpoints, only where a URL has the
    address itself or `allow` says so. URLs in documents of the store are not seen."""

    allow: tuple[DestinationConfig, ...] = ()
    """What else the gateway may connect to: models, VPC endpoints, a collector of traces."""

    @model_validator(mode="after")
    def allow_needs_a_limit(self) -> "EgressConfig":
        if self.allow and not self.gateway:
            raise ValueError(
                "allow is an exception of a limit, but gateway is false: set gateway: true, or remove allow"
            )
        return self


class NetworkPolicyConfig(Section):
    """NetworkPolicies of the gateway's namespace: nothing in it is reached, but the gateway's port, by whom this section says,
    and the servers in the namespace, by what the stack itself runs; and what the pods reach.
    """

    enabled: bool = True
    """Make them. With false every pod of the cluster reaches Postgres and Redis, and only their passwords are in between."""

    gateway: tuple[ClientConfig, ...] = ()
    """Who may connect to the gateway's pods. Without any: everybody, so that no request is lost to a wrong guess. Name the
    namespace of the ingress controller (`[{namespace: ingress-nginx}]`), and whoever calls the Service directly or scrapes
    it. A controller with `hostNetwork` has the addresses of its nodes, and an AWS load balancer with targets of type `ip` those
    of its subnets: name them by `cidr`."""

    database: tuple[ClientConfig, ...] = ()
    """Who else may connect to the Postgres in the namespace, such as another stack that uses it."""

    redis: tuple[ClientConfig, ...] = ()
    """Who else may connect to the Redis in the namespace."""

    egress: EgressConfig = EgressConfig.model_construct()
    """What the pods may connect to."""
