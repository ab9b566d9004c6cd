import json
from typing import Any

import pulumi
import pytest

from components.secrets.aws_documents import AwsDocuments, AwsDocumentsArgs
from components.secrets.aws_policies import own_account_only
from tests.iam import allows
from tests.recording import Recording
from tests.unit.components.secrets.aws_run import run_aws
from tools.offline.mock_aws import secret_arn

SECRET = "aws:secretsmanager/secret:Secret"
VERSION = "aws:secretsmanager/secretVersion:SecretVersion"
POLICY = "aws:secretsmanager/secretPolicy:SecretPolicy"
ROTATION = "aws:secretsmanager/secretRotation:SecretRotation"

BUNDLE = "/ops/litellm-prod-secrets"
LAMBDA = "arn:aws:lambda:eu-west-1:123456789012:function:rotate"


def args(**overrides: Any) -> AwsDocumentsArgs:
    defaults = {
        "prefix": "/ops/litellm",
        "documents": {
            "api-keys": {"master-key": pulumi.Output.secret("sk-1")},
            "database": {"username": "litellm", "password": pulumi.Output.secret("p")},
            "providers": {"OPENAI_API_KEY": pulumi.Output.secret("sk-2")},
        },
        "owner": "litellm/prod",
    }
    return defaults | overrides  # type: ignore[return-value]


def documents(**overrides: Any) -> Recording:
    def program() -> dict[str, Any]:
        made = AwsDocuments("documents", args(**overrides))
        return {
            "arns": pulumi.Output.all(*made.arns),
            "revision": made.revision,
            "of database": made.revision_of("database"),
            "of two": made.revision_of("api-keys", "database"),
            "of salt": made.revision_of("salt"),
            "database": made.reference("database", "password"),
            "salt": made.reference("salt", "salt-key"),
        }

    return run_aws(program)


def content(recorded: Recording, name: str) -> dict[str, str]:
    return json.loads(recorded.inputs(VERSION, name)["secretString"])


def test_each_document_is_a_secret_below_the_prefix():
    names = sorted(secret.inputs["name"] for secret in documents().of(SECRET))
    assert names == ["/ops/litellm/api-keys", "/ops/litellm/database", "/ops/litellm/providers"]


def test_a_document_keeps_the_names_of_its_properties():
    assert content(documents(), "documents-database-version") == {"username": "litellm", "password": "p"}


def test_the_same_values_in_another_order_are_the_same_version():
    """Another text would be another version, and every pod that reads it would roll."""
    one = {"username": "litellm", "password": "p"}
    texts = [
        documents(documents={"database": dict(order)}).inputs(VERSION, "documents-database-version")["secretString"]
        for order in (one.items(), reversed(one.items()))
    ]
    assert texts[0] == texts[1]


def test_a_bundle_is_one_secret_with_the_names_of_environment_variables():
    recorded = documents(bundle=BUNDLE)
    assert [secret.inputs["name"] for secret in recorded.of(SECRET)] == [BUNDLE]
    assert content(recorded, "documents-bundle-version") == {
        "LITELLM_MASTER_KEY": "sk-1",
        "DATABASE_USERNAME": "litellm",
        "DATABASE_PASSWORD": "p",
        "OPENAI_API_KEY": "sk-2",
    }


def test_a_bundle_of_nothing_is_not_written():
    """Where somebody else wrote every value, an empty secret would only puzzle."""
    recorded = documents(bundle=BUNDLE, documents={})
    assert not recorded.of(SECRET)
    assert not recorded.of(VERSION)


def test_two_values_of_one_name_do_not_fit_into_a_bundle():
    with pytest.raises(ValueError, match=r"REDIS_PASSWORD; .*redis/password"):
        documents(bundle=BUNDLE, documents={"providers": {"REDIS_PASSWORD": "a"}, "redis": {"password": "b"}})


@pytest.mark.parametrize("bundle", [None, BUNDLE])
def test_the_salt_key_is_a_secret_of_its_own(bundle: str | None):
    """A bundle is written again whenever one of its values changes; the salt key is written once."""
    recorded = documents(bundle=bundle)
    assert recorded.outputs["salt"] == {"key": "/ops/litellm/salt", "property": "salt-key"}
    assert recorded.outputs["of salt"] == ""


def test_a_reference_names_the_secret_and_the_property():
    assert documents().outputs["database"] == {"key": "/ops/litellm/database", "property": "password"}


def test_the_content_is_a_secret_even_when_no_property_is():
    assert "secretString" in documents(documents={"plain": {"username": "x"}}).one(VERSION).secret_paths


def test_only_the_value_is_a_secret():
    """What is marked as a secret where it is none hides what changes."""
    paths = {path for resource in documents().resources for path in resource.secret_paths}
    assert paths == {"secretString"}


