"""Config key `redis`: what the gateway's replicas share, such as rate limits and cooldowns."""

import math
import re
from decimal import Decimal
from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, StringConstraints, Tag, field_validator, model_validator

from infra.config.aws.vpc import KmsKeyArn, VpcPlacement, shaped
from infra.config.base import KEY_PREFIX, Compute, Disk, Host, Image, Port, Section, Size
from infra.config.certificates import CaCertFile
from infra.config.redis_nodes import ElastiCacheLogin, Node, Sentinel
from infra.config.references import PropertyName, PropertyReference
from infra.config.versions import PINS

MEMORY_FACTOR = 1.5
"""Memory limit over `maxmemory`, which counts data only: fragmentation and the buffers of clients come on top."""

MINIMUM_MEMORY = 16 * 1024**2

DEFAULT_VERSIONS = {"valkey": "8.0", "redis": "7.1"}
OLDEST_VERSIONS = {"valkey": "7.2", "redis": "7.0"}
"""LiteLLM needs Redis 7 (LiteLLM, "Redis requirements"); Valkey began as its 7.2."""

POWERS = {"": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5}


def bytes_of(quantity: str) -> int:
    """A Kubernetes quantity of memory in bytes: `256Mi` is 268435456."""
    matched = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([kMGTP]?)(i?)", quantity.replace("Ki", "ki"))
    if not matched:
        raise ValueError("must be an amount of memory such as 256Mi or 1Gi")
    number, unit, binary = matched.groups()
    return int(Decimal(number) * (1024 if binary else 1000) ** POWERS[unit])


class NoRedis(Section):
    """No Redis: for one replica."""

    kind: Literal["none"]
    """`none`: each replica counts for itself."""


class InClusterRedis(Section):
    """A Redis in the namespace of the gateway: one pod, nothing on disk."""

    kind: Literal["in-cluster"] = "in-cluster"
    """`in-cluster`: a small Redis next to the gateway."""

    image: Image = PINS["redis"].image
    """The official Redis image, 7 or later."""

    max_memory: Size = "256Mi"
    """Memory for data. A full Redis refuses writes instead of forgetting counters."""

    resources: Compute = Compute.model_construct(cpu="50m", memory="512Mi")
    """Requests and limits of the container: memory at least 1.5 times `maxMemory`."""

    rotation: Annotated[int, Field(ge=0)] = 0
    """Raise it to generate a new password, which is that of another user: pods go on with theirs until they are replaced, and
    Redis goes on with what it has. The user before is locked then."""

    coordination: bool | None = None
    """Whether LiteLLM counts limits, budgets and cooldowns here. Where it is not said: with more than one pod or worker, and
    where a setting of LiteLLM needs Redis. One pod with one worker counts for itself and serves faster: its limits begin anew
    with the pod, and in a rollout the old pod and the new one each count for themselves."""

    transaction_buffer: bool = False
    """Gather spend here, and let one pod write it to Postgres (`use_redis_transaction_buffer`): with many pods, which would
    wait for each other there. On where `gateway.load` asks for it."""

    @property
    def disk(self) -> Disk:
        """What the server writes to the disk of its node: logs."""
        return Disk("16Mi", "256Mi")

    @property
    def max_memory_bytes(self) -> int:
        return bytes_of(self.max_memory)

    @field_validator("max_memory")
    @classmethod
    def enough_to_start(cls, value: str) -> str:
        if bytes_of(value) < MINIMUM_MEMORY:
            raise ValueError("must be at least 16Mi")
        return value

    @model_validator(mode="after")
    def limit_is_above_the_data(self) -> "InClusterRedis":
        needed = math.ceil(self.max_memory_bytes * MEMORY_FACTOR / 1024**2)
        if bytes_of(self.resources.memory) < needed * 1024**2:
            raise ValueError(
                f"resources.memory is {self.resources.memory}, but a maxMemory of {self.max_memory} needs {needed}Mi or more: "
                "raise resources.memory or lower maxMemory"
            )
        return self


