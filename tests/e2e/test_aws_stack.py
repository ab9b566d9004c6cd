"""The same gateway with AWS Secrets Manager: one secret for each document, then everything in one bundle.

Needs an AWS, or a stand-in for it, that both this machine (AWS_ENDPOINT_URL) and the cluster reach, and whose STS accepts the
tokens of the cluster's ServiceAccounts.
"""

import base64
import json
import os
import shutil
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tests.e2e.support import REFUSED, Project, completion, kubectl, objects
from tests.iam import allows

ENDPOINT = os.environ.get("LAB_AWS_ENDPOINT_IN_CLUSTER", "")
REGION = os.environ.get("AWS_REGION", "us-east-1")
ACCOUNT = "123456789012"
OURS = ("litellm/aws/", "/ops/", "taken/")
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/kubernetes.default.svc"

pytestmark = pytest.mark.skipif(
    not ENDPOINT or not shutil.which("pulumi-resource-aws"),
    reason="needs AWS_ENDPOINT_URL, LAB_AWS_ENDPOINT_IN_CLUSTER and a provider plugin for AWS that works with them",
)

SMALL = {
    "protect": False,
    "database": {"storage": "1Gi", "resources": {"cpu": "50m", "memory": "256Mi"}},
    "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "128Mi"}},
    "gateway": {
        "allowMemoryBelowFloor": True,
        "resources": {"cpu": "100m", "memory": "1Gi"},
        "preStopSeconds": 0,
        "models": [{"name": "mock", "provider": "mock"}],
    },
}
BEDROCK = {"name": "claude", "provider": "bedrock", "region": REGION, "model": "us.anthropic.claude-x-v1:0"}
OPERATOR = {"environment": {"AWS_SECRETSMANAGER_ENDPOINT": ENDPOINT, "AWS_STS_ENDPOINT": ENDPOINT}}


def store(**more: Any) -> dict[str, Any]:
    identity = {"kind": "irsa", "oidcProviderArn": PROVIDER}
    return {"kind": "aws", "aws": {"region": REGION, "recoveryWindowDays": 0, "identity": identity, **more}}


@pytest.fixture(scope="module")
def manager() -> Iterator[Any]:
    client: Any = boto3.client("secretsmanager", region_name=REGION)
    before = names(client)
    assert not {name for name in before if name.startswith(OURS)}, "a run before this one left secrets"
    yield client
    for name in names(client) - before:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


@pytest.fixture(scope="module")
def iam() -> Any:
    return boto3.client("iam", region_name=REGION)


def names(manager: Any) -> set[str]:
    return {secret["Name"] for secret in manager.list_secrets(IncludePlannedDeletion=True)["SecretList"]}


def role_for(iam: Any, purpose: str) -> dict[str, Any]:
    """The role of the first stack's reader, or of its gateway."""
    (role,) = [found for found in iam.list_roles()["Roles"] if f"litellm-aws-{purpose}" in found["RoleName"]]
    return role


def read(manager: Any, name: str) -> dict[str, str]:
    return json.loads(manager.get_secret_value(SecretId=name)["SecretString"])


@pytest.fixture(scope="module")
def each(project: Project, manager: Any) -> dict[str, Any]:
    """One secret for each document, and a model that the pods call as themselves; this stack installs the operator."""
    operator = OPERATOR | {"install": True}
    gateway = SMALL["gateway"] | {"models": [*SMALL["gateway"]["models"], BEDROCK]}
    config = SMALL | {"secrets": store(), "externalSecrets": operator, "ingress": {"host": "aws.localhost"}}
    project.write_stack("aws", config | {"gateway": gateway})
    project.make("up", "aws")
    return project.outputs("aws")


