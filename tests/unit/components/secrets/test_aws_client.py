"""Who the program is in AWS, and what it says of the errors that AWS answers with."""

from typing import Any

import boto3
import pytest
from botocore import exceptions

from components.secrets.aws_client import AwsRefusalError, as_tags, connect, describe, explained, tags_of

REGION = "eu-west-1"
PROPS: dict[str, Any] = {"connection": {"region": REGION}, "secret": "litellm/prod/salt"}


def refusal(code: str) -> exceptions.ClientError:
    return exceptions.ClientError({"Error": {"Code": code, "Message": "AWS says why"}}, "DescribeSecret")


def said(error: Exception) -> str:
    with pytest.raises(AwsRefusalError) as refused, explained(PROPS):
        raise error
    return str(refused.value)


@pytest.mark.parametrize(
    "error",
    [
        exceptions.NoCredentialsError(),
        exceptions.PartialCredentialsError(provider="env", cred_var="aws_secret_access_key"),
        exceptions.CredentialRetrievalError(provider="process", error_msg="no"),
        exceptions.ProfileNotFound(profile="prod"),
        exceptions.UnauthorizedSSOTokenError(),
        exceptions.TokenRetrievalError(provider="sso", error_msg="no"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_without_usable_credentials_the_message_says_what_must_work_first(error: Exception):
    assert "`aws sts get-caller-identity`" in said(error)


@pytest.mark.parametrize(
    "error",
    [
        exceptions.EndpointConnectionError(endpoint_url="https://aws"),
        exceptions.ConnectTimeoutError(endpoint_url="https://aws"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_aws_that_does_not_answer_is_a_question_of_the_region(error: Exception):
    assert REGION in said(error)
    assert "`litellm:secrets.aws.region`" in said(error)


@pytest.mark.parametrize("code", ["AccessDeniedException", "AccessDenied", "UnauthorizedOperation"])
def test_a_right_that_is_missing_is_named(code: str):
    assert f"may not call DescribeSecret for litellm/prod/salt in {REGION}: AWS says why" in said(refusal(code))


@pytest.mark.parametrize(
    "code",
    [
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "ExpiredTokenException",
        "ExpiredToken",
    ],
)
def test_credentials_that_aws_does_not_take_are_named(code: str):
    assert f"AWS does not accept these credentials in {REGION}: AWS says why" in said(refusal(code))


def test_what_nobody_can_explain_is_raised_as_it_is():
    with pytest.raises(exceptions.ClientError, match="InternalServiceError"), explained(PROPS):
        raise refusal("InternalServiceError")


def test_an_answer_without_any_text_is_raised_as_it_is():
    error = exceptions.ClientError({}, "DescribeSecret")
    with pytest.raises(exceptions.ClientError) as raised, explained(PROPS):
        raise error
    assert raised.value is error


class Sts:
    """What STS is asked, and the account that it answers with."""

    def __init__(self) -> None:
        self.assumed: dict[str, str] = {}

    def assume_role(self, **arguments: str) -> dict[str, Any]:
        self.assumed = arguments
        keys = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return {"Credentials": {key: key.lower() for key in keys}}

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "123456789012"}


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> tuple[Sts, dict[str, dict[str, Any]]]:
    """STS, and with what each service was opened last."""
    sts, services = Sts(), dict[str, dict[str, Any]]()

    def client(service: str, **arguments: Any) -> Any:
        services[service] = arguments
        return sts if service == "sts" else service

    monkeypatch.setattr(boto3, "client", client)
    return sts, services


Opened = tuple[Sts, dict[str, dict[str, Any]]]


def test_with_a_role_it_is_the_role_that_works(opened: Opened):
    sts, services = opened
    role = "arn:aws:iam::222222222222:role/deployer"
    assert connect({"region": REGION, "role_arn": role, "account": "222222222222"}, "kms") == "kms"
    keys = {key: value for key, value in services["kms"].items() if key.startswith("aws_")}
    assert keys == {
        "aws_access_key_id": "accesskeyid",
        "aws_secret_access_key": "secretaccesskey",
        "aws_session_token": "sessiontoken",
    }
    assert sts.assumed == {"RoleArn": role, "RoleSessionName": "litellm-on-kubernetes"}


def test_an_external_id_is_given_where_there_is_one(opened: Opened):
    sts, _ = opened
    connect({"region": REGION, "role_arn": "arn:aws:iam::222222222222:role/x", "external_id": "gateway"})
    assert sts.assumed["ExternalId"] == "gateway"


def test_without_a_role_the_credentials_are_those_of_the_environment(opened: Opened):
    _, services = opened
    assert connect({"region": REGION, "account": "123456789012"}) == "secretsmanager"
    assert not [key for key in services["secretsmanager"] if key.startswith("aws_")]


def test_without_an_account_nobody_is_asked_for_one(opened: Opened):
    _, services = opened
    connect({"region": REGION})
    assert set(services) == {"secretsmanager"}


def test_the_wrong_account_is_refused_with_both_named(opened: Opened):
    with pytest.raises(AwsRefusalError, match=r"of account 123456789012, and this stack is for 222222222222"):
        connect({"region": REGION, "account": "222222222222"})


@pytest.mark.parametrize("connection", [{"account": "123456789012"}, {"role_arn": "arn:aws:iam::222222222222:role/x"}])
def test_every_question_goes_to_the_region_and_ends(opened: Opened, connection: dict[str, str]):
    _, services = opened
    connect({"region": REGION, **connection}, "kms")
    for arguments in (services["sts"], services["kms"]):
        assert arguments["region_name"] == REGION
        assert (arguments["config"].connect_timeout, arguments["config"].read_timeout) == (10, 30)
        assert arguments["config"].retries == {"mode": "standard", "total_max_attempts": 5}


class Describing:
    """Answers one question with an error."""

    def __init__(self, code: str) -> None:
        self.code = code

    def describe_secret(self, **_: str) -> Any:
        raise refusal(self.code)


def test_a_secret_that_is_not_there_is_none_and_any_other_error_is_one():
    assert describe(Describing("ResourceNotFoundException"), PROPS) is None
    with pytest.raises(exceptions.ClientError):
        describe(Describing("AccessDeniedException"), PROPS)


def test_tags_are_written_in_one_order_and_read_back():
    tags = {"team": "ai", "managed-by": "litellm/prod"}
    assert [tag["Key"] for tag in as_tags(tags)] == ["managed-by", "team"]
    assert tags_of({"Tags": as_tags(tags)}) == tags
    assert tags_of({}) == {}
