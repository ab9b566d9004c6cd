"""Marks in AWS, against a stand-in for it."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest
from moto import mock_aws

from infra.config.load import ConfigProblem
from tests.unit.tools.ephemeral.fakes import CLUSTER
from tools.ephemeral.aws_keeper import AwsKeeper, open_keeper
from tools.ephemeral.mark import Mark
from tools.problem import Problem

REGION = "eu-west-1"
MARK = Mark(CLUSTER, "pr-1", "00000001")
NEXT = Mark(CLUSTER, "pr-1", "00000002")


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsKeeper]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        secrets: Any = boto3.client("secretsmanager", region_name=REGION)
        iam: Any = boto3.client("iam", region_name=REGION)
        yield AwsKeeper(secrets, iam, REGION)


def add_secret(keeper: AwsKeeper, name: str, owner: str | None) -> None:
    tags = [{"Key": "managed-by", "Value": owner}] if owner else []
    keeper.secrets.create_secret(Name=name, SecretString=json.dumps({"master-key": "sk-1"}), Tags=tags)


def add_role(keeper: AwsKeeper, name: str, owner: str | None) -> None:
    tags = [{"Key": "managed-by", "Value": owner}] if owner else []
    keeper.iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}", Tags=tags)
    statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    keeper.iam.put_role_policy(RoleName=name, PolicyName="read-secrets", PolicyDocument=json.dumps(document))


def secrets_in(keeper: AwsKeeper) -> set[str]:
    return {secret["Name"] for secret in keeper.secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]}


def roles_in(keeper: AwsKeeper) -> set[str]:
    return {role["RoleName"] for role in keeper.iam.list_roles()["Roles"]}


def test_secrets_and_roles_go_at_once_and_lookalikes_stay(keeper: AwsKeeper):
    add_secret(keeper, "litellm/ephemeral/pr-1/salt", str(MARK))
    add_role(keeper, "litellm-env-pr-1-role", str(MARK))
    for name, owner in (("unmarked", None), ("next", str(NEXT)), ("longer", f"{MARK}0"), ("prod", "litellm/prod")):
        add_secret(keeper, f"litellm/ephemeral/pr-1/{name}", owner)
        add_role(keeper, f"litellm-env-pr-1-{name}", owner)
    swept = keeper.sweep(MARK)
    assert swept.removed == ("IAM role litellm-env-pr-1-role", "secret litellm/ephemeral/pr-1/salt")
    assert secrets_in(keeper) == {f"litellm/ephemeral/pr-1/{name}" for name in ("unmarked", "next", "longer", "prod")}
    assert roles_in(keeper) == {f"litellm-env-pr-1-{name}" for name in ("unmarked", "next", "longer", "prod")}


def test_environments_of_this_cluster_are_found(keeper: AwsKeeper):
    add_secret(keeper, "litellm/ephemeral/pr-1/salt", str(MARK))
    add_role(keeper, "litellm-env-pr-2", str(Mark(CLUSTER, "pr-2", "00000003")))
    add_secret(keeper, "litellm/prod/salt", "litellm/prod")
    add_secret(keeper, "litellm/ephemeral/theirs/salt", str(Mark("ffffffff", "theirs", "00000001")))
    add_role(keeper, "litellm-env-theirs", str(Mark("ffffffff", "theirs", "00000001")))
    add_role(keeper, "litellm-env-unmarked", None)
    assert keeper.marks(CLUSTER) == {MARK, Mark(CLUSTER, "pr-2", "00000003")}


def test_what_has_one_name_is_found_by_it(keeper: AwsKeeper):
    add_secret(keeper, "litellm/ephemeral/pr-1/salt", str(MARK))
    add_role(keeper, "litellm-env-pr-2", str(Mark(CLUSTER, "pr-2", "00000003")))
    assert keeper.marks(CLUSTER, "pr-1") == {MARK}


def test_a_role_that_is_not_called_like_one_of_an_environment_stays_whoever_marked_it(keeper: AwsKeeper):
    """The rights that are documented end at the name."""
    add_role(keeper, "litellm-prod", str(MARK))
    assert keeper.sweep(MARK).removed == ()
    assert roles_in(keeper) == {"litellm-prod"}


def store() -> Any:
    return SimpleNamespace(config=SimpleNamespace(region=REGION), connection={"region": REGION})


def test_the_keeper_looks_into_both_services(keeper: AwsKeeper):
    add_secret(keeper, "litellm/ephemeral/pr-1/salt", str(MARK))
    add_role(keeper, "litellm-env-pr-2", str(Mark(CLUSTER, "pr-2", "00000003")))
    opened = open_keeper(cast("Any", None), store(), [])
    assert opened.marks(CLUSTER) == {MARK, Mark(CLUSTER, "pr-2", "00000003")}
    assert opened.region == REGION


def test_there_is_no_keeper_of_a_store_with_problems():
    problem = ConfigProblem("secrets.aws.region", "is not there")
    with pytest.raises(Problem, match=r"litellm:secrets\.aws\.region"):
        open_keeper(cast("Any", None), store(), [problem])


def test_a_name_is_free_at_once(keeper: AwsKeeper):
    add_secret(keeper, "litellm/ephemeral/pr-1/salt", str(MARK))
    keeper.sweep(MARK)
    add_secret(keeper, "litellm/ephemeral/pr-1/salt", str(NEXT))


def test_one_value_is_read(keeper: AwsKeeper):
    add_secret(keeper, "litellm/ephemeral/pr-1/api-keys", str(MARK))
    assert keeper.read({"key": "litellm/ephemeral/pr-1/api-keys", "property": "master-key"}) == "sk-1"
