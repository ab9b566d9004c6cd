"""What the pods of a stack connect to."""

import ipaddress
from collections.abc import Iterator, Sequence
from typing import cast
from urllib.parse import urlsplit

import pulumi

from components.gateway.pod import PORT
from components.network.egress import Destination, Exit
from components.sync.agent import AgentLogin
from infra.access import ACCESS
from infra.config.aws_pods import needs_role
from infra.config.database.kinds import InClusterDatabase, pooler_of, takes_tokens
from infra.config.network import DestinationConfig
from infra.config.redis import ExistingRedis, InClusterRedis
from infra.config.stack import StackConfig
from infra.destinations import HTTPS, block_of, named, namespace_of
from infra.secrets.documents import read_replica
from infra.servers import Servers
from infra.turns import ONE_USER_EACH, Turns
from infra.workloads import (
    BOOTSTRAP,
    DATABASE_LOCK,
    GATEWAY,
    MIGRATION,
    POSTGRES,
    REDIS,
    REDIS_LOCK,
    REDIS_PORT,
    REDIS_USER,
    RESTARTER,
)

Address = tuple[pulumi.Input[str], pulumi.Input[int]]

DNS: Exit = {"to": [], "ports": [53, 5353], "protocols": ("UDP", "TCP")}
"""Names are looked up wherever the pod's resolver is: pods (on OpenShift at port 5353), or an address of the node."""

LINK_LOCAL = ("169.254.0.0/16", "fe80::/10")
METADATA_V6 = "fd00:ec2::/32"
"""What AWS has for its machines themselves, such as the metadata endpoint."""

PRIVATE = (
    ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"),
    ("fc00::/7", "fe80::/10"),
)
OUTSIDE: Sequence[Destination] = (
    {"cidr": "0.0.0.0/0", "except_cidrs": PRIVATE[0]},
    {"cidr": "::/0", "except_cidrs": PRIVATE[1]},
)
ANYWHERE: Sequence[Destination] = (
    {"cidr": "0.0.0.0/0", "except_cidrs": LINK_LOCAL[:1]},
    {"cidr": "::/0", "except_cidrs": (LINK_LOCAL[1], METADATA_V6)},
)
"""For servers with a name, which may be in a private network: everywhere but what a cloud tells its machines."""

API_SERVER: Exit = {"to": ANYWHERE, "ports": [HTTPS, 6443, 8443]}
"""Kubernetes' own API, whose address only the pods know: behind its Service it is a node, or a host of the provider."""

POD_IDENTITY: Exit = {"to": [{"cidr": "169.254.170.23/32"}, {"cidr": "fd00:ec2::23/128"}], "ports": [80]}
"""The agent of EKS Pod Identity, on the node. It gives a pod its own role, and never that of the machine."""


def exits(
    config: StackConfig,
    servers: Servers,
    namespace: str,
    turns: Turns = ONE_USER_EACH,
    vault: AgentLogin | None = None,
) -> dict[str, Sequence[Exit]]:
    """What each workload of a namespace may connect to. One that is missing is not limited.

    `vault` is how pods log in to it, where the store is one.
    """
    agent = to_store(config, vault) if config.secrets.by_pods else None
    given = config.network_policy.egress
    found: dict[str, Sequence[Exit]] = {}
    if given.servers:
        found |= of_servers(config, servers, turns, agent)
    if given.gateway:
        found[GATEWAY] = [*of_gateway(config, servers, namespace), *([agent] if agent else [])]
    return found


def to_store(config: StackConfig, vault: AgentLogin | None) -> Exit:
    """The store that pods read, in this cluster or elsewhere, in a private network or not."""
    address = vault["address"] if vault else config.secrets.init_container.environment.get("AWS_ENDPOINT_URL")
    if address is None:
        return {"to": ANYWHERE, "ports": [HTTPS]}
    found = urlsplit(address)
    return to_server((found.hostname or "", found.port or (HTTPS if found.scheme == "https" else 80)), "")


