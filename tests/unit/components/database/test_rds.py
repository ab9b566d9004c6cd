"""The Postgres on Amazon RDS."""

from types import SimpleNamespace
from typing import Any

import pulumi_random as random
import pytest

from components.database.rds import RdsPostgres, RdsPostgresArgs, admin_secret
from tests.recording import Recording, run

INSTANCE = "aws:rds/instance:Instance"
PARAMETERS = "aws:rds/parameterGroup:ParameterGroup"
SUBNETS = "aws:rds/subnetGroup:SubnetGroup"
GROUP = "aws:ec2/securityGroup:SecurityGroup"
RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
SECRET_ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-1234abcd-AbCdEf"


def arguments(**others: Any) -> RdsPostgresArgs:
    given: Any = {
        "vpc_id": "vpc-1",
        "subnet_ids": ["subnet-1", "subnet-2"],
        "client_security_group_ids": ["sg-nodes", "sg-pods"],
        "instance_class": "db.t4g.medium",
    }
    return given | others


def recorded(**others: Any) -> Recording:
    def program() -> dict[str, Any]:
        postgres = RdsPostgres("postgres", arguments(**others))
        return {name: getattr(postgres, name) for name in ("host", "port", "admin_secret_arn", "resource_id")}

    return run(program, preview=True)


def instance(**others: Any) -> dict[str, Any]:
    return recorded(**others).inputs(INSTANCE)


def test_the_program_never_has_a_password_of_the_admin() -> None:
    inputs = instance()
    assert inputs["manageMasterUserPassword"] is True
    assert not {"password", "passwordWo"} & set(inputs)


def test_the_secret_of_the_admin_is_the_one_that_rds_made() -> None:
    assert admin_secret([SimpleNamespace(secret_arn=SECRET_ARN)]) == SECRET_ARN


def test_only_the_clients_come_in_and_nothing_goes_out() -> None:
    recording = recorded()
    rules = [rule.inputs for rule in recording.of(RULE)]
    group = recording.inputs(GROUP)
    assert group["vpcId"] == "vpc-1"
    assert not {"ingress", "egress"} & set(group)
    assert {rule["referencedSecurityGroupId"] for rule in rules} == {"sg-nodes", "sg-pods"}
    assert {(rule["ipProtocol"], rule["fromPort"], rule["toPort"]) for rule in rules} == {("tcp", 5432, 5432)}
    assert not [rule for rule in rules if {"cidrIpv4", "cidrIpv6", "prefixListId"} & set(rule)]
    assert len([resource for resource in recording.resources if "vpc/" in resource.type]) == len(rules)


def test_a_changed_list_of_clients_leaves_the_rules_of_the_others_alone() -> None:
    before = {rule.name for rule in recorded().of(RULE)}
    after = {rule.name for rule in recorded(client_security_group_ids=["sg-pods"]).of(RULE)}
    assert after < before


def test_who_uses_the_host_waits_for_the_rules_too() -> None:
    """Otherwise the bootstrap Job may knock at a closed door."""

    def program() -> None:
        postgres = RdsPostgres("postgres", arguments())
        random.RandomPassword("client", length=8, keepers={"host": postgres.host})

    recording = run(program, preview=True)
    needed = recording.named("client").dependencies
    assert recording.one(INSTANCE).urn in needed
    assert {rule.urn for rule in recording.of(RULE)} <= set(needed)


def test_the_server_has_no_public_address() -> None:
    assert instance()["publiclyAccessible"] is False


def test_the_server_is_in_the_subnets_and_behind_the_group() -> None:
    recording = recorded()
    assert recording.inputs(SUBNETS)["subnetIds"] == ["subnet-1", "subnet-2"]
    instance = recording.one(INSTANCE)
    needed = {resource.name for resource in recording.resources if resource.urn in instance.dependencies}
    assert {"postgres-security-group", "postgres-subnets", "postgres-parameters"} <= needed


def test_tls_is_required_and_nobody_can_switch_that_off() -> None:
    found = recorded(parameters={"rds.force_ssl": "0", "work_mem": "8192"}).inputs(PARAMETERS)
    values = {entry["name"]: entry["value"] for entry in found["parameters"]}
    assert values == {"rds.force_ssl": "1", "work_mem": "8192"}


def test_a_parameter_may_be_one_that_needs_a_restart() -> None:
    """RDS refuses to apply such a one at once, and the program does not know which they are."""
    found = recorded(parameters={"max_connections": "300"}).inputs(PARAMETERS)["parameters"]
    assert {entry["applyMethod"] for entry in found} == {"pending-reboot"}


@pytest.mark.parametrize(("version", "family", "moves"), [("16", "postgres16", True), ("17.4", "postgres17", False)])
def test_minor_releases_come_by_themselves_unless_one_is_asked_for(version: str, family: str, moves: bool) -> None:
    """A server that moved away from the version in the program would be a difference that cannot be undone."""
    recording = recorded(engine_version=version)
    assert recording.inputs(PARAMETERS)["family"] == family
    assert recording.inputs(INSTANCE)["engineVersion"] == version
    assert recording.inputs(INSTANCE)["autoMinorVersionUpgrade"] is moves


def test_what_is_stored_is_encrypted() -> None:
    key = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    assert instance()["storageEncrypted"] is True
    assert instance(kms_key_id=key)["kmsKeyId"] == key


def test_data_is_kept_unless_said_otherwise() -> None:
    inputs = instance()
    assert inputs["deletionProtection"] is True
    assert inputs["skipFinalSnapshot"] is False
    assert inputs["copyTagsToSnapshot"] is True
    assert inputs["backupRetentionPeriod"] == 7


def test_an_ephemeral_server_leaves_nothing() -> None:
    inputs = instance(deletion_protection=False, final_snapshot=False, backup_retention_days=0)
    assert inputs["deletionProtection"] is False
    assert inputs["skipFinalSnapshot"] is True
    assert "finalSnapshotIdentifier" not in inputs
    assert inputs["backupRetentionPeriod"] == 0


def test_every_life_of_a_server_has_a_snapshot_of_its_own() -> None:
    """The last snapshot of the server before keeps its name, which cannot be used twice."""
    assert instance()["finalSnapshotIdentifier"] == "postgres-final-postgres-security-group-id"


def test_the_storage_grows_only_when_asked_to() -> None:
    assert "maxAllocatedStorage" not in instance()
    assert instance(max_allocated_storage=100)["maxAllocatedStorage"] == 100


def test_insights_are_kept_as_long_as_they_are_free() -> None:
    assert "performanceInsightsRetentionPeriod" not in instance()
    inputs = instance(performance_insights=True)
    assert (inputs["performanceInsightsEnabled"], inputs["performanceInsightsRetentionPeriod"]) == (True, 7)


def test_iam_tokens_are_accepted_only_when_asked_for() -> None:
    assert instance()["iamDatabaseAuthenticationEnabled"] is False
    assert instance(iam_authentication=True)["iamDatabaseAuthenticationEnabled"] is True


def test_everything_is_a_child_of_the_component() -> None:
    recording = recorded()
    (component,) = recording.of("litellm:index:RdsPostgres")
    assert {resource.parent for resource in recording.resources if resource is not component} == {component.urn}


def test_the_wait_is_long_and_bounded() -> None:
    assert recorded().one(INSTANCE).create_timeout in ("60m", "1h0m0s")
    assert recorded(timeout="90m").one(INSTANCE).create_timeout in ("90m", "1h30m0s")
