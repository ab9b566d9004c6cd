"""What becomes of a document some of whose values are made in the store."""

from typing import Any

import pytest

from components.secrets.generation import settled

KEY: dict[str, Any] = {"master-key": {"length": 32.0, "prefix": "sk-", "rotation": 0.0}}
ROTATED: dict[str, Any] = {"master-key": {"length": 32.0, "prefix": "sk-", "rotation": 1.0}}


def before(generated: dict[str, Any], **given: str) -> dict[str, Any]:
    return {"generated": generated, "given": given}


def test_what_is_not_there_is_made():
    document = settled({}, KEY, {"username": "litellm"}, {})
    value = document.pop("master-key")
    assert document == {"username": "litellm", "master-key-rotation": "0"}
    assert value.startswith("sk-")
    assert len(value) == 35
    assert value[3:].isalnum()


def test_two_documents_have_different_values():
    assert settled({}, KEY, {}, {})["master-key"] != settled({}, KEY, {}, {})["master-key"]


@pytest.mark.parametrize("there", [{"master-key": "by hand"}, {"master-key": "by hand", "more": "kept"}])
def test_what_is_there_is_taken_over_without_changing_a_byte(there: dict[str, str]):
    assert settled(there, KEY, {}, {}) == there
    assert settled(there, ROTATED, {}, {}) == there


def test_an_empty_value_is_none():
    assert settled({"master-key": ""}, KEY, {}, {})["master-key"].startswith("sk-")


def test_another_counter_makes_another_value():
    there = {"master-key": "old", "master-key-rotation": "0", "username": "litellm"}
    document = settled(there, ROTATED, {"username": "litellm"}, before(KEY, username="litellm"))
    assert document["master-key"] != "old"
    assert document == there | {"master-key": document["master-key"], "master-key-rotation": "1"}


def test_a_value_that_was_taken_over_rotates_by_the_counter_of_the_state():
    assert settled({"master-key": "old"}, ROTATED, {}, before(KEY))["master-key"] != "old"


def test_a_rotation_that_was_killed_after_its_write_is_not_done_again():
    written = settled({"master-key": "old"}, ROTATED, {}, before(KEY))
    assert settled(written, ROTATED, {}, before(KEY)) == written


def test_a_value_that_somebody_wrote_without_a_counter_stays():
    assert settled({"master-key": "theirs"}, ROTATED, {}, before(ROTATED)) == {"master-key": "theirs"}


def test_only_the_value_whose_counter_changed_is_made_anew():
    both = KEY | {"password": {"length": 40.0}}
    there = settled({}, both, {}, {})
    document = settled(there, ROTATED | {"password": {"length": 40.0}}, {}, before(both))
    assert document["password"] == there["password"]
    assert document["master-key"] != there["master-key"]


def test_the_length_has_an_effect_only_when_a_value_is_made():
    there = settled({}, KEY, {}, {})
    longer = {"master-key": {"length": 64.0, "prefix": "sk-", "rotation": 0.0}}
    assert settled(there, longer, {}, before(KEY)) == there


def test_what_is_no_longer_wanted_goes_with_its_counter():
    there = {"master-key": "k", "master-key-rotation": "0", "OPENAI_API_KEY": "o", "more": "kept"}
    assert settled(there, {}, {}, before(KEY, OPENAI_API_KEY="o")) == {"more": "kept"}


def test_a_known_value_is_written_over_what_is_there():
    assert settled({"username": "old"}, {}, {"username": "new"}, before({}, username="old")) == {"username": "new"}


def test_in_a_bundle_counters_are_named_like_variables():
    document = settled({}, {"LITELLM_MASTER_KEY": {"length": 8.0}}, {}, {})
    assert set(document) == {"LITELLM_MASTER_KEY", "LITELLM_MASTER_KEY_ROTATION"}
