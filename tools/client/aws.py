# boto3 is untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
"""Values in AWS Secrets Manager."""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from components.secrets.aws_client import AwsRefusalError, connect, explained
from components.secrets.references import RemoteReference
from infra.config.load import ConfigProblem
from infra.config.references import within
from infra.secrets.aws import AwsStore
from infra.secrets.store import place_in
from tools.client.stored import Read, Stored
from tools.problem import Problem


def read(store: AwsStore, problems: Sequence[ConfigProblem], reference: RemoteReference) -> str:
    """One value.

    Raises:
        Problem: when AWS cannot be asked, refuses, or has no such value.
    """
    if problems:
        raise Problem(str(problems[0]))
    with said(store.config.region, str(reference["key"])):
        return value(connect(store.connection), reference)


def value(client: Any, reference: RemoteReference) -> str:
    key = str(reference["key"])
    try:
        text = str(client.get_secret_value(SecretId=key)["SecretString"])
        return str(within(json.loads(text), str(reference["property"]))) if "property" in reference else text
    except (client.exceptions.ResourceNotFoundException, ValueError, KeyError, TypeError):
        raise Problem(f"there is no {place_in(reference)} in AWS Secrets Manager: `make up` writes it") from None


def reader(store: AwsStore, problems: Sequence[ConfigProblem]) -> Read:
    """Reads whole secrets.

    Raises:
        Problem: when AWS cannot be asked.
    """
    if problems:
        raise Problem(str(problems[0]))
    with said(store.config.region, "the secrets of the stack"):
        client = connect(store.connection)

    def read_secret(key: str, _mount: str | None) -> Stored | None:
        with said(store.config.region, key):
            return secret(client, key)

    return read_secret


def secret(client: Any, key: str) -> Stored | None:
    try:
        found = client.get_secret_value(SecretId=key)
    except client.exceptions.ResourceNotFoundException:
        return None
    except client.exceptions.InvalidRequestException:
        raise Problem(
            f"{key} in AWS Secrets Manager is scheduled for deletion: docs/runbooks/aws-deletion.md"
        ) from None
    text = str(found.get("SecretString", ""))
    try:
        values: Any = json.loads(text)
    except ValueError:
        values = {}
    return Stored(values, str(found["VersionId"]), found.get("CreatedDate"), text)


@contextmanager
def said(region: str, secret: str) -> Generator[None]:
    """Errors of AWS as problems."""
    try:
        with explained({"connection": {"region": region}, "secret": secret}):
            yield
    except AwsRefusalError as error:
        raise Problem(str(error)) from None
