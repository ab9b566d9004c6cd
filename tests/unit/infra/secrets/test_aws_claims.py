"""What the engine asks before it makes a secret in AWS."""

from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from infra.secrets.aws import AwsStore
from infra.secrets.aws_claims import claims
from infra.secrets.claims import TakenError
from tests.unit.infra.stacks import target

REGION = "eu-west-1"
SECRET = "aws:secretsmanager/secret:Secret"
CONFIG = {"kind": "aws", "aws": {"region": REGION, "identity": {"kind": "static-keys", "kubernetesSecret": "aws-keys"}}}


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


def test_a_name_that_is_free_is_free():
    ask("litellm/dev/redis")


def test_a_secret_that_is_on_its_way_out_is_left_to_the_provider_which_waits():
    secrets = boto3.client("secretsmanager", region_name=REGION)
    secrets.create_secret(Name="litellm/dev/redis", SecretString="{}")
    secrets.delete_secret(SecretId="litellm/dev/redis", RecoveryWindowInDays=7)
    ask("litellm/dev/redis")
