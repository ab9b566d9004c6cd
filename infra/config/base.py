"""What every section of the configuration has in common."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
DNS_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
OBJECT_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
CPUS = r"^[0-9]+(\.[0-9]+)?m?$"
SIZE = r"^[0-9]+(\.[0-9]+)?(k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"
DURATION = r"^([0-9]+(h|m|s))+$"
ENVIRONMENT_VARIABLE = r"^[A-Z_][A-Z0-9_]*$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
IMAGE = r"^[^\s:@]+(:[0-9]+)?[^\s:@]*(:[\w][\w.-]*)?(@sha256:[0-9a-f]{64})?$"
URL_PATH = r"^(/[A-Za-z0-9._~-]+)+$"
FILE_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$"
VAULT_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*([/][A-Za-z0-9_.-]+)*$"
STORE_PATH = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)*$"
DOCUMENT_NAME = r"^[A-Za-z0-9/_+=.@!:-]+( [A-Za-z0-9/_+=.@!:-]+)*$"
AWS_REGION = r"^[a-z]{2}(-[a-z]+)+-[0-9]$"
REGION_OR_VARIABLE = rf"{AWS_REGION}|^os\.environ/[A-Za-z_][A-Za-z0-9_]*$"
SECRET_KEY = r"^[-._a-zA-Z0-9]{1,253}$"  # noqa: S105 - a pattern
KEY_PREFIX = r"^[A-Za-z0-9._-]{1,100}$"
CHART_VERSION = r"^[0-9]+\.[0-9]+\.[0-9]+.*$"
USER = r"^[A-Za-z0-9][A-Za-z0-9_.:@/=+-]*$"
BUCKET = r"^s3://[^\s@?#]+$"
PLAIN_URL = r"^https?://[^\s@?#]+$"
RETENTION = r"^[1-9][0-9]*[dwm]$"
DAYS = r"^[1-9][0-9]{0,4}d$"
SERVICE = r"^[A-Za-z0-9._-]{1,100}$"
SCHEDULE = r"^\S+( \S+){5}$"
SENTINEL_NAME = r"^[A-Za-z0-9._-]{1,128}$"
CLIENT_ID = r"^[A-Za-z0-9._@:/-]{1,255}$"
SCOPES = r"^\S+( \S+)*$"
CLUSTER_NAME = r"^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$"
KEY_NAME = r"^[a-z0-9][-a-z0-9]{0,61}[a-z0-9]$"
ENTITY = r"^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,127}$"
MCP_NAME = r"^[a-z0-9][a-z0-9_]{0,62}$"
FIELD = r"^[a-z][a-z0-9_]{0,62}$"
PERIOD = r"^[1-9][0-9]*(s|m|h|d|w|mo)$"
ROLE_NAME = r"^[A-Za-z0-9+=,.@_-]{1,64}$"

ALLOWED = {
    DNS_LABEL: "a Kubernetes name: lower-case letters, digits and -, at most 63 characters",
    DNS_NAME: "a host name: lower-case letters, digits and - in labels joined by dots",
    OBJECT_NAME: "a Kubernetes name: lower-case letters, digits, - and ., at most 253 characters",
    CPUS: "a number of CPUs such as 500m or 2, in quotes",
    SIZE: "a size such as 512Mi or 4Gi",
    DURATION: "a duration such as 90s, 15m or 1h30m",
    ENVIRONMENT_VARIABLE: "the name of an environment variable such as OPENAI_API_KEY",
    VARIABLE: "the name of an environment variable such as OPENAI_API_KEY: letters, digits and _",
    IMAGE: "a container image: repository:tag, repository@sha256:… or both",
    FILE_NAME: "the name of a file, or a path such as google/account.json, without / at its ends",
    VAULT_NAME: "a name such as litellm-prod, or a path such as ops/litellm, without / at its ends",
    URL_PATH: "the path of a URL such as /llm, without / at its end",
    STORE_PATH: "a path such as dev/api-keys, without / at its ends",
    DOCUMENT_NAME: "the name of a document: a path in Vault, the name or ARN of a secret in AWS, an item of another store",
    AWS_REGION: "the name of an AWS region such as eu-central-1",
    REGION_OR_VARIABLE: "the name of an AWS region such as eu-central-1, or os.environ/NAME",
    SECRET_KEY: "a key of a Kubernetes Secret: letters, digits, - _ and .",
    KEY_PREFIX: "letters, digits and . _ -, at most 100 characters",
    CHART_VERSION: "a version such as 1.2.3",
    USER: "a user as the API server calls him, such as ci-prod@example.com",
    BUCKET: "a path in a bucket such as s3://backups/litellm",
    PLAIN_URL: "a URL such as https://s3.example.com, without credentials and query",
    RETENTION: "a time such as 30d, 8w or 12m: days, weeks or months",
    DAYS: "a number of days such as 90d",
    SERVICE: "letters, digits and . _ -, at most 100 characters",
    SCHEDULE: "a schedule of six fields, of which the first is seconds: 0 0 2 * * * is every night at two",
    SENTINEL_NAME: "letters, digits and . _ -, at most 128 characters",
    CLIENT_ID: "an id such as 0oa1litellm: letters, digits and . _ @ : / -, at most 255 characters",
    SCOPES: "words with a space between them, such as openid email profile",
    CLUSTER_NAME: "the name of an EKS cluster: letters, digits, - and _, at most 100 characters",
    KEY_NAME: "a name of lower-case letters, digits and -, of 2 to 63 characters",
    ENTITY: "a name of letters, digits and . _ @ + -, at most 128 characters",
    MCP_NAME: "a name of lower-case letters, digits and _, at most 63 characters",
    FIELD: "a name of LiteLLM's, of lower-case letters, digits and _",
    PERIOD: "a period as LiteLLM writes it: 30s, 30m, 12h, 30d, 4w or 1mo",
    ROLE_NAME: "the name of an IAM role, without its path",
}
"""What each pattern allows, in words."""

DnsLabel = Annotated[str, StringConstraints(pattern=DNS_LABEL)]
"""A Kubernetes name: lower-case letters, digits and `-`, at most 63 characters."""

DnsName = Annotated[str, StringConstraints(pattern=DNS_NAME, max_length=253)]
"""A host name: labels of lower-case letters, digits and `-`, joined by dots."""

ObjectName = Annotated[str, StringConstraints(pattern=OBJECT_NAME, max_length=253)]
"""The name of an object of Kubernetes, such as a Secret."""

Cpus = Annotated[str, StringConstraints(pattern=CPUS)]
"""A Kubernetes quantity of CPUs: `500m`, `2`."""

Size = Annotated[str, StringConstraints(pattern=SIZE)]
"""A Kubernetes quantity of bytes: `512Mi`, `4Gi`."""

Duration = Annotated[str, StringConstraints(pattern=DURATION)]
"""A Go duration of hours, minutes and seconds: `1h`, `90s`, `1h30m`."""

VariableName = Annotated[str, StringConstraints(pattern=VARIABLE, max_length=253)]
"""The name of an environment variable: `OPENAI_API_KEY`. Lower-case letters are allowed."""

Image = Annotated[str, StringConstraints(pattern=IMAGE)]
"""A container image: `repository:tag`, `repository@sha256:…` or both."""

Reason = Annotated[str, StringConstraints(min_length=10, max_length=1000)]
"""Why an exception is made, for whoever reads it later: at least ten characters."""

Port = Annotated[int, Field(ge=1, le=65535)]


@dataclass(frozen=True)
class Checked:
    """Marks a type whose values are checked by a function of ours, which raises ValueError.

    `allowed` and `pattern` say what it takes, for the configuration reference and for editors; they check nothing.
    """

    check: Callable[[Any], Any]
    allowed: str
    pattern: str | None = None

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        shape = {"pattern": self.pattern} if self.pattern else {}
        return handler(schema) | shape | {"x-allowed": self.allowed}


def host(value: str) -> str:
    """A host name, or an address. IPv6 addresses have no brackets here: only a URL needs these."""
    try:
        return str(ip_address(value))
    except ValueError:
        pass
    if not re.fullmatch(DNS_NAME, value) or len(value) > 253:
        raise ValueError(f"must be {HOST}")
    return value


HOST = "a host name in lower-case letters, or an IPv4 or IPv6 address without brackets"

Host = Annotated[str, Checked(host, HOST)]
"""A server, as pods reach it: a host name, or an IPv4 or IPv6 address."""


def host_in_url(name: str) -> str:
    """A host as a URL has it: IPv6 addresses in brackets."""
    return f"[{name}]" if ":" in name else name


UNITS = {"": 1.0, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15} | {
    f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTP", start=1)
}
"""Bytes of a Kubernetes quantity's unit."""


