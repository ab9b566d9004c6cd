# boto3 is untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""Values in AWS Secrets Manager that are made in AWS' client: they are never in Pulumi's state, not even encrypted.

AWS knows no check-and-set for a value, but for the label of the current version: a new version is written beside the current
one, and becomes current only if that still is. Its ID is made of what it follows and of the counters, so that whoever tries
again, or at the same time, finds that version, and makes no second one.
"""

import json
import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import pulumi
from botocore import exceptions
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from components.secrets.aws_client import AwsConnection, AwsRefusalError, Properties, code_of, connect, explained
from components.secrets.generation import GeneratedValue, changed, counters, settled
from components.secrets.plain_errors import plain_errors

plain_errors()

CURRENT, NEXT = "AWSCURRENT", "litellm-next"
"""Labels of versions. Without any, AWS would delete the next one at its leisure."""

NAMESPACE = uuid.UUID("6f2b6a0e-6a53-4f4e-9d4e-5b0f3a3a6f10")

SETTINGS = ("secret", "given", "rotated_by_others", "connection")

ATTEMPTS = 5


class GeneratedProvider(ResourceProvider):
    """The value of a secret, with parts that are made here: written when absent, taken over when there, rotated by counters."""

    def create(self, props: Properties) -> CreateResult:
        with explained(props):
            version = settle(connect(props["connection"]), props, {})
        return CreateResult(props["secret"], props | {"version_id": version})

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        return DiffResult(changes=changed(_olds, _news, SETTINGS))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        with explained(_news):
            version = settle(connect(_news["connection"]), _news, _olds)
        return UpdateResult(_news | {"version_id": version})

    def read(self, id_: str, props: Properties) -> ReadResult:
        """What AWS has now, without the value."""
        if props["rotated_by_others"]:
            return ReadResult(id_, props)
        with explained(props):
            client = connect(props["connection"])
            try:
                client.describe_secret(SecretId=props["secret"])
            except exceptions.ClientError as error:
                if code_of(error) != "ResourceNotFoundException":
                    raise
                return ReadResult(None, props)
        # A version that others wrote reaches the pods as all of theirs do: it is no difference between the stack and what
        # there is.
        return ReadResult(id_, props)


def settle(client: Any, props: Properties, before: Properties) -> str:
    """Bring the value to what is wanted, and return the ID of its version. Nothing is written where nothing is missing."""
    for _ in range(ATTEMPTS):
        found, version = current(client, props["secret"])
        # A value that moves is taken along.
        source = found if version or not before else current(client, before["secret"])[0]
        if before and not source:
            raise AwsRefusalError(
                f"{before['secret']} has no value in AWS Secrets Manager any more, and it is nowhere else: bring it back from "
                "a backup. To have a new one made: `make recover` before the next `make up`"
            )
        wanted = settled(source, props["generated"], props["given"], before)
        if version and (wanted == found or props["rotated_by_others"]):
            return version
        write(client, props, version, wanted)
    raise AwsRefusalError(
        f"{props['secret']} in AWS Secrets Manager is written by somebody else all the time, and was left alone: run `up` "
        "again"
    )


def current(client: Any, secret: str) -> tuple[dict[str, Any], str | None]:
    """The value of a secret and the ID of its version; nothing where it has none."""
    try:
        found = client.get_secret_value(SecretId=secret, VersionStage=CURRENT)
    except exceptions.ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return {}, None
    try:
        value: Any = json.loads(found.get("SecretString") or "null")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise AwsRefusalError(f"{secret} in AWS Secrets Manager holds no JSON object, and was not overwritten")
    return cast("dict[str, Any]", value), str(found["VersionId"])


def write(client: Any, props: Properties, version: str | None, wanted: Mapping[str, Any]) -> None:
    """Write what follows `version`, and make it the current one if that still is. Whoever was faster, the next look finds."""
    secret, made_by = props["secret"], counters(props["generated"])
    following = str(uuid.uuid5(NAMESPACE, json.dumps([secret, version, made_by], sort_keys=True)))
    with met("ResourceExistsException"):
        client.put_secret_value(
            SecretId=secret,
            SecretString=json.dumps(wanted, sort_keys=True),
            ClientRequestToken=following,
            VersionStages=[NEXT],
        )
    with met("InvalidParameterException"):
        # The first version of all is the current one already.
        if version:
            client.update_secret_version_stage(
                SecretId=secret, VersionStage=CURRENT, MoveToVersionId=following, RemoveFromVersionId=version
            )
        client.update_secret_version_stage(SecretId=secret, VersionStage=NEXT, RemoveFromVersionId=following)


@contextmanager
def met(code: str) -> Generator[None]:
    """Go on where somebody was faster, or an earlier try had come as far."""
    try:
        yield
    except exceptions.ClientError as error:
        if code_of(error) != code:
            raise


class AwsGenerated(Resource, module="litellm", name="AwsGenerated"):
    """The value of a secret that is there, some of which is made in AWS' client."""

    version_id: pulumi.Output[str]
    """ID of the version that was current at the last `up`."""

    def __init__(
        self,
        name: str,
        secret: pulumi.Input[str],
        generated: Mapping[str, GeneratedValue],
        given: Mapping[str, pulumi.Input[str]],
        connection: AwsConnection,
        rotated_by_others: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "secret": secret,
            "generated": generated,
            "given": given,
            "rotated_by_others": rotated_by_others,
            "connection": connection,
            "version_id": None,
        }
        super().__init__(GeneratedProvider(), name, props, opts)
