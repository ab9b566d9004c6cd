"""How AWS names things."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from infra.config.aws.vpc import CertificateArn, Cidr, KmsKeyArn, partition_of

UUID = "1234abcd-12ab-34cd-56ef-1234567890ab"


def problem(kind: Any, value: str) -> str:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(kind).validate_python(value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("region", "partition"),
    [
        ("eu-central-1", "aws"),
        ("us-gov-west-1", "aws-us-gov"),
        ("cn-northwest-1", "aws-cn"),
        ("us-iso-east-1", "aws-iso"),
        ("us-isob-east-1", "aws-iso-b"),
        ("eusc-de-east-1", "aws-eusc"),
    ],
)
def test_every_partition_has_its_own_arns(region: str, partition: str) -> None:
    assert partition_of(region) == partition
    arn = f"arn:{partition}:acm:{region}:123456789012:certificate/{UUID}"
    assert TypeAdapter(CertificateArn).validate_python(arn) == arn
    other = "aws-cn" if partition == "aws" else "aws"
    assert "do not belong together" in problem(CertificateArn, arn.replace(partition, other, 1))


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:acm::123456789012:certificate/{UUID}",
        f"arn:aws:acm:eu-central-1:1234:certificate/{UUID}",
        f"arn:aws:iam:eu-central-1:123456789012:certificate/{UUID}",
        f"arn:aws:acm:eu-central-1:123456789012:certificate/{UUID} ",
        "arn:aws:acm:us-east-1:492***148:certificate/5fe4cb67",
    ],
)
def test_what_is_no_certificate_in_acm_is_refused(arn: str) -> None:
    assert "must be an ARN such as arn:aws:acm:" in problem(CertificateArn, arn)


@pytest.mark.parametrize("key", [UUID, f"mrk-{UUID.replace('-', '')}"])
def test_a_key_is_named_by_its_id(key: str) -> None:
    arn = f"arn:aws-us-gov:kms:us-gov-east-1:123456789012:key/{key}"
    assert TypeAdapter(KmsKeyArn).validate_python(arn) == arn


def test_an_alias_of_a_key_is_refused() -> None:
    """AWS answers with the key behind it, so that every look at the server would find it changed."""
    assert "no alias" in problem(KmsKeyArn, "arn:aws:kms:eu-central-1:123456789012:alias/mine")


def test_a_network_has_no_bits_behind_its_prefix() -> None:
    assert TypeAdapter(Cidr).validate_python("2001:db8::/32") == "2001:db8::/32"
    assert "no bit set behind its prefix" in problem(Cidr, "10.0.0.1/8")