def test_the_revision_is_made_of_versions_and_is_no_secret():
    """It ends up in the names of Kubernetes objects."""
    recorded = documents()
    assert recorded.outputs["of database"] == "documents-database-version-1"
    assert recorded.outputs["of two"] == "documents-api-keys-version-1.documents-database-version-1"
    assert not recorded.secret_outputs


def test_all_documents_of_a_bundle_have_one_version():
    recorded = documents(bundle=BUNDLE)
    assert recorded.outputs["revision"] == recorded.outputs["of two"] == "documents-bundle-version-1"


def test_arns_are_those_of_the_secrets():
    assert documents().outputs["arns"] == [
        secret_arn(f"/ops/litellm/{name}") for name in ("api-keys", "database", "providers")
    ]


def test_a_secret_says_who_manages_it():
    assert documents(tags={"team": "ai"}).of(SECRET)[0].inputs["tags"] == {"team": "ai", "managed-by": "litellm/prod"}


@pytest.mark.parametrize(
    ("given", "days"), [({}, 30), ({"recovery_window_days": 0}, 0), ({"recovery_window_days": 7}, 7)]
)
def test_a_deleted_secret_can_be_restored_for_a_while(given: dict[str, Any], days: int):
    assert documents(**given).of(SECRET)[0].inputs["recoveryWindowInDays"] == days


def test_a_given_key_encrypts_every_secret():
    recorded = documents(kms_key_id="arn:aws:kms:eu-west-1:123456789012:key/k")
    assert {secret.inputs["kmsKeyId"] for secret in recorded.of(SECRET)} == {"arn:aws:kms:eu-west-1:123456789012:key/k"}


def test_without_a_key_it_is_that_of_aws():
    assert "kmsKeyId" not in documents().of(SECRET)[0].inputs


def test_copies_are_in_other_regions_with_keys_of_their_own():
    recorded = documents(replica_regions={"eu-west-2": "arn:k", "eu-central-1": ""})
    assert recorded.of(SECRET)[0].inputs["replicas"] == [
        {"region": "eu-central-1"},
        {"region": "eu-west-2", "kmsKeyId": "arn:k"},
    ]


def test_every_secret_has_a_policy_of_its_own_account():
    recorded = documents()
    for policy in recorded.of(POLICY):
        assert policy.inputs["blockPublicPolicy"] is True
        assert policy.inputs["policy"] == own_account_only(policy.inputs["secretArn"])
    assert len(recorded.of(POLICY)) == 3


def test_the_policy_can_be_left_out():
    assert not documents(own_account_only=False).of(POLICY)


@pytest.mark.parametrize(
    ("context", "denied"),
    [
        ({"aws:PrincipalAccount": "999999999999", "aws:PrincipalIsAWSService": "false"}, True),
        ({}, True),
        ({"aws:PrincipalAccount": "123456789012", "aws:PrincipalIsAWSService": "false"}, False),
        ({"aws:PrincipalIsAWSService": "true"}, False),
    ],
    ids=["another account", "nobody", "own account", "AWS service"],
)
def test_the_policy_denies_other_accounts_and_nobody_else(context: dict[str, str], denied: bool):
    """It must not lock out who runs this program, nor AWS' own replication."""
    policy = json.loads(own_account_only("arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-AbCdEf"))
    everything = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    policy["Statement"].append(everything)
    anybody = ("AWS", "arn:aws:iam::999999999999:root")
    allowed = allows(json.dumps(policy), "secretsmanager:GetSecretValue", context=context, principal=anybody)
    assert allowed is not denied


ROTATED = {"document": "database", "lambda_arn": LAMBDA, "schedule_days": 30, "connection": {"region": "eu-west-1"}}
INITIAL = "pulumi-python:dynamic/litellm:AwsInitialValue"


def rotated(**overrides: Any) -> Recording:
    return documents(rotation=ROTATED | overrides)


def test_a_rotated_document_gets_its_first_value_and_no_other():
    recorded = rotated()
    initial = recorded.one(INITIAL, "documents-database-initial")
    assert json.loads(initial.inputs["value"]) == {"username": "litellm", "password": "p"}
    assert initial.inputs["secret"] == secret_arn("/ops/litellm/database")
    assert "documents-database-version" not in [version.name for version in recorded.of(VERSION)]


def test_the_first_value_is_a_secret():
    assert "value" in documents(documents={"database": {"username": "x"}}, rotation=ROTATED).one(INITIAL).secret_paths


def test_the_revision_of_a_rotated_document_does_not_change_with_it():
    assert rotated().outputs["of database"] == "documents-database-initial-1"


