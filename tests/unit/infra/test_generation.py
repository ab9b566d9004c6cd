"""A change of where values are made costs none of them, or is refused before anything is registered."""

from dataclasses import replace
from typing import Any

import pulumi
import pytest

from infra import generation
from infra.own_state import HANDED_OVER, made_in_the_store, rotations, written, written_by_pulumi
from tests.unit.infra.stacks import target
from tests.unit.infra.test_salt import AWS, state


def resource(type_: str, called: str, **outputs: Any) -> tuple[str, dict[str, Any]]:
    return f"urn:pulumi:dev::litellm::{type_}::{called}", {"type": type_, "outputs": outputs}


STORE: dict[str, Any] = {"generation": "store"}
IN_AWS: dict[str, Any] = AWS | STORE
RANDOM = "random:index/randomPassword:RandomPassword"
DOCUMENT = "vault:kv/secretV2:SecretV2"
KEY = resource(RANDOM, "api-keys-master-key-generator", keepers={"rotation": "0"})
WRITTEN = resource(DOCUMENT, "documents-api-keys", mount="litellm", name="dev/api-keys", metadata={"version": "3"})
PROVIDERS = resource(DOCUMENT, "documents-providers", mount="litellm", name="dev/providers")
MADE = resource(
    "pulumi-python:dynamic/litellm:VaultGenerated",
    "documents-api-keys-generated",
    mount="litellm",
    path="dev/api-keys",
    version="4",
)
MADE_IN_AWS = resource("pulumi-python:dynamic/litellm:AwsGenerated", "documents-bundle-generated")


@pytest.fixture(autouse=True)
def handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HANDED_OVER, "true")
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: False)


def said(*entries: tuple[str, dict[str, Any]], **sections: Any) -> str:
    known = state(*entries)
    of = target(**sections)
    return "\n".join(generation.check(replace(of, written=written(known)), known))


def test_a_new_stack_may_make_its_values_anywhere():
    assert not said()
    assert not said(secrets=STORE)


def test_a_stack_that_stands_moves_to_the_store():
    assert not said(KEY, WRITTEN, PROVIDERS, secrets=STORE)


def test_a_stack_whose_values_are_in_the_store_goes_on():
    assert not said(MADE, secrets=STORE)
    assert not said(MADE, secrets=STORE, keys={"master": {"rotation": 3}})


def test_users_that_take_turns_are_not_moved_to_the_store():
    after_a_rotation = resource(RANDOM, "database-password-generator", keepers={"rotation": "1", "turn": "1"})
    assert "the users of litellm:database have taken turns" in said(after_a_rotation, secrets=STORE)


def test_there_is_no_way_back_that_keeps_the_values():
    assert "secrets.generation is state, but the values of api-keys are made in the store" in said(MADE)


def test_who_moves_does_not_rotate_in_the_same_breath():
    """In the store nothing says yet by which counter the value was made: the rotation would be lost."""
    text = said(KEY, WRITTEN, secrets=STORE, keys={"master": {"rotation": 1}})
    assert "the rotation of api-keys/master-key is another one than before" in text


def test_who_moves_does_not_change_the_place_in_the_same_breath():
    text = said(KEY, WRITTEN, secrets=STORE | {"vault": {"prefix": "other"}})
    assert "litellm/other/api-keys is another place than before" in text


def test_another_place_of_values_that_are_in_the_store_is_no_problem():
    assert not said(MADE, secrets=STORE | {"vault": {"prefix": "other"}})


@pytest.mark.parametrize("layout", ["documents", "bundle"])
def test_the_layout_in_aws_stays(layout: str):
    aws = {**AWS["aws"], "layout": layout}
    refused = "secrets.aws.layout is another one than before" in said(MADE_IN_AWS, secrets=IN_AWS | {"aws": aws})
    assert refused == (layout == "documents")


def test_a_plain_up_would_delete_the_documents_and_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(HANDED_OVER)
    text = said(KEY, WRITTEN, PROVIDERS, secrets=STORE)
    assert "a plain `pulumi up` would delete litellm/dev/api-keys in Vault" in text
    assert "dev/providers" not in text
    assert not said(KEY, WRITTEN, PROVIDERS)


def test_a_preview_says_that_the_documents_stay(monkeypatch: pytest.MonkeyPatch):
    lines: list[str] = []
    monkeypatch.delenv(HANDED_OVER)
    monkeypatch.setattr(pulumi.runtime, "is_dry_run", lambda: True)
    monkeypatch.setattr(pulumi.log, "info", lines.append)
    assert not said(KEY, WRITTEN, secrets=STORE)
    (line,) = lines
    assert line.startswith("litellm/dev/api-keys stay in Vault as they are")


def test_a_state_says_what_it_has_and_what_the_store_has():
    known = state(KEY, WRITTEN, PROVIDERS, MADE, MADE_IN_AWS, resource(RANDOM, "bare"))
    assert made_in_the_store(known) == ["api-keys", "bundle"]
    assert written_by_pulumi(known) == ["litellm/dev/api-keys", "litellm/dev/providers"]
    assert rotations(known) == {"api-keys-master-key-generator": "0"}


def test_a_document_of_the_store_has_the_version_of_the_last_up():
    assert written(state(MADE)) == {"litellm/dev/api-keys": 4}
