"""Whose role is whose, in a whole stack."""

import json
from typing import Any

import pytest

from infra.environment import deploy
from tests.iam import allows
from tests.unit.infra.stacks import target
from tools.offline.mock_engine import Recording, run

ROLE = "aws:iam/role:Role"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"
RELEASE = "kubernetes:helm.sh/v3:Release"

ACCOUNT = "123456789012"
CLAUDE = {"name": "claude", "provider": "bedrock", "model": "anthropic.claude-v1:0", "region": "eu-west-1"}
POD_IDENTITY = {"kind": "pod-identity", "clusterName": "ops"}
DATABASE = {
    "kind": "existing",
    "host": "ops.c1a2.eu-north-1.rds.amazonaws.com",
    "iamAuthentication": True,
    "resourceId": "cluster-ABC",
}
CONTROLLER = f"arn:aws:iam::{ACCOUNT}:role/operator"


def irsa(issuer: str = "oidc.eks.eu-west-1.amazonaws.com/id/0A") -> dict[str, Any]:
    return {"kind": "irsa", "oidcProviderArn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"}


def stack(identity: dict[str, Any], **sections: Any) -> Recording:
    aws = {"region": "eu-west-1", "accountId": ACCOUNT, "identity": identity}
    given = {"secrets": {"kind": "aws", "aws": aws}, "gateway": {"models": [CLAUDE]}} | sections
    return run(lambda: deploy(target(**given)), stack="dev")


def names(recorded: Recording) -> set[str]:
    return {role.inputs["name"] for role in recorded.of(ROLE)}


def test_two_clusters_of_one_account_share_no_role():
    """The same stack in both would otherwise be refused, or take the other's role over."""
    clusters = [irsa("oidc.example.com/id/0A"), irsa("oidc.example.com/id/0B"), POD_IDENTITY]
    clusters += [{"kind": "irsa", "clusterName": "other"}, {"kind": "pod-identity", "clusterName": "third"}]
    found = [name for identity in clusters for name in names(stack(identity))]
    assert len(found) == len(set(found)) == 2 * len(clusters)
    assert all(name.startswith("litellm-dev-") and len(name) <= 64 for name in found)


def test_the_pods_may_not_read_secrets_nor_the_reader_call_models():
    recorded = stack(irsa())
    reader, gateway = (
        recorded.inputs("aws:iam/rolePolicy:RolePolicy", name)["policy"]
        for name in ("reader-policy", "gateway-access-policy")
    )
    model = "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-v1:0"
    secret = json.loads(reader)["Statement"][0]["Resource"][0]
    assert allows(gateway, "bedrock:InvokeModel", model)
    assert not allows(gateway, "secretsmanager:GetSecretValue", secret)
    assert allows(reader, "secretsmanager:GetSecretValue", secret)
    assert not allows(reader, "bedrock:InvokeModel", model)


