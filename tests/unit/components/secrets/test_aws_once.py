"""The dynamic provider, against an AWS in this process."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.client
import pytest
from botocore import exceptions
from moto import mock_aws

from components.secrets import aws_once
from components.secrets.aws_client import AwsRefusalError, as_tags
from components.secrets.aws_once import AwsInitialValue, AwsSaltKey, InitialValueProvider, SaltKeyProvider
from components.secrets.aws_policies import own_account_only
from tests.unit.components.secrets.aws_run import run_aws

REGION, ACCOUNT, OTHER_ACCOUNT = "eu-west-1", "123456789012", "222222222222"
NAME = "litellm/prod/salt"
ID = f"{REGION}:{NAME}#salt-key"
OWNER = {"managed-by": "litellm/prod"}
SALT: dict[str, Any] = {
    "secret": NAME,
    "property": "salt-key",
    "length": 48.0,
    "recovery_window_days": 30.0,
    "tags": OWNER,
    "replica_regions": {},
    "own_account_only": True,
    "connection": {"region": REGION},
}
OLD = {"SecretString": json.dumps({"salt-key": "sk-old"})}

Call = Callable[..., Any]


class Aws:
    """Secrets Manager as the test sees it, every call that the program made of AWS, and errors to answer with."""

    def __init__(self) -> None:
        self.secrets: Any = boto3.client("secretsmanager", region_name=REGION)
        self.calls: list[str] = []
        self.arguments: dict[str, dict[str, Any]] = {}
        """Of the last call of each operation."""
        self.errors: dict[str, list[Exception]] = {}
        self.slept: list[float] = []

    def value(self) -> dict[str, str]:
        calls = list(self.calls)
        value = json.loads(self.secrets.get_secret_value(SecretId=NAME)["SecretString"])
        self.calls = calls
        return value

    def about(self, region: str = REGION) -> dict[str, Any]:
        return boto3.client("secretsmanager", region_name=region).describe_secret(SecretId=NAME)

    def policy(self) -> dict[str, Any] | None:
        policy = self.secrets.get_resource_policy(SecretId=NAME).get("ResourcePolicy")
        return json.loads(policy) if policy else None

    def tags(self) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.about()["Tags"]}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    original: Call = botocore.client.BaseClient._make_api_call
    with mock_aws(config={"core": {"reset_boto3_session": False}}):  # a new session takes a quarter of a second
        here = Aws()
        monkeypatch.setattr(aws_once.time, "sleep", here.slept.append)

        def call(client: Any, operation: str, arguments: dict[str, Any]) -> Any:
            here.calls.append(operation)
            here.arguments[operation] = arguments
            if errors := here.errors.get(operation):
                raise errors.pop(0)
            return original(client, operation, arguments)

        monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", call)
        yield here


def refusal(code: str, operation: str, message: str = "AWS says why") -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": message}}, operation)


def created(**overrides: Any) -> dict[str, Any]:
    """The state after `up`."""
    made = SaltKeyProvider().create(SALT | overrides)
    assert made.outs is not None
    return made.outs


def test_a_salt_key_is_made_when_there_is_none(aws: Aws):
    created()
    (value,) = aws.value().values()
    assert value.startswith("sk-")
    assert len(value) == 51
    assert value[3:].isalnum()


def test_it_is_under_its_property_with_tags(aws: Aws):
    created(tags=OWNER | {"team": "ai"})
    assert set(aws.value()) == {"salt-key"}
    assert aws.tags() == OWNER | {"team": "ai"}


def test_it_is_encrypted_with_the_given_key(aws: Aws):
    created(kms_key_id="alias/mine")
    assert aws.about()["KmsKeyId"] == "alias/mine"


def test_it_denies_other_accounts(aws: Aws):
    state = created()
    assert aws.policy() == json.loads(own_account_only(state["arn"]))


def test_the_policy_of_its_account_comes_and_goes(aws: Aws):
    state = created(own_account_only=False)
    assert aws.policy() is None
    state = updated(state)
    assert aws.policy() is not None
    updated(state, own_account_only=False)
    assert aws.policy() is None


def test_a_policy_that_is_not_wanted_is_not_put_by_another_change(aws: Aws):
    state = created(own_account_only=False)
    aws.calls.clear()
    updated(state, own_account_only=False, tags=OWNER | {"a": "b"})
    assert aws.calls == ["TagResource"]
    assert aws.policy() is None


def test_two_salt_keys_are_different(aws: Aws):
    created()
    first = aws.value()
    aws.secrets.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True)
    created()
    assert aws.value() != first


def test_a_salt_key_is_adopted_and_not_overwritten(aws: Aws):
    aws.secrets.create_secret(Name=NAME, **OLD)
    aws.calls.clear()
    assert SaltKeyProvider().create(SALT).id == ID
    assert "CreateSecret" not in aws.calls
    assert aws.value() == {"salt-key": "sk-old"}


def test_one_that_appears_in_between_is_adopted_too(aws: Aws):
    aws.secrets.create_secret(Name=NAME, **OLD)
    aws.errors["DescribeSecret"] = [refusal("ResourceNotFoundException", "DescribeSecret")]
    created()
    assert aws.value() == {"salt-key": "sk-old"}


def test_the_state_has_the_arn_and_never_the_salt_key(aws: Aws):
    made = SaltKeyProvider().create(SALT)
    assert aws.value()["salt-key"] not in f"{made.id} {made.outs}"
    assert made.outs is not None
    assert made.outs["arn"] == aws.about()["ARN"]


def test_the_value_is_never_read(aws: Aws):
    """Nor can it be: whoever runs the program needs no right to."""
    state = created(replica_regions={"eu-west-2": ""})
    created()
    SaltKeyProvider().read(ID, state)
    SaltKeyProvider().update(ID, state, SALT | {"tags": OWNER | {"a": "b"}})
    SaltKeyProvider().delete(ID, state)
    assert not {"GetSecretValue", "BatchGetSecretValue"} & set(aws.calls)


def test_what_was_made_by_this_stack_belongs_to_it_again(aws: Aws):
    """A retained salt key, or a state that was lost."""
    created()
    assert created()["owned"] is True


@pytest.mark.parametrize("tags", [{}, {"managed-by": "litellm/other"}])
def test_what_somebody_else_made_does_not_belong_to_this_stack(aws: Aws, tags: dict[str, str]):
    aws.secrets.create_secret(Name=NAME, Tags=as_tags(tags), **OLD)
    assert created()["owned"] is False


def test_a_secret_without_a_value_is_not_adopted(aws: Aws):
    aws.secrets.create_secret(Name=NAME)
    with pytest.raises(AwsRefusalError, match=r"litellm/prod/salt exists .* no value.*'salt-key'"):
        created()


def test_a_secret_that_is_scheduled_for_deletion_is_neither_restored_nor_replaced(aws: Aws):
    aws.secrets.create_secret(Name=NAME, **OLD)
    aws.secrets.delete_secret(SecretId=NAME)
    with pytest.raises(AwsRefusalError) as refused:
        created()
    assert "restore-secret --region eu-west-1 --secret-id litellm/prod/salt" in str(refused.value)
    assert "--force-delete-without-recovery" in str(refused.value)
    assert aws.about()["DeletedDate"]
    assert "RestoreSecret" not in aws.calls


TAKEN = "You can't create this secret because a secret with this name is already scheduled for deletion."


def test_a_name_that_is_just_becoming_free_is_waited_for(aws: Aws):
    """AWS deletes without recovery in the background."""
    aws.errors["CreateSecret"] = [refusal("InvalidRequestException", "CreateSecret", TAKEN) for _ in range(3)]
    created()
    assert aws.calls.count("CreateSecret") == 4
    assert len(aws.slept) == 3


def test_a_name_that_does_not_become_free_is_a_clear_error(aws: Aws):
    aws.errors["CreateSecret"] = [refusal("InvalidRequestException", "CreateSecret", TAKEN) for _ in range(99)]
    with pytest.raises(AwsRefusalError, match="scheduled for deletion"):
        created()
    assert 30 <= sum(aws.slept) <= 120


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "litellm/qa/salt"},
        {"connection": {"region": "us-east-1"}},
        {"connection": {"region": REGION, "account": OTHER_ACCOUNT}},
        {"connection": {"region": REGION, "role_arn": f"arn:aws:iam::{OTHER_ACCOUNT}:role/deployer"}},
    ],
    ids=["name", "region", "account", "role in another account"],
)
def test_moving_the_salt_key_is_refused_at_preview(aws: Aws, change: dict[str, Any]):
    with pytest.raises(AwsRefusalError, match=r"eu-west-1:litellm/prod/salt#salt-key.*unreadable"):
        SaltKeyProvider().diff(ID, created(), SALT | change)


@pytest.mark.parametrize(
    "change",
    [
        {"tags": OWNER | {"a": "b"}},
        {"kms_key_id": "alias/mine"},
        {"recovery_window_days": 7.0},
        {"own_account_only": False},
        {"replica_regions": {"eu-west-2": ""}},
        {"connection": {"region": REGION, "role_arn": f"arn:aws:iam::{ACCOUNT}:role/deployer"}},
    ],
)
def test_settings_of_the_secret_are_changed_in_place(aws: Aws, change: dict[str, Any]):
    changes = SaltKeyProvider().diff(ID, created(), SALT | change)
    assert (changes.changes, changes.replaces) == (True, None)


@pytest.mark.parametrize("change", [{}, {"length": 64.0}])
def test_settings_of_the_generator_change_nothing(aws: Aws, change: dict[str, Any]):
    assert SaltKeyProvider().diff(ID, created(), SALT | change).changes is False


def updated(state: dict[str, Any], **change: Any) -> dict[str, Any]:
    outs = SaltKeyProvider().update(ID, state, SALT | change).outs
    assert outs is not None
    return outs


def test_an_update_keeps_the_value(aws: Aws):
    state = created(tags=OWNER | {"old": "1"})
    value = aws.value()
    new = updated(state, tags=OWNER | {"new": "2"}, kms_key_id="alias/mine")
    assert aws.value() == value
    assert aws.tags() == OWNER | {"new": "2"}
    assert aws.about()["KmsKeyId"] == "alias/mine"
    assert (new["arn"], new["owned"]) == (state["arn"], True)


@pytest.mark.parametrize(
    ("change", "calls"),
    [
        ({}, []),
        ({"kms_key_id": "alias/mine"}, ["UpdateSecret"]),
        ({"tags": OWNER | {"a": "b"}}, ["TagResource"]),
        ({"own_account_only": False}, ["DeleteResourcePolicy"]),
        ({"replica_regions": {"eu-west-2": ""}}, ["ReplicateSecretToRegions"]),
        ({"recovery_window_days": 7.0}, []),
    ],
    ids=["nothing", "key", "tags", "policy", "copies", "window"],
)
def test_an_update_asks_aws_for_what_has_changed_and_for_nothing_else(
    aws: Aws, change: dict[str, Any], calls: list[str]
):
    """Whoever runs the program needs the rights for what they change."""
    state = created()
    aws.calls.clear()
    updated(state, **change)
    assert aws.calls == calls


def test_a_policy_that_would_open_the_secret_to_all_is_not_put(aws: Aws):
    created()
    assert aws.arguments["PutResourcePolicy"]["BlockPublicPolicy"] is True


def test_a_copy_is_there_from_the_start(aws: Aws):
    created(replica_regions={"eu-west-2": ""})
    assert aws.about("eu-west-2")["PrimaryRegion"] == REGION


def test_a_copy_that_stays_is_not_made_again(aws: Aws):
    state = created(replica_regions={"eu-west-2": ""})
    updated(state, replica_regions={"eu-west-2": "", "eu-central-1": ""})
    assert aws.arguments["ReplicateSecretToRegions"]["AddReplicaRegions"] == [{"Region": "eu-central-1"}]
    assert "RemoveRegionsFromReplication" not in aws.calls


def test_a_copy_with_another_key_is_made_again(aws: Aws):
    """AWS changes no key of a copy."""
    state = created(replica_regions={"eu-west-2": ""})
    updated(state, replica_regions={"eu-west-2": "alias/mine"})
    assert aws.arguments["RemoveRegionsFromReplication"]["RemoveReplicaRegions"] == ["eu-west-2"]
    assert aws.arguments["ReplicateSecretToRegions"]["AddReplicaRegions"] == [
        {"Region": "eu-west-2", "KmsKeyId": "alias/mine"}
    ]


@pytest.mark.parametrize("copies", [None, {}], ids=["unknown", "none"])
def test_a_state_that_knows_of_no_copies_gets_them(aws: Aws, copies: dict[str, str] | None):
    state = updated(created() | {"replica_regions": copies}, replica_regions={"eu-west-2": ""})
    assert aws.about("eu-west-2")["PrimaryRegion"] == REGION
    updated(state, replica_regions=copies)
    assert not aws.about().get("ReplicationStatus")


def test_without_a_key_it_is_that_of_aws_again(aws: Aws):
    updated(created(kms_key_id="alias/mine"))
    assert aws.about().get("KmsKeyId", aws_once.AWS_OWN_KEY) == aws_once.AWS_OWN_KEY


def test_copies_come_and_go(aws: Aws):
    state = created(replica_regions={"eu-west-2": ""})
    state = updated(state, replica_regions={"eu-central-1": "alias/mine"})
    assert [replica["Region"] for replica in aws.about()["ReplicationStatus"]] == ["eu-central-1"]
    assert aws.about("eu-central-1")["PrimaryRegion"] == REGION


def test_an_adopted_secret_is_left_as_it_is(aws: Aws):
    aws.secrets.create_secret(Name=NAME, **OLD)
    updated(created(), tags=OWNER | {"a": "b"}, kms_key_id="alias/mine")
    assert not aws.about().get("Tags")
    assert aws.policy() is None
    assert "KmsKeyId" not in aws.about()


def test_a_refresh_finds_the_secret(aws: Aws):
    state = created()
    assert SaltKeyProvider().read(ID, state).outs == state


def test_a_lost_salt_key_is_an_error_and_not_made_anew(aws: Aws):
    """A refresh that says "gone" would make the next `up` generate another key, and LiteLLM's database unreadable."""
    state = created()
    aws.secrets.delete_secret(SecretId=NAME, ForceDeleteWithoutRecovery=True)
    with pytest.raises(AwsRefusalError, match="backup"):
        SaltKeyProvider().read(ID, state)


