"""The key of a stack, against an AWS in this process."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.client
import pytest
from botocore import exceptions
from moto import mock_aws

from components.secrets.aws_client import AwsRefusalError
from components.secrets.aws_key import AwsKey, OwnKeyProvider
from tests.unit.components.secrets.aws_run import run_aws

REGION = "eu-west-1"
ALIAS = "alias/litellm/prod"
OWNER = {"managed-by": "litellm/prod"}
KEY: dict[str, Any] = {
    "alias": "litellm/prod",
    "deletion_window_days": 7.0,
    "tags": OWNER,
    "connection": {"region": REGION},
}


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    with mock_aws(config={"core": {"reset_boto3_session": False}}):  # a new session takes a quarter of a second
        yield boto3.client("kms", region_name=REGION)


def created(**overrides: Any) -> tuple[str, dict[str, Any]]:
    made = OwnKeyProvider().create(KEY | overrides)
    assert made.outs is not None
    return made.id, made.outs


def behind(kms: Any, alias: str = ALIAS) -> dict[str, Any]:
    return kms.describe_key(KeyId=alias)["KeyMetadata"]


def tags(kms: Any, key: str) -> dict[str, str]:
    return {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key)["Tags"]}


def test_a_key_is_made_under_its_alias_when_there_is_none(kms: Any):
    key, state = created()
    assert behind(kms)["KeyId"] == key
    assert state["arn"] == behind(kms)["Arn"]


def test_it_is_rotated_every_year(kms: Any):
    key, _ = created()
    assert kms.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]


def test_it_says_which_stack_it_belongs_to(kms: Any):
    key, _ = created(tags=OWNER | {"team": "ai"})
    assert tags(kms, key) == OWNER | {"team": "ai"}


def test_the_next_up_after_a_destroy_adopts_it(kms: Any):
    """`destroy` keeps it, because the salt key that it keeps is encrypted with it."""
    first, _ = created()
    second, state = created()
    assert second == first
    assert state["arn"] == behind(kms)["Arn"]
    assert len(kms.list_keys()["Keys"]) == 1


def test_a_key_of_somebody_else_is_not_taken_over(kms: Any):
    created(tags={"managed-by": "another-team"})
    with pytest.raises(
        AwsRefusalError, match=r"is a key of another-team: choose another `litellm:secrets\.aws\.prefix`"
    ):
        created()


def test_a_key_without_a_tag_is_not_taken_over(kms: Any):
    kms.create_alias(AliasName=ALIAS, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    with pytest.raises(AwsRefusalError, match="is a key of somebody else"):
        created()


def test_a_key_that_is_about_to_go_is_named_with_the_way_back(kms: Any):
    key, _ = created()
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(
        AwsRefusalError, match=rf"scheduled for deletion.*cancel-key-deletion --region {REGION} --key-id {key}"
    ):
        created()


def test_a_disabled_key_is_named_with_the_way_back(kms: Any):
    key, _ = created()
    kms.disable_key(KeyId=key)
    with pytest.raises(AwsRefusalError, match=rf"disabled: `aws kms enable-key --region {REGION} --key-id {key}`"):
        created()


def test_a_key_that_cannot_encrypt_secrets_is_refused(kms: Any):
    made = kms.create_key(
        KeyUsage="SIGN_VERIFY", KeySpec="RSA_2048", Tags=[{"TagKey": "managed-by", "TagValue": "litellm/prod"}]
    )
    kms.create_alias(AliasName=ALIAS, TargetKeyId=made["KeyMetadata"]["KeyId"])
    with pytest.raises(AwsRefusalError, match="is not symmetric"):
        created()


def test_a_refresh_finds_it_as_it_is(kms: Any):
    key, state = created()
    found = OwnKeyProvider().read(key, state)
    assert (found.id, found.outs) == (key, state)


def test_a_refresh_says_that_a_key_is_about_to_go(kms: Any):
    key, state = created()
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    with pytest.raises(AwsRefusalError, match="scheduled for deletion"):
        OwnKeyProvider().read(key, state)


def test_a_refresh_says_that_a_key_is_gone_and_makes_no_other(kms: Any):
    key, state = created()
    with pytest.raises(AwsRefusalError, match="is not in AWS KMS any more"):
        OwnKeyProvider().read(key[::-1], state)
    assert len(kms.list_keys()["Keys"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"tags": OWNER | {"team": "ai"}},
        {"deletion_window_days": 30.0},
        {"connection": {"region": REGION, "role_arn": "arn:aws:iam::123456789012:role/deployer"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_setting_is_a_change_and_never_another_key(kms: Any, change: dict[str, Any]):
    key, state = created()
    difference = OwnKeyProvider().diff(key, state, KEY | change)
    assert difference.changes
    assert not difference.replaces


def test_nothing_changes_without_a_change(kms: Any):
    key, state = created()
    assert not OwnKeyProvider().diff(key, state, KEY | {"arn": None}).changes


def test_another_name_is_another_alias_of_the_same_key(kms: Any):
    key, state = created()
    renamed = KEY | {"alias": "litellm/production"}
    assert OwnKeyProvider().diff(key, state, renamed).changes
    assert OwnKeyProvider().update(key, state, renamed).outs == renamed | {"arn": state["arn"]}
    assert behind(kms, "alias/litellm/production")["KeyId"] == key
    assert [found["AliasName"] for found in kms.list_aliases(KeyId=key)["Aliases"]] == ["alias/litellm/production"]


def test_tags_come_and_go(kms: Any):
    key, state = created(tags=OWNER | {"old": "1"})
    OwnKeyProvider().update(key, state, KEY | {"tags": OWNER | {"new": "2"}})
    assert tags(kms, key) == OWNER | {"new": "2"}


def test_a_deleted_key_can_be_restored_and_frees_its_alias(kms: Any):
    """The next stack of that name must not be led to a key that is about to go."""
    key, state = created()
    OwnKeyProvider().delete(key, state)
    assert behind(kms, key)["KeyState"] == "PendingDeletion"
    again, _ = created()
    assert again != key


def test_a_deleted_key_waits_as_long_as_was_said(kms: Any):
    key, state = created(deletion_window_days=12.0)
    OwnKeyProvider().delete(key, state)
    left = behind(kms, key)["DeletionDate"] - datetime.datetime.now(datetime.UTC)
    assert 11 <= left.days <= 12


def test_an_alias_that_leads_to_another_key_by_now_stays_with_it(kms: Any):
    key, state = created()
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.delete_alias(AliasName=ALIAS)
    kms.create_alias(AliasName=ALIAS, TargetKeyId=other)
    OwnKeyProvider().delete(key, state)
    assert behind(kms)["KeyId"] == other


def test_a_key_whose_alias_somebody_has_taken_away_is_deleted_all_the_same(kms: Any):
    key, state = created()
    kms.delete_alias(AliasName=ALIAS)
    OwnKeyProvider().delete(key, state)
    assert behind(kms, key)["KeyState"] == "PendingDeletion"


def answer_once(monkeypatch: pytest.MonkeyPatch, operation: str, error: exceptions.ClientError) -> None:
    """Answer the next call of an operation with an error."""
    original: Callable[..., Any] = botocore.client.BaseClient._make_api_call
    errors = [error]

    def call(client: Any, name: str, arguments: dict[str, Any]) -> Any:
        if name == operation and errors:
            raise errors.pop()
        return original(client, name, arguments)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)


def refusal(code: str, operation: str) -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": "AWS says why"}}, operation)


def states(kms: Any) -> list[str]:
    return sorted(behind(kms, key["KeyId"])["KeyState"] for key in kms.list_keys()["Keys"])


def test_the_key_of_another_run_that_was_faster_is_adopted_and_the_own_one_goes(
    kms: Any, monkeypatch: pytest.MonkeyPatch
):
    first, _ = created()
    answer_once(monkeypatch, "DescribeKey", refusal("NotFoundException", "DescribeKey"))
    assert created()[0] == first
    assert states(kms) == ["Enabled", "PendingDeletion"]


def test_a_key_that_gets_no_alias_does_not_stay(kms: Any, monkeypatch: pytest.MonkeyPatch):
    answer_once(monkeypatch, "CreateAlias", refusal("LimitExceededException", "CreateAlias"))
    with pytest.raises(exceptions.ClientError, match="LimitExceeded"):
        created()
    assert states(kms) == ["PendingDeletion"]


def test_a_key_that_may_not_be_looked_at_is_not_made_again(kms: Any, monkeypatch: pytest.MonkeyPatch):
    answer_once(monkeypatch, "DescribeKey", refusal("AccessDeniedException", "DescribeKey"))
    with pytest.raises(AwsRefusalError, match=f"DescribeKey for {ALIAS}"):
        created()
    assert kms.list_keys()["Keys"] == []


def test_deleting_twice_is_no_error(kms: Any, monkeypatch: pytest.MonkeyPatch):
    key, state = created()
    OwnKeyProvider().delete(key, state)
    answer_once(monkeypatch, "ScheduleKeyDeletion", refusal("KMSInvalidStateException", "ScheduleKeyDeletion"))
    OwnKeyProvider().delete(key, state)


def test_deleting_a_key_that_is_gone_is_no_error(kms: Any):
    key, state = created()
    OwnKeyProvider().delete(key[::-1], state)
    assert states(kms) == ["Enabled"]


def test_the_program_gets_its_arn():
    def program() -> dict[str, Any]:
        return {"arn": AwsKey("key", "litellm/prod", {"region": REGION}, "litellm/prod").arn}

    recorded = run_aws(program)
    assert recorded.outputs["arn"].startswith("arn:aws:kms:")
    assert recorded.resources[0].type == "pulumi-python:dynamic/litellm:AwsKey", "states that stand know it so"
    inputs = {key: value for key, value in recorded.resources[0].inputs.items() if key != "__provider"}
    assert inputs == KEY | {"deletion_window_days": 30}


def test_tags_of_the_program_are_beside_the_owner_and_never_in_its_place():
    def program() -> None:
        AwsKey("key", "litellm/prod", {"region": REGION}, "litellm/prod", tags={"team": "ai", "managed-by": "me"})

    assert run_aws(program).resources[0].inputs["tags"] == OWNER | {"team": "ai"}