def bytes_of(quantity: str) -> float:
    """Bytes of a Kubernetes quantity: `4Gi`."""
    number = quantity.rstrip("kKMGTPmi")
    return float(number) * UNITS[quantity.removeprefix(number)]


def as_text(value: object) -> object:
    """Numbers, and true and false, as the text that a pod gets; YAML has them without quotes."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


@dataclass(frozen=True)
class Disk:
    """What a container writes to the disk of its node, in Kubernetes quantities."""

    usual: str
    most: str


def http_url(value: str, example: str) -> str:
    try:
        parts = urlsplit(value)
    except ValueError:  # its message has the value in it
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"must be a URL such as {example}")
    if parts.username or parts.password:
        raise ValueError("must not carry credentials")
    return value.rstrip("/")


def url_such_as(example: str) -> Checked:
    """A URL of HTTP; `example` is one that fits the field."""
    return Checked(
        lambda value: http_url(value, example), "a URL with http:// or https://, without credentials", "^https?://[^/@]"
    )


class Section(BaseModel):
    """One object of the configuration; keys are written in camelCase, and unknown ones are errors.

    What stands below a field describes it. Pydantic is not asked to read that (`use_attribute_docstrings`): it would parse the
    source of every model at every start, which takes as long as all the rest of them. The reference reads it
    (tools/reference/described.py).
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        alias_generator=to_camel,
        validate_default=True,
        hide_input_in_errors=True,
        # A model is built when it is used, and most are used as a part of others only. Which is why a section that is the
        # default of a field is made with `model_construct`: whoever validates it at import has built its model for nothing.
        defer_build=True,
    )


