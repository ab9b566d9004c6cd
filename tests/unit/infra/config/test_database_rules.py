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
