import json
from typing import Any

import pulumi
import pytest

from components.secrets.aws_identity import AwsIdentity, AwsIdentityArgs, eso_provider, static_keys_auth
from infra.mock_aws import secret_arn
from tests.iam import allows
from tests.recording import Recording
from tests.unit.secrets.aws_run import run_aws

ROLE = "aws:iam/role:Role"
POLICY = "aws:iam/rolePolicy:RolePolicy"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"

ACCOUNT = "123456789012"
ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/0A"
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}"
IRSA = {
    "provider_arn": PROVIDER,
    "issuer": f"https://{ISSUER}",
    "namespace": "litellm-prod",
    "service_account": "secret-reader",
}
POD_IDENTITY = {"cluster": "ops", "namespace": "external-secrets", "service_account": "external-secrets"}
CONTROLLER = f"arn:aws:iam::{ACCOUNT}:role/external-secrets"


def args(**overrides: Any) -> AwsIdentityArgs:
    defaults = {
        "role": "litellm-prod-reader",
        "region": "eu-west-1",
        "account": ACCOUNT,
        "secrets": [pulumi.Output.from_input(secret_arn("litellm/prod/salt")), "/ops/shared"],
    }
    return defaults | overrides  # type: ignore[return-value]


def identity(**overrides: Any) -> Recording:
    def program() -> dict[str, Any]:
        made = AwsIdentity("reader", args(**overrides))
        return {
            "role": made.role_arn,
            "auth": made.eso_auth,
            "assume": made.eso_role,
            "annotations": made.annotations,
            "provider": eso_provider("eu-west-1", made.eso_auth, made.eso_role),
        }

    return run_aws(program)


def trust(recorded: Recording) -> str:
    return recorded.inputs(ROLE)["assumeRolePolicy"]


def log_in(recorded: Recording, **claims: str) -> bool:
    """Whether a Kubernetes token with these claims may use the role."""
    right = {"aud": "sts.amazonaws.com", "sub": "system:serviceaccount:litellm-prod:secret-reader", "iss": ISSUER}
    token = right | claims
    context = {f"{token['iss']}:aud": token["aud"], f"{token['iss']}:sub": token["sub"]}
    provider = f"arn:aws:iam::{ACCOUNT}:oidc-provider/{token['iss']}"
    return allows(trust(recorded), "sts:AssumeRoleWithWebIdentity", context=context, principal=("Federated", provider))


def test_the_reader_may_use_the_role():
    assert log_in(identity(irsa=IRSA))


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "system:serviceaccount:litellm-prod:default"},
        {"sub": "system:serviceaccount:litellm-dev:secret-reader"},
        {"sub": "system:serviceaccount:litellm-prod:secret-reader-2"},
        {"aud": "https://kubernetes.default.svc"},
        {"iss": "oidc.eks.eu-west-1.amazonaws.com/id/0B"},
    ],
    ids=["account", "namespace", "longer name", "audience", "issuer"],
)
def test_nobody_else_may_use_the_role(claims: dict[str, str]):
    assert not log_in(identity(irsa=IRSA), **claims)


def test_another_audience_is_asked_for_and_checked():
    recorded = identity(irsa=IRSA | {"audience": "sts.amazonaws.com.cn"})
    assert log_in(recorded, aud="sts.amazonaws.com.cn")
    assert not log_in(recorded)
    assert recorded.outputs["annotations"]["eks.amazonaws.com/audience"] == "sts.amazonaws.com.cn"


def test_the_operator_reads_with_a_token_of_the_reader():
    recorded = identity(irsa=IRSA)
    assert recorded.outputs["provider"] == {
        "aws": {
            "service": "SecretsManager",
            "region": "eu-west-1",
            "auth": {"jwt": {"serviceAccountRef": {"name": "secret-reader"}}},
        }
    }


def test_the_reader_carries_the_role():
    recorded = identity(irsa=IRSA)
    assert recorded.outputs["role"] == f"arn:aws:iam::{ACCOUNT}:role/litellm-prod-reader"
    assert recorded.outputs["annotations"] == {"eks.amazonaws.com/role-arn": recorded.outputs["role"]}


