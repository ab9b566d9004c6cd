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


@pytest.mark.parametrize(
    "pointer",
    [
        {
            "secret": {
                "secretName": "app",
                "items": [{"key": "password", "path": "p"}],
                "defaultMode": 256,
                "optional": True,
            }
        },
        {"secret": {"name": "app"}},
        {"configMap": {"name": "app", "items": [], "defaultMode": 256, "optional": True}},
        {"secretRef": {"name": "app", "namespace": "team", "optional": True}},
        {"nodePublishSecretRef": {"name": "app", "namespace": "team"}},
        {"secretKeyRef": {"name": "app", "key": "password", "optional": True}},
        {"configMapKeyRef": {"name": "app", "key": "password", "optional": True}},
        {"serviceAccountToken": {"audience": "vault", "expirationSeconds": 600, "path": "token"}},
        {"matchExpressions": [{"key": "token", "operator": "In", "values": [VALUE]}]},
        {"matchExpressions": [{"key": "token", "operator": "Exists"}]},
    ],
    ids=lambda pointer: next(iter(pointer)),
)
def test_where_kubernetes_has_a_secret_is_none_itself(pointer: dict[str, Any]):
    assert [*literal_secrets({"password": pointer})] == []


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"secretKeyRef": {"name": "app", "key": "password", "value": VALUE}}, "secretKeyRef.value"),
        ({"secretRef": {"token": VALUE}}, "secretRef.token"),
        ({"elsewhere": {"secretName": VALUE}}, "elsewhere.secretName"),
        ({"elsewhere": {"key": VALUE}}, "elsewhere.key"),
        ({"elsewhere": {"key": VALUE, "operator": "In", "token": "x" + VALUE}}, "elsewhere.key"),
    ],
    ids=["one field more", "another field", "another object", "a key alone", "more than a requirement"],
)
def test_what_only_looks_like_a_pointer_is_looked_at_as_any_other(value: dict[str, Any], path: str):
    assert f"password.{path}" in [*literal_secrets({"password": value})]


@pytest.mark.parametrize(
    ("pointer", "path"),
    [
        ({"secretRef": {"name": "sk-" + "1234"}}, "secretRef.name"),
        ({"secret": {"items": [{"key": "a"}, {"key": "sk-" + "1234"}]}}, "secret.items[1].key"),
    ],
)
def test_a_pointer_that_is_a_secret_by_its_form_is_one(pointer: dict[str, Any], path: str):
    assert [*literal_secrets(pointer)] == [path]


def test_the_value_of_a_pair_is_called_like_its_name():
    pairs = [{"name": "COLOUR", "value": VALUE}, {"name": "API_KEY", "value": VALUE}, {"value": VALUE}]
    assert [*literal_secrets({"env": pairs})] == ["env[1].value"]
    assert [*literal_secrets({"env": [{"name": "API_KEY", "text": VALUE}]})] == []


def test_a_key_that_is_a_secret_itself_is_not_shown():
    key = "sk-" + "1234"
    assert [*literal_secrets({key: {"api_key": VALUE}})] == ["….api_key"]


def test_references_are_found_wherever_they_are():
    value = {"a": [{"key": "os.environ/ONE"}], "b": "Bearer os.environ/TWO", "c": "THREE"}
    assert referenced_variables(value) == {"ONE", "TWO"}


def test_the_annotation_that_allows_a_text_is_the_one_of_the_documentation():
    assert ALLOWED == "litellm/allow-plaintext"
