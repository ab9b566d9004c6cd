"""Config key `database`: where LiteLLM's Postgres is, and who may log in to it."""

import re
from typing import Annotated, Any, Literal, cast
from urllib.parse import quote

from pydantic import AfterValidator, Discriminator, Field, StringConstraints, Tag, field_validator, model_validator

from infra.config.base import Compute, DnsName, Image, Port, Quantity, Section
from infra.config.references import StorePath

SUPERUSER = "postgres"
"""The superuser of the Postgres in the cluster. LiteLLM never gets it."""

IDENTIFIER_BYTES = 63

RESERVED_CONNECTIONS = 3
"""What a server keeps for superusers (`superuser_reserved_connections`): nobody else gets these."""

MIGRATION_CONNECTIONS = 2
"""The migration Job: Prisma's schema engine, and the check of the schema after it."""

BOOTSTRAP_CONNECTIONS = 1
"""The bootstrap Job: one `psql` at a time."""

SslMode = Literal["disable", "prefer", "require"]


def identifier(value: str) -> str:
    if not 1 <= len(value.encode()) <= IDENTIFIER_BYTES:
        raise ValueError(f"must have 1 to {IDENTIFIER_BYTES} bytes: Postgres cuts off the rest")
    if not value.isprintable():
        raise ValueError("must not contain control characters")
    return value


def role_name(value: str) -> str:
    if value.startswith("pg_"):
        raise ValueError("must not start with pg_: Postgres keeps these names for itself")
    return value


Identifier = Annotated[str, AfterValidator(identifier)]
RoleName = Annotated[Identifier, AfterValidator(role_name)]
PropertyName = Annotated[str, StringConstraints(min_length=1, max_length=253)]
SecretKey = Annotated[str, StringConstraints(pattern=r"^[-._a-zA-Z0-9]{1,253}$")]


class DocumentCredentials(Section):
    """A user name and a password in a document that is in the store already. They are referenced, never read."""

    document: StorePath
    """Path of the document below the mount (Vault), without `data/`: `shared/postgres`."""

    username_property: PropertyName = "username"
    """Property with the user name."""

    password_property: PropertyName = "password"  # noqa: S105 - a name
    """Property with the password."""


class SecretCredentials(Section):
    """A user name and a password in a Kubernetes Secret, in the namespace of the gateway."""

    kubernetes_secret: DnsName
    """Name of the Secret."""

    username_key: SecretKey = "username"
    """Key with the user name."""

    password_key: SecretKey = "password"  # noqa: S105 - a name
    """Key with the password."""


def source_of_credentials(value: object) -> str:
    if isinstance(value, str):
        return "generated"
    given = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return "from-secret" if isinstance(value, SecretCredentials) or "kubernetesSecret" in given else "from-document"


class DatabaseSection(Section):
    """What every kind of database has."""

    image: Image = "docker.io/library/postgres:17"
    """The official Postgres image, Debian-based, 15 or later. The bootstrap Job runs its `psql`, for an existing server too."""

    name: Identifier = "litellm"
    """Name of LiteLLM's database."""

    username: RoleName = "litellm"
    """Name of LiteLLM's role in Postgres, which is no superuser."""

    sslmode: SslMode = "require"
    """TLS between LiteLLM and Postgres: `disable`, `prefer` (when the server has it) or `require`."""

    rotation: Annotated[int, Field(ge=0)] = 0
    """Raise it to generate a new password for LiteLLM's role. The admin's password stays."""

    def url_template(
        self,
        host: str,
        port: int,
        username: str = "username",
        password: str = "password",  # noqa: S107 - a name
    ) -> str:
        """The connection URL, as an ESO template (engine v2) that uses the values called `username` and `password`."""
        return (
            f"postgresql://{percent_encoded(username)}:{percent_encoded(password)}"
            f"@{host}:{port}/{quote(self.name, safe='')}?sslmode={self.sslmode}"
        )


class InClusterDatabase(DatabaseSection):
    """A small Postgres in the namespace of the gateway: one pod, no replication, no backup."""

    kind: Literal["in-cluster"] = "in-cluster"
    """`in-cluster`: a small Postgres next to the gateway."""

    sslmode: SslMode = "disable"
    """TLS between LiteLLM and Postgres: `disable`, or `prefer`. This server has no certificate."""

    storage: Quantity | None = "10Gi"
    """Size of the volume. With null the data lives as long as the pod. Changing it later replaces the volume, and its data."""

    storage_class: DnsName | None = None
    """StorageClass of the volume. Defaults to the cluster's."""

    max_connections: Annotated[int, Field(ge=10, le=10000)] = 100
    """Connections that the server accepts; each takes a few MiB of `resources.memory`."""

    resources: Compute = Compute(cpu="100m", memory="512Mi")

    @field_validator("sslmode")
    @classmethod
    def tls_needs_a_certificate(cls, value: SslMode) -> SslMode:
        if value == "require":
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


