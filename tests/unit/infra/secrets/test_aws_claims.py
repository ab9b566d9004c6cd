"""What the engine asks before it makes a secret in AWS."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from infra.environment import deploy
from infra.secrets.aws import AwsStore
from infra.secrets.aws_adopted import turns_there
from infra.secrets.aws_check import check_adopted
from infra.secrets.aws_claims import claims, import_command
from infra.secrets.claims import TakenError
from tests.recording import run
from tests.unit.infra.stacks import target

REGION = "eu-west-1"
SECRET = "aws:secretsmanager/secret:Secret"
KEYS = {"kind": "static-keys", "kubernetesSecret": "aws-keys"}


def of(**settings: Any) -> dict[str, Any]:
    return {"kind": "aws", "aws": {"region": REGION, "identity": KEYS, **settings}}


CONFIG = of()


@pytest.fixture(autouse=True)
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws(config={"core": {"reset_boto3_session": False}}):
        yield


def ask(name: str) -> None:
    stack = target(secrets=CONFIG)
    assert isinstance(stack.store, AwsStore)
    claims(stack.store, stack).before_create[SECRET]({"name": name}, {})


def test_a_secret_that_the_state_does_not_know_is_refused_with_the_ways_out():
    boto3.client("secretsmanager", region_name=REGION).create_secret(Name="litellm/dev/redis", SecretString="{}")
    with pytest.raises(TakenError, match=r"litellm/dev/redis is in AWS.*bring it back.*pulumi import.*aws\.prefix"):
        ask("litellm/dev/redis")


@pytest.mark.parametrize(
    ("secret", "layout"),
    [("redis", "documents"), ("api-keys", "documents"), ("keys/alice", "documents"), ("secrets", "bundle")],
)
def test_the_command_that_imports_a_secret_has_the_names_that_the_program_gives_it(secret: str, layout: str):
    stack, name = target(secrets=of(layout=layout), access={"keys": {"alice": {}}}), f"litellm/dev/{secret}"
    store = stack.store
    assert isinstance(store, AwsStore)
    recording = run(
        lambda: {**deploy(stack), "command": import_command(store, stack, name, "ARN")}, preview=False, stack="dev"
    )
    command = shlex.split(recording.outputs["command"].strip("`"))
    (made,) = [each for each in recording.of(SECRET) if each.inputs["name"] == name]
    assert command[-3:] == [SECRET, made.name, "ARN"]
    # In the words of the mock engine, a URN has the stack among its types.
    parent, provider = (command[command.index(flag) + 1] for flag in ("--parent", "--provider"))
    assert parent.endswith(f"::{made.parent.rpartition('$')[2]}")
    assert provider.endswith(f"::{made.provider.rpartition('$')[2].rpartition('::')[0]}")


def test_a_name_that_is_free_is_free():
    ask("litellm/dev/redis")


def test_a_secret_that_is_on_its_way_out_is_left_to_the_provider_which_waits():
    secrets = boto3.client("secretsmanager", region_name=REGION)
    secrets.create_secret(Name="litellm/dev/redis", SecretString="{}")
    secrets.delete_secret(SecretId="litellm/dev/redis", RecoveryWindowInDays=7)
    ask("litellm/dev/redis")


def found(
    kind: str, *, of_stack: dict[str, Any] | None = None, known: tuple[str, ...] = (), **inputs: Any
) -> str | None:
    """By which ID the engine would import a resource."""
    stack = replace(target(secrets=of_stack or of(adopt=True)), granted=known)
    assert isinstance(stack.store, AwsStore)
    return claims(stack.store, stack).there(kind, inputs)


def made(owner: str) -> str:
    secrets = boto3.client("secretsmanager", region_name=REGION)
    tags: Any = [{"Key": "managed-by", "Value": owner}]
    return secrets.create_secret(Name="litellm/dev/redis", SecretString="{}", Tags=tags)["ARN"]


def test_a_secret_of_this_stack_is_imported_by_who_takes_over():
    arn = made("litellm/dev")
    assert found(SECRET, name="litellm/dev/redis") == arn


def test_a_secret_of_somebody_else_is_not():
    made("litellm/prod")
    assert found(SECRET, name="litellm/dev/redis") is None


def test_nobody_takes_over_by_himself():
    made("litellm/dev")
    assert found(SECRET, of_stack=CONFIG, name="litellm/dev/redis") is None


def test_a_role_is_imported_by_its_name_and_once():
    boto3.client("iam").create_role(RoleName="litellm-dev", AssumeRolePolicyDocument="{}")
    assert found("aws:iam/role:Role", name="litellm-dev") == "litellm-dev"
    assert found("aws:iam/role:Role", name="litellm-dev", known=("litellm-dev",)) is None
    assert found("aws:iam/role:Role", name="litellm-other") is None


def test_a_policy_is_imported_by_its_arn():
    statement = {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn = boto3.client("iam").create_policy(PolicyName="litellm-dev-key", PolicyDocument=document)["Policy"]["Arn"]
    assert found("aws:iam/policy:Policy", name="litellm-dev-key") == arn


def test_the_document_says_who_logs_in():
    secrets = boto3.client("secretsmanager", region_name=REGION)
    secrets.create_secret(
        Name="litellm/dev/database", SecretString='{"username": "litellm_clone", "password": "of nobody"}'
    )
    stack = target(secrets=of(adopt=True))
    assert isinstance(stack.store, AwsStore)
    assert turns_there(stack.store, stack.config).database.number == 1


def test_what_is_to_be_taken_over_has_to_be_there():
    made("litellm/dev")
    names = ["litellm/dev/redis", "litellm/dev/database"]
    (said,) = check_adopted({"region": REGION}, names, ())
    assert "there is no secret litellm/dev/database in AWS Secrets Manager in eu-west-1" in said