class ExistingRedis(Section):
    """A Redis that is there already."""

    kind: Literal["existing"]
    """`existing`: a server that is there already."""

    host: Host | None = None
    """Host name, IPv4 or IPv6 address of the server, as pods reach it. Either this, `sentinel` or `cluster`."""

    port: Port = 6379
    """Port of the server."""

    sentinel: Sentinel | None = None
    """Sentinels, which say where the server is. Either this, `host` or `cluster`."""

    cluster: tuple[Node, ...] = ()
    """Some servers of a Redis Cluster, which name the others. Either this, `host` or `sentinel`."""

    database: Annotated[int, Field(ge=0, le=1023)] = 0
    """Number of the database. A Redis Cluster has only 0."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = None
    """User of an access control list. Defaults to Redis' own default user."""

    tls: bool = False
    """Connect with TLS. The server's certificate is checked."""

    ca_cert_file: CaCertFile | None = None
    """With `tls`: file with the authorities that the server's certificate may be signed by, in PEM, from the folder of the
    stack files. Defaults to those of LiteLLM's image."""

    iam: ElastiCacheLogin | None = None
    """Log in to Amazon ElastiCache with tokens of the pods' IAM role, which must allow `elasticache:Connect` to the cache and
    the user. Defaults to none."""

    password: PropertyReference | None = None
    """Where the password is in the store. Defaults to none: the server asks for no password."""

    username_property: PropertyName | None = None
    """Property with the user name in the document of `password`, where whoever changes the password takes another user with it:
    of two that take turns, pods go on with theirs until they are replaced. Instead of `username`."""

    key_prefix: Annotated[str, StringConstraints(pattern=KEY_PREFIX)] | None = None
    """Start of all keys of this gateway, for a server that several use. Defaults to none."""

    transaction_buffer: bool = False
    """Gather spend here, and let one pod write it to Postgres (`use_redis_transaction_buffer`): with many pods, which would
    wait for each other there. On where `gateway.load` asks for it."""

    @property
    def user(self) -> PropertyReference | None:
        """Where the user name is in the store; None where it is known, or there is none."""
        if self.password is None or self.username_property is None:
            return None
        return self.password.model_copy(update={"property": self.username_property})

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Every server that the configuration names."""
        if self.sentinel:
            return self.sentinel.nodes
        return self.cluster or (Node.model_validate({"host": self.host, "port": self.port}),)

    @model_validator(mode="after")
    def one_target(self) -> "ExistingRedis":
        given = [name for name in ("host", "sentinel", "cluster") if getattr(self, name)]
        if not given:
            raise ValueError("host is required, or sentinel, or cluster: where is the server?")
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are given: keep one of them")
        if "port" in self.model_fields_set and not self.host:
            raise ValueError(f"port is that of host: give the ports in {given[0]}")
        if self.cluster and self.database:
            raise ValueError(f"database is {self.database}, but a Redis Cluster has only 0: remove database")
        return self

    @model_validator(mode="after")
    def tls_fits(self) -> "ExistingRedis":
        if self.ca_cert_file and not self.tls:
            raise ValueError("caCertFile has no effect without tls: set tls: true, or remove caCertFile")
        if self.iam and not self.tls:
            raise ValueError("iam needs tls: ElastiCache takes tokens over TLS only")
        if self.iam and (self.password or self.username or self.username_property):
            raise ValueError("iam is the login: remove username and password")
        if self.iam and self.sentinel:
            raise ValueError("iam is for ElastiCache, which has no Sentinels: use host or cluster")
        return self

    @model_validator(mode="after")
    def user_has_a_password(self) -> "ExistingRedis":
        given = [name for name in ("username", "username_property") if getattr(self, name)]
        names = " and ".join("usernameProperty" if name == "username_property" else name for name in given)
        if len(given) > 1:
            raise ValueError(f"{names} are given, but one of them has the user name: remove the other one")
        if given and not self.password:
            raise ValueError(
                f"{names} is given without password: set password to {{document, property}}, or remove {names}"
            )
        if self.username_property and self.password and not self.password.property:
            raise ValueError(
                "usernameProperty is of a document with several properties: set password.property, or give username"
            )
        return self


class ElastiCacheConfig(VpcPlacement):
    """Amazon ElastiCache: a replication group that belongs to the stack, with TLS and a password."""

    kind: Literal["elasticache"]
    """`elasticache`: a replication group of Amazon ElastiCache, made by this stack."""

    engine: Literal["valkey", "redis"] = "valkey"
    """`valkey`, or `redis` (Redis OSS)."""

    engine_version: Annotated[str, shaped(r"[0-9]+\.[0-9]+", "a version such as 8.0 (as text: '8.0')")] | None = None
    """Version of the engine, as text: Valkey 7.2 or later, Redis OSS 7.0 or later. It stays at this one until this changes.
    Defaults to Valkey 8.0, or Redis OSS 7.1."""

    node_type: Annotated[
        str, shaped(r"cache(?:\.[a-z0-9-]+){2}", "a node type of ElastiCache such as cache.t4g.small")
    ] = "cache.t4g.small"
    """Node type."""

    num_cache_clusters: Annotated[int, Field(ge=1, le=6)] = 1
    """Nodes: the primary, and replicas in other availability zones. With more than one, a replica takes over when the
    primary fails."""

    parameter_group: (
        Annotated[str, shaped(r"[a-z](?:[-.]?[a-z0-9])*", "the name of a parameter group such as default.valkey8")]
        | None
    ) = None
    """Name of a parameter group that is there already. Defaults to one of our own, with `maxmemory-policy: noeviction`: a
    full server refuses writes instead of forgetting counters."""

    snapshot_retention_days: Annotated[int, Field(ge=0, le=35)] = 0
    """Days for which ElastiCache keeps a daily snapshot. There are counters in it, which nobody misses: 0 takes none."""

    kms_key_id: KmsKeyArn | None = None
    """ARN of the KMS key that encrypts what is stored. Defaults to ElastiCache's own key. Changing it later replaces the
    server."""

    rotation: Annotated[int, Field(ge=0)] = 0
    """Raise it to generate a new password. The gateway's pods are replaced one by one; meanwhile that of before is valid."""

    rotation_strategy: Literal["auth-token", "alternating-users"] = "auth-token"
    """Who logs in: with `auth-token` whoever has it, and a rotation keeps the one before (`tokenStrategy`). With
    `alternating-users` users of a group of ElastiCache (RBAC), of whom a rotation takes the other one; the user before is
    locked once no pod needs it. A server that stands is changed in place, and its token stays valid until the next rotation.
    There is no way back."""

    token_strategy: Literal["rotate", "set"] = "rotate"  # noqa: S105 - a name
    """The auth token before the last rotation: `rotate` keeps it valid until the next one, `set` ends it. Set it after a
    rotation, not with one: pods that still have the old token would fail until they are replaced."""

    apply_immediately: bool = True
    """Apply changes at once. With false they wait for the maintenance window; a new auth token never does."""

    transaction_buffer: bool = False
    """Gather spend here, and let one pod write it to Postgres (`use_redis_transaction_buffer`): with many pods, which would
    wait for each other there. On where `gateway.load` asks for it."""

    @property
    def version(self) -> str:
        """Version of the engine."""
        return self.engine_version or DEFAULT_VERSIONS[self.engine]

    @property
    def alternates(self) -> bool:
        """Whether two users take turns."""
        return self.rotation_strategy == "alternating-users"

    @model_validator(mode="after")
    def tokens_are_tokens(self) -> "ElastiCacheConfig":
        if self.alternates and "token_strategy" in self.model_fields_set:
            raise ValueError("tokenStrategy has no effect with rotationStrategy alternating-users: remove it")
        return self

    @model_validator(mode="after")
    def engine_is_new_enough(self) -> "ElastiCacheConfig":
        oldest = OLDEST_VERSIONS[self.engine]
        if version_parts(self.version) < version_parts(oldest):
            raise ValueError(
                f"engineVersion is {self.version}, but LiteLLM needs {self.engine} {oldest} or later: raise engineVersion"
            )
        return self


def version_parts(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def kind_of_redis(value: object) -> object:
    given = (
        cast("dict[str, Any]", value) if isinstance(value, dict) else vars(value) if isinstance(value, Section) else {}
    )
    return given.get("kind", "in-cluster")


RedisConfig = Annotated[
    Annotated[NoRedis, Tag("none")]
    | Annotated[InClusterRedis, Tag("in-cluster")]
    | Annotated[ExistingRedis, Tag("existing")]
    | Annotated[ElastiCacheConfig, Tag("elasticache")],
    Discriminator(
        kind_of_redis,
        custom_error_type="unknown_kind",
        custom_error_message="kind must be none, in-cluster (the default), existing or elasticache",
    ),
]
"""Where Redis is: `none`, `in-cluster` (default), `existing` or `elasticache`."""
