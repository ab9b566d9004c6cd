"""What LiteLLM's pods may do in AWS, decided as IAM decides."""

import string
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from components.gateway.aws_policy import (
    INVOKE,
    BedrockModel,
    bedrock_id,
    database_user,
    fits,
    model_arn,
    use_policy,
)
from components.secrets.aws_names import partition_of
from tests.iam import allows

REGION, ACCOUNT = "eu-west-1", "123456789012"
TITAN, CLAUDE = "amazon.titan-embed-text-v2:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"
APPLICATION = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:application-inference-profile/a1b2c3d4e5f6"
PROVISIONED = f"arn:aws:bedrock:eu-west-2:{ACCOUNT}:provisioned-model/abcdef012345"

DATABASE = database_user("db-ABCDEFGHIJKL01234", "litellm", REGION, ACCOUNT)


def model(name: str, region: str = REGION) -> BedrockModel:
    return {"model": name, "region": region}


POLICY = use_policy([model(TITAN), model(f"eu.{CLAUDE}"), model(APPLICATION), model(PROVISIONED)], ACCOUNT, [DATABASE])
FOUNDATION = f"arn:aws:bedrock:{REGION}::foundation-model/"
PROFILE = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/eu.{CLAUDE}"

OTHERS = (
    "bedrock:CreateModelInvocationJob",
    "bedrock:GetFoundationModel",
    "bedrock:ListFoundationModels",
    "bedrock:InvokeAgent",
    "bedrock:ApplyGuardrail",
    "bedrock:CreateInferenceProfile",
    "bedrock:DeleteInferenceProfile",
    "bedrock:InvokeModelWithBidirectionalStream",
    "rds-db:connect",
    "rds:DescribeDBInstances",
    "secretsmanager:GetSecretValue",
    "sts:AssumeRole",
    "iam:PassRole",
)


def invokes(arn: str, profile: str | None = None, policy: str = POLICY) -> bool:
    """Whether both ways of invoking are allowed; one alone would be half a permission."""
    context = {"bedrock:InferenceProfileArn": profile} if profile else {}
    found = {allows(policy, action, arn, context) for action in INVOKE}
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize("arn", [FOUNDATION + TITAN, PROFILE, APPLICATION, PROVISIONED])
def test_every_configured_model_can_be_invoked(arn: str):
    assert invokes(arn)


@pytest.mark.parametrize("region", ["eu-central-1", "eu-north-1", REGION, ""])
def test_a_profile_reaches_its_model_wherever_it_goes(region: str):
    """A global profile names no region at all."""
    assert invokes(f"arn:aws:bedrock:{region}::foundation-model/{CLAUDE}", PROFILE)


def test_the_model_of_a_profile_cannot_be_invoked_but_through_it():
    assert not invokes(FOUNDATION + CLAUDE)
    assert not invokes(FOUNDATION + CLAUDE, PROFILE.replace("/eu.", "/us."))
    assert not invokes(FOUNDATION + CLAUDE, PROFILE.replace(ACCOUNT, "999999999999"))


def test_a_profile_reaches_no_other_model():
    assert not invokes(FOUNDATION + CLAUDE.replace("sonnet", "opus"), PROFILE)


def test_what_an_application_profile_is_made_of_is_reached_through_it_only():
    assert invokes(FOUNDATION + "any.model-v1:0", APPLICATION)
    assert not invokes(FOUNDATION + "any.model-v1:0", APPLICATION[:-1] + "7")


@pytest.mark.parametrize(
    "arn",
    [
        FOUNDATION.replace(REGION, "eu-central-1") + TITAN,
        FOUNDATION + TITAN + ":8k",
        FOUNDATION + "x" + TITAN,
        PROFILE.replace(REGION, "eu-central-1"),
        PROFILE.replace(ACCOUNT, "999999999999"),
        APPLICATION[:-1],
        PROVISIONED.replace("eu-west-2", REGION),
        f"{FOUNDATION}*",
        "*",
    ],
)
def test_what_is_only_similar_cannot_be_invoked(arn: str):
    assert not invokes(arn)


@given(name=st.text(string.ascii_lowercase + string.digits + ".-:", min_size=1, max_size=40))
def test_no_other_model_can_be_invoked(name: str):
    assume(name != TITAN)
    assert not invokes(FOUNDATION + name)


@pytest.mark.parametrize("action", OTHERS)
@pytest.mark.parametrize("arn", [FOUNDATION + TITAN, PROFILE, "*"])
def test_nothing_but_invoking_can_be_done_with_a_model(action: str, arn: str):
    assert not allows(POLICY, action, arn, {"bedrock:InferenceProfileArn": PROFILE})


