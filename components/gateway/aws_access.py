"""What LiteLLM's pods may use in AWS: models of Bedrock, and a database that takes IAM tokens instead of passwords."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.gateway.aws_policy import BedrockModel, database_user, use_policy
from components.objects import once_there


class DatabaseLogin(TypedDict):
    """A user of an RDS server who logs in with IAM tokens."""

    resource_id: pulumi.Input[str]
    """Required: resource ID of the server, such as `db-ABCDEFGHIJKL01234`."""

    username: str
    """Required: name of the user in Postgres."""

    region: str
    """Required: region of the server."""


class AwsAccessArgs(TypedDict):
    """Arguments of `AwsAccess`. At least one model, a database or a role is required."""

    role_name: pulumi.Input[str]
    """Required: name of the pods' role, as `AwsRole` made it."""

    role_arn: pulumi.Input[str]
    """Required: ARN of the role."""

    account: pulumi.Input[str]
    """Required: account of the role, of the database and of the inference profiles that are given by ID."""

    models: NotRequired[Sequence[BedrockModel]]
    """Optional: the models that may be invoked. Defaults to none."""

    database: NotRequired[DatabaseLogin | None]
    """Optional: the database. Defaults to none."""

    roles: NotRequired[Sequence[str]]
    """Optional: ARNs of the roles that LiteLLM takes on for some models (`aws_role_name`). Defaults to none."""


class AwsAccess(pulumi.ComponentResource):
    """What lets a role invoke exactly the given models, and log in to exactly the given database.

    **Type:** `litellm:index:AwsAccess`. **Produces:** `aws.iam.RolePolicy`.

    Raises:
        ValueError: when neither a model nor a database nor a role is given.
    """

    role_arn: pulumi.Output[str]
    """ARN of the role, once it may do so."""

    def __init__(self, name: str, args: AwsAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:AwsAccess", name, None, opts)
        if not args.get("models") and not args.get("database") and not args.get("roles"):
            raise ValueError("no model, no database and no role: IAM has no policy that allows nothing")
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name="use-models-and-database",
            role=args["role_name"],
            policy=permissions(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.role_arn = once_there(args["role_arn"], policy)
        self.register_outputs({"role_arn": self.role_arn})


def permissions(args: AwsAccessArgs) -> pulumi.Output[str]:
    models, database, roles = args.get("models", ()), args.get("database"), args.get("roles", ())
    if not database:
        return pulumi.Output.from_input(args["account"]).apply(lambda account: use_policy(models, account, roles=roles))
    username, region = database["username"], database["region"]
    return pulumi.Output.all(args["account"], database["resource_id"]).apply(
        lambda known: use_policy(
            models, str(known[0]), [database_user(str(known[1]), username, region, str(known[0]))], roles
        )
    )