def test_a_salt_key_that_somebody_deletes_is_an_error_with_a_way_back(aws: Aws):
    state = created()
    aws.secrets.delete_secret(SecretId=NAME)
    with pytest.raises(AwsRefusalError, match="restore-secret"):
        SaltKeyProvider().read(ID, state)


def test_the_salt_key_of_a_short_lived_environment_goes_with_it(aws: Aws):
    SaltKeyProvider().delete(ID, created(recovery_window_days=0.0, replica_regions={"eu-west-2": ""}))
    assert not aws.secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]


def test_a_deleted_salt_key_can_be_restored_for_a_while(aws: Aws):
    SaltKeyProvider().delete(ID, created(recovery_window_days=7.0))
    assert (aws.about()["DeletedDate"] - aws.about()["CreatedDate"]).days in (6, 7)


@pytest.mark.parametrize("window", [0.0, 7.0])
def test_deleting_what_is_gone_is_no_error(aws: Aws, window: float):
    state = created(recovery_window_days=window)
    SaltKeyProvider().delete(ID, state)
    SaltKeyProvider().delete(ID, state)


def test_a_secret_of_another_state_of_the_stack_outlives_this_one(aws: Aws):
    """Its owner is the same: who made it cannot be told, and a gateway may need it."""
    first = created(recovery_window_days=0.0)
    value = aws.value()
    second = updated(created(recovery_window_days=0.0), tags=OWNER | {"a": "b"})
    SaltKeyProvider().delete(ID, second)
    assert aws.value() == value
    SaltKeyProvider().delete(ID, first)
    assert not aws.secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]


