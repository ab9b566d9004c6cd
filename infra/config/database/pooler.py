"""What may stand between LiteLLM's pods and Postgres, and how many connections there may be."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from infra.config.base import Host, Port, Section
from infra.config.database.ssl import SslMode

Connections = Annotated[int, Field(ge=1, le=100000)]


class Pooler(Section):
    """A pooler that is there already, such as PgBouncer. The pods go through it, without prepared statements, which transaction
    pooling does not have; the migration and the bootstrap Job go to the server itself."""

    host: Host
    """Host name, IPv4 or IPv6 address of the pooler, as pods reach it."""

    port: Port = 6432
    """Port of the pooler."""

    sslmode: SslMode | None = None
    """TLS between LiteLLM and the pooler. Defaults to that of the server, with its authorities."""

    max_connections: Connections | None = None
    """Connections that the pooler accepts (PgBouncer's `max_client_conn`). When given, a gateway that could ask for more is
    refused."""

    pool_size: Connections | None = None
    """Connections that the pooler opens to the server at most (PgBouncer's `max_db_connections`). When given with the server's
    `maxConnections`, a server that has fewer is refused."""


class PodPooler(Section):
    """LiteLLM's own PgBouncer in each of its pods (`LITELLM_PGBOUNCER_ENABLED`), for an image that has `pgbouncer`."""

    max_connections: Connections = 20
    """Connections that one pod opens to the server at most, however many workers it has."""


def connections_of_pods(gateway: Any, database: Any, surge: int) -> int:
    """The most that all pods of a rollout open together, to the pooler where there is one."""
    each = gateway.database_connection_pool_limit * gateway.workers
    if database.pod_pooler and database.pod_pooler.max_connections < each:
        each = database.pod_pooler.max_connections
    # The collector goes past the pod's pooler.
    each += gateway.database_connection_pool_limit * (gateway.processes - gateway.workers)
    return each * (gateway.most_replicas + surge)


def pooler_has_enough(
    gateway: Any, database: Any, pooler: Pooler, surge: int, jobs: int, available: int | None
) -> Iterator[tuple[str, str]]:
    """The pooler's side is for the pods, the server's for the pooler and the Jobs, which go past it.

    `available` is what the server has for them; None when nobody says.
    """
    needed = connections_of_pods(gateway, database, surge)
    if pooler.max_connections and needed > pooler.max_connections:
        yield (
            "database.pooler.maxConnections",
            f"is {pooler.max_connections}, but {gateway.most_replicas} replicas and one more during a rollout, with "
            f"{gateway.processes_in_words} of {gateway.database_connection_pool_limit} connections each, need {needed}: raise "
            "it, or lower gateway.databaseConnectionPoolLimit",
        )
    if pooler.pool_size and available is not None and pooler.pool_size + jobs > available:
        yield (
            "database.pooler.poolSize",
            f"is {pooler.pool_size}; the Jobs that go past the pooler need {jobs}, but the server has {available}: lower it, "
            "or raise database.maxConnections",
        )
