"""What a stack on AWS writes into Secrets Manager and KMS."""

import json
from typing import Any

import pytest

from infra.config.load import ConfigError
from infra.environment import deploy
from tests.unit.infra.stacks import config, target
from tools.offline.mock_engine import Recording, run

LAMBDA = "arn:aws:lambda:eu-west-1:123456789012:function:rotate-postgres"
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"
NETWORK = {
    "vpcId": "vpc-0123456789abcdef0",
    "subnetIds": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
    "clientSecurityGroupIds": ["sg-0123456789abcdef0"],
}
RDS = {"kind": "rds", **NETWORK, "instanceClass": "db.m7g.large"}
ROTATION = {"lambdaArn": LAMBDA, "scheduleDays": 30}
INITIAL, VERSION = "pulumi-python:dynamic/litellm:AwsInitialValue", "aws:secretsmanager/secretVersion:SecretVersion"


def secrets(**more: Any) -> dict[str, Any]:
    identity = {"kind": "irsa", "oidcProviderArn": PROVIDER}
    return {"kind": "aws", "aws": {"region": "eu-west-1", "identity": identity, **more}}


def recorded(**sections: Any) -> Recording:
    return run(lambda: deploy(target(**sections)), preview=False, stack="dev")


def rotated(**database: Any) -> dict[str, str]:
    recording = recorded(secrets=secrets(rotation=ROTATION), database=RDS | database)
    return json.loads(recording.one(INITIAL, "documents-database-initial").inputs["value"])


def test_a_rotated_document_says_where_its_server_is():
    """The functions of AWS connect with nothing but the document."""
    document = rotated(name="gateway")
    assert document["engine"] == "postgres"
    assert (document["host"], document["port"]) == ("postgres-instance.rds.invalid", "5432")
    assert document["dbname"] == "gateway"
    assert {"username", "password"} <= set(document)


def test_a_rotated_document_names_the_admin_that_makes_the_second_user():
    assert rotated()["masterarn"].startswith("arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-")


def test_the_admin_of_an_existing_server_is_the_document_that_the_configuration_names():
    existing = {"kind": "existing", "host": "db.example.com", "admin": {"document": "shared/postgres"}}
    recording = recorded(secrets=secrets(rotation=ROTATION), database=existing)
    assert (
        json.loads(recording.one(INITIAL, "documents-database-initial").inputs["value"])["masterarn"]
        == "shared/postgres"
    )


def test_a_document_that_nobody_rotates_has_user_and_password_only():
    recording = recorded(secrets=secrets(), database=RDS)
    written = json.loads(recording.one(VERSION, "documents-database-version").inputs["secretString"])
    assert set(written) == {"username", "password"}


def test_a_key_of_ones_own_encrypts_every_secret():
    recording = recorded(secrets=secrets(kms="create"))
    key = recording.one("pulumi-python:dynamic/litellm:AwsKey", "secrets-key")
    assert key.inputs["alias"] == "litellm/dev"
    keys = {resource.inputs["kmsKeyId"] for resource in recording.of("aws:secretsmanager/secret:Secret")}
    assert len(keys) == 1
    assert keys == {recording.one("pulumi-python:dynamic/litellm:AwsSaltKey", "salt-key").inputs["kms_key_id"]}


def test_a_key_of_ones_own_is_kept_as_long_as_the_salt_key():
    """The salt key is encrypted with it."""
    key = recorded(secrets=secrets(kms="create")).one("pulumi-python:dynamic/litellm:AwsKey", "secrets-key")
    assert key.protect
    assert key.retain_on_delete


ROLE = "arn:aws:iam::222222222222:role/deployer"
KEY = "arn:aws:kms:eu-west-1:222222222222:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_KEY = KEY.replace("1234abcd", "99999999")
COPIES = {"eu-central-1": KEY.replace("eu-west-1", "eu-central-1"), "eu-west-2": "default"}
SECRET, SALT = "aws:secretsmanager/secret:Secret", "pulumi-python:dynamic/litellm:AwsSaltKey"