def test_only_the_rotated_document_is_left_alone():
    recorded = rotated()
    versions = {version.name for version in recorded.of(VERSION)}
    assert versions == {"documents-api-keys-version", "documents-providers-version"}
    assert len(recorded.of(ROTATION)) == len(recorded.of(INITIAL)) == 1


def test_rotation_has_a_function_and_a_schedule_and_does_not_start_at_once():
    inputs = rotated().inputs(ROTATION)
    assert inputs["rotationLambdaArn"] == LAMBDA
    assert inputs["rotationRules"] == {"automaticallyAfterDays": 30}
    assert inputs["rotateImmediately"] is False


def test_rotation_takes_a_schedule_in_words():
    inputs = rotated(schedule_days=None, schedule_expression="rate(10 days)").inputs(ROTATION)
    assert inputs["rotationRules"] == {"scheduleExpression": "rate(10 days)"}


def test_rotation_begins_when_there_is_a_value():
    recorded = rotated()
    assert recorded.named("documents-database-initial").urn in recorded.one(ROTATION).dependencies


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"bundle": BUNDLE, "rotation": ROTATED}, "bundle"),
        ({"rotation": ROTATED | {"document": "redis"}}, "'redis'"),
        ({"rotation": ROTATED | {"schedule_days": None}}, "exactly one"),
        ({"rotation": ROTATED | {"schedule_expression": "rate(1 day)"}}, "exactly one"),
    ],
)
def test_a_rotation_that_cannot_be_is_refused(overrides: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        documents(**overrides)


@pytest.mark.parametrize(
    "overrides", [{}, {"rotation": ROTATED}, {"bundle": BUNDLE}], ids=["each", "rotated", "bundle"]
)
def test_protection_given_to_the_component_reaches_the_secrets_and_not_their_versions(overrides: dict[str, Any]):
    """Another value is another version: a protected one could not be rotated."""

    def program() -> None:
        AwsDocuments("documents", args(**overrides), pulumi.ResourceOptions(protect=True))

    protected = {resource.type for resource in run_aws(program).resources if resource.custom and resource.protect}
    assert protected == {"aws:secretsmanager/secret:Secret"}


def test_nothing_hides_behind_what_is_known_only_after_the_first_up():
    def program() -> None:
        AwsDocuments("documents", args(rotation=ROTATED))

    assert len(run_aws(program, preview=True).resources) == len(run_aws(program).resources)


GENERATED = "pulumi-python:dynamic/litellm:AwsGenerated"
MADE: dict[str, Any] = {
    "documents": {
        "api-keys": {},
        "database": {"username": "litellm"},
        "keys/ci": {},
        "providers": {"OPENAI_API_KEY": "sk-2"},
    },
    "generated": {
        "api-keys": {"master-key": {"length": 32, "prefix": "sk-", "rotation": 2}},
        "database": {"password": {"length": 40}},
        "keys/ci": {"key": {"length": 32}},
    },
    "connection": {"region": "eu-west-1"},
}


def test_a_secret_with_generated_values_is_written_by_aws_client():
    recorded = documents(**MADE)
    assert [version.name for version in recorded.of(VERSION)] == ["documents-providers-version"]
    database = recorded.inputs(GENERATED, "documents-database-generated")
    assert database["given"] == {"username": "litellm"}
    assert database["generated"] == {"password": {"length": 40}}
    assert database["secret"] == secret_arn("/ops/litellm/database")
    assert recorded.outputs["of database"] == "documents-database-generated-1"


def test_in_a_bundle_what_is_generated_stands_beside_what_is_known():
    recorded = documents(**MADE, bundle=BUNDLE)
    assert not recorded.of(VERSION)
    made = recorded.one(GENERATED, "documents-bundle-generated")
    assert set(made.inputs["generated"]) == {"LITELLM_MASTER_KEY", "DATABASE_PASSWORD"}
    assert made.inputs["given"] == {"DATABASE_USERNAME": "litellm", "OPENAI_API_KEY": "sk-2"}
    assert recorded.inputs(GENERATED, "documents-keys-ci-generated")["generated"] == {"key": {"length": 32}}


def test_a_rotated_document_with_generated_values_belongs_to_the_function_after_its_first_one():
    recorded = documents(**MADE, rotation=ROTATED)
    assert recorded.inputs(GENERATED, "documents-database-generated")["rotated_by_others"] is True
    assert recorded.inputs(GENERATED, "documents-api-keys-generated")["rotated_by_others"] is False
    assert not recorded.of(INITIAL)
    assert len(recorded.of(ROTATION)) == 1


def test_who_has_values_generated_says_how_aws_is_reached():
    with pytest.raises(ValueError, match="give its connection"):
        documents(**{name: each for name, each in MADE.items() if name != "connection"})
