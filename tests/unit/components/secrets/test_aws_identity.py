"""What lets the operator read with a role, and what it may read."""

import json
from typing import Any

import pulumi
import pytest

from components.secrets.aws_identity import AwsIdentity, AwsIdentityArgs, eso_provider, static_keys_auth
from tests.recording import Recording
from tests.unit.components.secrets.aws_run import run_aws
from tools.offline.mock_aws import secret_arn

POLICY = "aws:iam/rolePolicy:RolePolicy"

ACCOUNT = "123456789012"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/litellm-prod-reader"


def args(**overrides: Any) -> AwsIdentityArgs:
    defaults = {
        "role_name": "litellm-prod-reader",
        "role_arn": ROLE_ARN,
        "region": "eu-west-1",
        "account": ACCOUNT,
        "secrets": [pulumi.Output.from_input(secret_arn("litellm/prod/salt")), "/ops/shared"],
    }
    return defaults | overrides  # type: ignore[return-value]


def identity(**overrides: Any) -> Recording:
    def program() -> dict[str, Any]:
        made = AwsIdentity("reader", args(**overrides))
        return {"role": made.role_arn, "provider": eso_provider("eu-west-1", made.eso_auth, made.eso_role)}

    return run_aws(program)


def test_the_operator_reads_with_a_token_of_the_reader():
    recorded = identity(service_account="secret-reader")
    assert recorded.outputs["provider"] == {
        "aws": {
            "service": "SecretsManager",
            "region": "eu-west-1",
            "auth": {"jwt": {"serviceAccountRef": {"name": "secret-reader"}}},
        }
    }


def test_where_the_controller_has_the_role_the_store_has_no_auth_of_its_own():
    """The operator refuses `serviceAccountRef` there: nobody but the pod itself can be its identity."""
    recorded = identity()
    assert recorded.outputs["provider"] == {"aws": {"service": "SecretsManager", "region": "eu-west-1"}}


def test_a_controller_that_has_a_role_of_its_own_assumes_that_of_the_stack():
    recorded = identity(assumed=True)
    assert recorded.outputs["provider"]["aws"]["role"] == recorded.outputs["role"] == ROLE_ARN


def test_the_policy_names_the_secrets_and_nothing_else():
    document = json.loads(identity(service_account="secret-reader").inputs(POLICY)["policy"])
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
        made = AwsIdentity("reader", args())
        AwsIdentity("user", args(role_arn="b", role_name=made.role_arn))

    recorded = run_aws(program)
    assert recorded.named("reader-policy").urn in recorded.named("user-policy").dependencies


def test_an_empty_policy_is_refused():
    with pytest.raises(ValueError, match="secrets is empty"):
        identity(secrets=[])


def test_static_keys_are_those_of_a_kubernetes_secret():
    def program() -> dict[str, Any]:
        return {"provider": eso_provider("eu-west-1", static_keys_auth("keys", "id", "secret"))}

    assert run_aws(program).outputs["provider"]["aws"]["auth"] == {
        "secretRef": {
            "accessKeyIDSecretRef": {"name": "keys", "key": "id"},
            "secretAccessKeySecretRef": {"name": "keys", "key": "secret"},
        }
    }
