"""A second net under Pulumi's own marking of secrets: a report is pasted where everybody reads it."""

from typing import Any, cast

from infra.masked import MASK, masked

INTERNAL = "__"
"""How Pulumi's own properties begin."""

SECRET_DATA = ("data", "stringData")


def redacted(type_: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs of a resource, without Pulumi's own and without anything that looks like a secret."""
    kept = {key: value for key, value in inputs.items() if not key.startswith(INTERNAL)}
    if type_ == "kubernetes:core/v1:Secret":
        kept |= {key: MASK for key in SECRET_DATA if key in kept}
    return hidden(kept)


def hidden(value: Any) -> Any:
    if isinstance(value, dict):
        items = cast("dict[str, Any]", value)
        return {key: hidden(item) for key, item in items.items() if not key.startswith(INTERNAL)}
    if isinstance(value, list):
        return [hidden(item) for item in cast("list[Any]", value)]
    return masked(value) if isinstance(value, str) else value
