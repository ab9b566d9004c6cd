"""Defaults that are sections: made without validation, so that importing them is fast, and equal to what validation makes."""

from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from infra.config.places import alternatives, children
from infra.config.stack import StackConfig


def models(kind: object = StackConfig) -> Iterator[type[BaseModel]]:
    """Every section of the configuration, as often as it is used."""
    for one in alternatives(kind):
        if isinstance(one, type) and issubclass(one, BaseModel):
            yield one
        for _, inner in children(one):
            yield from models(inner)


DEFAULTS = {
    f"{model.__name__}.{name}": field.default
    for model in models()
    for name, field in model.model_fields.items()
    if isinstance(field.default, BaseModel)
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_section_is_what_validation_makes_of_it(name: str):
    default = DEFAULTS[name]
    given = {field: getattr(default, field) for field in default.model_fields_set}
    assert type(default).model_validate(given, by_name=True) == default
