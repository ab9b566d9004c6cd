"""The component `AwsAccess`."""

from typing import Any

import pytest

from components.gateway.aws_access import AwsAccess
from tests.iam import allows
from tests.recording import Recording
from tests.unit.components.secrets.aws_run import run_aws
from tools.offline.mock_aws import ACCOUNT

POLICY = "aws:iam/rolePolicy:RolePolicy"
TITAN = {"model": "amazon.titan-embed-text-v2:0", "region": "eu-west-1"}
DATABASE = {"resource_id": "db-ABC", "username": "litellm", "region": "eu-west-1"}


def access(**given: Any) -> Recording:
    def program() -> dict[str, Any]:
        args: Any = {"role_name": "pods", "role_arn": "arn", "account": ACCOUNT} | given
        made = AwsAccess("access", args)
        AwsAccess("user", args | {"role_name": made.role_arn})
        return {"arn": made.role_arn}

    return run_aws(program)


def test_the_policy_is_of_the_role_and_names_models_and_database():
    inputs = access(models=[TITAN], database=DATABASE).inputs(POLICY, "access-policy")
    assert inputs["role"] == "pods"
    assert allows(
        inputs["policy"], "bedrock:InvokeModel", f"arn:aws:bedrock:eu-west-1::foundation-model/{TITAN['model']}"
    )
    assert allows(inputs["policy"], "rds-db:connect", f"arn:aws:rds-db:eu-west-1:{ACCOUNT}:dbuser:db-ABC/litellm")


def test_the_role_may_do_so_before_it_is_used():
    recorded = access(models=[TITAN])
    assert recorded.outputs["arn"] == "arn"
    assert recorded.named("access-policy").urn in recorded.named("user-policy").dependencies


def test_an_empty_policy_is_refused():
    with pytest.raises(ValueError, match="no model, no database and no role"):
        access()
