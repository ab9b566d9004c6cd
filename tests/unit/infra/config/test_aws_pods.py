"""When LiteLLM's pods get an IAM role, and what can be wrong about it."""

from typing import Any

import pytest

from infra.config.aws_pods import known_to_aws, makes_role, models_of_role
from infra.config.gateway.bedrock import roles_assumed
from infra.config.load import ConfigError
from infra.config.stack import StackConfig
from tests.unit.infra.stacks import config

ACCOUNT = "123456789012"
IRSA = {"kind": "irsa", "clusterName": "ops"}
KEYS = {"kind": "static-keys", "kubernetesSecret": "keys"}
CONTROLLER = {"kind": "pod-identity", "controllerRoleArn": f"arn:aws:iam::{ACCOUNT}:role/operator"}
ROLE = {"serviceAccountAnnotations": {"eks.amazonaws.com/role-arn": f"arn:aws:iam::{ACCOUNT}:role/own"}}
ASSUMED = f"arn:aws:iam::{ACCOUNT}:role/bedrock"
CLAUDE = {"name": "claude", "provider": "bedrock", "model": "anthropic.claude-v1:0", "region": "eu-west-1"}
MOCK = {"name": "mock", "provider": "mock"}
TOKENS = {
    "kind": "existing",
    "host": "ops.c1a2.eu-west-1.rds.amazonaws.com",
    "iamAuthentication": True,
    "resourceId": "db-ABC",
}
ACCESS_KEY = {"AWS_ACCESS_KEY_ID": {"document": "shared", "property": "id"}}

TOKEN = "AWS_BEARER_TOKEN_BEDROCK"
BEARER = {TOKEN: {"document": "shared", "property": "token"}}


def aws(identity: Any = IRSA, **others: Any) -> dict[str, Any]:
    return {"kind": "aws", "aws": {"region": "eu-west-1", "identity": identity, **others}}


def stack(**sections: Any) -> StackConfig:
    return config(**{"secrets": aws(), "gateway": {"models": [CLAUDE]}} | sections)


