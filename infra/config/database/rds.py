"""Config key `database` of kind `rds`: a Postgres that this stack runs on Amazon RDS."""

import re
from typing import Annotated, Any, Literal, cast

from pydantic import Field, WithJsonSchema, field_validator, model_validator

from infra.config.aws.vpc import KmsKeyArn, VpcPlacement, shaped
from infra.config.database.common import SUPERUSER, SslMode, TokenSection

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


class RdsDatabase(TokenSection, VpcPlacement):
    """Amazon RDS for PostgreSQL: one instance that belongs to the stack.

    RDS keeps the admin's password in a secret of its own, and rotates it there. The bootstrap Job gets it from External
    Secrets Operator; this program never sees it.
    """

    kind: Literal["rds"]
    """`rds`: an instance of Amazon RDS, made by this stack."""

    sslmode: SslMode = "verify-full"
    """TLS between LiteLLM and Postgres: `verify-full`, which makes sure that it is this server, or `require`."""

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
    def is_at_rds(self) -> bool:
        return True

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
        if value not in ("require", "verify-full"):
            raise ValueError(
                "the server refuses connections without TLS (rds.force_ssl): use verify-full or require, or remove sslmode"
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
