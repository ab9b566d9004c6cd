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


@contextmanager
def said(region: str, secret: str) -> Generator[None]:
    """Errors of AWS as problems."""
    try:
        with explained({"connection": {"region": region}, "secret": secret}):
            yield
    except AwsRefusalError as error:
        raise Problem(str(error)) from None