def without_adopted(state: dict[str, Any]) -> dict[str, Any]:
    """As an earlier release wrote it."""
    return {key: value for key, value in state.items() if key != "adopted"}


def test_a_secret_that_an_earlier_release_made_goes_with_the_stack(aws: Aws):
    state = updated(without_adopted(created(recovery_window_days=0.0)), recovery_window_days=0.0)
    SaltKeyProvider().delete(ID, state)
    assert not aws.secrets.list_secrets(IncludePlannedDeletion=True)["SecretList"]


def test_a_secret_that_an_earlier_release_found_outlives_the_stack(aws: Aws):
    aws.secrets.create_secret(Name=NAME, **OLD)
    SaltKeyProvider().delete(ID, without_adopted(created(recovery_window_days=0.0)))
    assert aws.value() == {"salt-key": "sk-old"}


def test_a_version_that_a_rotation_has_only_begun_is_no_value():
    found = {"ARN": "arn", "VersionIdsToStages": {"1": ["AWSPENDING"]}}
    assert aws_once.current_version(found) is None
    assert aws_once.current_version(found | {"VersionIdsToStages": {"1": ["AWSPENDING"], "2": ["AWSCURRENT"]}}) == "2"


def test_an_adopted_secret_outlives_the_stack(aws: Aws):
    aws.secrets.create_secret(Name=NAME, **OLD)
    SaltKeyProvider().delete(ID, created(recovery_window_days=0.0))
    assert aws.value() == {"salt-key": "sk-old"}