class Compute(Section):
    """Requests and limits of one container, in Kubernetes quantities."""

    cpu: Cpus = "1"
    """CPU requested."""

    memory: Size = "4Gi"
    """Memory requested and the limit: both are equal, so that a pod is never killed for what it was promised."""

    cpu_limit: Cpus | None = None
    """CPU limit; without one `pods.cpuLimit`, and without that the container may use idle CPU of its node."""

    ephemeral_storage: Size | None = None
    """Disk of the node requested, for what is written to no volume: logs, temporary files. Defaults to what is usual there."""

    ephemeral_storage_limit: Size | None = None
    """Disk of the node at most: a pod that writes more is evicted. Defaults to far more than is usual there."""

    @model_validator(mode="after")
    def disk_is_within_its_limit(self) -> "Compute":
        asked, most = self.ephemeral_storage, self.ephemeral_storage_limit
        if asked and most and bytes_of(asked) > bytes_of(most):
            raise ValueError(
                "ephemeralStorage is more than ephemeralStorageLimit: raise the limit, or lower the request"
            )
        return self

    def as_kubernetes(self, disk: Disk) -> dict[str, dict[str, str]]:
        """Requests and limits of a container; `disk` is for what is not given."""
        requested, most = self.ephemeral_storage or disk.usual, self.ephemeral_storage_limit or disk.most
        if bytes_of(requested) > bytes_of(most):
            requested, most = (requested, requested) if self.ephemeral_storage else (most, most)
        limits = {"memory": self.memory, "ephemeral-storage": most}
        return {
            "requests": {"cpu": self.cpu, "memory": self.memory, "ephemeral-storage": requested},
            "limits": limits | ({"cpu": self.cpu_limit} if self.cpu_limit else {}),
        }
