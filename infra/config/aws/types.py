"""Names and ARNs of AWS, as the configuration takes them."""

import re
from typing import Annotated

from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

from components.secrets.aws_names import arn_field, is_arn
from infra.config.aws.vpc import REGION
from infra.config.base import CLUSTER_NAME, SECRET_KEY, Checked

FULL_ARN = r"arn:[a-z0-9-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]+-[A-Za-z0-9]{6}"

LONGEST_DOCUMENT = "/database-admin"
"""What the program appends to the prefix, at most."""

SECRET_NAME_LENGTH = 512

SECRET_NAME = "the name of a secret such as /ops/litellm"  # noqa: S105 - words

KEY = "arn:aws:kms:eu-west-1:012345678901:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def region_name(value: str) -> str:
    if not re.fullmatch(REGION, value):
        raise ValueError("must be the name of an AWS region such as eu-west-1")
    return value


def account_id(value: object) -> object:
    """Before pydantic's own check, which says of a number only that it is no text."""
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{12}", value):
        raise ValueError('must be 12 digits in quotes, such as "012345678901": without quotes, YAML reads a number')
    return value


def secret_name(value: str) -> str:
    if not re.fullmatch(r"/?[A-Za-z0-9_+=.@-]+(/[A-Za-z0-9_+=.@-]+)*", value) or len(value) > SECRET_NAME_LENGTH:
        raise ValueError(
            f"must be the name of a secret, such as /ops/litellm: letters, digits and _+=.@- in parts joined by /, at most "
            f"{SECRET_NAME_LENGTH} characters"
        )
    return value


def secret_prefix(value: str) -> str:
    secret_name(value)
    if len(value) > SECRET_NAME_LENGTH - len(LONGEST_DOCUMENT):
        raise ValueError(f"must have at most {SECRET_NAME_LENGTH - len(LONGEST_DOCUMENT)} characters")
    return value


def secret_reference(value: str) -> str:
    """A name, also one that an AWS service gave (`rds!db-…`), or a full ARN: another account's secret has to be one."""
    if not value.startswith("arn:"):
        secret_name(value.replace("!", "-", 1))
    elif not re.fullmatch(
        r"arn:[a-z0-9-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@!-]+-[A-Za-z0-9]{6}", value
    ):
        raise ValueError(
            "must be the name of a secret, or its full ARN with the six random characters at the end, as "
            "`aws secretsmanager describe-secret` shows it"
        )
    return value


def kms_key(value: str) -> str:
    return value if value in ("default", "create") else key_arn(value, "default, create, or ")


def replica_key(value: str) -> str:
    return value if value == "default" else key_arn(value, "default, or ")


def key_arn(value: str, otherwise: str) -> str:
    """An alias will not do: IAM grants the use of keys, not of their names."""
    if not is_arn(value) or arn_field(value, "service") != "kms" or not matches(value, r"key/[A-Za-z0-9-]+"):
        raise ValueError(f"must be {otherwise}the ARN of a key such as {KEY}")
    return value


def arn_of(service: str, resource: str, example: str) -> Checked:
    def check(value: str) -> str:
        if not is_arn(value) or arn_field(value, "service") != service or not matches(value, resource):
            raise ValueError(f"must be an ARN such as {example}")
        return value

    return Checked(check, f"an ARN such as {example}", rf"^arn:[a-z-]+:{service}:")


def matches(arn: str, resource: str) -> bool:
    return re.fullmatch(resource, arn_field(arn, "resource")) is not None


Region = Annotated[str, Checked(region_name, "the name of an AWS region such as eu-west-1", f"^{REGION}$")]
AccountId = Annotated[
    str,
    BeforeValidator(account_id),
    WithJsonSchema(
        {"type": "string", "pattern": "^[0-9]{12}$", "x-allowed": 'an account such as "012345678901", in quotes'}
    ),
]
SecretName = Annotated[str, Checked(secret_name, SECRET_NAME)]
SecretPrefix = Annotated[str, Checked(secret_prefix, SECRET_NAME)]
"""Start of the names of secrets."""

SecretReference = Annotated[
    str, Checked(secret_reference, "the name of a secret such as /ops/litellm, or its full ARN")
]
"""A secret that is there already: its name, or its full ARN."""

RoleArn = Annotated[str, arn_of("iam", r"role/[\w+=,.@/-]+", "arn:aws:iam::012345678901:role/deployer")]
PolicyArn = Annotated[str, arn_of("iam", r"policy/[\w+=,.@/-]+", "arn:aws:iam::012345678901:policy/boundary")]
OidcProviderArn = Annotated[
    str,
    arn_of(
        "iam",
        r"oidc-provider/[\w./:-]+",
        "arn:aws:iam::012345678901:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/0A1B2C",
    ),
]
KmsKey = Annotated[str, Checked(kms_key, "`default`, `create`, or the ARN of a key (no alias)")]
"""`default`, `create`, or the ARN of a key."""

ReplicaKey = Annotated[str, Checked(replica_key, "`default`, or the ARN of a key (no alias)")]
"""`default`, or the ARN of a key."""

FunctionArn = Annotated[
    str,
    arn_of("lambda", r"function:[\w-]+(:[\w$-]+)?", "arn:aws:lambda:eu-west-1:012345678901:function:rotate-postgres"),
]
ClusterName = Annotated[str, StringConstraints(pattern=CLUSTER_NAME)]
SecretKey = Annotated[str, StringConstraints(pattern=SECRET_KEY)]
Text = Annotated[str, StringConstraints(min_length=1)]
