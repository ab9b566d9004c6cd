"""What stays when a stack goes, what is said about it, and what is refused."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import exceptions
from moto import mock_aws

from components.secrets.aws_client import AwsRefusalError
from tests.unit.tools.engine.fakes import FakeCluster
from tests.unit.tools.engine.test_sharing import API, named
from tools.engine import aws_users, state, vault_roles
from tools.engine.leaving import Leaving, look
from tools.problem import Problem

COMPONENT = "urn:pulumi:dev::litellm::litellm:index:ExternalSecretsOperator$"
RELEASE = {
    "urn": f"{COMPONENT}kubernetes:helm.sh/v3:Release::external-secrets-release",
    "type": "kubernetes:helm.sh/v3:Release",
    "inputs": {"namespace": "external-secrets"},
}
HOME = {
    "urn": f"{COMPONENT}kubernetes:core/v1:Namespace::external-secrets-namespace",
    "type": "kubernetes:core/v1:Namespace",
}
GATEWAY = {
    "urn": "urn:pulumi:dev::litellm::kubernetes:core/v1:Namespace::namespace",
    "type": "kubernetes:core/v1:Namespace",
}
FOREIGN = {f"{API}/externalsecrets": [named("own", "litellm-dev"), named("db", "team-a")]}
ALONE = {f"{API}/externalsecrets": [named("own", "litellm-dev")]}


U2, U3 = (f"urn:pulumi:dev::litellm::{kind}" for kind in state.AUTH_METHOD)


def exported(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"deployment": {"resources": [dict(each) for each in resources]}}


def auth(path: str) -> tuple[dict[str, Any], ...]:
    return (
        {"urn": "u1", "type": "pulumi:providers:vault", "inputs": {"address": "http://v"}},
        {"urn": U2, "type": "vault:index/authBackend:AuthBackend", "inputs": {"path": path}},
        {"urn": U3, "type": "vault:kubernetes/authBackendConfig:AuthBackendConfig", "inputs": {}},
        {
            "urn": "u4",
            "type": "vault:kubernetes/authBackendRole:AuthBackendRole",
            "inputs": {"roleName": "litellm-dev"},
        },
    )


def looked(found: dict[str, Any], objects: dict[str, Any], *, with_operator: bool = False) -> Leaving:
    return look(found, "litellm-dev", lambda: FakeCluster(objects=objects), with_operator=with_operator)


def test_an_operator_that_others_use_stays_and_they_are_named():
    leaving = looked(exported(RELEASE, HOME), FOREIGN)
    assert leaving.retained[RELEASE["urn"]]
    (line,) = leaving.lines
    assert "kept, with its CRDs: External Secrets Operator in namespace external-secrets" in line
    assert "namespace team-a: ExternalSecret db" in line
    assert "own" not in line


def test_an_operator_that_nobody_else_uses_stays_unless_it_was_asked_for():
    assert looked(exported(RELEASE, HOME), ALONE).retained[RELEASE["urn"]]
    assert "ARGS=--with-operator" in looked(exported(RELEASE, HOME), ALONE).lines[0]
    assert not looked(exported(RELEASE, HOME), ALONE, with_operator=True).retained[RELEASE["urn"]]


def test_an_operator_that_others_use_does_not_go_whoever_asks():
    with pytest.raises(
        Problem,
        match=r"is used by others; nothing was changed: .*without --with-operator.*\n.*team-a: ExternalSecret db",
    ):
        looked(exported(RELEASE, HOME), FOREIGN, with_operator=True)


@pytest.mark.parametrize("status", [401, 403, 500])
def test_who_cannot_look_lets_it_stay(status: int):
    refused = {f"{API}/externalsecrets": status}
    assert "is not known" in looked(exported(RELEASE), refused).lines[0]
    with pytest.raises(Problem, match="is not known"):
        looked(exported(RELEASE), refused, with_operator=True)


def test_a_cluster_that_does_not_answer_lets_it_stay():
    def connect() -> FakeCluster:
        raise OSError("no route")

    assert look(exported(RELEASE, HOME), "litellm-dev", connect, with_operator=False).retained[RELEASE["urn"]]
    with pytest.raises(Problem, match="is not known"):
        look(exported(RELEASE, HOME), "litellm-dev", connect, with_operator=True)


def test_a_stack_without_operator_asks_no_cluster():
    def connect() -> FakeCluster:
        raise AssertionError("nothing of the stack is in use by others")

    assert look(exported(GATEWAY), "litellm-dev", connect, with_operator=False).lines == ()


@pytest.fixture
def roles(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str] | None]:
    found: dict[str, list[str] | None] = {}
    monkeypatch.setattr(vault_roles, "of_others", lambda _provider, path, _own: found.get(path, []))
    return found


def test_an_auth_method_by_which_others_log_in_stays(roles: dict[str, list[str] | None]):
    roles["kubernetes"] = ["team-a", "team-b"]
    leaving = looked(exported(*auth("kubernetes")), {})
    assert all(leaving.retained[urn] for urn in (U2, U3))
    assert "kept: the auth method kubernetes/ in Vault, by which others log in: team-a, team-b" in leaving.lines[0]
    assert "kubernetesAuth.create: false" in leaving.lines[0]


def test_an_auth_method_of_the_stack_alone_goes(roles: dict[str, list[str] | None]):
    assert not any(looked(exported(*auth("kubernetes-dev")), {}).retained.values())


@pytest.mark.parametrize(("path", "stays"), [("kubernetes", True), ("kubernetes-dev", False)])
def test_roles_that_may_not_be_listed_keep_a_path_that_is_nobodys_own(
    roles: dict[str, list[str] | None], path: str, stays: bool
):
    roles[path] = None
    assert set(looked(exported(*auth(path)), {}).retained.values()) == {stays}


def kept(found: dict[str, Any]) -> list[str]:
    return [each["type"] for each in found["deployment"]["resources"] if each.get("retainOnDelete")]


def test_a_state_of_an_earlier_release_learns_what_stays():
    """It had the operator deleted with the stack."""
    found = exported(RELEASE, HOME, GATEWAY)
    leaving = looked(found, FOREIGN)
    assert state.retain(found, leaving.retained)
    assert kept(found) == [RELEASE["type"], HOME["type"]]
    assert not state.retain(found, leaving.retained), "no news"


def test_an_operator_that_was_asked_for_goes_and_its_namespace_stays():
    found = exported(RELEASE | {"retainOnDelete": True}, HOME | {"retainOnDelete": True})
    assert state.retain(found, looked(found, ALONE, with_operator=True).retained)
    assert kept(found) == [HOME["type"]]


def test_the_namespace_of_an_operator_that_goes_stays_also_in_a_state_of_an_earlier_release():
    leaving = looked(exported(RELEASE, HOME), ALONE, with_operator=True)
    assert leaving.retained == {RELEASE["urn"]: False, HOME["urn"]: True}
    assert "External Secrets Operator in namespace external-secrets" in leaving.lines[0]


def test_an_auth_method_stays_with_its_configuration(roles: dict[str, list[str] | None]):
    roles["kubernetes"] = ["team-a"]
    found = exported(*auth("kubernetes"))
    assert state.retain(found, looked(found, {}).retained)
    assert kept(found) == [*state.AUTH_METHOD]


def test_helm_releases_of_other_components_are_none_of_this():
    other = RELEASE | {"urn": "urn:pulumi:dev::litellm::kubernetes:helm.sh/v3:Release::other"}
    assert state.operator(exported(other)) is None
    assert looked(exported(other), FOREIGN).retained == {}


REGION, SUBNETS = "eu-west-1", "rds-subnets-1a2b3c4"
ON_AWS = (
    {"urn": "p", "type": "pulumi:providers:aws", "inputs": {"region": REGION}},
    {"urn": "g", "type": "aws:rds/subnetGroup:SubnetGroup", "id": SUBNETS},
    {"urn": "i", "type": "aws:rds/instance:Instance", "id": "db-ABC", "outputs": {"identifier": "own"}},
)


@pytest.fixture
def rds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """AWS, with a server of the stack in its group of subnets."""
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        ec2: Any = boto3.client("ec2", region_name=REGION)
        subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]]
        client: Any = boto3.client("rds", region_name=REGION)
        client.create_db_subnet_group(DBSubnetGroupName=SUBNETS, DBSubnetGroupDescription="x", SubnetIds=subnets)
        add_server(client, "own")
        yield client


def add_server(client: Any, name: str, group: str = SUBNETS) -> None:
    client.create_db_instance(
        DBInstanceIdentifier=name, DBInstanceClass="db.t4g.micro", Engine="postgres", DBSubnetGroupName=group
    )


def test_a_subnet_group_with_servers_of_others_stays(rds: Any):
    """AWS would refuse to delete it, and every destroy would end there."""
    add_server(rds, "of-a-team")
    leaving = looked(exported(*ON_AWS), {})
    assert leaving.retained == {"g": True}
    assert leaving.lines == (f"kept: the subnet group {SUBNETS} in AWS (rds), in which others have of-a-team",)


def test_a_subnet_group_of_the_stack_alone_goes(rds: Any):
    assert looked(exported(*ON_AWS), {}) == Leaving({}, ())


def test_servers_of_other_subnet_groups_are_none_of_this(rds: Any):
    ec2: Any = boto3.client("ec2", region_name=REGION)
    subnets = [each["SubnetId"] for each in ec2.describe_subnets()["Subnets"]]
    rds.create_db_subnet_group(DBSubnetGroupName="theirs", DBSubnetGroupDescription="x", SubnetIds=subnets)
    add_server(rds, "of-a-team", "theirs")
    rds.create_db_instance(DBInstanceIdentifier="groupless", DBInstanceClass="db.t4g.micro", Engine="postgres")
    assert looked(exported(*ON_AWS), {}) == Leaving({}, ())


def test_a_group_for_redis_is_looked_at_as_well(monkeypatch: pytest.MonkeyPatch):
    class Caches:
        def get_paginator(self, operation: str) -> "Caches":
            assert operation == "describe_cache_clusters"
            return self

        def paginate(self) -> list[Any]:
            mine = {"CacheSubnetGroupName": "c", "CacheClusterId": "own-001", "ReplicationGroupId": "own"}
            theirs = {"CacheSubnetGroupName": "c", "CacheClusterId": "theirs"}
            return [{"CacheClusters": [mine, theirs, {"CacheClusterId": "elsewhere"}]}]

    monkeypatch.setattr(aws_users, "connect", lambda *_: Caches())
    assert aws_users.of_others({}, "elasticache", "c", frozenset({"own"})) == ["theirs"]


@pytest.mark.parametrize(
    "refusal",
    [
        AwsRefusalError("no"),
        exceptions.ClientError({"Error": {"Code": "AccessDenied"}}, "DescribeDBInstances"),
        exceptions.EndpointConnectionError(endpoint_url="https://rds"),
    ],
    ids=lambda refusal: type(refusal).__name__,
)
def test_who_may_not_look_at_aws_leaves_it_to_aws(refusal: Exception, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any) -> Any:
        raise refusal

    monkeypatch.setattr(aws_users, "connect", refuse)
    assert aws_users.of_others({}, "rds", "c", frozenset()) == []