def test_the_right_account_is_worked_in(aws: Aws):
    assert created(connection={"region": REGION, "account": ACCOUNT})["owned"]


def test_credentials_of_another_account_touch_nothing(aws: Aws):
    with pytest.raises(AwsRefusalError, match=f"{ACCOUNT}, and this stack is for {OTHER_ACCOUNT}"):
        created(connection={"region": REGION, "account": OTHER_ACCOUNT})
    assert aws.calls == ["GetCallerIdentity"]


def test_a_role_leads_to_another_account(aws: Aws):
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/deployer"
    state = created(connection={"region": REGION, "account": OTHER_ACCOUNT, "role_arn": role, "external_id": "gateway"})
    assert f":{OTHER_ACCOUNT}:" in state["arn"]
    assert not aws.secrets.list_secrets()["SecretList"]


def test_a_missing_permission_is_named(aws: Aws):
    message = "User: arn:aws:iam::1:user/me is not authorized to perform: secretsmanager:CreateSecret"
    aws.errors["CreateSecret"] = [refusal("AccessDeniedException", "CreateSecret", message)]
    with pytest.raises(
        AwsRefusalError, match=r"may not call CreateSecret for litellm/prod/salt in eu-west-1: User: .*me is"
    ):
        created()


@pytest.mark.parametrize("code", ["ExpiredTokenException", "UnrecognizedClientException"])
def test_credentials_that_do_not_work_are_named(aws: Aws, code: str):
    aws.errors["DescribeSecret"] = [refusal(code, "DescribeSecret")]
    with pytest.raises(AwsRefusalError, match=r"does not accept .*eu-west-1: AWS says why\. Have they expired"):
        created()


