"""What a rule is: a plain function, with an id, a reason and a fix."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from policy.resource import Resource

ResourceCheck = Callable[[Resource], Iterable[str]]
"""Yields what is wrong with one resource."""

StackCheck = Callable[[Sequence[Resource]], Iterable[tuple[Resource, str]]]
"""Yields what is wrong between the resources of a stack, each with the resource to blame."""


@dataclass(frozen=True)
class RuleText:
    """What a rule says of itself."""

    id: str
    """Short name, as in levels.yaml: `pinned-images`."""

    reason: str
    """Why there is this rule: what goes wrong without it."""

    fix: str
    """What to do about a violation."""


@dataclass(frozen=True)
class Rule(RuleText):
    """A rule about one resource at a time: in the real engine it stops that resource before it is made."""

    check: ResourceCheck


@dataclass(frozen=True)
class StackRule(RuleText):
    """A rule about several resources together."""

    check: StackCheck


AnyRule = Rule | StackRule


def rule(id_: str, *, reason: str, fix: str) -> Callable[[ResourceCheck], Rule]:
    """Make a function over one resource a rule."""
    return lambda check: Rule(id_, reason, fix, check)


def stack_rule(id_: str, *, reason: str, fix: str) -> Callable[[StackCheck], StackRule]:
    """Make a function over all resources of a stack a rule."""
    return lambda check: StackRule(id_, reason, fix, check)
