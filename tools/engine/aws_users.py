# boto3 is untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""Whose servers are in a group of subnets in AWS, besides those of a stack that is about to go."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore import exceptions

from components.secrets.aws_client import AwsRefusalError, connect


def of_others(connection: Mapping[str, Any], service: str, group: str, own: frozenset[str]) -> list[str]:
    """The servers of others in a group; none where that may not be known: AWS itself deletes no group that is in use.

    Args:
        connection: how the stack reaches AWS.
        service: `rds` or `elasticache`.
        group: name of the group.
        own: names of the stack's servers.
    """
    try:
        found = {*SERVERS[service](connect(connection, service), group)}
    except (AwsRefusalError, exceptions.BotoCoreError, exceptions.ClientError):
        return []
    return sorted(found - own)


def databases(client: Any, group: str) -> Iterator[str]:
    for page in client.get_paginator("describe_db_instances").paginate():
        for each in page["DBInstances"]:
            if each.get("DBSubnetGroup", {}).get("DBSubnetGroupName") == group:
                yield each["DBInstanceIdentifier"]


def caches(client: Any, group: str) -> Iterator[str]:
    for page in client.get_paginator("describe_cache_clusters").paginate():
        for each in page["CacheClusters"]:
            if each.get("CacheSubnetGroupName") == group:
                yield each.get("ReplicationGroupId") or each["CacheClusterId"]


SERVERS = {"rds": databases, "elasticache": caches}
