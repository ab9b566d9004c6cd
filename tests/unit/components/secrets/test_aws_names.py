import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.secrets.aws_names import (
    arn_field,
    locate,
    oidc_issuer,
    oidc_provider_arn,
    partition_of,
    replicas,
    role_name,
    secret_pattern,
    service_domain,
)
from components.secrets.aws_policies import exact, read_only_policy


@pytest.mark.parametrize(
    ("region", "partition", "domain"),
    [
        ("eu-west-1", "aws", "secretsmanager.eu-west-1.amazonaws.com"),
        ("us-gov-west-1", "aws-us-gov", "secretsmanager.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "aws-cn", "secretsmanager.cn-north-1.amazonaws.com.cn"),
        ("us-iso-east-1", "aws-iso", "secretsmanager.us-iso-east-1.c2s.ic.gov"),
        ("eusc-de-east-1", "aws-eusc", "secretsmanager.eusc-de-east-1.amazonaws.eu"),
    ],
)
def test_partition_and_domain_follow_from_the_region(region: str, partition: str, domain: str):
    assert partition_of(region) == partition
    assert service_domain("secretsmanager", region) == domain


def test_regions_are_in_the_partitions_that_the_aws_client_knows():
    """The table here is plain text, so that no AWS module is needed to read it: the client's own data checks it."""
    import boto3

    session = boto3.Session(region_name="eu-west-1")
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("secretsmanager", partition):
            assert partition_of(region) == partition, region


def test_domains_are_those_that_the_aws_client_calls():
    import boto3

    session = boto3.Session("test", "test", region_name="eu-west-1")
    others = ("us-iso-east-1", "us-isob-east-1", "us-isof-south-1", "eu-isoe-west-1", "eusc-de-east-1")
    for region in ("eu-west-1", "us-gov-west-1", "cn-north-1", *others):
        endpoint = session.client("secretsmanager", region_name=region).meta.endpoint_url
        assert endpoint == f"https://{service_domain('secretsmanager', region)}"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("partition", "aws-cn"),
        ("service", "secretsmanager"),
        ("region", "cn-north-1"),
        ("account", "1"),
        ("resource", "secret:/a:b-AbCdEf"),
    ],
)
def test_fields_of_an_arn(field: str, value: str):
    assert arn_field("arn:aws-cn:secretsmanager:cn-north-1:1:secret:/a:b-AbCdEf", field) == value


@pytest.mark.parametrize(
    ("region", "start"),
    [("eu-west-1", "arn:aws:"), ("us-gov-west-1", "arn:aws-us-gov:"), ("cn-north-1", "arn:aws-cn:")],
)
def test_a_secret_known_by_name_is_matched_in_its_own_partition(region: str, start: str):
    pattern = secret_pattern("/ops/litellm-prod-secrets", region, "123456789012")
    assert pattern == f"{start}secretsmanager:{region}:123456789012:secret:/ops/litellm-prod-secrets-??????"


def test_an_arn_is_taken_as_it_is():
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x-AbCdEf"
    assert secret_pattern(arn, "us-east-1", "999999999999") == arn


@pytest.mark.parametrize("wide", ["a*", "a?b", "${aws:username}", "a-??????-??????"])
def test_a_name_that_would_match_more_is_refused(wide: str):
    with pytest.raises(ValueError, match="more than one ARN"):
        exact(secret_pattern(wide, "eu-west-1", "123456789012"))


def test_a_key_pattern_is_refused():
    with pytest.raises(ValueError, match="more than one ARN"):
        read_only_policy(
            ["arn:aws:secretsmanager:eu-west-1:1:secret:x-AbCdEf"], ["arn:aws:kms:eu-west-1:1:key/*"], "eu-west-1"
        )


def test_issuer_and_provider_arn_follow_from_each_other():
    arn = oidc_provider_arn("https://oidc.eks.cn-north-1.amazonaws.com.cn/id/0A", "cn-north-1", "123456789012")
    assert arn == "arn:aws-cn:iam::123456789012:oidc-provider/oidc.eks.cn-north-1.amazonaws.com.cn/id/0A"
    assert oidc_issuer(arn) == "oidc.eks.cn-north-1.amazonaws.com.cn/id/0A"


def test_an_issuer_is_the_same_with_a_slash_at_its_end():
    issuer = "https://tokens.example.com/X"
    assert oidc_provider_arn(f"{issuer}/", "eu-west-1", "1") == oidc_provider_arn(issuer, "eu-west-1", "1")


def test_a_document_has_a_secret_of_its_own_below_the_prefix():
    assert locate("litellm/dev", None, "redis", "password") == {"key": "litellm/dev/redis", "property": "password"}


def test_in_a_bundle_a_value_is_called_like_its_variable():
    assert locate("litellm/dev", "litellm/dev/all", "redis", "password") == {
        "key": "litellm/dev/all",
        "property": "REDIS_PASSWORD",
    }


def test_the_salt_key_is_in_no_bundle():
    """It outlives the stack, and the bundle does not."""
    assert locate("litellm/dev", "litellm/dev/all", "salt", "salt-key") == {
        "key": "litellm/dev/salt",
        "property": "salt-key",
    }


def test_replicas_without_a_key_use_that_of_aws():
    assert replicas({"b": "arn:k", "a": ""}) == [{"Region": "a"}, {"Region": "b", "KmsKeyId": "arn:k"}]


def test_a_role_is_called_what_it_is_for():
    assert role_name("litellm-prod", "eu-west-1", "reader") == "litellm-prod-eu-west-1-reader"


@pytest.mark.parametrize(
    ("whole", "name"),
    [
        ("a" * 64, "a" * 64),
        ("a" * 65, "a" * 55 + "-635361c4"),
        ("a" * 54 + "X" + "b" * 20, "a" * 54 + "X-dfab839f"),
        ("a" * 50 + "-" * 20, "a" * 50 + "-2a4ac8cb"),
        ("a/b", "a-b-c14cddc0"),
    ],
    ids=["just short enough", "too long", "cut behind a letter", "cut behind a hyphen", "with a character IAM refuses"],
)
def test_a_role_that_stands_keeps_its_name(whole: str, name: str):
    """By another one it would be another role, and what was granted to it by hand would be gone."""
    assert role_name(whole) == name


@given(st.lists(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1), min_size=1))
def test_every_role_name_is_one_that_iam_takes(parts: list[str]):
    assert re.fullmatch(r"[\w+=,.@-]{1,64}", role_name(*parts))


@given(st.text("ab/", min_size=60, max_size=70), st.text("ab/", min_size=60, max_size=70))
def test_names_that_had_to_be_changed_stay_different(one: str, other: str):
    assert (role_name(one) == role_name(other)) == (one == other)
