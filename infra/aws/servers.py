"""Servers that AWS runs for a stack. Imported only by a stack that has one."""

import pulumi
import pulumi_aws as aws

from components.cache.elasticache import ElastiCacheRedis, ElastiCacheRedisArgs
from components.database.rds import RdsPostgres
from infra.aws import cache_users
from infra.config.database.rds import RdsDatabase
from infra.config.redis import ElastiCacheConfig
from infra.turns import PASSWORD, Turn


def rds(database: RdsDatabase, protect: bool, opts: pulumi.ResourceOptions) -> RdsPostgres:
    """LiteLLM's Postgres on Amazon RDS."""
    return RdsPostgres(
        "postgres",
        {
            "vpc_id": database.vpc_id,
            "subnet_ids": list(database.subnet_ids),
            "client_security_group_ids": database.client_security_group_ids,
            "instance_class": database.instance_class,
            "engine_version": database.engine_version,
            "allow_major_version_upgrade": database.allow_major_version_upgrade,
            "allocated_storage": database.allocated_storage,
            "max_allocated_storage": database.max_allocated_storage,
            "multi_az": database.multi_az,
            "backup_retention_days": database.backup_retention_days,
            "deletion_protection": protect if database.deletion_protection is None else database.deletion_protection,
            "final_snapshot": protect if database.final_snapshot is None else database.final_snapshot,
            "parameters": database.server_parameters,
            "performance_insights": database.performance_insights,
            "iam_authentication": database.iam_authentication,
            "kms_key_id": database.kms_key_id,
            "apply_immediately": database.apply_immediately,
        },
        opts,
    )


def certificate(domain: str, provider: pulumi.ProviderResource) -> pulumi.Output[str]:
    """ARN of the newest certificate in ACM that is issued for a domain."""
    found = aws.acm.get_certificate_output(
        domain=domain, statuses=["ISSUED"], most_recent=True, opts=pulumi.InvokeOptions(provider=provider)
    )
    return found.arn.apply(str)


def elasticache(
    redis: ElastiCacheConfig, passwords: cache_users.Passwords, turn: Turn, opts: pulumi.ResourceOptions
) -> ElastiCacheRedis:
    """What the replicas of LiteLLM share, on Amazon ElastiCache."""
    args: ElastiCacheRedisArgs = {
        "vpc_id": redis.vpc_id,
        "subnet_ids": list(redis.subnet_ids),
        "client_security_group_ids": redis.client_security_group_ids,
        "auth_token": passwords[PASSWORD],
        "node_type": redis.node_type,
        "engine": redis.engine,
        "engine_version": redis.version,
        "num_cache_clusters": redis.num_cache_clusters,
        "parameter_group": redis.parameter_group,
        "snapshot_retention_days": redis.snapshot_retention_days,
        "kms_key_id": redis.kms_key_id,
        "token_strategy": redis.token_strategy,
        "apply_immediately": redis.apply_immediately,
    }
    if turn.alternates:
        # Who logs in holds nothing, and must not outlive a server that was let go.
        unprotected = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=False))
        group = cache_users.id_of_group(unprotected)
        args["user_group_id"], args["users"] = (
            group,
            cache_users.who_log_in(redis, passwords, turn, group, unprotected),
        )
    return ElastiCacheRedis("redis", args, opts)
