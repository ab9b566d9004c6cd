"""Config key `database` of kind `cloudnative-pg`: a Postgres that CloudNativePG runs in the gateway's namespace."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator

from components.certificate_files import DATABASE, path_of
from infra.config.base import (
    BUCKET,
    PLAIN_URL,
    RETENTION,
    SCHEDULE,
    SECRET_KEY,
    Compute,
    Disk,
    Image,
    ObjectName,
    Section,
    Size,
)
from infra.config.database.common import SUPERUSER, NearbySection
from infra.config.database.pooler import Connections
from infra.config.database.ssl import SslMode

Key = Annotated[str, StringConstraints(pattern=SECRET_KEY)]


class ObjectStore(Section):
    """An object store that speaks S3, for backups and the write-ahead log. It needs CloudNativePG's Barman Cloud plugin."""

    destination: Annotated[str, StringConstraints(pattern=BUCKET)]
    """Where: `s3://bucket/path`."""

    endpoint: Annotated[str, StringConstraints(pattern=PLAIN_URL)] | None = None
    """URL of a store that is not AWS."""

    kubernetes_secret: ObjectName | None = None
    """Name of a Secret of the namespace with the keys of the store. Without one: the IAM role of the servers."""

    access_key_id_key: Key = "ACCESS_KEY_ID"
    """Key of the access key's ID in the Secret."""

    secret_access_key_key: Key = "SECRET_ACCESS_KEY"  # noqa: S105 - a name
    """Key of the secret access key in the Secret."""

    retention: Annotated[str, StringConstraints(pattern=RETENTION)] = "30d"
    """How long backups stay: days, weeks or months."""

    schedule: Annotated[str, StringConstraints(pattern=SCHEDULE)] = "0 0 2 * * *"
    """When a backup is made, as cron with seconds in front: every night at two."""


class CloudNativePooler(Section):
    """PgBouncers in front of the servers, which the pods go through."""

    instances: Annotated[int, Field(ge=1, le=20)] = 2
    """Number of PgBouncers."""

    pool_size: Connections = 20
    """Connections that each PgBouncer opens to the server (`default_pool_size`)."""

    max_connections: Connections = 1000
    """Connections that each PgBouncer accepts (`max_client_conn`)."""


class CloudNativePgDatabase(NearbySection):
    """A Postgres that CloudNativePG runs in the gateway's namespace. Its operator must be in the cluster."""

    kind: Literal["cloudnative-pg"]
    """`cloudnative-pg`: a `Cluster` of CloudNativePG, made by this stack."""

    sslmode: SslMode = "verify-full"
    """TLS between LiteLLM and Postgres. The authority is that of the `Cluster`."""

    instances: Annotated[int, Field(ge=1, le=9)] = 3
    """Number of servers: one that writes, and copies that take over."""

    server_image: Image | None = None
    """Image of the servers. Defaults to that of the operator's release."""

    storage: Size = "10Gi"
    """Size of the volume of each server. It can grow, never shrink."""

    storage_class: ObjectName | None = None
    """StorageClass of the volumes. Defaults to the cluster's."""

    max_connections: Annotated[int, Field(ge=10, le=10000)] = 100
    """Connections that the server accepts."""

    parameters: dict[str, str] = Field(default_factory=dict)
    """More parameters of Postgres, by name: `{work_mem: 8MB}`."""

    resources: Compute = Compute.model_construct(cpu="500m", memory="1Gi")
    """Requests and limits of each server."""

    service_account_annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations of the servers' ServiceAccount, such as `eks.amazonaws.com/role-arn` of a role that may write backups."""

    backup: ObjectStore | None = None
    """An object store for backups. Defaults to none."""

    pooler: CloudNativePooler | None = None
    """PgBouncers between the pods and the server. Defaults to none."""

    @property
    def disk(self) -> Disk:
        """What a server writes to the disk of its node: its data is on a volume."""
        return Disk("64Mi", "1Gi")

    @property
    def connection_limit(self) -> int:
        """Connections that the server accepts."""
        return self.max_connections

    @property
    def server_parameters(self) -> dict[str, str]:
        return self.parameters | {"max_connections": str(self.max_connections)}

    @property
    def url_parameters(self) -> dict[str, str]:
        return super().url_parameters | ({"sslrootcert": path_of(DATABASE)} if self.sslmode == "verify-full" else {})

    @property
    def pooler_parameters(self) -> dict[str, str]:
        """What stands behind the `?` of the URL that goes through the pooler, whose certificate is for the server's name."""
        return {**super().url_parameters, "sslmode": "require", "pgbouncer": "true"}

    @field_validator("username")
    @classmethod
    def superuser_is_not_for_the_gateway(cls, value: str) -> str:
        if value == SUPERUSER:
            raise ValueError(f"{SUPERUSER} is the superuser: use another name, such as litellm")
        return value

    @field_validator("rotation")
    @classmethod
    def operator_has_the_password(cls, value: int) -> int:
        if value:
            raise ValueError("generates passwords, but CloudNativePG makes this one: remove rotation")
        return value

    @field_validator("parameters")
    @classmethod
    def connections_are_said_once(cls, value: dict[str, str]) -> dict[str, str]:
        if "max_connections" in value:
            raise ValueError("max_connections is set by this program (use maxConnections): remove it")
        return value
