"""Config key `database`: where LiteLLM's Postgres is, and who may log in to it."""

import re
from typing import Annotated, Any, Literal, TypeGuard, cast
from urllib.parse import quote

from pydantic import (
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from infra.config.base import SECRET_KEY, Checked, Compute, DnsName, Image, Port, Quantity, Section
from infra.config.references import DocumentName
from infra.config.vpc import REGION, KmsKeyArn, VpcPlacement, shaped

SUPERUSER = "postgres"
"""The superuser of the Postgres in the cluster, and the admin of one on RDS. LiteLLM never gets it."""

IDENTIFIER_BYTES = 63

RDS_HOST = rf"[a-z0-9.-]+\.({REGION})\.rds\.amazonaws\.com(?:\.cn)?"
"""The name that RDS gives to a server, with its region."""

RESERVED_CONNECTIONS = 3
"""What a server keeps for superusers (`superuser_reserved_connections`): nobody else gets these."""

MIGRATION_CONNECTIONS = 2
"""The migration Job: Prisma's schema engine, and the check of the schema after it."""

BOOTSTRAP_CONNECTIONS = 1
"""The bootstrap Job: one `psql` at a time."""

RDS_RESERVED_CONNECTIONS = 2
"""What RDS keeps for its own admins on top (`reserved_connections`, before 16 `rds.rds_superuser_reserved_connections`)."""

GIB_OF_LARGE = {"t": 8, "m": 8, "r": 16, "x": 32, "z": 16, "c": 4}
"""Memory of RDS' instance classes of size `large`, by family. The other sizes are fractions and multiples of it."""

SIZES = {"micro": 0.125, "small": 0.25, "medium": 0.5, "large": 1.0, "xlarge": 2.0}

BYTES_PER_CONNECTION = 9531392
"""RDS' default for `max_connections` is DBInstanceClassMemory divided by this, and 5000 at most (Amazon RDS User Guide,
"Maximum number of database connections")."""

USABLE_MEMORY = 0.7
"""DBInstanceClassMemory over the memory of the class, at least: the operating system and RDS itself take the rest."""

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


Identifier = Annotated[str, Checked(identifier, f"at most {IDENTIFIER_BYTES} bytes")]
RoleName = Annotated[Identifier, Checked(role_name, f"at most {IDENTIFIER_BYTES} bytes, not starting with pg_")]
PropertyName = Annotated[str, StringConstraints(min_length=1, max_length=253)]
SecretKey = Annotated[str, StringConstraints(pattern=SECRET_KEY)]


class DocumentCredentials(Section):
    """A user name and a password in a document that is in the store already. They are referenced, never read."""

    document: DocumentName
    """The document: its path below the mount (Vault), or the name or ARN of the secret (AWS)."""

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

    @property
    def connection_limit(self) -> int:
        """Connections that the server accepts."""
        return self.max_connections

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


class TokenSection(DatabaseSection):
    """What servers have that may take IAM tokens instead of passwords: those of Amazon RDS."""

    iam_authentication: bool = False
    """LiteLLM logs in to Amazon RDS with tokens of its pods' IAM role: there is no password. The stack makes the role and
    lets it, where it has `secrets.kind: aws`."""

    @property
    def token_variables(self) -> dict[str, str]:
        """What LiteLLM reads to log in with IAM tokens, but for DATABASE_HOST, DATABASE_PORT and AWS_REGION."""
        return {
            "IAM_TOKEN_DB_AUTH": "True",
            "DATABASE_USER": self.username,
            "DATABASE_NAME": self.name,
            "DATABASE_SSLMODE": self.sslmode,
        }

    @model_validator(mode="after")
    def tokens_need_no_password(self) -> "TokenSection":
        if not self.iam_authentication:
            return self
        if self.rotation:
            raise ValueError("rotation generates passwords, but with iamAuthentication there is none: remove rotation")
        if self.sslmode != "require":
            raise ValueError("sslmode must be require with iamAuthentication: RDS takes tokens over TLS only")
        if not re.fullmatch(r"[A-Za-z0-9_.@-]+", self.username):
            raise ValueError(
                "username becomes part of an IAM policy with iamAuthentication: use letters, digits, _ . @ and - only"
            )
        return self


class ExistingDatabase(TokenSection):
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

    resource_id: (
        Annotated[str, shaped(r"(db|cluster)-[A-Z0-9]+", "a resource ID of RDS such as db-ABCDEFGHIJKL01234")] | None
    ) = None
    """With `iamAuthentication`: the server's resource ID at RDS (`DbiResourceId`, of Aurora `DbClusterResourceId`), which
    the policy of the pods' role names."""

    @property
    def connection_limit(self) -> int | None:
        """Connections that the server accepts; None when nobody says how many."""
        return self.max_connections

    @property
    def rds_region(self) -> str | None:
        """Region of the server, from its name at RDS; None for every other name."""
        found = re.fullmatch(RDS_HOST, self.host)
        return found[1] if found else None

    @model_validator(mode="after")
    def tokens_are_for_rds(self) -> "ExistingDatabase":
        if not self.iam_authentication:
            if self.resource_id:
                raise ValueError(
                    "resourceId is given without iamAuthentication: set that to true, or remove resourceId"
                )
            return self
        if not self.rds_region:
            raise ValueError(
                f"host is {self.host}, but with iamAuthentication it must be the server's own name at RDS "
                "(….eu-west-1.rds.amazonaws.com): a token is for that name, and no other will do"
            )
        if self.credentials != "generated":
            raise ValueError(
                "credentials have a password, but with iamAuthentication there is none: remove credentials"
            )
        return self

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
            if self.admin is None and not self.iam_authentication:
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


class RdsDatabase(TokenSection, VpcPlacement):
    """Amazon RDS for PostgreSQL: one instance that belongs to the stack.

    RDS keeps the admin's password in a secret of its own, and rotates it there. The bootstrap Job gets it from External
    Secrets Operator; this program never sees it.
    """

    kind: Literal["rds"]
    """`rds`: an instance of Amazon RDS, made by this stack."""

    instance_class: Annotated[
        str, shaped(r"db(?:\.[a-z0-9-]+){2,}", "an instance class of RDS such as db.t4g.medium")
    ] = "db.t4g.medium"
    """Instance class. LiteLLM recommends 4 vCPU and 16 GB (`db.m7g.xlarge`) for up to 1000 requests per second."""

    engine_version: Annotated[
        str, shaped(r"1[5-9](?:\.[0-9]+)?", "a version of PostgreSQL from 15 on, such as 16 or 16.8 (as text: '16')")
    ] = "16"
    """PostgreSQL's major version, as text. RDS installs its minor releases in the maintenance window. With a minor version
    (`"16.8"`) it stays at that one until this changes."""

    allow_major_version_upgrade: bool = False
    """Let `engineVersion` name another major version than the server has. The upgrade takes the server down for minutes."""

    allocated_storage: Annotated[int, Field(ge=20, le=65536)] = 20
    """Storage (gp3) in GiB. It can grow, never shrink."""

    max_allocated_storage: Annotated[int, Field(ge=22, le=65536)] | None = 100
    """GiB up to which RDS lets the storage grow by itself: 10 % more than `allocatedStorage` or above. With null it stays."""

    multi_az: bool = False
    """Keep a standby in another availability zone, which takes over within a minute or two. Costs twice as much."""

    backup_retention_days: Annotated[int, Field(ge=0, le=35)] = 7
    """Days for which RDS keeps its daily backups and lets you go back to any second. 0 switches them off."""

    deletion_protection: bool | None = None
    """Let AWS refuse to delete the server. Defaults to `protect`."""

    final_snapshot: bool | None = None
    """Take a snapshot when the server is deleted, which stays. Defaults to `protect`."""

    max_connections: Annotated[int, Field(ge=10, le=10000)] | None = None
    """Connections that the server accepts; a change takes effect when it restarts. Defaults to RDS' own, by the memory of the
    instance class; what the gateway may open is then checked against 70 % of that formula."""

    parameters: dict[str, Annotated[str, WithJsonSchema({"type": ["string", "number"]})]] = Field(default_factory=dict)
    """More parameters of the server, by name: `{log_min_duration_statement: "1000"}`. They take effect when it restarts."""

    performance_insights: bool = False
    """Record which statements make the load, and keep it for seven days."""

    kms_key_id: KmsKeyArn | None = None
    """ARN of the KMS key that encrypts the storage. Defaults to the account's key for RDS. Changing it later replaces the
    server, and its data."""

    apply_immediately: bool = True
    """Apply changes at once, with a restart where they need one, so that `up` ends with what the file says. With false they
    wait for the maintenance window, and `up` does not wait for them."""

    @property
    def connection_limit(self) -> int | None:
        """Connections that the server accepts, but for RDS' own; None for an instance class of unknown memory."""
        limit = self.max_connections or default_connections(self.instance_class)
        return limit - RDS_RESERVED_CONNECTIONS if limit else None

    @property
    def server_parameters(self) -> dict[str, str]:
        """Parameters of the server that differ from RDS' defaults."""
        return self.parameters | ({"max_connections": str(self.max_connections)} if self.max_connections else {})

    @field_validator("sslmode")
    @classmethod
    def tls_is_forced(cls, value: SslMode) -> SslMode:
        if value != "require":
            raise ValueError(
                "the server refuses connections without TLS (rds.force_ssl): use require, or remove sslmode"
            )
        return value

    @field_validator("username")
    @classmethod
    def admin_is_not_for_the_gateway(cls, value: str) -> str:
        if value == SUPERUSER or value.startswith("rds"):
            raise ValueError(
                f"{SUPERUSER} is the admin, and RDS keeps names that start with rds: use litellm or another name"
            )
        return value

    @field_validator("parameters", mode="before")
    @classmethod
    def numbers_are_text(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        given = cast("dict[str, Any]", value)
        return {name: str(item) if type(item) in (int, float) else item for name, item in given.items()}

    @field_validator("parameters")
    @classmethod
    def parameters_are_free(cls, value: dict[str, str]) -> dict[str, str]:
        taken = {"rds.force_ssl": "TLS stays required", "max_connections": "use maxConnections"}
        for name in sorted(value):
            if not re.fullmatch(r"[a-z][a-z0-9_.]*", name):
                raise ValueError("must have names of parameters such as log_min_duration_statement")
            if name in taken:
                raise ValueError(f"{name} is set by this program ({taken[name]}): remove it")
        return value

    @model_validator(mode="after")
    def storage_can_grow(self) -> "RdsDatabase":
        most = self.max_allocated_storage
        if most is not None and most * 10 < self.allocated_storage * 11:
            raise ValueError(
                f"maxAllocatedStorage is {most}, but must be at least 10 % more than the allocatedStorage of "
                f"{self.allocated_storage}: raise it, or set it to null"
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
    | Annotated[RdsDatabase, Tag("rds")],
    Discriminator(
        kind_of_database,
        custom_error_type="unknown_kind",
        custom_error_message="kind must be in-cluster (the default), existing or rds",
    ),
]
"""Where Postgres is: `in-cluster` (default), `existing` or `rds`."""


def takes_tokens(database: DatabaseConfig) -> TypeGuard[ExistingDatabase | RdsDatabase]:
    """Whether LiteLLM logs in with IAM tokens, and has no password."""
    return not isinstance(database, InClusterDatabase) and database.iam_authentication


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


def default_connections(instance_class: str) -> int | None:
    """How many connections RDS allows by default at least; None for a class of unknown memory."""
    matched = re.fullmatch(r"db\.([a-z])[a-z]*[0-9][a-z0-9]*\.([0-9]*)([a-z]+)", instance_class)
    if not matched:
        return None
    family, multiple, size = matched.groups()
    if family not in GIB_OF_LARGE or size not in SIZES:
        return None
    gib = GIB_OF_LARGE[family] * SIZES[size] * int(multiple or 1)
    return min(5000, int(gib * 1024**3 * USABLE_MEMORY / BYTES_PER_CONNECTION))
