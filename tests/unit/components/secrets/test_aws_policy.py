"""What the reader's policy allows, decided as IAM decides."""

import itertools
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from components.secrets.aws_names import secret_pattern, service_domain
from components.secrets.aws_policies import read_only_policy
from tests.iam import allows

REGION, ACCOUNT = "eu-west-1", "123456789012"
START = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:"
OWN = [f"{START}litellm/prod/{name}" for name in ("api-keys-a1B2c3", "database-d4E5f6", "salt-g7H8i9")]
BY_NAME = "/ops/litellm-prod-secrets"
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
POLICY = read_only_policy([*OWN, secret_pattern(BY_NAME, REGION, ACCOUNT)], [KEY], REGION)
LISTED = [*OWN, f"{START}{BY_NAME}-xYz123"]

READS = ("secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret")
OTHERS = (
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecret",
    "secretsmanager:DeleteSecret",
    "secretsmanager:RestoreSecret",
    "secretsmanager:PutResourcePolicy",
    "secretsmanager:GetResourcePolicy",
    "secretsmanager:RotateSecret",
    "secretsmanager:ListSecretVersionIds",
    "secretsmanager:TagResource",
    "secretsmanager:ListSecrets",
    "secretsmanager:BatchGetSecretValue",
    "ssm:GetParameter",
    "iam:PassRole",
    "sts:AssumeRole",
)

NAME = st.text(string.ascii_letters + string.digits + "/_+=.@-", min_size=1, max_size=60)
END = st.text(string.ascii_letters + string.digits, min_size=6, max_size=6)


@pytest.mark.parametrize(("secret", "action"), list(itertools.product(LISTED, READS)))
def test_every_listed_secret_can_be_read(secret: str, action: str):
    assert allows(POLICY, action, secret)


@pytest.mark.parametrize(("secret", "action"), list(itertools.product(LISTED, OTHERS)))
def test_nothing_else_can_be_done_with_them(secret: str, action: str):
    assert not allows(POLICY, action, secret)


@given(name=NAME, end=END)
def test_no_other_secret_can_be_read(name: str, end: str):
    arn = f"{START}{name}-{end}"
    assume(arn not in OWN and name != BY_NAME)
    assert not any(allows(POLICY, action, arn) for action in READS)


@given(end=END)
def test_a_secret_known_by_name_can_be_read_whatever_its_end(end: str):
    assert allows(POLICY, READS[0], f"{START}{BY_NAME}-{end}")


NEAR = st.sampled_from([BY_NAME, "litellm/prod/database", "litellm/prod/salt"])


@given(name=NEAR, before=st.text("/-a0", max_size=3), after=st.text("/-a0", max_size=8), end=END)
def test_a_secret_whose_name_is_only_similar_cannot_be_read(name: str, before: str, after: str, end: str):
    """`-*` instead of `-??????` would give away `<name>-backup` with `<name>`."""
    other = f"{before}{name}{after}"
    assume(other != BY_NAME)
    arn = f"{START}{other}-{end}"
    assume(arn not in OWN)
    assert not allows(POLICY, READS[0], arn)


@given(st.data())
def test_a_changed_character_anywhere_in_an_arn_is_another_secret(data: st.DataObject):
    arn = data.draw(st.sampled_from(OWN))
    place = data.draw(st.integers(0, len(arn) - 1))
    other = data.draw(st.sampled_from(string.ascii_letters + string.digits + ":/-"))
    assume(arn[place] != other)
    assert not allows(POLICY, READS[0], arn[:place] + other + arn[place + 1 :])


@pytest.mark.parametrize(
    "arn",
    [
        OWN[0].replace(ACCOUNT, "999999999999"),
        OWN[0].replace(REGION, "eu-west-2"),
        OWN[0].replace("arn:aws:", "arn:aws-cn:"),
        OWN[0].removesuffix("-a1B2c3"),
        f"{START}*",
        "*",
    ],
)
def test_a_secret_of_another_place_cannot_be_read(arn: str):
    assert not allows(POLICY, READS[0], arn)


def decrypts(secret: str, via: str = service_domain("secretsmanager", REGION), key: str = KEY) -> bool:
    context = {"kms:ViaService": via, "kms:EncryptionContext:SecretARN": secret}
    return allows(POLICY, "kms:Decrypt", key, context)


@pytest.mark.parametrize("secret", LISTED)
def test_the_key_decrypts_the_listed_secrets(secret: str):
    assert decrypts(secret)


@given(name=NAME, end=END)
def test_the_key_decrypts_no_other_secret(name: str, end: str):
    arn = f"{START}{name}-{end}"
    assume(arn not in OWN and name != BY_NAME)
    assert not decrypts(arn)


def test_the_key_decrypts_nothing_without_a_secret():
    assert not allows(POLICY, "kms:Decrypt", KEY, {"kms:ViaService": service_domain("secretsmanager", REGION)})


def test_the_key_decrypts_for_secrets_manager_only():
    assert not decrypts(OWN[0], via=service_domain("s3", REGION))
    assert not decrypts(OWN[0], via=service_domain("secretsmanager", "eu-west-2"))
    assert not allows(POLICY, "kms:Decrypt", KEY, {"kms:EncryptionContext:SecretARN": OWN[0]})


def test_no_other_key_decrypts():
    assert not decrypts(OWN[0], key=KEY[:-1] + "c")


@pytest.mark.parametrize("action", ["kms:Encrypt", "kms:GenerateDataKey", "kms:CreateGrant", "kms:ScheduleKeyDeletion"])
def test_the_key_does_nothing_but_decrypt(action: str):
    context = {"kms:ViaService": service_domain("secretsmanager", REGION), "kms:EncryptionContext:SecretARN": OWN[0]}
    assert not allows(POLICY, action, KEY, context)


def test_without_a_key_nothing_is_said_of_kms():
    assert "kms" not in read_only_policy(OWN, [], REGION)


@pytest.mark.parametrize("region", ["cn-north-1", "us-gov-west-1"])
def test_in_other_partitions_it_is_the_same(region: str):
    pattern = secret_pattern(BY_NAME, region, ACCOUNT)
    policy = read_only_policy([pattern], [], region)
    assert allows(policy, READS[0], pattern.replace("??????", "AbCdEf"))
    assert not allows(policy, READS[0], LISTED[-1])
