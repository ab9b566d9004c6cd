"""Config key `database`: where LiteLLM's Postgres is, and who may log in to it."""

from typing import Annotated, Any, Literal, TypeGuard, cast

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from infra.config.base import Compute, Disk, ObjectName, Section, Size
from infra.config.database.cloudnative import CloudNativePgDatabase
from infra.config.database.common import SUPERUSER, NearbySection, SslMode, TokenSection
from infra.config.database.existing import ExistingDatabase
from infra.config.database.pooler import Pooler
from infra.config.database.rds import RdsDatabase

RESERVED_CONNECTIONS = 3
"""What a server keeps for superusers (`superuser_reserved_connections`): nobody else gets these."""

MIGRATION_CONNECTIONS = 2
"""The migration Job: Prisma's schema engine, and the check of the schema after it."""

BOOTSTRAP_CONNECTIONS = 1
"""The bootstrap Job: one `psql` at a time."""


class InClusterDatabase(NearbySection):
    """A small Postgres in the namespace of the gateway: one pod, no replication, no backup."""

    kind: Literal["in-cluster"] = "in-cluster"
    """`in-cluster`: a small Postgres next to the gateway."""

    sslmode: SslMode = "disable"
    """TLS between LiteLLM and Postgres: `disable`, or `prefer`. This server has no certificate."""

    storage: Size | None = "10Gi"
    """Size of the volume. With null the data lives as long as the pod. Changing it later would replace the volume, and is
    refused (docs/runbooks/changes.md)."""

    storage_class: ObjectName | None = None
    """StorageClass of the volume. Defaults to the cluster's."""

    max_connections: Annotated[int, Field(ge=10, le=10000)] = 100
    """Connections that the server accepts; each takes a few MiB of `resources.memory`."""

    resources: Compute = Compute.model_construct(cpu="100m", memory="512Mi")

    @property
    def disk(self) -> Disk:
        """What the server writes to the disk of its node: with a volume hardly anything, without one the data."""
        return Disk("64Mi", "1Gi") if self.storage else Disk("512Mi", "10Gi")

    @property
    def connection_limit(self) -> int:
        """Connections that the server accepts."""
        return self.max_connections

    @field_validator("sslmode")
    @classmethod
    def tls_needs_a_certificate(cls, value: SslMode) -> SslMode:
        if value not in ("disable", "prefer"):
            raise ValueError(
                "the Postgres in the cluster has no certificate: use disable or prefer, or kind existing and a server "
                "that has one"
            )
        return value

    @field_validator("username")
    @classmethod
    def superuser_is_not_for_the_gateway(cls, value: str) -> str:
        if value == SUPERUSER:
            raise ValueError(f"{SUPERUSER} is the superuser: use another name, such as litellm")
        return value

    @model_validator(mode="after")
    def class_needs_a_volume(self) -> "InClusterDatabase":
        if self.storage is None and self.storage_class:
            raise ValueError(
                "storageClass is given, but storage is null: set a size such as 10Gi, or remove storageClass"
            )
        return self


def kind_of_database(value: object) -> object:
    given = (
        cast("dict[str, Any]", value) if isinstance(value, dict) else vars(value) if isinstance(value, Section) else {}
    )
    return given.get("kind", "in-cluster")


DatabaseConfig = Annotated[
    Annotated[InClusterDatabase, Tag("in-cluster")]
    | Annotated[ExistingDatabase, Tag("existing")]
    | Annotated[RdsDatabase, Tag("rds")]
    | Annotated[CloudNativePgDatabase, Tag("cloudnative-pg")],
    Discriminator(
        kind_of_database,
        custom_error_type="unknown_kind",
        custom_error_message="kind must be in-cluster (the default), existing, rds or cloudnative-pg",
    ),
]
"""Where Postgres is: `in-cluster` (default), `existing`, `rds` or `cloudnative-pg`."""

CLUSTER = "postgres"
"""The `Cluster` of CloudNativePG; its Services, and the Secrets with login and authority, begin with that."""


def takes_tokens(database: DatabaseConfig) -> TypeGuard[ExistingDatabase | RdsDatabase]:
    """Whether LiteLLM logs in with IAM tokens, and has no password."""
    return isinstance(database, TokenSection) and database.iam_authentication


def pooler_of(database: DatabaseConfig) -> Pooler | None:
    """The pooler between the pods and the server."""
    if isinstance(database, CloudNativePgDatabase) and (own := database.pooler):
        return Pooler.model_validate(
            {
                "host": f"{CLUSTER}-pooler",
                "port": 5432,
                "maxConnections": own.instances * own.max_connections,
                "poolSize": own.instances * own.pool_size,
            }
        )
    return database.pooler if isinstance(database, TokenSection) else None


def connections_available(max_connections: int) -> int:
    """How many connections of a server are left for everybody who is no superuser."""
    return max(0, max_connections - RESERVED_CONNECTIONS)
