"""A stack in AWS that changes its mind (docs/runbooks/changes.md), with the real engine: no value is lost. Needs no cluster."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests import aws_account
from tests.aws_account import PREFIX, Checkout, client, secrets

pytestmark = aws_account.MARKS

BUNDLE, SALT = f"{PREFIX}/secrets", f"{PREFIX}/salt"


@pytest.fixture
def account() -> Iterator[None]:
    with aws_account.emptied():
        yield


@pytest.fixture
def stack(account: None, tmp_path: Path, request: pytest.FixtureRequest) -> Checkout:
    """A stack that stands, whose values are made where the parameter says, or by Pulumi."""
    made = Checkout(tmp_path / "stack", getattr(request, "param", "state"))
    made.up()
    return made


def in_order(stack: Checkout, **variables: str) -> None:
    stack.run("preview", "--stack", "dev", "--refresh", "--expect-no-changes", fails=False, **variables)


def values(found: Mapping[str, str]) -> list[str]:
    """Every value of these secrets, whatever it is called there."""
    return sorted(value for text in found.values() for value in json.loads(text).values())


def key_of(name: str) -> str:
    return client("secretsmanager").describe_secret(SecretId=name).get("KmsKeyId", "")


def key() -> str:
    return client("kms").create_key()["KeyMetadata"]["Arn"]


def test_another_layout_has_the_same_values(stack: Checkout) -> None:
    made = secrets()
    stack.up(LAYOUT="bundle")
    bundled = secrets()
    assert set(bundled) == {BUNDLE, SALT, *(name for name in made if name.startswith(f"{PREFIX}/keys/"))}
    assert values(bundled) == values(made)
    assert bundled[SALT] == made[SALT]
    in_order(stack, LAYOUT="bundle")

    stack.up()
    assert secrets() == made
    in_order(stack)


def test_what_is_protected_is_not_deleted_by_another_layout(stack: Checkout) -> None:
    """The preview says so already, with which `make up` begins."""
    made = secrets()
    stack.up(PROTECT="true")
    said = stack.run("preview", "--stack", "dev", fails=True, PROTECT="true", LAYOUT="bundle")
    assert "because it is protected" in said
    assert secrets() == made


@pytest.mark.parametrize("stack", ["store"], indirect=True)
def test_another_layout_is_refused_where_nothing_else_has_the_values(stack: Checkout) -> None:
    made = secrets()
    assert "litellm:secrets.aws.layout is another one than before" in stack.up(fails=True, LAYOUT="bundle")
    assert secrets() == made
    in_order(stack)


@pytest.mark.parametrize("stack", ["state", "store"], indirect=True)
def test_another_kms_key_encrypts_the_same_secrets_and_one_of_the_stack_stays(stack: Checkout) -> None:
    made, others = secrets(), key()
    stack.up(KMS=others)
    assert secrets() == made
    assert {key_of(name) for name in made} == {others}

    stack.up(KMS="create")
    assert secrets() == made
    (own,) = {key_of(name) for name in made}
    assert own != others
    in_order(stack, KMS="create")

    for other in ("default", others):
        assert "litellm:secrets.aws.kms is another one than before" in stack.up(fails=True, KMS=other)
        assert secrets() == made
        assert {key_of(name) for name in made} == {own}


@pytest.mark.parametrize("stack", ["state", "store"], indirect=True)
def test_another_prefix_needs_the_salt_key_by_its_name_and_moves_the_rest(stack: Checkout) -> None:
    made, other = secrets(), f"{PREFIX}/elsewhere"
    said = stack.up(fails=True, PREFIX=other)
    assert f"write `litellm:keys.salt.existing: {{document: {SALT}, property: salt-key}}`" in said
    assert secrets() == made

    stack.up(PREFIX=other, SALT=SALT)
    moved = {name.replace(PREFIX, other): text for name, text in made.items() if name != SALT}
    assert secrets() == moved | {SALT: made[SALT]}
    in_order(stack, PREFIX=other, SALT=SALT)


def test_another_store_is_refused_with_the_steps(stack: Checkout) -> None:
    made = secrets()
    assert "docs/runbooks/changes.md" in stack.up(fails=True, KIND="vault")
    assert secrets() == made
