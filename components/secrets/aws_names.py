"""How AWS writes names and ARNs. Plain text in and out: no AWS module, no call."""

import hashlib
import re
from collections.abc import Mapping

from components.secrets.names import is_single, variable
from components.secrets.references import RemoteReference

OWNER = "managed-by"
"""Tag that says which stack a secret belongs to."""

PARTITIONS = (
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
    ("", "aws", "amazonaws.com"),
)
"""Start of a region's name, its partition, and the domain of its services. The first match counts."""

RANDOM_END = "-" + "?" * 6
"""Secrets Manager ends the ARN of a secret in `-` and six random characters. `?` is exactly one character: unlike `-*`,
this matches the secret of that name, and no other whose name only starts with it."""

ARN_FIELDS = ("arn", "partition", "service", "region", "account", "resource")

ROLE_NAME_LENGTH = 64


def partition_of(region: str) -> str:
    """The partition of a region: `aws`, `aws-us-gov`, `aws-cn`, …"""
    return next(partition for start, partition, _ in PARTITIONS if region.startswith(start))


def service_domain(service: str, region: str) -> str:
    """The domain of a service in a region, as `kms:ViaService` has it."""
    suffix = next(domain for start, _, domain in PARTITIONS if region.startswith(start))
    return f"{service}.{region}.{suffix}"


def arn_field(arn: str, field: str) -> str:
    """One field of an ARN: `partition`, `service`, `region`, `account` or `resource`."""
    return arn.split(":", 5)[ARN_FIELDS.index(field)]


def is_arn(text: str) -> bool:
    return re.fullmatch(r"arn:[a-z0-9-]+:[a-z0-9-]+:[a-z0-9-]*:[a-z0-9]*:.+", text) is not None


def secret_pattern(name: str, region: str, account: str) -> str:
    """What matches the ARN of the one secret of this name, whose random end is not known. An ARN stays as it is."""
    return (
        name
        if is_arn(name)
        else f"arn:{partition_of(region)}:secretsmanager:{region}:{account}:secret:{name}{RANDOM_END}"
    )


def locate(prefix: str, bundle: str | None, document: str, property: str) -> RemoteReference:  # noqa: A002 - ESO's word
    """Where one value of a stack's own documents is. The salt key and virtual keys are never in a bundle."""
    if bundle and not is_single(document):
        return {"key": bundle, "property": variable(document, property)}
    return {"key": f"{prefix}/{document}", "property": property}


def oidc_provider_arn(issuer: str, region: str, account: str) -> str:
    """ARN of the IAM OIDC provider for an issuer such as `https://oidc.eks.eu-west-1.amazonaws.com/id/ABC`."""
    return f"arn:{partition_of(region)}:iam::{account}:oidc-provider/{without_scheme(issuer)}"


def oidc_issuer(provider_arn: str) -> str:
    """The issuer behind the ARN of an IAM OIDC provider, without `https://`."""
    return arn_field(provider_arn, "resource").removeprefix("oidc-provider/")


def without_scheme(issuer: str) -> str:
    return issuer.removeprefix("https://").rstrip("/")


def role_name(*parts: str) -> str:
    """A name for an IAM role: the parts joined by `-`, at most 64 characters; a name too long ends in a hash of itself.

    Roles are global in an account: the parts must say which stack, region and cluster they are for.
    """
    whole = "-".join(parts)
    name = re.sub(r"[^A-Za-z0-9+=,.@_-]", "-", whole)
    if name == whole and len(name) <= ROLE_NAME_LENGTH:
        return name
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{name[: ROLE_NAME_LENGTH - 9].rstrip('-')}-{digest}"


def replicas(regions: Mapping[str, str]) -> list[dict[str, str]]:
    """Replica regions and their KMS keys, as Secrets Manager's API takes them. Without a key it is AWS' own."""
    return [{"Region": region} | ({"KmsKeyId": key} if key else {}) for region, key in sorted(regions.items())]
