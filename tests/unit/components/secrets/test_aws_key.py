"""The key of a stack, against an AWS in this process."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
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


def test_nothing_changes_without_a_change(kms: Any):
    key, state = created()
    assert not OwnKeyProvider().diff(key, state, KEY | {"arn": None}).changes


def test_another_name_is_another_alias_of_the_same_key(kms: Any):
    key, state = created()
    renamed = KEY | {"alias": "litellm/production"}
    assert OwnKeyProvider().diff(key, state, renamed).changes
    OwnKeyProvider().update(key, state, renamed)
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


def test_deleting_twice_is_no_error(kms: Any):
    key, state = created()
    OwnKeyProvider().delete(key, state)
    OwnKeyProvider().delete(key, state)


def test_the_program_gets_its_arn():
    def program() -> dict[str, Any]:
        return {"arn": AwsKey("key", "litellm/prod", {"region": REGION}, "litellm/prod").arn}

    recorded = run_aws(program)
    assert recorded.outputs["arn"].startswith("arn:aws:kms:")
    assert recorded.resources[0].inputs["tags"] == OWNER