@pytest.fixture(scope="module")
def bundle(project: Project, manager: Any, each: dict[str, Any]) -> dict[str, Any]:
    """All values in one secret, but for the master key and a provider key, which somebody put into a bundle by hand."""
    by_hand = {"LITELLM_MASTER_KEY": "sk-made-by-hand-0123456789abcdef", "OPENAI_API_KEY": "sk-not-a-real-key"}
    manager.create_secret(Name="/ops/litellm-prod-secrets", SecretString=json.dumps(by_hand))
    taken = {"document": "/ops/litellm-prod-secrets", "property": "LITELLM_MASTER_KEY"}
    openai = {"OPENAI_API_KEY": taken | {"property": "OPENAI_API_KEY"}}
    project.write_stack(
        "bundle",
        SMALL
        | {
            "secrets": store(layout="bundle", prefix="/ops/bundle"),
            "keys": {"master": {"existing": taken}},
            "providerDocuments": openai,
            "externalSecrets": OPERATOR,
            "ingress": {"host": "bundle.localhost"},
        },
    )
    project.make("up", "bundle")
    return project.outputs("bundle")


def test_a_name_that_is_still_scheduled_for_deletion_is_named(project: Project, manager: Any):
    manager.create_secret(Name="taken/redis", SecretString="{}")
    manager.delete_secret(SecretId="taken/redis", RecoveryWindowInDays=7)
    operator = OPERATOR | {"install": True}
    config = {"secrets": store(prefix="taken"), "externalSecrets": operator, "ingress": {"host": "taken.localhost"}}
    project.write_stack("taken", SMALL | config)
    done = project.make("up", "taken", check=False)
    manager.restore_secret(SecretId="taken/redis")
    manager.delete_secret(SecretId="taken/redis", ForceDeleteWithoutRecovery=True)
    assert done.returncode != 0
    assert "taken/redis in AWS Secrets Manager is scheduled for deletion" in done.stdout + done.stderr
    assert not kubectl("get", "namespace", "litellm-taken", check=False).stdout


def test_the_gateway_answers_with_the_key_in_secrets_manager(each: dict[str, Any], manager: Any):
    assert names(manager) >= {f"litellm/aws/{name}" for name in ("api-keys", "database", "redis", "salt")}
    answer = completion(each["url"], read(manager, "litellm/aws/api-keys")["master-key"])
    assert answer.status_code == 200
    assert answer.json()["choices"][0]["message"]["content"] == "Hello from LiteLLM."


def test_a_wrong_key_is_refused(each: dict[str, Any]):
    assert completion(each["url"], "sk-wrong").status_code in REFUSED


def test_a_second_up_changes_nothing(project: Project, each: dict[str, Any]):
    project.make("up", "aws", arguments="--expect-no-changes")


def test_no_secret_is_anywhere_but_in_the_store_and_in_secrets(project: Project, each: dict[str, Any], manager: Any):
    values = {
        value
        for name in names(manager)
        for key, value in read(manager, name).items()
        if name.startswith("litellm/aws/") and key != "username"
    }
    assert len(values) >= 5
    kinds = kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").stdout.split()
    places = {
        "state": project.pulumi("stack", "export", "--stack", "aws"),
        "printed": "\n".join(project.log),
        "objects": kubectl(
            "get", ",".join(kind for kind in kinds if kind != "secrets"), "-A", "-o", "json", check=False
        ).stdout,
    }
    for place, text in places.items():
        assert text, place
        for value in values:
            assert value not in text, place
            assert base64.b64encode(value.encode()).decode() not in text, place


def test_the_role_may_read_its_own_secrets_and_nothing_else(each: dict[str, Any], manager: Any, iam: Any):
    role = role_for(iam, "reader")["RoleName"]
    policy = json.dumps(iam.get_role_policy(RoleName=role, PolicyName="read-secrets")["PolicyDocument"])
    arns = {secret["Name"]: secret["ARN"] for secret in manager.list_secrets()["SecretList"]}
    for name, arn in arns.items():
        own = name.startswith("litellm/aws/")
        assert allows(policy, "secretsmanager:GetSecretValue", arn) is own, name
        assert not allows(policy, "secretsmanager:PutSecretValue", arn), name
    assert not allows(policy, "secretsmanager:GetSecretValue", arns["litellm/aws/api-keys"].replace("/aws/", "/prod/"))
    assert not allows(policy, "secretsmanager:ListSecrets", "*")