def of_servers(
    config: StackConfig, servers: Servers, turns: Turns, agent: Exit | None = None
) -> dict[str, Sequence[Exit]]:
    database = to_server(servers.database, POSTGRES)
    aws: list[Exit] = [{"to": ANYWHERE, "ports": [HTTPS]}, POD_IDENTITY] if takes_tokens(config.database) else []
    found: dict[str, Sequence[Exit]] = {MIGRATION: [DNS, database, *aws], BOOTSTRAP: [DNS, database]}
    if turns.database.alternates:
        found[DATABASE_LOCK] = [DNS, database]
    if turns.redis.alternates and isinstance(config.redis, InClusterRedis):
        redis = to_server(servers.redis or (REDIS, REDIS_PORT), REDIS)
        found |= {REDIS_USER: [DNS, redis], REDIS_LOCK: [DNS, redis]}
    if isinstance(config.database, InClusterDatabase):
        found[POSTGRES] = []
    if isinstance(config.redis, InClusterRedis):
        found[REDIS] = []
    if config.secrets.reload == "restarter":
        found[RESTARTER] = [API_SERVER]
    if config.access.wanted:
        found[ACCESS] = [DNS, {"to": [{"workload": GATEWAY}], "ports": [PORT]}]
    return found if agent is None else {workload: [*exits, DNS, agent] for workload, exits in found.items()}


def of_gateway(config: StackConfig, servers: Servers, namespace: str) -> list[Exit]:
    found: list[Exit] = [DNS, to_server(servers.database, POSTGRES), {"to": OUTSIDE, "ports": [HTTPS]}]
    if pooler := pooler_of(config.database):
        found.append(to_server((pooler.host, pooler.port), POSTGRES))
    if replica := read_replica(config):
        found.append(to_server((replica.host, replica.port), POSTGRES))
    if servers.redis:
        found += to_redis(config, servers.redis)
    if needs_role(config.gateway, config.database, (*config.provider_keys, *config.documents_by_variable)):
        found.append(POD_IDENTITY)
    if config.proxy.url:
        proxy = urlsplit(config.proxy.url)
        found.append(to_server((proxy.hostname or "", proxy.port or HTTPS), ""))
    for host, port in sorted(named(config)):
        found += to_host(host, port, namespace)
    return found + [allowed(each) for each in config.network_policy.egress.allow]


def to_redis(config: StackConfig, address: Address) -> list[Exit]:
    """Sentinels, and servers of a cluster, name others, at ports that are theirs to choose."""
    redis = config.redis
    several = isinstance(redis, ExistingRedis) and redis.host is None
    return [{"to": ANYWHERE}] if several else [to_server(address, REDIS)]


def to_server(address: Address, workload: str) -> Exit:
    """A Postgres or a Redis: a workload of the namespace, or a host elsewhere, in a private network or not."""
    host, port = address
    if port == 0:
        return {"to": ANYWHERE}
    if host == workload:
        return {"to": [{"workload": workload}], "ports": [port]}
    if isinstance(host, str) and (block := block_of(host)):
        return {"to": [{"cidr": block}], "ports": [port]}
    if isinstance(host, str) and (namespace := namespace_of(host, HTTPS, workload)) and "." in host:
        return {"to": [{"namespace": namespace}]}
    return {"to": ANYWHERE, "ports": [port]}


def to_host(host: str, port: int, own: str) -> Iterator[Exit]:
    """What a URL names. The port of a Service says nothing about that of its pods, which is what policies look at; a name of
    two parts may be a Service or a host outside."""
    if block := block_of(host):
        network = ipaddress.ip_network(block)
        if not network.is_loopback and not network.is_link_local and not inside(network, METADATA_V6):
            yield {"to": [{"cidr": block}], "ports": [port]}
        return
    namespace = namespace_of(host, port, own)
    if namespace:
        yield {"to": [{"namespace": namespace}]}
    if port != HTTPS and host.count(".") > 0 and host.split(".")[2:3] != ["svc"]:
        yield {"to": OUTSIDE, "ports": [port]}


def inside(network: ipaddress.IPv4Network | ipaddress.IPv6Network, block: str) -> bool:
    around = ipaddress.ip_network(block)
    return network.version == around.version and network.overlaps(around)


def allowed(given: DestinationConfig) -> Exit:
    to = {"namespace": given.namespace, "namespace_labels": given.namespace_labels, "cidr": given.cidr}
    destination = cast("Destination", {key: value for key, value in to.items() if value})
    return {"to": [destination], "ports": given.ports}
