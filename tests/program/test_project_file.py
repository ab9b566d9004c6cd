"""Pulumi.yaml and the models say the same."""

from typing import Any, Literal, get_args

import yaml

from infra.config.stack import StackConfig
from tests.program.stacks import ROOT

DECLARED: dict[str, Any] = {
    key: value for key, value in yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"].items() if ":" not in key
}
FIELDS = {field.alias or name: field for name, field in StackConfig.model_fields.items()}


def kind(annotation: Any) -> str:
    if annotation is bool:
        return "boolean"
    return "string" if annotation is str or get_args(annotation)[:1] == (Literal[""],) else "object"


def test_every_key_of_the_models_is_declared_and_no_other():
    assert set(DECLARED) == set(FIELDS)


def test_every_key_has_the_type_of_its_model():
    assert {key: entry["type"] for key, entry in DECLARED.items()} == {
        key: kind(field.annotation) for key, field in FIELDS.items()
    }


def test_every_key_is_described():
    assert not [key for key, entry in DECLARED.items() if len(entry.get("description", "")) < 20]


def test_every_key_has_a_default():
    """Pulumi refuses a stack that lacks a declared key without one, and a stack with `shared` has next to none of them."""
    assert not [key for key, entry in DECLARED.items() if "default" not in entry]


def test_the_default_of_a_text_or_a_switch_is_that_of_its_model():
    simple = {key: entry["default"] for key, entry in DECLARED.items() if entry["type"] != "object"}
    assert simple == {key: FIELDS[key].default for key in simple}


def test_the_default_of_an_object_is_its_models():
    assert all(entry.get("default", {}) == {} for entry in DECLARED.values() if entry["type"] == "object")


def test_no_default_provider_can_reach_a_target_by_accident():
    disabled = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]["pulumi:disable-default-providers"]
    assert {"kubernetes", "vault"} <= set(disabled["value"])
