"""What runs today fits into the limits that this program checks, or the stack file says what it takes to."""

import re

from infra.config.base import DNS_NAME
from infra.config.database.kinds import (
    BOOTSTRAP_CONNECTIONS,
    MIGRATION_CONNECTIONS,
    RESERVED_CONNECTIONS,
    InClusterDatabase,
    connections_available,
)
from infra.config.gateway.settings import MEMORY_FLOOR_GIB, UNITS, GatewayConfig, bytes_of
from infra.config.ingress.alb import ALB_MAX_IDLE_SECONDS
from infra.config.ingress.settings import STREAM_MARGIN_SECONDS
from infra.config.rules import SURGE
from tools.adopt.running import Running, Tree, tree_at

LEVELS = {name: name for name in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")} | {
    "WARN": "WARNING",
    "FATAL": "CRITICAL",
    "TRACE": "DEBUG",
}
"""Log levels, by what people call them."""

DEFAULTS = GatewayConfig.model_fields


def fit(running: Running, database: Tree) -> None:
    fit_size(running)
    fit_connections(running, database)
    fit_log_level(running)
    fit_way_in(running)


def fit_size(running: Running) -> None:
    """Memory for each worker as LiteLLM recommends it, where nobody says; less where somebody does."""
    gateway = running.gateway
    if gateway.get("replicas") == 0:
        gateway["replicas"] = 1
        running.leave("replicas", "0 there, which the stack file cannot say: the stack has 1")
    floor = MEMORY_FLOOR_GIB * gateway.get("workers", 1)
    resources = tree_at(gateway, "resources")
    if resources or gateway.get("workers", 1) > 1:
        gateway["resources"] = {"cpu": "1", "memory": f"{floor}Gi"} | resources
        if bytes_of(gateway["resources"]["memory"]) < floor * UNITS["Gi"]:
            gateway["allowMemoryBelowFloor"] = True


def fit_connections(running: Running, database: Tree) -> None:
    """The stack's own Postgres accepts what the gateway may ask for."""
    pool = running.gateway.get("databaseConnectionPoolLimit", DEFAULTS["database_connection_pool_limit"].default)
    pods = pool * running.gateway.get("workers", 1) * (most_replicas(running) + SURGE)
    needed = pods + MIGRATION_CONNECTIONS + BOOTSTRAP_CONNECTIONS
    if database.get("kind") == "in-cluster" and needed > connections_available(InClusterDatabase().max_connections):
        database["maxConnections"] = needed + RESERVED_CONNECTIONS


def most_replicas(running: Running) -> int:
    return tree_at(running.gateway, "autoscaling").get("max") or running.gateway.get("replicas", 1)


def fit_log_level(running: Running) -> None:
    if (level := running.gateway.pop("logLevel", None)) is None:
        return
    if level in LEVELS:
        running.gateway["logLevel"] = LEVELS[level]
    elif level:
        running.leave(
            "LITELLM_LOG", f"is no level that LiteLLM knows: set gateway.logLevel to one of {', '.join(LEVELS)}"
        )


def fit_way_in(running: Running) -> None:
    ingress = running.ingress
    if ingress is None or ingress.get("enabled") is False:
        return
    if not re.fullmatch(DNS_NAME, str(ingress.get("host"))):
        running.ingress = {"enabled": False}
        running.leave("ingress.host", "is a pattern or a template, and no name: set ingress.className and ingress.host")
        return
    names = [str(host) for host in ingress.get("additionalHosts", [])]
    for host in [name for name in names if not re.fullmatch(DNS_NAME, name)]:
        ingress["additionalHosts"].remove(host)
        running.leave("ingress.additionalHosts", "has a pattern or a template, and no name")
    if ingress.get("controller", ingress.get("className")) != "alb":
        return
    balancer = tree_at(ingress, "alb")
    if not balancer.get("certificateArn"):
        for key in ("scheme", "sslPolicy"):
            if balancer.get(key) and balancer[key] != "internal":
                del ingress["alb"][key]
                running.leave(
                    f"ingress.alb.{key}",
                    "needs a certificate, so that no key travels in plain text: set alb.certificateArn or certificateDomain",
                )
        if not ingress.get("alb", True):
            del ingress["alb"]
    longest = ingress.get("streamTimeoutSeconds") or running.gateway.get("requestTimeout", 600) + STREAM_MARGIN_SECONDS
    if longest > ALB_MAX_IDLE_SECONDS:
        ingress["streamTimeoutSeconds"] = ALB_MAX_IDLE_SECONDS
        running.leave(
            "ingress", f"a load balancer of AWS waits for {ALB_MAX_IDLE_SECONDS} seconds at most, not {longest}"
        )
