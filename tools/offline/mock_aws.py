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
        "aws:rds/instance:Instance": {
            "address": f"{name}.rds.invalid",
            "resourceId": "db-EXAMPLE",
            "masterUserSecrets": [{"secretArn": secret_arn("rds!db-example")}],
        },
        "aws:elasticache/replicationGroup:ReplicationGroup": {"primaryEndpointAddress": f"{name}.cache.invalid"},
        "aws:secretsmanager/secretVersion:SecretVersion": {"versionId": f"{name}-1"},
        "aws:iam/role:Role": {"arn": f"arn:aws:iam::{ACCOUNT}:role/{called}"},
        "pulumi-python:dynamic/litellm:AwsGenerated": {"version_id": f"{name}-1"},
        "pulumi-python:dynamic/litellm:AwsInitialValue": {"version_id": f"{name}-1"},
        "pulumi-python:dynamic/litellm:AwsKey": {"arn": key},
        "pulumi-python:dynamic/litellm:AwsSaltKey": {"arn": secret_arn(called), "owned": True},
    }.get(type_, {})


ANSWERS: dict[str, dict[str, Any]] = {
    "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": ACCOUNT, "arn": "", "userId": "", "id": ACCOUNT},
    "aws:eks/getCluster:getCluster": {
        "name": "cluster",
        "identities": [{"oidcs": [{"issuer": f"https://oidc.eks.{REGION}.amazonaws.com/id/EXAMPLE"}]}],
    },
    "aws:acm/getCertificate:getCertificate": {
        "arn": f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/example",
        "certificate": "",
    },
}
"""What AWS would answer to a question of the program."""


def secret_arn(name: str) -> str:
    return f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-AbCdEf"
