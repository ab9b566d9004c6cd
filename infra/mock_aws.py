"""What AWS would answer, for the mock engine: ARNs, versions and IDs. No AWS module is imported."""

from collections.abc import Mapping
from typing import Any

REGION, ACCOUNT = "eu-west-1", "123456789012"


def computed(type_: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the provider computes for a resource of this type; empty for what is not of AWS."""
    called = inputs.get("name") or inputs.get("secret") or name
    key = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/{name}"
    return {
        "aws:secretsmanager/secret:Secret": {"arn": secret_arn(called)},
        "aws:secretsmanager/secretVersion:SecretVersion": {"versionId": f"{name}-1"},
        "aws:kms/key:Key": {"arn": key, "keyId": name},
        "aws:iam/role:Role": {"arn": f"arn:aws:iam::{ACCOUNT}:role/{called}"},
        "pulumi-python:dynamic/litellm:AwsInitialValue": {"version_id": f"{name}-1"},
        "pulumi-python:dynamic/litellm:AwsSaltKey": {"arn": secret_arn(called), "owned": True},
    }.get(type_, {})


def secret_arn(name: str) -> str:
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-AbCdEf"