@pytest.fixture(scope="module")
def settled() -> Recording:
    """A stack whose every setting of AWS is another one than the default."""
    everything = secrets(
        accountId="222222222222",
        assumeRole={"roleArn": ROLE, "externalId": "gateway"},
        defaultTags={"team": "ai"},
        tags={"cost": "one"},
        prefix="/ops/litellm",
        kms=KEY,
        decryptKeys=[OTHER_KEY],
        recoveryWindowDays=7,
        replicaRegions=COPIES,
        resourcePolicy=False,
    )
    everything["aws"]["identity"]["oidcProviderArn"] = PROVIDER.replace("123456789012", "222222222222")
    existing = {"OPENAI_API_KEY": {"document": "shared/openai", "property": "key"}}
    return recorded(secrets=everything, secretEnvironment=existing, keys={"salt": {"length": 64}})


def test_the_program_works_in_the_account_and_as_the_role_that_were_given(settled: Recording):
    inputs = settled.inputs("pulumi:providers:aws")
    assert inputs["region"] == "eu-west-1"
    assert json.loads(inputs["allowedAccountIds"]) == ["222222222222"]
    assert json.loads(inputs["assumeRoles"]) == [{"roleArn": ROLE, "externalId": "gateway"}]
    assert json.loads(inputs["defaultTags"]) == {"tags": {"team": "ai"}}


def test_without_such_settings_the_program_works_as_whoever_runs_it():
    inputs = recorded(secrets=secrets()).inputs("pulumi:providers:aws")
    assert not {"allowedAccountIds", "assumeRoles", "defaultTags"} & set(inputs)


def test_the_salt_key_is_made_with_the_same_settings_as_every_secret(settled: Recording):
    """It is made past the provider, so it gets the provider's tags as well."""
    salt = settled.one(SALT).inputs
    connection = {"region": "eu-west-1", "account": "222222222222", "role_arn": ROLE, "external_id": "gateway"}
    assert salt["connection"] == connection
    assert salt["secret"] == "/ops/litellm/salt"
    assert salt["length"] == 64
    assert salt["kms_key_id"] == KEY
    assert salt["recovery_window_days"] == 7
    assert salt["replica_regions"] == {"eu-central-1": COPIES["eu-central-1"], "eu-west-2": ""}
    assert salt["own_account_only"] is False
    assert salt["tags"] == {"team": "ai", "cost": "one", "managed-by": "litellm/dev"}


def test_every_secret_has_the_settings_that_were_given(settled: Recording):
    made = settled.of(SECRET)
    assert {secret.inputs["name"].rpartition("/")[0] for secret in made} == {"/ops/litellm"}
    for secret in made:
        assert secret.inputs["kmsKeyId"] == KEY
        assert secret.inputs["recoveryWindowInDays"] == 7
        assert {replica["region"] for replica in secret.inputs["replicas"]} == set(COPIES)
        assert secret.inputs["tags"] == {"cost": "one", "managed-by": "litellm/dev"}
    assert not settled.of("aws:secretsmanager/secretPolicy:SecretPolicy")


def test_the_reader_may_read_what_the_stack_writes_and_refers_to_and_decrypt_with_the_keys(settled: Recording):
    read, decrypt = json.loads(settled.inputs("aws:iam/rolePolicy:RolePolicy", "reader-policy")["policy"])["Statement"]
    names = {arn.partition(":secret:")[2].rpartition("-")[0] for arn in read["Resource"]}
    assert names == {f"/ops/litellm/{name}" for name in ("api-keys", "database", "database-admin", "redis", "salt")} | {
        "shared/openai"
    }
    assert decrypt["Resource"] == sorted([KEY, OTHER_KEY])


