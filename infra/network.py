"""Who reaches what in a stack's namespace."""

from collections.abc import Iterable

from components.gateway.pod import PORT
from components.labels import selector
from components.network.network_policy import Client, Opening
from infra.access import ACCESS
from infra.config.database.kinds import InClusterDatabase
from infra.config.network import ClientConfig
from infra.config.redis import InClusterRedis
from infra.config.stack import StackConfig
from infra.turns import ONE_USER_EACH, Turns
from infra.workloads import (
    BOOTSTRAP,
    DATABASE_LOCK,
    GATEWAY,
    MIGRATION,
    POSTGRES,
    POSTGRES_PORT,
    REDIS,
    REDIS_LOCK,
    REDIS_PORT,
    REDIS_USER,
    SMOKE,
)

METRICS = "litellm-metrics"

SOLVER = "acme-solver"
SOLVER_LABELS = {"acme.cert-manager.io/http01-solver": "true"}
SOLVER_PORT = 8089
"""The pods with which cert-manager proves, in the namespace of the Ingress, that it has the host name."""


def openings(config: StackConfig, turns: Turns = ONE_USER_EACH) -> dict[str, Opening]:
    """What may be reached, by workload."""
    given = config.network_policy
    found: dict[str, Opening] = {GATEWAY: {"port": PORT, "clients": gateway_clients(config)}}
    if opening := of_metrics(config):
        found[METRICS] = opening
    if config.ingress.enabled and config.ingress.tls and config.ingress.tls.issuer:
        found[SOLVER] = {"port": SOLVER_PORT, "clients": clients(given.gateway), "selector": SOLVER_LABELS}
    if isinstance(config.database, InClusterDatabase):
        lock = [DATABASE_LOCK] if turns.database.alternates else []
        ours: Client = {"workloads": [GATEWAY, MIGRATION, BOOTSTRAP, *lock]}
        found[POSTGRES] = {"port": POSTGRES_PORT, "clients": [ours, *clients(given.database)]}
    if isinstance(config.redis, InClusterRedis):
        users = [REDIS_USER, REDIS_LOCK] if turns.redis.alternates else []
        found[REDIS] = {"port": REDIS_PORT, "clients": [{"workloads": [GATEWAY, *users]}, *clients(given.redis)]}
    return found


def gateway_clients(config: StackConfig) -> list[Client]:
    """Everybody; or those that are named, the Job of access as code, and the gate of `make up`."""
    given = config.network_policy.gateway
    own = [*([ACCESS] if config.access.wanted else []), SMOKE]
    return [*clients(given), {"workloads": own}] if given else []


def of_metrics(config: StackConfig) -> Opening | None:
    """How the scraper reaches the gateway's pods; None where nothing keeps it from there, or nobody scrapes."""
    given, scraped = config.network_policy.gateway, config.monitoring
    port = scraped.metrics_port or PORT
    if not scraped.scraped or not scraped.clients or (port == PORT and not given):
        return None
    return {"port": port, "clients": clients(scraped.clients), "selector": selector(GATEWAY)}


def clients(given: Iterable[ClientConfig]) -> list[Client]:
    return [client(each) for each in given]


def client(given: ClientConfig) -> Client:
    if given.namespace:
        return {"namespace": given.namespace}
    if given.cidr:
        return {"cidr": given.cidr}
    return {"namespace_labels": given.namespace_labels}
