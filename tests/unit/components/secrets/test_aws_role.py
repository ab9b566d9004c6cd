"""Who may use an IAM role, decided as IAM decides."""

from typing import Any

import pytest

from components.aws_role import AwsRole, AwsRoleArgs, annotations
from tests.iam import allows
from tests.recording import Recording
from tests.unit.components.secrets.aws_run import run_aws

ROLE = "aws:iam/role:Role"
ASSOCIATION = "aws:eks/podIdentityAssociation:PodIdentityAssociation"

ACCOUNT = "123456789012"
ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/0A"
IRSA = {
    "provider_arn": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER}",
    "issuer": f"https://{ISSUER}",
    "namespace": "litellm-prod",
    "service_account": "secret-reader",
}
POD_IDENTITY = {"cluster": "ops", "namespace": "external-secrets", "service_account": "external-secrets"}
CONTROLLER = f"arn:aws:iam::{ACCOUNT}:role/external-secrets"


def role(**overrides: Any) -> Recording:
    args: Any = {"role": "litellm-prod-reader"} | overrides

    def program() -> dict[str, Any]:
        made = AwsRole("reader", args)
        audience = (args.get("irsa") or {}).get("audience")
        asked = annotations(made.arn, audience) if audience else annotations(made.arn)
        return {"arn": made.arn, "annotations": asked}

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
    assert log_in(role(irsa=IRSA))


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
    assert not log_in(role(irsa=IRSA), **claims)


def test_another_audience_is_asked_for_and_checked():
    recorded = role(irsa=IRSA | {"audience": "sts.amazonaws.com.cn"})
    assert log_in(recorded, aud="sts.amazonaws.com.cn")
    assert not log_in(recorded)
    assert recorded.outputs["annotations"]["eks.amazonaws.com/audience"] == "sts.amazonaws.com.cn"


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
    recorded = role(pod_identity=POD_IDENTITY)
    assert pod_session(recorded)
    association = recorded.inputs(ASSOCIATION)
    assert (association["clusterName"], association["namespace"], association["serviceAccount"]) == (
        "ops",
        "external-secrets",
        "external-secrets",
    )
    assert association["roleArn"] == recorded.outputs["arn"]


@pytest.mark.parametrize(
    "tags",
    [
        {"eks-cluster-name": "other"},
        {"kubernetes-namespace": "default"},
        {"kubernetes-service-account": "external-secrets-webhook"},
    ],
)
def test_other_pods_do_not_have_the_role(tags: dict[str, str]):
    assert not pod_session(role(pod_identity=POD_IDENTITY), **tags)


def test_the_role_is_known_when_pods_that_start_have_it():
    """A pod without its association at its start never gets the role."""

    def program() -> None:
        made = AwsRole("reader", AwsRoleArgs(role="a", pod_identity=POD_IDENTITY))  # type: ignore[typeddict-item]
        AwsRole("user", {"role": "b", "assumed_by": made.arn})

    recorded = run_aws(program)
    assert recorded.named("reader-association").urn in recorded.named("user-role").dependencies


def test_a_role_that_is_there_already_may_use_it_and_no_other():
    recorded = role(assumed_by=CONTROLLER)
    assert not recorded.of(ASSOCIATION)
    for action in ("sts:AssumeRole", "sts:TagSession"):
        assert allows(trust(recorded), action, principal=("AWS", CONTROLLER))
        assert not allows(trust(recorded), action, principal=("AWS", f"{CONTROLLER}-2"))


@pytest.mark.parametrize("ways", [{}, {"irsa": IRSA, "pod_identity": POD_IDENTITY}, {"irsa": None}])
def test_the_trust_is_exactly_one(ways: dict[str, Any]):
    with pytest.raises(ValueError, match="exactly one"):
        role(**ways)


def test_a_boundary_and_tags_are_passed_on():
    made = role(irsa=IRSA, permissions_boundary="arn:b", tags={"a": "b"}).inputs(ROLE)
    assert (made["permissionsBoundary"], made["tags"]) == ("arn:b", {"a": "b"})


def test_a_name_that_iam_does_not_take_is_refused():
    with pytest.raises(ValueError, match="65 characters"):
        role(irsa=IRSA, role="r" * 65)
