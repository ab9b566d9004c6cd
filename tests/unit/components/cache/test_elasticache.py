"""The Redis on Amazon ElastiCache."""

from typing import Any

import pulumi_random as random
import pytest

from components.cache.elasticache import ElastiCacheRedis, ElastiCacheRedisArgs
from tests.recording import Recording, run

GROUP = "aws:elasticache/replicationGroup:ReplicationGroup"
PARAMETERS = "aws:elasticache/parameterGroup:ParameterGroup"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
USER_GROUP = "aws:elasticache/userGroup:UserGroup"
TOKEN = "a-token-to-look-for-everywhere"


def arguments(**others: Any) -> ElastiCacheRedisArgs:
    given: Any = {
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "client_security_group_ids": ["sg-nodes"],
        "auth_token": TOKEN,
        "node_type": "cache.t4g.small",
    }
    return given | others


def recorded(**others: Any) -> Recording:
    def program() -> dict[str, Any]:
        redis = ElastiCacheRedis("redis", arguments(**others))
        return {"host": redis.host, "port": redis.port}

    return run(program, preview=True)


def group(**others: Any) -> dict[str, Any]:
    return recorded(**others).inputs(GROUP)


def test_the_auth_token_is_a_secret_even_if_it_was_none_before() -> None:
    registered = recorded().one(GROUP)
    assert registered.inputs["authToken"] == TOKEN
    assert "authToken" in registered.secret_paths


def test_the_auth_token_is_nowhere_else() -> None:
    recording = recorded()
    others = [resource for resource in recording.resources if resource.type != GROUP]
    assert TOKEN not in str([resource.inputs for resource in others])
    assert TOKEN not in str({key: value for key, value in group().items() if key != "authToken"})
    assert TOKEN not in str(recording.outputs)


def test_every_connection_is_encrypted_and_what_is_stored() -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert group()["transitEncryptionEnabled"] is True
    assert group()["atRestEncryptionEnabled"] is True
    assert group(kms_key_id=key)["kmsKeyId"] == key


def test_a_new_token_leaves_the_old_one_valid() -> None:
    """Pods are replaced one by one, and those that have the old one must not fail."""
    assert group()["authTokenUpdateStrategy"] == "ROTATE"
    assert group(token_strategy="set")["authTokenUpdateStrategy"] == "SET"


def test_only_the_clients_come_in() -> None:
    rule = recorded().inputs(RULE)
    assert rule["referencedSecurityGroupId"] == "sg-nodes"
    assert (rule["ipProtocol"], rule["fromPort"], rule["toPort"]) == ("tcp", 6379, 6379)
    assert not {"cidrIpv4", "cidrIpv6", "prefixListId"} & set(rule)


def test_a_full_server_refuses_writes_instead_of_forgetting() -> None:
    """The default parameter groups evict what has an expiry, which all of LiteLLM's counters have."""
    recording = recorded()
    inputs = recording.inputs(PARAMETERS)
    assert inputs["parameters"] == [{"name": "maxmemory-policy", "value": "noeviction"}]
    parameters = recording.one(PARAMETERS)
    assert parameters.urn in recording.one(GROUP).dependencies


@pytest.mark.parametrize(
    ("engine", "version", "family"),
    [("valkey", "8.0", "valkey8"), ("valkey", "7.2", "valkey7"), ("redis", "7.1", "redis7")],
)
def test_the_parameters_are_those_of_the_engine(engine: str, version: str, family: str) -> None:
    recording = recorded(engine=engine, engine_version=version)
    assert recording.inputs(PARAMETERS)["family"] == family
    found = recording.inputs(GROUP)
    assert (found["engine"], found["engineVersion"]) == (engine, version)


def test_a_parameter_group_that_is_there_is_used() -> None:
    recording = recorded(parameter_group="default.valkey8")
    assert recording.of(PARAMETERS) == []
    assert recording.inputs(GROUP)["parameterGroupName"] == "default.valkey8"


def test_the_version_changes_only_with_the_program() -> None:
    assert group()["autoMinorVersionUpgrade"] is False


@pytest.mark.parametrize(("nodes", "failover"), [(1, False), (2, True)])
def test_a_replica_takes_over_where_there_is_one(nodes: int, failover: bool) -> None:
    """AWS refuses failover for a single node."""
    found = group(num_cache_clusters=nodes)
    assert found["numCacheClusters"] == nodes
    assert (found["automaticFailoverEnabled"], found["multiAzEnabled"]) == (failover, failover)


def test_counters_are_not_kept_unless_asked_for() -> None:
    assert group()["snapshotRetentionLimit"] == 0
    assert group(snapshot_retention_days=3)["snapshotRetentionLimit"] == 3


def test_who_uses_the_host_waits_for_the_rules_too() -> None:
    def program() -> None:
        redis = ElastiCacheRedis("redis", arguments())
        random.RandomPassword("client", length=8, keepers={"host": redis.host})

    recording = run(program, preview=True)
    needed = recording.named("client").dependencies
    assert {recording.one(GROUP).urn, recording.one(RULE).urn} <= set(needed)


def test_everything_is_a_child_of_the_component() -> None:
    recording = recorded()
    (component,) = recording.of("litellm:index:ElastiCacheRedis")
    assert {resource.parent for resource in recording.resources if resource is not component} == {component.urn}


def test_the_wait_is_long_and_bounded() -> None:
    assert recorded().one(GROUP).create_timeout in ("60m", "1h0m0s")
    assert recorded(timeout="90m").one(GROUP).create_timeout in ("90m", "1h30m0s")


USERS: dict[str, Any] = {"users": ["redis-1-default", "redis-1-litellm"], "user_group_id": "redis-1"}


def test_users_of_a_group_log_in_in_place_of_the_token() -> None:
    made = group(**USERS)
    assert "authToken" not in made
    assert made["userGroupIds"] == ["redis-1"]


def test_a_token_that_was_there_goes_with_the_same_call_that_brings_the_group() -> None:
    assert group(**USERS)["authTokenUpdateStrategy"] == "DELETE"


@pytest.mark.parametrize("engine", ["valkey", "redis"])
def test_the_group_has_the_engine_of_the_server_and_its_users(engine: str) -> None:
    made = recorded(**USERS, engine=engine).inputs(USER_GROUP)
    assert made == {"engine": engine, "userGroupId": "redis-1", "userIds": USERS["users"]}


def test_with_a_token_there_is_no_group() -> None:
    assert not recorded().of(USER_GROUP)
    assert "userGroupIds" not in group()