@pytest.mark.parametrize(("account", "may"), [("litellm-aws", True), ("default", False), ("secret-reader", False)])
def test_the_role_of_the_pods_is_for_their_service_account(account: str, may: bool):
    recorded = stack(irsa())
    issuer = "oidc.eks.eu-west-1.amazonaws.com/id/0A"
    context = {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": f"system:serviceaccount:litellm-dev:{account}"}
    policy = recorded.inputs(ROLE, "gateway-aws-role")["assumeRolePolicy"]
    principal = ("Federated", f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}")
    assert allows(policy, "sts:AssumeRoleWithWebIdentity", context=context, principal=principal) is may


def test_the_service_account_asks_for_the_role_with_the_audience_that_it_trusts():
    recorded = stack(irsa() | {"audience": "sts.amazonaws.com.cn"})
    metadata = recorded.named("litellm-aws-account").inputs["metadata"]
    assert metadata["annotations"]["eks.amazonaws.com/audience"] == "sts.amazonaws.com.cn"
    assert metadata["annotations"]["eks.amazonaws.com/role-arn"].endswith(
        recorded.named("gateway-aws-role").inputs["name"]
    )


def test_pods_start_after_their_role_can_be_used():
    """A pod gets its credentials at its start: without association or policy by then it has none, or useless ones."""
    recorded = stack(POD_IDENTITY, database=DATABASE)
    account = recorded.named("litellm-aws-account")
    needed = {recorded.named(name).urn for name in ("gateway-access-policy", "gateway-aws-association")}
    assert needed <= set(account.dependencies)
    assert account.urn in recorded.named("litellm-migration-job").dependencies
    assert account.urn in recorded.named("litellm-deployment").dependencies


def test_an_operator_that_is_installed_starts_after_its_role_is_associated():
    recorded = stack(POD_IDENTITY, externalSecrets={"install": True})
    assert recorded.named("reader-aws-association").urn in recorded.one(RELEASE).dependencies


def test_the_operator_waits_for_no_identity_that_is_not_its_own():
    recorded = stack(irsa(), externalSecrets={"install": True})
    assert "podAnnotations" not in recorded.inputs(RELEASE)["values"]


def test_an_operator_with_a_role_of_its_own_gets_no_other():
    recorded = stack(POD_IDENTITY | {"controllerRoleArn": CONTROLLER})
    assert [each.inputs["serviceAccount"] for each in recorded.of(ASSOCIATION)] == ["litellm-aws"]
    trust = recorded.inputs(ROLE, "reader-aws-role")["assumeRolePolicy"]
    assert allows(trust, "sts:AssumeRole", principal=("AWS", CONTROLLER))


def test_the_policy_of_the_database_names_the_server_that_the_stack_makes():
    placement = {"vpcId": "vpc-0a1b2c3d", "subnetIds": ["subnet-0a1b2c3d", "subnet-0a1b2c3e"]}
    database = {"kind": "rds", **placement, "clientSecurityGroupIds": ["sg-0a1b2c3d"], "iamAuthentication": True}
    recorded = stack(irsa(), database=database)
    policy = recorded.inputs("aws:iam/rolePolicy:RolePolicy", "gateway-access-policy")["policy"]
    assert allows(policy, "rds-db:connect", f"arn:aws:rds-db:eu-west-1:{ACCOUNT}:dbuser:db-EXAMPLE/litellm")
    assert recorded.one("aws:rds/instance:Instance").inputs["iamDatabaseAuthenticationEnabled"] is True
    assert "documents-database" not in {each.name for each in recorded.resources}


def test_the_token_is_for_the_region_of_the_server():
    recorded = stack(irsa(), database=DATABASE)
    policy = recorded.inputs("aws:iam/rolePolicy:RolePolicy", "gateway-access-policy")["policy"]
    assert allows(policy, "rds-db:connect", f"arn:aws:rds-db:eu-north-1:{ACCOUNT}:dbuser:cluster-ABC/litellm")
    for workload in ("litellm-migration-job", "litellm-deployment"):
        (container,) = recorded.named(workload).inputs["spec"]["template"]["spec"]["containers"]
        variables = {each["name"]: each.get("value") for each in container["env"]}
        assert variables["AWS_REGION"] == "eu-north-1"
        assert variables["DATABASE_HOST"] == "ops.c1a2.eu-north-1.rds.amazonaws.com"


def test_a_role_that_is_there_already_serves_a_stack_that_makes_nothing_in_aws():
    arn = f"arn:aws:iam::{ACCOUNT}:role/own"
    annotations = {"eks.amazonaws.com/role-arn": arn}
    gateway = {"models": [CLAUDE], "serviceAccountAnnotations": annotations}
    recorded = stack({}, secrets={}, database=DATABASE, gateway=gateway)
    assert not [each.type for each in recorded.resources if each.type.startswith("aws:")]
    assert recorded.named("litellm-aws-account").inputs["metadata"]["annotations"] == annotations
    template = recorded.named("litellm-deployment").inputs["spec"]["template"]
    assert template["metadata"]["annotations"] == {"litellm/identity": arn}
