"""The rules of `policy/`, applied to the resources of a plan."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from policy.check import Violation, check
from policy.levels import LevelsError, levels_for
from policy.resource import SECRET, UNKNOWN, Resource
from policy.rules import RULES
from tools.problem import Problem

MARKERS = {str(marker): marker for marker in (SECRET, UNKNOWN)}


def violations(stack: str, resources: Sequence[Mapping[str, Any]]) -> list[Violation]:
    """What the resources of a stack do not keep to; each is an entry of `resources` in the plan for machines.

    Raises:
        Problem: when `policy/levels.yaml` is wrong.
    """
    try:
        levels = levels_for(stack, [rule.id for rule in RULES])
    except LevelsError as error:
        raise Problem(str(error)) from None
    return check([seen(resource) for resource in resources], levels)


def seen(resource: Mapping[str, Any]) -> Resource:
    return Resource(
        urn=resource["urn"],
        type=resource["type"],
        name=resource["name"],
        inputs=marked(resource["inputs"]),
        protect=resource["protect"],
    )


def marked(value: Any) -> Any:
    """The inputs with markers where the plan hides a value, or knows none."""
    if isinstance(value, dict):
        return {key: marked(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [marked(item) for item in cast("list[Any]", value)]
    return MARKERS.get(value, value) if isinstance(value, str) else value
