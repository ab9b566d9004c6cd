"""What a live stack may change its mind about, and what is refused before anything is registered."""

from typing import Any

import pytest

from infra import changes
from tests.unit.infra.stacks import target
from tests.unit.infra.test_salt import AWS, resource, state

STATEFUL = "kubernetes:apps/v1:StatefulSet"
RDS = {
    "kind": "rds",
    "vpcId": "vpc-0123456789abcdef0",
    "subnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "clientSecurityGroupIds": ["sg-0123456789abcdef0"],
    "instanceClass": "db.m7g.large",
}
EXISTING = {"kind": "existing", "host": "db.example.com", "admin": {"document": "shared/postgres"}}
CLOUDNATIVE = {"kind": "cloudnative-pg"}


def server(kind: str, namespace: str = "litellm-dev") -> tuple[str, dict[str, Any]]:
    return resource(kind, "postgres", metadata={"namespace": namespace, "name": "postgres"})


def said(*entries: tuple[str, dict[str, Any]], **sections: Any) -> str:
    if sections.get("database") == RDS:
        sections["secrets"] = AWS
    return "\n".join(changes.check(target(**sections), state(*entries)))


IN_CLUSTER, CLUSTER = server(STATEFUL), server("kubernetes:postgresql.cnpg.io/v1:Cluster")
INSTANCE = resource("aws:rds/instance:Instance", "postgres-instance", identifier="x")


def test_a_new_stack_may_have_any_database():
    assert not said(database=EXISTING)


@pytest.mark.parametrize("database", [{}, {"maxConnections": 200}], ids=["same", "another setting"])
def test_a_stack_that_keeps_its_server_goes_on(database: dict[str, Any]):
    assert not said(IN_CLUSTER, database=database)


@pytest.mark.parametrize(
    ("had", "server", "database"),
    [
        ("in-cluster", IN_CLUSTER, RDS),
        ("in-cluster", IN_CLUSTER, EXISTING),
        ("in-cluster", IN_CLUSTER, CLOUDNATIVE),
        ("rds", INSTANCE, {}),
        ("cloudnative-pg", CLUSTER, EXISTING),
    ],
)
def test_another_kind_of_database_does_not_delete_the_data(had: str, server: Any, database: dict[str, Any]):
    found = said(server, database=database)
    assert f"the data of stack dev is in the Postgres of kind {had}, which would be deleted" in found
    assert f"litellm:database.replaces: {had}" in found


def test_whoever_has_copied_the_data_says_so():
    assert not said(IN_CLUSTER, database={**EXISTING, "replaces": "in-cluster"})
    assert said(CLUSTER, database={**EXISTING, "replaces": "in-cluster"})


def test_another_namespace_does_not_delete_the_data():
    found = said(IN_CLUSTER, namespace="elsewhere")
    assert "the data of stack dev is in a Postgres in litellm-dev, which would be deleted" in found
    assert "set litellm:namespace to litellm-dev" in found
    assert not said(IN_CLUSTER, namespace="elsewhere", database={"replaces": "in-cluster"})


def claiming(size: str, storage_class: str | None = None) -> tuple[str, dict[str, Any]]:
    spec = {"resources": {"requests": {"storage": size}}} | (
        {"storageClassName": storage_class} if storage_class else {}
    )
    metadata = {"namespace": "litellm-dev", "name": "postgres"}
    return resource(STATEFUL, "postgres", metadata=metadata, spec={"volumeClaimTemplates": [{"spec": spec}]})


@pytest.mark.parametrize(
    "database",
    [{"storage": "20Gi"}, {"storage": None}, {"storage": "10Gi", "storageClass": "fast"}],
    ids=["another size", "no volume", "another class"],
)
def test_another_volume_does_not_take_the_place_of_the_data(database: dict[str, Any]):
    assert "the volume has the data of stack dev, which would be deleted" in said(claiming("10Gi"), database=database)
    assert not said(claiming("10Gi"), database=database | {"replaces": "in-cluster"})


@pytest.mark.parametrize(
    ("had", "database"),
    [
        (claiming("10Gi"), {}),
        (claiming("1Gi"), {"storage": "1024Mi"}),
        (claiming("10Gi", "fast"), {"storageClass": "fast"}),
        (IN_CLUSTER, {"storage": "20Gi"}),
    ],
    ids=["same", "in other words", "same class", "data that lives as long as its pod"],
)
def test_the_same_volume_stays(had: Any, database: dict[str, Any]):
    assert not said(had, database=database)


def kms(setting: str) -> dict[str, Any]:
    return {**AWS, "aws": {**AWS["aws"], "kms": setting}}


OWN_KEY = resource("pulumi-python:dynamic/litellm:AwsKey", "secrets-key")
ARN = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d-0a1b-2c3d-4e5f-0a1b2c3d4e5f"


@pytest.mark.parametrize("setting", ["default", ARN])
def test_a_key_of_the_stacks_own_does_not_go_while_the_salt_key_needs_it(setting: str):
    assert "litellm:secrets.aws.kms is another one than before" in said(OWN_KEY, secrets=kms(setting))


@pytest.mark.parametrize("setting", ["default", "create", ARN])
def test_every_other_key_may_take_the_place_of_another(setting: str):
    assert not said(secrets=kms(setting))


def test_the_stacks_own_key_stays():
    assert not said(OWN_KEY, secrets=kms("create"))