def pod_session(recorded: Recording, **tags: str) -> bool:
    right = {
        "eks-cluster-name": "ops",
        "kubernetes-namespace": "external-secrets",
        "kubernetes-service-account": "external-secrets",
    }
    context = {f"aws:RequestTag/{key}": value for key, value in (right | tags).items()}
    return all(
        allows(trust(recorded), action, context=context, principal=("Service", "pods.eks.amazonaws.com"))
        for action in ("sts:AssumeRole", "sts:TagSession")
    )


def test_the_controllers_pods_have_the_role():
    recorded = identity(pod_identity=POD_IDENTITY)
    assert pod_session(recorded)
    association = recorded.inputs(ASSOCIATION)
    assert (association["clusterName"], association["namespace"], association["serviceAccount"]) == (
        "ops",
        "external-secrets",
        "external-secrets",
    )
    assert association["roleArn"] == recorded.outputs["role"]


@pytest.mark.parametrize(
    "tags",
    [
        {"eks-cluster-name": "other"},
        {"kubernetes-namespace": "default"},
        {"kubernetes-service-account": "external-secrets-webhook"},
    ],
)
def test_other_pods_do_not_have_the_role(tags: dict[str, str]):
    assert not pod_session(identity(pod_identity=POD_IDENTITY), **tags)


def test_with_pod_identity_the_store_has_no_auth_of_its_own():
    """The operator refuses `serviceAccountRef` there: nobody but the pod itself can be its identity."""
    recorded = identity(pod_identity=POD_IDENTITY)
    assert recorded.outputs["provider"] == {"aws": {"service": "SecretsManager", "region": "eu-west-1"}}
    assert recorded.outputs["annotations"] == {}


def test_a_controller_that_has_a_role_assumes_that_of_the_stack():
    recorded = identity(assumed_by=CONTROLLER)
    assert recorded.outputs["provider"]["aws"]["role"] == recorded.outputs["role"]
    assert not recorded.of(ASSOCIATION)
    for action in ("sts:AssumeRole", "sts:TagSession"):
        assert allows(trust(recorded), action, principal=("AWS", CONTROLLER))
        assert not allows(trust(recorded), action, principal=("AWS", f"{CONTROLLER}-2"))


@pytest.mark.parametrize("ways", [{}, {"irsa": IRSA, "pod_identity": POD_IDENTITY}, {"irsa": None}])
def test_the_trust_is_exactly_one(ways: dict[str, Any]):
    with pytest.raises(ValueError, match="exactly one"):
        identity(**ways)


def test_the_policy_names_the_secrets_and_nothing_else():
    document = json.loads(identity(irsa=IRSA).inputs(POLICY)["policy"])
    assert document["Statement"] == [
        {
            "Sid": "ReadSecrets",
            "Effect": "Allow",
            "Action": ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            "Resource": [
                f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:/ops/shared-??????",
                secret_arn("litellm/prod/salt"),
            ],
        }
    ]


def test_the_role_may_read_before_it_is_used():
    """The role's ARN reaches the reader's annotation: a store must not become Ready before the policy is there."""

    def program() -> None:
        made = AwsIdentity("reader", args(irsa=IRSA))
        AwsIdentity("user", args(assumed_by=made.role_arn))

    recorded = run_aws(program)
    assert recorded.named("reader-policy").urn in recorded.named("user-role").dependencies


def test_a_boundary_and_tags_are_passed_on():
    role = identity(irsa=IRSA, permissions_boundary="arn:b", tags={"a": "b"}).inputs(ROLE)
    assert (role["permissionsBoundary"], role["tags"]) == ("arn:b", {"a": "b"})


def test_an_empty_policy_is_refused():
    with pytest.raises(ValueError, match="secrets is empty"):
        identity(irsa=IRSA, secrets=[])


def test_a_name_that_iam_does_not_take_is_refused():
    with pytest.raises(ValueError, match="65 characters"):
        identity(irsa=IRSA, role="r" * 65)


def test_static_keys_are_those_of_a_kubernetes_secret():
    def program() -> dict[str, Any]:
        return {"provider": eso_provider("eu-west-1", static_keys_auth("keys", "id", "secret"))}

    assert run_aws(program).outputs["provider"]["aws"]["auth"] == {
        "secretRef": {
            "accessKeyIDSecretRef": {"name": "keys", "key": "id"},
            "secretAccessKeySecretRef": {"name": "keys", "key": "secret"},
        }
    }