def message(**sections: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        stack(**sections)
    return str(caught.value)


def test_a_model_of_bedrock_without_a_key_needs_a_role():
    assert makes_role(stack())
    assert models_of_role(stack()) == [{"model": "anthropic.claude-v1:0", "region": "eu-west-1"}]


@pytest.mark.parametrize(
    "sections",
    [
        {"gateway": {"models": [MOCK]}},
        {
            "gateway": {
                "models": [CLAUDE | {"params": {"aws_role_name": ASSUMED, "aws_web_identity_token": "oidc/azure/x"}}]
            }
        },
        {"gateway": {"models": [CLAUDE], "createIamRole": False}},
        {"gateway": {"models": [CLAUDE], **ROLE}},
        {"gateway": {"models": [CLAUDE]}, "providerDocuments": ACCESS_KEY},
        {"gateway": {"models": [CLAUDE]}, "providerDocuments": BEARER},
        {"gateway": {"models": [CLAUDE | {"apiKey": "BEDROCK"}]}, "providerDocuments": {"BEDROCK": BEARER[TOKEN]}},
        {"gateway": {"models": [CLAUDE]}, "secrets": {}},
    ],
    ids=[
        "no Bedrock",
        "own role of the model",
        "not wanted",
        "there already",
        "access key",
        "token",
        "API key",
        "Vault",
    ],
)
def test_where_nothing_needs_it_or_somebody_else_gave_it_none_is_made(sections: dict[str, Any]):
    found = stack(**sections)
    assert not makes_role(found)
    assert not known_to_aws(found)


def test_a_database_with_tokens_needs_a_role_for_itself_alone():
    found = stack(database=TOKENS, gateway={"models": [MOCK]})
    assert makes_role(found)
    assert models_of_role(found) == []


def test_a_role_that_is_there_already_may_log_in_to_the_database_also_with_vault():
    found = stack(secrets={}, database=TOKENS, gateway={"models": [MOCK], **ROLE})
    assert known_to_aws(found)
    assert not makes_role(found)


def test_the_id_of_a_profile_may_be_given_instead_of_the_model():
    profile = f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:application-inference-profile/a1"
    (named,) = models_of_role(stack(gateway={"models": [CLAUDE | {"params": {"model_id": profile}}]}))
    assert named["model"] == profile


@pytest.mark.parametrize(
    ("sections", "where", "says"),
    [
        ({"secrets": aws(KEYS)}, "secrets.aws.identity", "use irsa or pod-identity"),
        ({"secrets": aws(CONTROLLER)}, "secrets.aws.identity", "add clusterName beside controllerRoleArn"),
        ({"gateway": {"models": [CLAUDE | {"model": "*"}]}}, "gateway.models[0]", "cannot be limited to it"),
        (
            {"gateway": {"models": [MOCK, CLAUDE | {"model": "agent/A/B"}]}},
            "gateway.models[1]",
            "its model is not the ID",
        ),
        (
            {"gateway": {"models": [CLAUDE | {"region": "us-gov-west-1"}]}},
            "gateway.models[0]",
            "is in another partition than the role of the pods, which is in aws",
        ),
        (
            {"gateway": {"models": [CLAUDE | {"name": f"m{n}", "model": f"vendor.model-{n:04}"} for n in range(200)]}},
            "gateway.models",
            "has 200 models of Bedrock without apiKey, more than IAM lets the policy of one role name",
        ),
        ({"database": {**TOKENS, "resourceId": None}}, "database.resourceId", "shows it as DbiResourceId"),
        (
            {"secrets": {}, "database": TOKENS, "gateway": {"models": [MOCK]}},
            "database.iamAuthentication",
            "give an existing one in gateway.serviceAccountAnnotations",
        ),
        (
            {"database": TOKENS, "providerDocuments": ACCESS_KEY},
            "providerDocuments.AWS_ACCESS_KEY_ID",
            "would overrule",
        ),
        (
            {"database": TOKENS, "gateway": {"models": [CLAUDE], "environment": {"AWS_REGION": "eu-west-2"}}},
            "gateway.environment.AWS_REGION",
            "would overrule the login",
        ),
        (
            {
                "database": TOKENS,
                "secrets": aws(
                    rotation={
                        "lambdaArn": f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:rotate",
                        "scheduleDays": 7,
                    }
                ),
            },
            "secrets.aws.rotation",
            "there is none",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place_and_a_way_out(sections: dict[str, Any], where: str, says: str):
    said = message(**sections)
    assert f"litellm:{where}" in said
    assert says in said


@pytest.mark.parametrize(
    "sections",
    [
        {"secrets": aws(KEYS), "gateway": {"models": [CLAUDE], "createIamRole": False}},
        {"secrets": aws(CONTROLLER | {"clusterName": "ops"})},
        {"gateway": {"models": [CLAUDE | {"model": "*"}], "createIamRole": False}},
        {"database": {**TOKENS, "resourceId": None}, "gateway": {"models": [MOCK], **ROLE}},
        {"secrets": {}, "database": TOKENS, "gateway": {"models": [MOCK], "createIamRole": False}},
    ],
)
def test_the_ways_out_are_ways_out(sections: dict[str, Any]):
    assert stack(**sections)


def test_a_role_that_a_model_takes_on_may_be_assumed_by_the_pods():
    named = stack(gateway={"models": [CLAUDE | {"params": {"aws_role_name": ASSUMED, "aws_session_name": "litellm"}}]})
    assert makes_role(named)
    assert roles_assumed(named.gateway) == [ASSUMED]
    assert models_of_role(named) == []


def test_a_role_that_is_taken_on_with_another_identity_is_none_of_the_pods():
    own = {"aws_role_name": ASSUMED, "aws_web_identity_token": "oidc/azure/litellm"}
    assert roles_assumed(stack(gateway={"models": [CLAUDE | {"params": own}]}).gateway) == []


def test_a_model_in_a_region_out_of_a_variable_cannot_be_named_in_a_policy():
    variable = {
        "models": [CLAUDE | {"region": "os.environ/BEDROCK_REGION"}],
        "environment": {"BEDROCK_REGION": "eu-west-1"},
    }
    assert "or its region is a variable" in message(gateway=variable)
    stack(gateway=variable | {"createIamRole": False})


def litellm(model: str, **params: Any) -> dict[str, Any]:
    return {"name": "any", "provider": "litellm", "model": model, "params": params}


@pytest.mark.parametrize(
    ("entry", "environment", "named", "region"),
    [
        (litellm("bedrock/vendor.m-v1:0", aws_region_name="eu-west-2"), {}, "vendor.m-v1:0", "eu-west-2"),
        (litellm("bedrock/converse/eu.vendor.m", aws_region_name="eu-west-2"), {}, "eu.vendor.m", "eu-west-2"),
        (litellm("bedrock/us-east-1/vendor.m"), {}, "vendor.m", "us-east-1"),
        (litellm("bedrock/vendor.m"), {"AWS_REGION_NAME": "eu-west-3"}, "vendor.m", "eu-west-3"),
        (litellm("bedrock/vendor.m"), {"AWS_REGION": "eu-west-3"}, "vendor.m", "eu-west-3"),
        (litellm("vendor.m", custom_llm_provider="bedrock", aws_region_name="eu-west-2"), {}, "vendor.m", "eu-west-2"),
        (
            litellm(f"bedrock/arn:aws:bedrock:eu-west-1:{ACCOUNT}:application-inference-profile/a1"),
            {},
            f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:application-inference-profile/a1",
            "eu-west-1",
        ),
    ],
)
def test_a_model_of_bedrock_in_litellms_words_may_be_invoked_as_well(
    entry: dict[str, Any], environment: dict[str, str], named: str, region: str
):
    found = stack(gateway={"models": [entry], "environment": environment})
    assert makes_role(found)
    assert models_of_role(found) == [{"model": named, "region": region}]


@pytest.mark.parametrize("model", ["bedrock/vendor.m", "bedrock/*"])
def test_a_model_of_bedrock_that_no_policy_can_name_says_what_is_missing(model: str):
    said = message(gateway={"models": [litellm(model)]})
    assert "litellm:gateway.models[0]: " in said
    assert "params.aws_region_name" in said
    stack(gateway={"models": [litellm(model)], "createIamRole": False})


@pytest.mark.parametrize(
    "gateway",
    [
        {"models": [litellm("bedrock/vendor.m", aws_role_name=ASSUMED)]},
        {"models": [litellm("bedrock/vendor.m", aws_role_name="os.environ/ROLE")], "environment": {"ROLE": ASSUMED}},
        {"models": [CLAUDE], "environment": {"AWS_ROLE_NAME": ASSUMED}},
        {
            "models": [litellm("bedrock/vendor.m", litellm_credential_name="ours")],
            "config": {
                "credential_list": [{"credential_name": "ours", "credential_values": {"aws_role_name": ASSUMED}}]
            },
        },
        {
            "models": [MOCK],
            "config": {
                "guardrails": [
                    {"guardrail_name": "a", "litellm_params": {"guardrail": "bedrock", "aws_role_name": ASSUMED}}
                ]
            },
        },
    ],
    ids=["parameter", "plain variable", "of all", "credential", "guardrail"],
)
def test_a_role_may_be_assumed_wherever_it_is_named(gateway: dict[str, Any]):
    found = stack(gateway=gateway)
    assert makes_role(found)
    assert roles_assumed(found.gateway) == [ASSUMED]
    assert models_of_role(found) == []


def test_a_role_in_a_secret_variable_cannot_be_named_in_a_policy():
    hidden = {
        "gateway": {"models": [litellm("bedrock/vendor.m", aws_role_name="os.environ/ROLE")]},
        "secretEnvironment": {"ROLE": {"document": "shared", "property": "role"}},
    }
    assert "write its ARN" in message(**hidden)
    hidden["gateway"]["createIamRole"] = False
    assert stack(**hidden)


def test_a_role_that_is_no_arn_is_refused_and_not_shown():
    said = message(secrets={}, gateway={"models": [CLAUDE | {"params": {"aws_role_name": "bedrock-caller"}}]})
    assert "gateway.models[0]: aws_role_name must be the ARN of a role" in said
    assert "bedrock-caller" not in said
