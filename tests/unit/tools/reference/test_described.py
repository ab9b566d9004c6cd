"""What stands below a field of the configuration is its description."""

from typing import Any

from infra.config.base import Section
from tools.reference.described import Described, docstrings
from tools.reference.schema import each_schema, models_schema


class Above(Section):
    """A model."""

    first_of_all: str = ""
    """What the first
    one is for."""

    silent: str = ""

    last: str = ""
    """Said above."""


class Below(Above):
    """One that inherits."""

    last: str = "another"
    """Said below."""


def test_a_description_is_what_stands_below_the_field():
    assert docstrings(Above) == {"firstOfAll": "What the first\none is for.", "last": "Said above."}


def test_an_inherited_field_keeps_its_description_unless_it_is_said_anew():
    assert docstrings(Below) == {"firstOfAll": "What the first\none is for.", "last": "Said below."}


def test_the_schema_says_it_by_the_names_of_the_stack_file():
    properties = Below.model_json_schema(by_alias=True, schema_generator=Described)["properties"]
    assert {key: schema.get("description") for key, schema in properties.items()} == {
        "firstOfAll": "What the first\none is for.",
        "silent": None,
        "last": "Said below.",
    }


def test_every_key_of_a_stack_file_is_described():
    silent: list[str] = []

    def look(schema: dict[str, Any]) -> dict[str, Any]:
        properties: dict[str, Any] = schema.get("properties", {})
        silent.extend(f"{schema['title']}.{key}" for key, one in properties.items() if not described(one))
        return schema

    each_schema(models_schema(), look)
    assert not silent


def described(schema: dict[str, Any]) -> bool:
    """A section says what it is for where it is defined, and a constant, which tells alternatives apart, says enough."""
    return bool({"description", "$ref", "const"} & set(schema)) or any(map(described, schema.get("anyOf", ())))
