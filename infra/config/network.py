"""Config key `networkPolicy`: who reaches the pods of the gateway's namespace."""

from pydantic import Field, model_validator

from infra.config.aws.vpc import Cidr
from infra.config.base import DnsLabel, Section


class ClientConfig(Section):
    """Where connections may come from: exactly one of its keys."""

    namespace: DnsLabel | None = None
    """All pods of this namespace."""

    namespace_labels: dict[str, str] = Field(default_factory=dict)
    """All pods of the namespaces that have all of these labels."""

    cidr: Cidr | None = None
    """A network, such as that of a VPC: for what is not a pod, and for pods with `hostNetwork`."""

    @model_validator(mode="after")
    def says_one_thing(self) -> "ClientConfig":
        if [bool(self.namespace), bool(self.namespace_labels), bool(self.cidr)].count(True) != 1:
            raise ValueError("needs exactly one of namespace, namespaceLabels and cidr")
        return self


class NetworkPolicyConfig(Section):
    """NetworkPolicies of the gateway's namespace: nothing in it is reached, but the gateway's port, by whom this section says,
    and the servers in the namespace, by what the stack itself runs. Connections from the pods are not limited.
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
