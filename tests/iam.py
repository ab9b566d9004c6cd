"""How IAM decides about one request, for the parts of its policy language that this project uses.

An explicit `Deny` wins, then an `Allow`, then nothing is allowed. What is not known here is an error: a statement that
this evaluator would overlook must not make a test pass.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Principal", "Condition"}

Context = Mapping[str, str]


def allows(
    policy: str,
    action: str,
    resource: str = "*",
    context: Context | None = None,
    principal: tuple[str, str] | None = None,
) -> bool:
    """Whether a policy alone allows a request. `principal` is for policies that have one: `("Service", "…")`."""
    effects = {
        statement["Effect"]
        for statement in json.loads(policy)["Statement"]
        if applies(statement, action, resource, context or {}, principal)
    }
    assert effects <= {"Allow", "Deny"}
    return effects == {"Allow"}


def applies(
    statement: Mapping[str, Any], action: str, resource: str, context: Context, principal: tuple[str, str] | None
) -> bool:
    if unknown := set(statement) - ELEMENTS:
        raise NotImplementedError(f"elements {unknown}")
    return (
        any(like(pattern.lower(), action.lower()) for pattern in many(statement["Action"]))
        and any(like(pattern, resource) for pattern in many(statement.get("Resource", "*")))
        and ("Principal" in statement) == (principal is not None)
        and (principal is None or names(statement["Principal"], principal))
        and all(
            holds(operator, many(wanted), lookup(context, key))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def names(wanted: Any, principal: tuple[str, str]) -> bool:
    kind, value = principal
    return wanted == "*" or value in many(wanted.get(kind, []))


def holds(operator: str, wanted: list[str], got: str | None) -> bool:
    if operator.endswith("IfExists"):
        return got is None or holds(operator.removesuffix("IfExists"), wanted, got)
    match operator:
        case "StringEquals" | "Bool":
            return got in wanted
        case "StringNotEquals":
            return got not in wanted
        case "StringLike":
            return got is not None and any(like(pattern, got) for pattern in wanted)
        case _:
            raise NotImplementedError(f"condition operator {operator}")


def lookup(context: Context, key: str) -> str | None:
    return {name.lower(): value for name, value in context.items()}.get(key.lower())


def like(pattern: str, text: str) -> bool:
    """`*` is any characters, `?` is one; everything else is itself."""
    parts = {"*": ".*", "?": "."}
    return (
        re.fullmatch("".join(parts.get(character, re.escape(character)) for character in pattern), text, re.S)
        is not None
    )


def many(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
