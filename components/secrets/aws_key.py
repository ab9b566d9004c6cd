"""A KMS key of an environment's own."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws


class AwsKeyArgs(TypedDict):
    """Arguments of `AwsKey`."""

    alias: pulumi.Input[str]
    """Required: name of the key, without `alias/`, such as `litellm/prod`."""

    deletion_window_days: NotRequired[pulumi.Input[int]]
    """Optional: days in which a deleted key can be restored: 7 to 30. Defaults to 30. Not fewer than those of the secrets."""

    tags: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Optional: tags of the key. Defaults to none."""


class AwsKey(pulumi.ComponentResource):
    """A symmetric key with yearly rotation, which IAM policies of its account decide about.

    **Type:** `litellm:index:AwsKey`. **Produces:** `aws.kms.Key`, `aws.kms.Alias`.

    Whoever deletes the key deletes everything that was encrypted with it. Give it `protect` and `retain_on_delete`
    wherever a secret is kept for longer than the stack.
    """

    arn: pulumi.Output[str]
    """ARN of the key."""

    def __init__(self, name: str, args: AwsKeyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:AwsKey", name, None, opts)
        key = aws.kms.Key(
            f"{name}-key",
            description=pulumi.Output.concat("Secrets of ", args["alias"]),
            deletion_window_in_days=args.get("deletion_window_days", 30),
            enable_key_rotation=True,
            tags=args.get("tags"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        aws.kms.Alias(
            f"{name}-alias",
            name=pulumi.Output.concat("alias/", args["alias"]),
            target_key_id=key.key_id,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.arn = key.arn
        self.register_outputs({"arn": self.arn})
