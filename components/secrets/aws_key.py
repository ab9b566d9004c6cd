# boto3 is untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""A KMS key of an environment's own, which is adopted when it is there already.

The key outlives the stack wherever a secret does: whoever deletes a key deletes everything that was encrypted with it. The
next `up` has to find it again, and no resource of the AWS provider can say "create if absent, otherwise use what is there".
What finds it is its alias, and what says whose it is is its tag.
"""

from collections.abc import Mapping
from typing import Any

import pulumi
from botocore import exceptions
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from components.secrets.aws_client import AwsConnection, AwsRefusalError, Properties, code_of, connect, explained
from components.secrets.aws_names import OWNER
from components.secrets.plain_errors import plain_errors

plain_errors()

SETTINGS = ("alias", "tags", "deletion_window_days", "connection")
"""What may change about a key; its ID never does."""


class OwnKeyProvider(ResourceProvider):
    """A symmetric key under an alias: made when absent, adopted when it has the stack's tag."""

    def create(self, props: Properties) -> CreateResult:
        with told(props):
            client = connect(props["connection"], "kms")
            found = look_up(client, alias(props)) or make(client, props)
            usable(found, props)
            if owner_of(client, found["KeyId"]) != props["tags"][OWNER]:
                raise AwsRefusalError(
                    f"{alias(props)} in AWS KMS is a key of {owner_of(client, found['KeyId']) or 'somebody else'}: choose "
                    "another `litellm:secrets.aws.prefix`, or give the key's ARN as `litellm:secrets.aws.kms`"
                )
            client.enable_key_rotation(KeyId=found["KeyId"])
        return CreateResult(found["KeyId"], props | {"arn": found["Arn"]})

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        return DiffResult(changes=any(_olds.get(setting) != _news.get(setting) for setting in SETTINGS))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        with told(_news):
            client = connect(_news["connection"], "kms")
            if alias(_olds) != alias(_news):
                client.create_alias(AliasName=alias(_news), TargetKeyId=_id)
                client.delete_alias(AliasName=alias(_olds))
            if removed := sorted(set(_olds["tags"]) - set(_news["tags"])):
                client.untag_resource(KeyId=_id, TagKeys=removed)
            client.tag_resource(KeyId=_id, Tags=as_key_tags(_news["tags"]))
        return UpdateResult(_news | {"arn": _olds["arn"]})

    def read(self, id_: str, props: Properties) -> ReadResult:
        with told(props):
            found = look_up(connect(props["connection"], "kms"), id_)
        if found is None:
            raise AwsRefusalError(
                f"the key {id_} is not in AWS KMS any more, and with it every secret that it encrypted"
            )
        return ReadResult(id_, props | {"arn": usable(found, props)["Arn"]})

    def delete(self, _id: str, _props: Properties) -> None:
        with told(_props):
            client = connect(_props["connection"], "kms")
            found = look_up(client, _id)
            if found is None or found["KeyState"] == "PendingDeletion":
                return
            client.schedule_key_deletion(KeyId=_id, PendingWindowInDays=int(_props["deletion_window_days"]))
            # Or the alias would lead the next stack of this name to a key that is about to go.
            if (named := look_up(client, alias(_props))) and named["KeyId"] == _id:
                client.delete_alias(AliasName=alias(_props))


def alias(props: Properties) -> str:
    return f"alias/{props['alias']}"


def told(props: Properties) -> Any:
    return explained(props | {"secret": alias(props)})


def look_up(client: Any, key: str) -> dict[str, Any] | None:
    try:
        return client.describe_key(KeyId=key)["KeyMetadata"]
    except exceptions.ClientError as error:
        if code_of(error) != "NotFoundException":
            raise
        return None


def make(client: Any, props: Properties) -> dict[str, Any]:
    """A new key under the alias; or the one of somebody who was faster."""
    made = client.create_key(Description=f"Secrets of {props['alias']}", Tags=as_key_tags(props["tags"]))["KeyMetadata"]
    try:
        client.create_alias(AliasName=alias(props), TargetKeyId=made["KeyId"])
    except exceptions.ClientError as error:
        client.schedule_key_deletion(KeyId=made["KeyId"], PendingWindowInDays=7)
        if code_of(error) != "AlreadyExistsException" or (found := look_up(client, alias(props))) is None:
            raise
        return found
    return made


def usable(found: dict[str, Any], props: Properties) -> dict[str, Any]:
    key, region = found["KeyId"], props["connection"]["region"]
    if found["KeyState"] == "PendingDeletion":
        raise AwsRefusalError(
            f"{alias(props)} in AWS KMS is the key {key}, which is scheduled for deletion. As long as a secret needs it: `aws "
            f"kms cancel-key-deletion --region {region} --key-id {key}`, then `aws kms enable-key --region {region} --key-id "
            f"{key}`. If none does: `aws kms delete-alias --region {region} --alias-name {alias(props)}`, and a new key is made"
        )
    if found["KeyState"] == "Disabled":
        raise AwsRefusalError(
            f"{alias(props)} in AWS KMS is the key {key}, which is disabled: `aws kms enable-key --region {region} "
            f"--key-id {key}`"
        )
    if found["KeySpec"] != "SYMMETRIC_DEFAULT":
        raise AwsRefusalError(
            f"{alias(props)} in AWS KMS is the key {key}, which is not symmetric: Secrets Manager cannot encrypt with it"
        )
    return found


def owner_of(client: Any, key: str) -> str | None:
    """Which stack the key belongs to. A key has 50 tags at most, and an answer holds as many."""
    tags = client.list_resource_tags(KeyId=key, Limit=50)["Tags"]
    return next((tag["TagValue"] for tag in tags if tag["TagKey"] == OWNER), None)


def as_key_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": key, "TagValue": value} for key, value in sorted(tags.items())]


class AwsKey(Resource, module="litellm", name="AwsKey"):
    """A symmetric key with yearly rotation, which IAM policies of its account decide about.

    Give it `protect` and `retain_on_delete` wherever a secret is kept for longer than the stack.
    """

    arn: pulumi.Output[str]
    """ARN of the key."""

    def __init__(
        self,
        name: str,
        alias: pulumi.Input[str],
        connection: AwsConnection,
        owner: pulumi.Input[str],
        deletion_window_days: pulumi.Input[int] = 30,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "alias": alias,
            "deletion_window_days": deletion_window_days,
            "tags": {**(tags or {}), OWNER: owner},
            "connection": connection,
            "arn": None,
        }
        super().__init__(OwnKeyProvider(), name, props, opts)