def test_only_the_reader_of_the_namespace_may_take_the_role(each: dict[str, Any], iam: Any):
    (statement,) = role_for(iam, "reader")["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Condition"]["StringEquals"] == {
        "kubernetes.default.svc:sub": "system:serviceaccount:litellm-aws:secret-reader",
        "kubernetes.default.svc:aud": "sts.amazonaws.com",
    }


def test_the_pods_may_call_their_model_and_nothing_else(each: dict[str, Any], iam: Any):
    role = role_for(iam, "gateway")
    name = role["RoleName"]
    policy = json.dumps(iam.get_role_policy(RoleName=name, PolicyName="use-models-and-database")["PolicyDocument"])
    profile = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/us.anthropic.claude-x-v1:0"
    assert allows(policy, "bedrock:InvokeModel", profile)
    assert not allows(policy, "bedrock:InvokeModel", profile.replace("claude-x", "claude-y"))
    assert not allows(
        policy, "secretsmanager:GetSecretValue", f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:x-AbCdEf"
    )
    (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
    subject = statement["Condition"]["StringEquals"]["kubernetes.default.svc:sub"]
    assert subject == "system:serviceaccount:litellm-aws:litellm-aws"


def test_the_pods_run_with_the_account_of_their_role(each: dict[str, Any], iam: Any):
    (account,) = objects("serviceaccounts", "-n", "litellm-aws", "--field-selector=metadata.name=litellm-aws")
    assert account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == role_for(iam, "gateway")["Arn"]
    running = [pod for pod in objects("pods", "-n", "litellm-aws") if pod["metadata"]["name"].startswith("litellm-")]
    gateways = [pod for pod in running if "migration" not in pod["metadata"]["name"]]
    assert gateways
    assert {pod["spec"]["serviceAccountName"] for pod in gateways} == {"litellm-aws"}


def test_a_bundle_gives_the_gateway_the_same_variables(bundle: dict[str, Any], each: dict[str, Any], manager: Any):
    def variables(outputs: dict[str, Any]) -> set[str]:
        secret = outputs["kubernetesSecrets"]["gateway"]
        found = objects("secrets", "-n", outputs["namespace"], f"--field-selector=metadata.name={secret}")
        return set(found[0]["data"])

    assert variables(bundle) == variables(each) | {"OPENAI_API_KEY"}
    assert set(read(manager, "/ops/bundle/secrets")) >= {"DATABASE_PASSWORD", "REDIS_PASSWORD"}
    assert "LITELLM_SALT_KEY" not in read(manager, "/ops/bundle/secrets")


def test_a_bundle_made_by_hand_is_extracted_as_a_whole(bundle: dict[str, Any]):
    specs = [item["spec"] for item in objects("externalsecrets", "-n", bundle["namespace"])]
    extracted = [source["extract"]["key"] for spec in specs for source in spec.get("dataFrom", [])]
    assert extracted == ["/ops/bundle/secrets", "/ops/litellm-prod-secrets"]
    assert completion(bundle["url"], "sk-made-by-hand-0123456789abcdef").status_code == 200


def test_the_bundle_too_is_up_to_date_after_its_first_up(project: Project, bundle: dict[str, Any]):
    project.make("up", "bundle", arguments="--expect-no-changes")


def test_destroy_leaves_the_salt_keys_and_nothing_else(
    project: Project, bundle: dict[str, Any], manager: Any, iam: Any
):
    for stack, salt in (("bundle", "/ops/bundle/salt"), ("aws", "litellm/aws/salt")):
        done = project.make("destroy", stack)
        assert f"kept: the salt key, in {salt}" in done.stdout
    left = {name for name in names(manager) if name.startswith(OURS)}
    assert left == {"/ops/bundle/salt", "litellm/aws/salt", "/ops/litellm-prod-secrets"}
    assert not [role for role in iam.list_roles()["Roles"] if "litellm" in role["RoleName"]]
    namespaces = {namespace["metadata"]["name"] for namespace in objects("namespaces")}
    assert not namespaces & {"litellm-aws", "litellm-bundle"}
