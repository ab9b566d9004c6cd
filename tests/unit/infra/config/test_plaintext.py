"""Where secrets stand in a configuration, by path, and what it refers to."""

from typing import Any

import pytest

from infra.config.plaintext import ALLOWED, literal_secrets, referenced_variables

VALUE = "hunter" + "two"


@pytest.mark.parametrize(
    ("value", "paths"),
    [
        ({"general": {"api_key": VALUE}}, ["general.api_key"]),
        ({"models": [{"model": "gpt"}, {"api_key": VALUE}]}, ["models[1].api_key"]),
        ({"api_keys": [VALUE, "os.environ/KEY"]}, ["api_keys[0]"]),
        ({"master_key": {"of": {"all": VALUE}}}, ["master_key.of.all"]),
        (["sk-" + "1234"], ["[0]"]),
        ("sk-" + "1234", [""]),
    ],
    ids=["in a section", "in a list", "a list of them", "below a secret name", "by its form", "alone"],
)
def test_the_path_of_a_secret_is_found(value: Any, paths: list[str]):
    assert [*literal_secrets(value)] == paths


@pytest.mark.parametrize("value", [5, 0.5, True, None, b"bytes", {}, []])
def test_what_is_no_text_is_no_secret_and_refers_to_nothing(value: Any):
    assert [*literal_secrets({"api_key": value})] == []
    assert referenced_variables({"api_key": value, "more": [value]}) == set()


def test_a_key_that_is_a_secret_itself_is_not_shown():
    key = "sk-" + "1234"
    assert [*literal_secrets({key: {"api_key": VALUE}})] == ["….api_key"]


def test_references_are_found_wherever_they_are():
    value = {"a": [{"key": "os.environ/ONE"}], "b": "Bearer os.environ/TWO", "c": "THREE"}
    assert referenced_variables(value) == {"ONE", "TWO"}


def test_the_annotation_that_allows_a_text_is_the_one_of_the_documentation():
    assert ALLOWED == "litellm/allow-plaintext"
