"""Values that are made in AWS' client, against an AWS in this process."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.client
import pytest
from botocore import exceptions
from moto import mock_aws

from components.secrets.aws_client import AwsRefusalError
from components.secrets.aws_generated import CURRENT, GeneratedProvider

REGION, NAME, OTHER = "eu-west-1", "litellm/prod/database", "litellm/qa/database"

Call = Callable[..., Any]


def props(rotation: int = 0, **changed: Any) -> dict[str, Any]:
    return {
        "secret": NAME,
        "generated": {"password": {"length": 40.0, "prefix": "", "rotation": float(rotation)}},
        "given": {"username": "litellm"},
        "rotated_by_others": False,
        "connection": {"region": REGION},
        "version_id": None,
    } | changed


class KilledError(Exception):
    """The run ends here, and nobody hears what it did."""


class Aws:
    """Secrets Manager, what the program asks of it, and where runs are killed."""

    def __init__(self) -> None:
        self.client: Any = boto3.client("secretsmanager", region_name=REGION)
        for name in (NAME, OTHER):
            self.client.create_secret(Name=name)
        self.calls: list[str] = []
        self.killed_after: str = ""
        self.before: dict[str, list[Callable[[], None]]] = {}
        """What others do just before a call of the program."""

    def value(self, name: str = NAME) -> dict[str, Any]:
        return json.loads(self.client.get_secret_value(SecretId=name, VersionStage=CURRENT)["SecretString"])

    def stages(self, name: str = NAME) -> dict[str, list[str]]:
        return self.client.describe_secret(SecretId=name)["VersionIdsToStages"]

    def current(self) -> str:
        return next(version for version, stages in self.stages().items() if CURRENT in stages)

    def put(self, value: dict[str, str], name: str = NAME) -> None:
        self.client.put_secret_value(SecretId=name, SecretString=json.dumps(value))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    original: Call = botocore.client.BaseClient._make_api_call
    with mock_aws(config={"core": {"reset_boto3_session": False}}):  # a new session takes a quarter of a second
        here = Aws()

        def call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
            here.calls.append(operation)
            for done in here.before.pop(operation, []):
                done()
            answer = original(client, operation, arguments)
            if here.killed_after == operation:
                here.killed_after = ""
                raise KilledError
            return answer

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        yield here


def made() -> dict[str, Any]:
    return GeneratedProvider().create(props()).outs or {}


def rotated(olds: dict[str, Any]) -> dict[str, Any]:
    return GeneratedProvider().update("", olds, props(1)).outs or {}


def test_a_value_is_made_with_what_is_known_and_what_is_generated(aws: Aws):
    olds = made()
    value = aws.value()
    assert value["username"] == "litellm"
    assert len(value["password"]) == 40
    assert aws.stages() == {olds["version_id"]: [CURRENT]}


def test_the_state_never_holds_a_generated_value(aws: Aws):
    olds = made()
    first = aws.value()["password"]
    news = rotated(olds)
    said = json.dumps([olds, news])
    assert first not in said
    assert aws.value()["password"] not in said


def test_what_is_there_is_taken_over_with_its_version(aws: Aws):
    aws.put({"username": "litellm", "password": "old"})
    version = aws.current()
    assert made()["version_id"] == version
    assert aws.value() == {"username": "litellm", "password": "old"}
    assert "PutSecretValue" not in aws.calls[-3:]


def test_a_rotation_makes_one_new_version_and_keeps_the_one_before(aws: Aws):
    olds = made()
    first = aws.value()["password"]
    news = rotated(olds)
    assert aws.value()["password"] != first
    assert aws.stages() == {olds["version_id"]: ["AWSPREVIOUS"], news["version_id"]: [CURRENT]}


@pytest.mark.parametrize("where", ["PutSecretValue", "UpdateSecretVersionStage"])
def test_a_rotation_that_is_killed_is_finished_and_not_done_again(aws: Aws, where: str):
    olds = made()
    aws.killed_after = where
    with pytest.raises(KilledError):
        rotated(olds)
    news = rotated(olds)
    assert CURRENT in aws.stages()[news["version_id"]]
    assert len(aws.stages()) == 2
    assert aws.value()["password-rotation"] == "1"


@pytest.mark.parametrize("where", ["PutSecretValue", "UpdateSecretVersionStage"])
def test_a_creation_that_is_killed_is_not_done_again(aws: Aws, where: str):
    aws.killed_after = where
    with pytest.raises(KilledError):
        made()
    first = aws.value()["password"]
    made()
    assert aws.value()["password"] == first
    assert len(aws.stages()) == 1


@pytest.mark.parametrize("where", ["PutSecretValue", "UpdateSecretVersionStage"])
def test_of_two_rotations_at_once_one_value_is_made(aws: Aws, where: str):
    olds = made()
    others: list[dict[str, Any]] = []
    aws.before = {where: [lambda: others.append(rotated(olds))]}
    news = rotated(olds)
    assert news["version_id"] == others[0]["version_id"]
    assert len(aws.stages()) == 2


def test_what_somebody_writes_meanwhile_is_not_lost(aws: Aws):
    olds = made()
    aws.before = {"UpdateSecretVersionStage": [lambda: aws.put(aws.value() | {"more": "theirs"})]}
    news = rotated(olds)
    value = aws.value()
    assert (value["more"], value["password-rotation"]) == ("theirs", "1")
    assert CURRENT in aws.stages()[news["version_id"]]


def test_a_value_that_is_no_document_is_not_overwritten(aws: Aws):
    aws.client.put_secret_value(SecretId=NAME, SecretString="plain text")
    with pytest.raises(AwsRefusalError, match="no JSON object"):
        made()


def test_a_secret_whose_value_belongs_to_a_function_gets_its_first_one(aws: Aws):
    olds = GeneratedProvider().create(props(rotated_by_others=True)).outs or {}
    assert len(aws.value()["password"]) == 40
    aws.put({"username": "litellm_clone", "password": "theirs"})
    GeneratedProvider().update("", olds, props(rotated_by_others=True, given={"username": "litellm", "host": "other"}))
    assert aws.value() == {"username": "litellm_clone", "password": "theirs"}


def test_a_value_that_was_changed_elsewhere_is_no_difference(aws: Aws):
    olds = made()
    for value in ("theirs", "theirs again", "and again"):
        aws.put({"username": "litellm", "password": value})
    assert GeneratedProvider().read("x", olds).outs == olds
    assert aws.calls[-1:] == ["DescribeSecret"], "the value is not read"


def test_a_refresh_says_of_a_secret_that_is_gone_that_it_is(aws: Aws):
    olds = made()
    aws.client.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True)
    assert GeneratedProvider().read("x", olds).id is None


def test_a_value_that_is_gone_is_not_made_anew_by_an_update(aws: Aws):
    with pytest.raises(AwsRefusalError, match=r"nowhere else.*make recover"):
        GeneratedProvider().update("", props(version_id="1"), props(1))
    assert "PutSecretValue" not in aws.calls


def test_a_value_moves_with_its_secret(aws: Aws):
    olds = made()
    first = aws.value()
    GeneratedProvider().update("", olds, props(secret=OTHER))
    assert aws.value(OTHER) == first


def test_an_error_of_aws_is_told_in_words(aws: Aws):
    def refuse() -> None:
        raise exceptions.ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutSecretValue")

    aws.before = {"PutSecretValue": [refuse]}
    with pytest.raises(AwsRefusalError, match=f"may not call PutSecretValue for {NAME}"):
        made()
    assert made()["version_id"] == aws.current()


@pytest.mark.parametrize(
    ("news", "changes"),
    [
        (props(), False),
        (props(generated={"password": {"length": 64.0, "prefix": "", "rotation": 0.0}}), False),
        (props(1), True),
        (props(given={"username": "other"}), True),
        (props(secret=OTHER), True),
    ],
)
def test_a_preview_shows_a_change_of_what_is_wanted_only(aws: Aws, news: dict[str, Any], changes: bool):
    assert GeneratedProvider().diff("x", made(), news).changes is changes
