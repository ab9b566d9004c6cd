"""Redis or Valkey on Amazon ElastiCache: a replication group that only its clients reach."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.security_group import reachable, security_group

PORT = 6379


class ElastiCacheRedisArgs(TypedDict):
    """Arguments of `ElastiCacheRedis`."""

    vpc_id: pulumi.Input[str]
    """Required: VPC of the server."""

    subnet_ids: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Required: private subnets of the VPC, in two availability zones or more."""

    client_security_group_ids: Sequence[str]
    """Required: security groups whose members reach the server; nobody else does."""

    auth_token: pulumi.Input[str]
    """Required: the password: 16 to 128 letters and digits. Kept as a Pulumi secret. Without effect where there are `users`."""

    node_type: pulumi.Input[str]
    """Required: node type, such as `cache.t4g.small`."""

    engine: NotRequired[str]
    """Optional: `valkey` or `redis`. Defaults to `valkey`."""

    engine_version: NotRequired[str]
    """Optional: version of the engine, major and minor; it changes only with this. Defaults to `8.0`."""

    num_cache_clusters: NotRequired[int]
    """Optional: number of nodes. With more than one, a replica takes over when the primary fails. Defaults to 1."""

    parameter_group: NotRequired[pulumi.Input[str] | None]
    """Optional: name of a parameter group that is there. Defaults to one of our own, which evicts nothing."""

    snapshot_retention_days: NotRequired[pulumi.Input[int]]
    """Optional: days for which a daily snapshot is kept. Defaults to 0: none is taken."""

    kms_key_id: NotRequired[pulumi.Input[str] | None]
    """Optional: ARN of the KMS key that encrypts what is stored. Another one replaces the server. Defaults to AWS' own."""

    token_strategy: NotRequired[str]
    """Optional: `rotate` keeps the auth token before valid until the next change, `set` ends it. Defaults to `rotate`."""

    users: NotRequired[Sequence[pulumi.Input[str]]]
    """Optional: IDs of the users who log in, in place of the auth token, one of them called `default`. Defaults to none."""

    user_group_id: NotRequired[pulumi.Input[str]]
    """With `users`: ID of their group, the only one of its kind in account and region."""

    apply_immediately: NotRequired[pulumi.Input[bool]]
    """Optional: apply changes at once, not in the maintenance window. Defaults to true."""

    timeout: NotRequired[str]
    """Optional: how long to wait until the server is available, changed or gone, as a Go duration. Defaults to `60m`."""


class ElastiCacheRedis(pulumi.ComponentResource):
    """An ElastiCache replication group without shards, with TLS and an auth token or users, in private subnets.

    **Type:** `litellm:index:ElastiCacheRedis`. **Produces:** `elasticache.ReplicationGroup`, `elasticache.SubnetGroup`,
    `elasticache.ParameterGroup` unless one is given, `elasticache.UserGroup` for users, `ec2.SecurityGroup` and its
    `vpc.SecurityGroupIngressRule`s.
    """

    host: pulumi.Output[str]
    """Host name of the primary. Known when its clients can reach it. It speaks TLS only."""

    port: pulumi.Output[int]
    """Port of the server."""

    security_group_id: pulumi.Output[str]
    """Security group of the server."""

    user_group_id: pulumi.Output[str] | None
    """Group of the users who log in; None where the auth token lets everybody in."""

    def __init__(self, name: str, args: ElastiCacheRedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:ElastiCacheRedis", name, None, opts)
        around = pulumi.ResourceOptions(parent=self, protect=False)
        timeout = args.get("timeout", "60m")
        engine, version = args.get("engine", "valkey"), args.get("engine_version", "8.0")
        nodes = args.get("num_cache_clusters", 1)

        self.security_group_id, rules = security_group(
            name, args["vpc_id"], PORT, args["client_security_group_ids"], parent=self
        )
        subnets = aws.elasticache.SubnetGroup(f"{name}-subnets", subnet_ids=args["subnet_ids"], opts=around)
        self.user_group_id = user_group(f"{name}-users", engine, args, around)
        users = [self.user_group_id] if self.user_group_id else None
        group = aws.elasticache.ReplicationGroup(
            f"{name}-group",
            description="What the replicas of LiteLLM share",
            engine=engine,
            engine_version=version,
            auto_minor_version_upgrade=False,
            node_type=args["node_type"],
            num_cache_clusters=nodes,
            automatic_failover_enabled=nodes > 1,
            multi_az_enabled=nodes > 1,
            parameter_group_name=args.get("parameter_group") or evicts_nothing(name, engine, version, around),
            port=PORT,
            subnet_group_name=subnets.name,
            security_group_ids=[self.security_group_id],
            transit_encryption_enabled=True,
            auth_token=None if users else pulumi.Output.secret(args["auth_token"]),
            # In the words of AWS: the token of a server that had one goes with the call that brings the group.
            auth_token_update_strategy="DELETE" if users else args.get("token_strategy", "rotate").upper(),
            user_group_ids=users,
            at_rest_encryption_enabled=True,
            kms_key_id=args.get("kms_key_id"),
            snapshot_retention_limit=args.get("snapshot_retention_days", 0),
            apply_immediately=args.get("apply_immediately", True),
            opts=pulumi.ResourceOptions(
                parent=self, custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout, delete=timeout)
            ),
        )
        self.host = reachable(group.primary_endpoint_address, rules)
        self.port = pulumi.Output.from_input(PORT)
        self.register_outputs({"host": self.host, "port": self.port, "security_group_id": self.security_group_id})


def evicts_nothing(name: str, engine: str, version: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """A parameter group with which a full server refuses writes. The default ones forget what has an expiry: all counters."""
    parameters = aws.elasticache.ParameterGroup(
        f"{name}-parameters",
        family=f"{engine}{version.partition('.')[0]}",
        parameters=[aws.elasticache.ParameterGroupParameterArgs(name="maxmemory-policy", value="noeviction")],
        opts=opts,
    )
    return parameters.name


def user_group(
    name: str, engine: str, args: ElastiCacheRedisArgs, opts: pulumi.ResourceOptions
) -> pulumi.Output[str] | None:
    """The group of those who log in; None where the auth token lets everybody in."""
    if "users" not in args:
        return None
    group = aws.elasticache.UserGroup(
        name, user_group_id=args.get("user_group_id", name), engine=engine, user_ids=args["users"], opts=opts
    )
    return group.user_group_id