@pytest.mark.parametrize(("window", "days"), [(0, 7), (7, 7), (30, 30)])
def test_a_key_of_ones_own_outlives_every_secret_that_can_be_restored(window: int, days: int):
    """A restored secret is worth nothing without it; of a key, AWS takes seven days at least."""
    given = {"kms": "create", "recoveryWindowDays": window, "defaultTags": {"team": "ai"}, "tags": {"cost": "one"}}
    key = recorded(secrets=secrets(**given)).inputs("pulumi-python:dynamic/litellm:AwsKey", "secrets-key")
    assert key["deletion_window_days"] == days
    assert key["tags"] == {"team": "ai", "cost": "one", "managed-by": "litellm/dev"}


def test_an_alias_has_the_characters_that_aws_takes():
    key = recorded(secrets=secrets(kms="create", prefix="/ops/lite.llm")).one(
        "pulumi-python:dynamic/litellm:AwsKey", "secrets-key"
    )
    assert key.inputs["alias"] == "ops/lite-llm"


def test_a_rotation_is_as_the_configuration_says():
    given = {"lambdaArn": LAMBDA, "scheduleExpression": "rate(10 days)", "rotateImmediately": True}
    inputs = recorded(secrets=secrets(rotation=given), database=RDS).inputs(
        "aws:secretsmanager/secretRotation:SecretRotation"
    )
    assert inputs["rotationLambdaArn"] == LAMBDA
    assert inputs["rotationRules"] == {"scheduleExpression": "rate(10 days)"}
    assert inputs["rotateImmediately"] is True


def test_with_long_lived_keys_there_is_no_role_and_no_reader():
    keys = {"kind": "static-keys", "kubernetesSecret": "aws-keys"}
    recording = recorded(secrets={"kind": "aws", "aws": {"region": "eu-west-1", "identity": keys}})
    block = recording.inputs("kubernetes:external-secrets.io/v1:SecretStore")["spec"]["provider"]["aws"]
    assert block["auth"]["secretRef"]["accessKeyIDSecretRef"]["name"] == "aws-keys"
    assert not recording.of("aws:iam/role:Role")
    assert "secret-store-reader" not in {each.name for each in recording.resources}


@pytest.mark.parametrize(
    ("database", "problem"),
    [
        (
            {"kind": "existing", "host": "db.example.com", "credentials": {"document": "shared/litellm"}},
            "database.credentials refers to one that somebody else writes",
        ),
        ({"kind": "in-cluster"}, "needs a Postgres that the Lambda function reaches"),
    ],
    ids=["a document of somebody else", "a server in the cluster"],
)
def test_a_rotation_that_could_never_work_is_refused(database: dict[str, Any], problem: str):
    with pytest.raises(ConfigError, match=problem):
        config(secrets=secrets(rotation=ROTATION), database=database)


ALB = {"className": "alb", "host": "litellm.example.com"}
CERTIFICATE = "arn:aws:acm:{}:123456789012:certificate/5fe4cb67-5af5-49d6-99e0-eb2145b66390"


def test_pods_behind_a_load_balancer_are_ready_when_it_says_so():
    """Or a rollout takes the old pods away before the load balancer sends anything to the new ones."""
    ingress = ALB | {"alb": {"certificateArn": CERTIFICATE.format("eu-west-1")}}
    labels = recorded(secrets=secrets(), ingress=ingress).inputs("kubernetes:core/v1:Namespace")["metadata"]["labels"]
    assert labels["elbv2.k8s.aws/pod-readiness-gate-inject"] == "enabled"


def test_pods_behind_another_ingress_have_no_such_label():
    labels = recorded(secrets=secrets()).inputs("kubernetes:core/v1:Namespace")["metadata"]["labels"]
    assert not [label for label in labels if label.startswith("elbv2")]


def test_a_certificate_of_another_region_is_refused():
    ingress = ALB | {"alb": {"certificateArn": CERTIFICATE.format("us-east-1")}}
    with pytest.raises(ConfigError, match=r"is in another region than the stack"):
        config(secrets=secrets(), ingress=ingress)
