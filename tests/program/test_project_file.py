"""Pulumi.yaml and the models say the same."""

from typing import Any, get_args

import yaml

from infra.config.stack import StackConfig
from tests.program.stacks import ROOT

DECLARED: dict[str, Any] = {
    key: value
    for key, value in yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"].items()
    if ":" not in key
}
FIELDS = {field.alias or name: field for name, field in StackConfig.model_fields.items()}


def kind(annotation: Any) -> str:
    chosen = next((argument for argument in get_args(annotation) if argument is not type(None)), annotation)
    text = annotation if annotation in (bool, str) else get_args(chosen)[0] if get_args(chosen) else chosen
    return {bool: "boolean", str: "string"}.get(text, "object") if "dict" not in str(annotation) else "object"


def test_every_key_of_the_models_is_declared_and_no_other():
    assert set(DECLARED) == set(FIELDS)


def test_every_key_has_the_type_of_its_model():
    assert {key: entry["type"] for key, entry in DECLARED.items()} == {
        key: kind(field.annotation) for key, field in FIELDS.items()
    }


def test_every_key_is_described():
    assert not [key for key, entry in DECLARED.items() if len(entry.get("description", "")) < 20]


def test_defaults_are_the_same():
    declared = {key: entry["default"] for key, entry in DECLARED.items() if "default" in entry}
    assert declared == {key: FIELDS[key].default for key in declared}


def test_provider_keys_must_be_encrypted():
    """Pulumi itself then refuses a plain one."""
    assert [key for key, entry in DECLARED.items() if entry.get("secret")] == ["providerKeys"]


def test_no_default_provider_can_reach_a_target_by_accident():
    disabled = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]["pulumi:disable-default-providers"]
    assert {"kubernetes", "vault"} <= set(disabled["value"])
