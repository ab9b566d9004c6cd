"""The JSON Schema of `Pulumi.<stack>.yaml`: what the models say, in the form that the file has."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from infra.config.base import ALLOWED
from infra.config.load import NAMESPACE, SECRET_KEYS, SWITCHES
from infra.config.stack import StackConfig
from tools.engine.stack_file import ENCRYPTION_KEYS
from tools.reference.described import Described

Schema = dict[str, Any]

ENCRYPTED: Schema = {
    "type": "object",
    "description": "A value that `pulumi config set --secret` encrypted.",
    "properties": {"secure": {"type": "string", "minLength": 1}},
    "required": ["secure"],
    "additionalProperties": False,
}

SWITCH_AS_TEXT: Schema = {"enum": ["true", "false"], "description": "As `pulumi config set` writes it."}


def stack_schema() -> Schema:
    """The schema of the whole file, for editors."""
    models = without_noise(models_schema())
    definitions: Schema = models["$defs"]
    keys = {f"{NAMESPACE}:{key}": value_in_file(key, schema) for key, schema in models["properties"].items()}
    config: Schema = {
        "type": "object",
        "description": "The stack's settings: those of this project begin with `litellm:`.",
        "properties": keys,
        "patternProperties": {
            f"^(?!{NAMESPACE}:)[^:\\s]+:\\S+$": {"description": "A setting of Pulumi or of a provider."}
        },
        "additionalProperties": False,
        "required": [f"{NAMESPACE}:{key}" for key in models["required"]],
    }
    text: Schema = {"type": "string", "description": "Written by Pulumi: how the stack's secrets are encrypted."}
    environment: Schema = {
        "type": ["array", "object"],
        "description": "Environments of Pulumi ESC that the stack imports.",
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Pulumi.<stack>.yaml: LiteLLM on Kubernetes",
        "description": "Made by `make docs` from infra/config. What spans several keys is checked by `make plan`.",
        "type": "object",
        "properties": {"config": config, "environment": environment, **dict.fromkeys(ENCRYPTION_KEYS, text)},
        "required": ["config"],
        "additionalProperties": False,
        # Draft 7 is what editors know best; its word for $defs is definitions.
        "definitions": definitions | {"Encrypted": ENCRYPTED},
    }


def models_schema() -> Schema:
    """What pydantic says of the models, with all that the reference needs."""
    return StackConfig.model_json_schema(by_alias=True, schema_generator=Described)


def value_in_file(key: str, schema: Schema) -> Schema:
    """A top-level value as Pulumi's command line may have written it."""
    if key in SECRET_KEYS:
        # Value by value: Pulumi refuses an object that is encrypted as a whole.
        return schema | {
            "patternProperties": {name: {"$ref": "#/definitions/Encrypted"} for name in schema["patternProperties"]}
        }
    if key in SWITCHES:
        description = schema.pop("description")
        return {"description": description, "anyOf": [schema, SWITCH_AS_TEXT]}
    return schema


def without_noise(schema: Schema) -> Schema:
    """Without pydantic's titles, with draft 7's references, and with messages for patterns."""

    def better(node: Schema) -> Schema:
        words = node.pop("x-allowed", None) or ALLOWED.get(node.get("pattern", ""))
        if words and "pattern" in node:
            node["patternErrorMessage"] = f"must be {words}"
        if "patternProperties" in node:
            node.setdefault("additionalProperties", False)
        if "description" in node:
            node["description"] = " ".join(node["description"].split())
        # An editor would write such a default out, key by key.
        if isinstance(node.get("default"), dict) or node.get("default", 0) is None:
            del node["default"]
        node.pop("discriminator", None)  # OpenAPI's; the alternatives tell themselves apart by a constant
        if "$ref" in node:
            node["$ref"] = node["$ref"].replace("#/$defs/", "#/definitions/")
            if len(node) > 1:  # draft 7 ignores what is next to a reference
                node["allOf"] = [{"$ref": node.pop("$ref")}]
        if isinstance(node.get("title"), str):
            del node["title"]
        return node

    return each_schema(schema, better)


def each_schema(schema: Mapping[str, Any], change: Callable[[Schema], Schema]) -> Schema:
    """A copy in which every subschema is changed. Names of properties are no keywords."""
    copy = dict(schema)
    for keyword in ("properties", "patternProperties", "$defs"):
        if keyword in copy:
            inner = cast("dict[str, Schema]", copy[keyword])
            copy[keyword] = {name: each_schema(one, change) for name, one in inner.items()}
    for keyword in ("items", "additionalProperties", "propertyNames"):
        if isinstance(copy.get(keyword), dict):
            copy[keyword] = each_schema(copy[keyword], change)
    for keyword in ("anyOf", "oneOf", "allOf"):
        if keyword in copy:
            copy[keyword] = [each_schema(one, change) for one in copy[keyword]]
    return change(copy)
