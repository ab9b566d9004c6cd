# boto3 is untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""A client of AWS Secrets Manager in the right account, and its errors in words that say what to do.

Credentials are those of the environment (`AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, a role of the machine): they are no input.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, NotRequired, TypedDict

import boto3
from botocore import exceptions
from botocore.config import Config

NO_CREDENTIALS = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.CredentialRetrievalError,
    exceptions.ProfileNotFound,
    exceptions.SSOError,
    exceptions.TokenRetrievalError,
)
UNREACHABLE = (exceptions.EndpointConnectionError, exceptions.ConnectTimeoutError)
DENIED = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation")
BAD_CREDENTIALS = (
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "ExpiredTokenException",
    "ExpiredToken",
)

Properties = dict[str, Any]


class AwsConnection(TypedDict):
    """Where in AWS the program works, and as whom. Changing the role never changes what is in AWS."""

    region: str
    """Required: region of the secrets."""

    account: NotRequired[str | None]
    """Optional: the one account to work in; with credentials of another one, everything is refused. Defaults to any."""

    role_arn: NotRequired[str | None]
    """Optional: role to assume. Defaults to none."""

    external_id: NotRequired[str | None]
    """Optional: external ID that the role asks for. Defaults to none."""


class AwsRefusalError(Exception):
    """AWS refuses, or holds something that must not be touched; the message says what to do."""


def connect(connection: Mapping[str, Any], service: str = "secretsmanager") -> Any:
    """A client of Secrets Manager, or another service, in the right account."""
    region, role, wanted = connection["region"], connection.get("role_arn"), connection.get("account")
    config = Config(connect_timeout=10, read_timeout=30, retries={"mode": "standard", "total_max_attempts": 5})
    keys: dict[str, str] = {}
    if role:
        external = {"ExternalId": connection["external_id"]} if connection.get("external_id") else {}
        sts: Any = boto3.client("sts", region_name=region, config=config)
        assumed = sts.assume_role(RoleArn=role, RoleSessionName="litellm-on-kubernetes", **external)["Credentials"]
        keys = {
            "aws_access_key_id": assumed["AccessKeyId"],
            "aws_secret_access_key": assumed["SecretAccessKey"],
            "aws_session_token": assumed["SessionToken"],
        }
    elif wanted:
        identity: Any = boto3.client("sts", region_name=region, config=config).get_caller_identity()
        if identity["Account"] != wanted:
            raise AwsRefusalError(
                f"the AWS credentials are of account {identity['Account']}, and this stack is for {wanted}: use other "
                "credentials (AWS_PROFILE), or set `litellm:secrets.aws.assumeRole`"
            )
    return boto3.client(service, region_name=region, config=config, **keys)


@contextmanager
def explained(props: Properties) -> Generator[None]:
    """Say what to do about an error of AWS' client."""
    region = props["connection"]["region"]
    try:
        yield
    except NO_CREDENTIALS as error:
        raise AwsRefusalError(
            f"there are no usable AWS credentials: {error}. `aws sts get-caller-identity` must work first"
        ) from None
    except UNREACHABLE as error:
        raise AwsRefusalError(
            f"AWS cannot be reached in {region}: {error}. Is `litellm:secrets.aws.region` right?"
        ) from None
    except exceptions.ClientError as error:
        code, message = code_of(error), error.response.get("Error", {}).get("Message", "")
        if code in DENIED:
            raise AwsRefusalError(
                f"these AWS credentials may not call {error.operation_name} for {props['secret']} in {region}: {message}"
            ) from None
        if code in BAD_CREDENTIALS:
            raise AwsRefusalError(
                f"AWS does not accept these credentials in {region}: {message}. Have they expired, and is the region one "
                "that this account may use? `aws sts get-caller-identity` must work first"
            ) from None
        raise


def code_of(error: exceptions.ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def describe(client: Any, props: Properties) -> dict[str, Any] | None:
    """What AWS knows of the secret, but not its value; None when there is none."""
    try:
        return client.describe_secret(SecretId=props["secret"])
    except exceptions.ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
        return None


def tags_of(found: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found.get("Tags", ())}


def as_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]
