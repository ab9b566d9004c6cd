"""A state that does not know what it finds in AWS, with the real engine: nothing is lost. Needs no cluster."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import aws_account
from tests.aws_account import PREFIX, REGION, Checkout, secrets

pytestmark = aws_account.MARKS


@pytest.fixture
def account() -> Iterator[None]:
    with aws_account.emptied():
        yield


@pytest.mark.parametrize("generation", ["state", "store"])
def test_a_state_that_was_lost_is_made_again_from_what_is_there(account: None, tmp_path: Path, generation: str) -> None:
    first, second = Checkout(tmp_path / "first", generation), Checkout(tmp_path / "second", generation)
    first.up()
    made = secrets()
    assert len(made) == 6

    said = second.up(fails=True)
    assert re.search(rf"{PREFIX}/[a-z/-]+ is in AWS Secrets Manager in {REGION} already", said)
    assert "set litellm:secrets.aws.adopt to true" in said
    assert secrets() == made

    second.up(ADOPT="1")
    assert secrets() == made, "value for value"
    second.run("preview", "--stack", "dev", "--expect-no-changes", ADOPT="1")


def test_a_secret_that_a_killed_up_left_is_imported_by_the_command_of_the_message(
    account: None, tmp_path: Path
) -> None:
    stack = Checkout(tmp_path / "stack", "state")
    stack.up()
    made = secrets()
    urn = "urn:pulumi:dev::litellm::litellm:index:AwsDocuments$aws:secretsmanager/secret:Secret::documents-redis"
    for each in ("-policy", "-version", ""):
        kind = {"-policy": "secretPolicy:SecretPolicy", "-version": "secretVersion:SecretVersion"}.get(each)
        gone = urn.replace("secret:Secret", kind) + each if kind else urn
        stack.run("state", "delete", gone, "--stack", "dev", "--force", "--yes", "--target-dependents")

    (command,) = set(re.findall(r"`(pulumi import [^`]+)`", stack.up(fails=True)))
    stack.run(*shlex.split(command)[1:], "--yes")
    stack.up()
    assert secrets() == made
