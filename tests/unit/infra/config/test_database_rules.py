"""What can be wrong between `database` and the other sections."""

from typing import Any

import pytest

from infra.config.load import ConfigError
from tests.unit.infra.stacks import config

LOGIN = {"kind": "existing", "host": "db", "credentials": {"document": "shared/db"}}


def refused(**sections: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        config(**sections)
    return str(caught.value)


def with_replica(**given: Any) -> dict[str, Any]:
    return LOGIN | {"readReplica": {"host": "replica", **given}}


def test_connections_are_checked_against_the_replica_as_well() -> None:
    assert "database.readReplica.maxConnections: leaves 17 connections" in refused(
        database=with_replica(maxConnections=20)
    )
    config(database=with_replica(maxConnections=23))


def test_a_replica_is_named_in_one_place() -> None:
    twice = {"DATABASE_URL_READ_REPLICA": {"document": "shared/db", "property": "reader"}}
    assert "secretEnvironment.DATABASE_URL_READ_REPLICA" in refused(database=with_replica(), secretEnvironment=twice)
    config(database=LOGIN, secretEnvironment=twice)


def test_a_replica_has_no_tokens() -> None:
    host = "db.abcdefghijkl.eu-west-1.rds.amazonaws.com"
    tokens = {"kind": "existing", "host": host, "iamAuthentication": True, "readReplica": {"host": "replica"}}
    assert "remove readReplica" in refused(database=tokens)


AWS = {"kind": "aws", "aws": {"identity": {"kind": "irsa", "clusterName": "one"}}}
RDS = {
    "kind": "rds",
    "vpcId": "vpc-0a1b2c3d",
    "subnetIds": ["subnet-0a1b2c3d", "subnet-0a1b2c3e"],
    "clientSecurityGroupIds": ["sg-0a1b2c3d"],
}


def test_regions_of_other_partitions_have_other_authorities() -> None:
    store = {"kind": "aws", "aws": AWS["aws"] | {"region": "us-gov-west-1"}}
    assert "database.caCertFile: is needed in this region" in refused(secrets=store, database=RDS)
    config(secrets=store, database=RDS | {"sslmode": "require"})


def test_the_bootstrap_job_needs_the_authorities_of_a_server_elsewhere() -> None:
    server = {"kind": "existing", "host": "db", "sslmode": "verify-full"}
    assert "image of the bootstrap Job knows no authorities" in refused(database=server | {"admin": {"document": "x"}})
    config(database=LOGIN | {"sslmode": "verify-full"})


def pooled(**given: Any) -> dict[str, Any]:
    return LOGIN | {"maxConnections": 50, "pooler": {"host": "pgbouncer", **given}}


PODS = {"replicas": 3, "databaseConnectionPoolLimit": 20}
"""80 connections during a rollout."""


def test_through_a_pooler_the_pods_count_at_the_pooler() -> None:
    config(gateway=PODS, database=pooled(maxConnections=80))
    assert "database.pooler.maxConnections: is 79" in refused(gateway=PODS, database=pooled(maxConnections=79))


def test_the_pooler_and_the_jobs_count_at_the_server() -> None:
    config(gateway=PODS, database=pooled(poolSize=44))
    assert "database.pooler.poolSize: is 45; the Jobs" in refused(gateway=PODS, database=pooled(poolSize=45))


def test_with_a_pooler_in_each_pod_its_connections_count() -> None:
    pods = PODS | {"workers": 2, "allowMemoryBelowFloor": True}
    config(gateway=pods, database=LOGIN | {"maxConnections": 50, "podPooler": {"maxConnections": 11}})
    more = LOGIN | {"maxConnections": 50, "podPooler": {"maxConnections": 12}}
    assert "database.podPooler.maxConnections: is 12" in refused(gateway=pods, database=more)


def test_a_pooler_has_one_place_and_takes_passwords() -> None:
    assert "remove one of them" in refused(database=pooled() | {"podPooler": {}})
    whole = {"kind": "existing", "credentials": {"document": "db", "urlProperty": "u"}, "pooler": {"host": "pgbouncer"}}
    assert "pooler cannot stand beside" in refused(database=whole) or "whole URL" in refused(database=whole)
    host = "db.abcdefghijkl.eu-west-1.rds.amazonaws.com"
    tokens = {"kind": "existing", "host": host, "iamAuthentication": True, "pooler": {"host": "pgbouncer"}}
    assert "pooler takes passwords" in refused(database=tokens)


def test_tokens_of_redis_need_a_role_that_somebody_gives() -> None:
    login = {"user": "litellm", "cache": "gateway", "region": "eu-west-1"}
    server = {"kind": "existing", "host": "redis", "tls": True, "iam": login}
    assert "redis.iam: needs an IAM role" in refused(redis=server)
    config(redis=server, gateway={"createIamRole": False})