def test_no_credentials_are_named(aws: Aws):
    aws.errors["DescribeSecret"] = [exceptions.NoCredentialsError()]
    with pytest.raises(AwsRefusalError, match="get-caller-identity"):
        created()


def test_a_region_that_does_not_exist_is_named(aws: Aws):
    aws.errors["DescribeSecret"] = [
        exceptions.EndpointConnectionError(endpoint_url="https://x.eu-west-9.amazonaws.com")
    ]
    with pytest.raises(AwsRefusalError, match=r"eu-west-9.*`litellm:secrets\.aws\.region`"):
        created(connection={"region": "eu-west-9"})


def test_other_errors_are_not_hidden(aws: Aws):
    aws.errors["CreateSecret"] = [refusal("InternalServiceError", "CreateSecret")]
    with pytest.raises(exceptions.ClientError, match="InternalServiceError"):
        created()


INITIAL: dict[str, Any] = {"secret": NAME, "value": json.dumps({"password": "first"}), "connection": {"region": REGION}}


def test_a_secret_without_a_value_gets_its_first_one(aws: Aws):
    aws.secrets.create_secret(Name=NAME)
    made = InitialValueProvider().create(INITIAL)
    assert aws.value() == {"password": "first"}
    version = next(iter(aws.about()["VersionIdsToStages"]))
    assert (made.id, made.outs) == (f"{NAME}#{version}", {"secret": NAME, "version_id": version})


