# boto3 is untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""AWS, as a stack sees it that is about to go: does it answer, and who else uses what the stack has there?"""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore import exceptions

from components.secrets.aws_client import AwsRefusalError, connect, explained


def unusable(connection: Mapping[str, Any]) -> str:
    """Why nothing can be deleted in AWS now; empty when it answers, and knows these credentials."""
    try:
        with explained({"connection": connection, "secret": "what the stack has"}):
            connect(connection, "sts").get_caller_identity()
    except AwsRefusalError as error:
        return str(error)
    except exceptions.ClientError:
        return ""  # it answers; what it refuses, it says by itself
    except exceptions.BotoCoreError as error:
        return f"AWS cannot be asked in {connection['region']}: {error}"
    return ""


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