def test_the_database_is_reached_as_its_user_only():
    assert allows(POLICY, "rds-db:connect", DATABASE)
    others = [
        DATABASE.replace("/litellm", "/postgres"),
        DATABASE.replace("db-A", "db-B"),
        DATABASE.replace(ACCOUNT, "999999999999"),
        DATABASE + "2",
        DATABASE.rpartition("/")[0] + "/*",
    ]
    assert not any(allows(POLICY, "rds-db:connect", other) for other in others)


def test_without_a_database_nothing_is_said_of_one():
    assert "rds-db" not in use_policy([model(TITAN)], ACCOUNT)
    assert "bedrock" not in use_policy([], ACCOUNT, [DATABASE])


@pytest.mark.parametrize(
    ("region", "geography"), [("us-gov-west-1", "us-gov"), ("cn-north-1", "apac"), ("us-east-1", "global")]
)
def test_every_partition_has_arns_of_its_own(region: str, geography: str):
    partition = partition_of(region)
    database = database_user("cluster-ABC", "litellm", region, ACCOUNT)
    policy = use_policy([model(TITAN, region), model(f"{geography}.{CLAUDE}", region)], ACCOUNT, [database])
    profile = f"arn:{partition}:bedrock:{region}:{ACCOUNT}:inference-profile/{geography}.{CLAUDE}"
    assert invokes(f"arn:{partition}:bedrock:{region}::foundation-model/{TITAN}", policy=policy)
    assert invokes(profile, policy=policy)
    assert invokes(f"arn:{partition}:bedrock:{region}::foundation-model/{CLAUDE}", profile, policy)
    assert allows(policy, "rds-db:connect", f"arn:{partition}:rds-db:{region}:{ACCOUNT}:dbuser:cluster-ABC/litellm")
    elsewhere = "aws" if partition != "aws" else "aws-cn"
    assert not invokes(f"arn:{elsewhere}:bedrock:{region}::foundation-model/{TITAN}", policy=policy)


@pytest.mark.parametrize("geography", ["us", "eu", "apac", "us-gov", "global", "jp", "au", "ca"])
def test_a_geography_in_front_is_a_profile_of_the_account(geography: str):
    arn = model_arn(f"{geography}.{CLAUDE}", REGION, ACCOUNT)
    assert arn == f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/{geography}.{CLAUDE}"


@pytest.mark.parametrize("name", ["deepseek.v3.2", "zai.glm-4.7", "openai.gpt-oss-120b-1:0", "eu-vendor.model"])
def test_a_dot_alone_makes_no_profile(name: str):
    assert model_arn(name, REGION, ACCOUNT) == FOUNDATION + name


@pytest.mark.parametrize(
    ("name", "called"),
    [
        (TITAN, TITAN),
        (f"converse/us.{CLAUDE}", f"us.{CLAUDE}"),
        (f"invoke/{CLAUDE}", CLAUDE),
        (f"converse/{APPLICATION}", APPLICATION),
        (
            f"llama/arn:aws:bedrock:{REGION}:{ACCOUNT}:imported-model/a1b2",
            f"arn:aws:bedrock:{REGION}:{ACCOUNT}:imported-model/a1b2",
        ),
        (f"{FOUNDATION}{TITAN}", f"{FOUNDATION}{TITAN}"),
    ],
)
def test_routes_of_litellm_are_no_part_of_the_name(name: str, called: str):
    assert bedrock_id(name) == called


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "anthropic.*",
        "agent/ABC/DEF",
        "async_invoke/twelvelabs.marengo-embed-2-7-v1:0",
        "us-east-1/anthropic.claude-v2",
        "claude",
        "arn:aws:s3:::bucket",
        f"arn:aws:bedrock:{REGION}:{ACCOUNT}:agent/ABC",
        f"{FOUNDATION}*",
        f"{FOUNDATION}${{aws:username}}",
    ],
)
def test_what_no_policy_can_name_is_none(name: str):
    assert bedrock_id(name) is None


def test_the_same_models_give_the_same_text_in_any_order():
    """Another text would be another policy."""
    models = [model(TITAN), model(f"eu.{CLAUDE}"), model(f"us.{CLAUDE}")]
    assert use_policy(models, ACCOUNT) == use_policy(models[::-1] * 2, ACCOUNT)


def test_the_length_of_a_policy_is_limited():
    assert fits(POLICY)
    many: Any = [model(f"vendor.model-{number:04}") for number in range(200)]
    assert not fits(use_policy(many, ACCOUNT))


def test_the_pods_take_on_exactly_the_named_roles():
    named, other = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("bedrock", "admin"))
    policy = use_policy([], ACCOUNT, roles=[named])
    assert allows(policy, "sts:AssumeRole", named)
    assert not allows(policy, "sts:AssumeRole", other)
    assert not allows(policy, "sts:TagSession", named)