def test_a_value_that_is_there_is_not_overwritten(aws: Aws):
    """Also when the state was lost, or rotation begins with a secret that is in use."""
    aws.secrets.create_secret(Name=NAME, **OLD)
    InitialValueProvider().create(INITIAL)
    assert aws.value() == {"salt-key": "sk-old"}
    assert "PutSecretValue" not in aws.calls


def test_the_first_value_is_in_no_output(aws: Aws):
    aws.secrets.create_secret(Name=NAME)
    made = InitialValueProvider().create(INITIAL)
    assert "first" not in f"{made.id} {made.outs}"


def test_a_rotation_is_no_difference_and_a_refresh_does_not_look(aws: Aws):
    state = {"secret": NAME, "version_id": "1"}
    assert InitialValueProvider().diff("id", state, INITIAL | {"value": "other"}).changes is False
    assert InitialValueProvider().read("id", state).outs == state
    assert not aws.calls


def test_another_secret_starts_anew(aws: Aws):
    change = InitialValueProvider().diff("id", {"secret": "other", "version_id": "1"}, INITIAL)
    assert (change.changes, change.replaces) == (True, ["secret"])


def test_the_first_value_is_a_secret_of_the_state():
    def program() -> dict[str, Any]:
        return {"version": AwsInitialValue("initial", NAME, "first", {"region": REGION}).version_id}

    recorded = run_aws(program)
    initial = recorded.named("initial")
    assert "value" in initial.secret_paths
    assert initial.inputs["secret"] == NAME
    assert initial.inputs["connection"] == {"region": REGION}
    assert recorded.outputs["version"] == "initial-1"


def test_the_resource_carries_no_value_and_no_credentials():
    def program() -> dict[str, Any]:
        salt = AwsSaltKey("salt", secret=NAME, connection={"region": REGION}, owner="litellm/prod", tags={"a": "b"})
        return {"arn": salt.arn}

    recorded = run_aws(program)
    inputs = {key: value for key, value in recorded.named("salt").inputs.items() if key != "__provider"}
    assert inputs == {
        "secret": NAME,
        "property": "salt-key",
        "length": 48,
        "recovery_window_days": 30,
        "replica_regions": {},
        "own_account_only": True,
        "tags": {"a": "b", "managed-by": "litellm/prod"},
        "connection": {"region": REGION},
    }
    assert recorded.outputs["arn"].endswith(f":secret:{NAME}-AbCdEf")


def test_what_is_said_of_a_salt_key_reaches_its_resource():
    said: dict[str, Any] = {
        "length": 64,
        "kms_key_id": "alias/mine",
        "recovery_window_days": 7,
        "replica_regions": {"eu-west-2": ""},
        "own_account_only": False,
    }

    def program() -> None:
        AwsSaltKey("salt", secret=NAME, connection={"region": REGION}, owner="litellm/prod", **said)

    inputs = run_aws(program).named("salt").inputs
    assert {key: inputs[key] for key in said} == said


def test_states_that_stand_know_both_resources_by_their_types():
    """Of another type they would be others to the engine: the old ones deleted, and new ones made."""

    def program() -> None:
        AwsSaltKey("salt", secret=NAME, connection={"region": REGION}, owner="litellm/prod")
        AwsInitialValue("initial", NAME, "first", {"region": REGION})

    recorded = run_aws(program)
    assert recorded.named("salt").type == "pulumi-python:dynamic/litellm:AwsSaltKey"
    assert recorded.named("initial").type == "pulumi-python:dynamic/litellm:AwsInitialValue"