class ExistingDatabase(DatabaseSection):
    """A Postgres that is there already: Amazon RDS, Cloud SQL, a server of your own."""

    kind: Literal["existing"]
    """`existing`: a server that is there already."""

    host: DnsName
    """Host name or IPv4 address of the server, as pods reach it."""

    port: Port = 5432
    """Port of the server."""

    max_connections: Annotated[int, Field(ge=1)] | None = None
    """The server's `max_connections`. When given, a gateway that could ask for more is refused."""

    credentials: Annotated[
        Annotated[Literal["generated"], Tag("generated")] | Annotated[DocumentCredentials, Tag("from-document")],
        Discriminator(
            source_of_credentials,
            custom_error_type="unknown_source",
            custom_error_message="must be generated, or {document, usernameProperty, passwordProperty}",
        ),
    ] = "generated"
    """LiteLLM's user name and password: `generated` (with `username`; needs `admin`), or a document of the store."""

    admin: (
        Annotated[
            Annotated[DocumentCredentials, Tag("from-document")] | Annotated[SecretCredentials, Tag("from-secret")],
            Discriminator(source_of_credentials),
        ]
        | None
    ) = None
    """Who creates LiteLLM's role and database: a role that may (`CREATEROLE CREATEDB`), from a document of the store or a
    Kubernetes Secret. Without one, both must exist."""

    admin_database: Identifier = "postgres"
    """The database that the admin logs in to."""

    @field_validator("admin", mode="before")
    @classmethod
    def one_source(cls, value: object) -> object:
        if value is None or isinstance(value, Section):
            return value
        given = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        if len({"document", "kubernetesSecret"} & set(given)) != 1:
            raise ValueError("must have exactly one of document (a path in the store) and kubernetesSecret (a name)")
        return given

    @model_validator(mode="after")
    def credentials_fit_together(self) -> "ExistingDatabase":
        if self.credentials == "generated":
            if self.admin is None:
                raise ValueError(
                    "credentials are generated, so somebody must create the role: set admin to a document of the store or a "
                    "kubernetesSecret, or set credentials to a document with the user name and password of an existing role"
                )
            return self
        if "username" in self.model_fields_set:
            raise ValueError("username is taken from the document in credentials: remove username")
        if self.rotation:
            raise ValueError(
                "rotation generates passwords, but credentials come from a document: remove rotation, and write a new version "
                "of the document instead"
            )
        return self


def kind_of_database(value: object) -> object:
    given = (
        cast("dict[str, Any]", value) if isinstance(value, dict) else vars(value) if isinstance(value, Section) else {}
    )
    return given.get("kind", "in-cluster")


DatabaseConfig = Annotated[
    Annotated[InClusterDatabase, Tag("in-cluster")] | Annotated[ExistingDatabase, Tag("existing")],
    Discriminator(
        kind_of_database,
        custom_error_type="unknown_kind",
        custom_error_message="kind must be in-cluster (the default) or existing",
    ),
]
"""Where Postgres is: `in-cluster` (default) or `existing`."""


def percent_encoded(value: str) -> str:
    """Template text that writes a value into a URL, whatever characters it has.

    `urlquery` writes a space as `+`, which only a query decodes; a `+` of the value itself is `%2B` by then.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError(f"{value!r} cannot be used in a template: use letters, digits and _")
    return f'{{{{ .{value} | urlquery | replace "+" "%20" }}}}'


def connections_needed(pool: int, workers: int, replicas: int, surge: int) -> int:
    """The most connections that one environment opens at a time: every worker's pool in every pod of a rollout, and the Jobs.

    `pool` is LiteLLM's `database_connection_pool_limit` per worker, `replicas` the highest number of pods that scaling
    allows, and `surge` how many more a rollout adds.
    """
    return pool * workers * (replicas + surge) + MIGRATION_CONNECTIONS + BOOTSTRAP_CONNECTIONS


def connections_available(max_connections: int) -> int:
    """How many connections of a server are left for everybody who is no superuser."""
    return max(0, max_connections - RESERVED_CONNECTIONS)
