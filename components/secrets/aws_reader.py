"""Somebody who reads one secret in AWS Secrets Manager, and nothing else."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.secrets.aws_policies import read_only_policy


class AwsReaderArgs(TypedDict):
    """Arguments of `AwsReader`."""

    policy: str
    """Required: name of the IAM policy."""

    secret: pulumi.Input[str]
    """Required: ARN of the secret."""

    region: str
    """Required: the region that it is in."""

    keys: NotRequired[Sequence[pulumi.Input[str]]]
    """Optional: ARNs of KMS keys that it is encrypted with. Defaults to AWS' own, which need no right."""

    roles: NotRequired[Sequence[str]]
    """Optional: names of IAM roles that get the policy. Defaults to none: others attach it."""

    tags: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Optional: tags of the policy. Defaults to none."""


class AwsReader(pulumi.ComponentResource):
    """An IAM policy that reads one secret, attached to roles.

    **Type:** `litellm:index:AwsReader`. **Produces:** `aws.iam.Policy`, and an `aws.iam.RolePolicyAttachment` for each role.
    """

    policy: pulumi.Output[str]
    """ARN of the policy."""

    def __init__(self, name: str, args: AwsReaderArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:AwsReader", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        keys = pulumi.Output.all(*args.get("keys", ()))
        policy = aws.iam.Policy(
            f"{name}-policy",
            name=args["policy"],
            policy=pulumi.Output.all(args["secret"], keys).apply(
                lambda known: read_only_policy([str(known[0])], known[1], args["region"])
            ),
            tags=args.get("tags"),
            opts=child,
        )
        for role in args.get("roles", ()):
            aws.iam.RolePolicyAttachment(f"{name}-{role}", role=role, policy_arn=policy.arn, opts=child)
        self.policy = policy.arn
        self.register_outputs({"policy": self.policy})
