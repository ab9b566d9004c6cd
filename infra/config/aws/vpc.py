"""What every section about a server in Amazon's cloud has: where in a VPC it is, who reaches it, and how AWS names things."""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field

from components.secrets.aws_names import partition_of
from infra.config.base import Checked, Section

REGION = r"[a-z]{2,4}(?:-[a-z]+)+-[0-9]"


def shaped(pattern: str, what: str) -> Checked:
    """A text of a certain shape. `what` says in words what is allowed, with an example."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"must be {what}")
        return value

    return Checked(check, what, f"^(?:{pattern})$")


def arn_of(service: str, resource: str, example: str) -> Checked:
    """The ARN of one kind of thing. `resource` is the pattern of its last part, `example` such an ARN."""

    def check(value: str) -> str:
        found = re.fullmatch(rf"arn:([a-z-]+):{service}:({REGION}):[0-9]{{12}}:{resource}", value)
        if not found:
            raise ValueError(f"must be an ARN such as {example}")
        partition, region = found.groups()
        if partition != partition_of(region):
            raise ValueError("has a partition and a region that do not belong together: copy the ARN again")
        return value

    return Checked(check, f"an ARN such as {example}", rf"^arn:[a-z-]+:{service}:{REGION}:[0-9]{{12}}:{resource}$")


def distinct(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) != len(value):
        raise ValueError("must not name anything twice")
    return value


def network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError("must be a network such as 10.0.0.0/8, with no bit set behind its prefix") from None


VpcId = Annotated[str, shaped(r"vpc-[0-9a-f]{8,17}", "the ID of a VPC such as vpc-0a1b2c3d4e5f67890")]
SubnetId = Annotated[str, shaped(r"subnet-[0-9a-f]{8,17}", "the ID of a subnet such as subnet-0a1b2c3d4e5f67890")]
SecurityGroupId = Annotated[
    str, shaped(r"sg-[0-9a-f]{8,17}", "the ID of a security group such as sg-0a1b2c3d4e5f67890")
]
KmsKeyArn = Annotated[
    str,
    arn_of(
        "kms",
        r"key/(?:[0-9a-f-]{36}|mrk-[0-9a-f]{32})",
        "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab (no alias)",
    ),
]
CertificateArn = Annotated[
    str,
    arn_of(
        "acm",
        r"certificate/[0-9a-f-]{36}",
        "arn:aws:acm:eu-central-1:123456789012:certificate/1234abcd-12ab-34cd-56ef-1234567890ab",
    ),
]
Cidr = Annotated[str, Checked(network, "a network such as 10.0.0.0/8")]


class VpcPlacement(Section):
    """Where in a VPC a server is, and who reaches it."""

    vpc_id: VpcId
    """VPC of the server, usually the cluster's."""

    subnet_ids: Annotated[tuple[SubnetId, ...], Field(min_length=2), AfterValidator(distinct)]
    """Private subnets of the VPC, in two availability zones or more."""

    client_security_group_ids: Annotated[tuple[SecurityGroupId, ...], Field(min_length=1), AfterValidator(distinct)]
    """Security groups that reach the server: those of the cluster's nodes, or of its pods. Nobody else does."""
