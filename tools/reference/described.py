"""The models with what stands below their fields, which pydantic does not read at the start of the program."""

import ast
import inspect
from itertools import pairwise
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue


class Described(GenerateJsonSchema):
    """Pydantic's JSON Schema, in which the docstring of a field is its description."""

    def model_schema(self, schema: Any) -> JsonSchemaValue:
        made = super().model_schema(schema)
        fields: dict[str, JsonSchemaValue] = made.get("properties", {})
        for name, text in docstrings(schema["cls"]).items():
            fields[name]["description"] = text
        return made


def docstrings(model: type[BaseModel]) -> dict[str, str]:
    """What stands below the fields of a model, its own and those that it inherits, by the keys of a stack file."""
    classes = [each for each in reversed(model.__mro__) if issubclass(each, BaseModel) and each is not BaseModel]
    texts = {name: text for each in classes for name, text in below_fields(each)}
    return {field.alias or name: texts[name] for name, field in model.model_fields.items() if name in texts}


def below_fields(model: type[BaseModel]) -> list[tuple[str, str]]:
    (definition,) = ast.parse(inspect.getsource(model)).body
    if not isinstance(definition, ast.ClassDef):
        raise TypeError(f"{model.__name__} is not defined by a class statement")
    return [
        (field.target.id, inspect.cleandoc(below.value.value))
        for field, below in pairwise(definition.body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str)
    ]
