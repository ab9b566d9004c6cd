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
