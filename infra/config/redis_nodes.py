"""Redis with more than one server: who is asked where it is; and logins without a password."""

from typing import Annotated

from pydantic import Field, StringConstraints

from infra.config.aws.vpc import shaped
from infra.config.base import AWS_REGION, SENTINEL_NAME, Host, Port, Section
from infra.config.references import PropertyReference

Name = Annotated[str, StringConstraints(pattern=SENTINEL_NAME)]


class Node(Section):
    """One server of several."""

    host: Host
    """Host name, IPv4 or IPv6 address, as pods reach it."""

    port: Port = 6379
    """Port."""


class SentinelNode(Node):
    """One Sentinel of several."""

    port: Port = 26379
    """Port."""


class Sentinel(Section):
    """Redis Sentinel: it says which server is the primary."""

    nodes: Annotated[tuple[SentinelNode, ...], Field(min_length=1)]
    """The Sentinels."""

    service: Name = "mymaster"
    """Name under which they know the primary."""

    password: PropertyReference | None = None
    """Where the password of the Sentinels themselves is in the store. Defaults to none."""


class ElastiCacheLogin(Section):
    """A login to Amazon ElastiCache with tokens of the pods' IAM role, in place of a password."""

    user: Annotated[str, shaped(r"[a-z][a-z0-9-]{0,39}", "the ID of a user of ElastiCache")]
    """The user of ElastiCache, with IAM as its authentication: its ID, which is its name as well."""

    cache: Annotated[str, shaped(r"[a-z][a-z0-9-]{0,49}", "the name of a replication group or a serverless cache")]
    """Name of the replication group or the serverless cache."""

    region: Annotated[str, StringConstraints(pattern=AWS_REGION)]
    """Region of the cache."""

    serverless: bool = False
    """Whether it is a serverless cache."""
