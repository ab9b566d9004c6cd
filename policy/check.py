"""Hold the resources of a stack against the rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from policy.levels import Level
from policy.resource import Resource
from policy.rule import AnyRule, Rule
from policy.rules import RULES


@dataclass(frozen=True)
class Violation:
    """One resource that does not keep to one rule."""

    rule: AnyRule
    level: Level
    urn: str
    name: str
    message: str
    """What is wrong, with the value found there; never a secret."""

    @property
    def mandatory(self) -> bool:
        """Whether it stops the stack."""
        return self.level == "mandatory"


def check(
    resources: Sequence[Resource], levels: Mapping[str, Level], rules: Sequence[AnyRule] = RULES
) -> list[Violation]:
    """Every violation, the mandatory ones first, then in the order of the rules."""
    found = [
        Violation(rule, levels[rule.id], resource.urn, resource.name, message)
        for rule in rules
        if levels[rule.id] != "disabled"
        for resource, message in findings(rule, resources)
    ]
    order = {rule.id: number for number, rule in enumerate(rules)}
    return sorted(found, key=lambda each: (not each.mandatory, order[each.rule.id], each.name, each.message))


def findings(rule: AnyRule, resources: Sequence[Resource]) -> Iterator[tuple[Resource, str]]:
    if isinstance(rule, Rule):
        yield from ((resource, message) for resource in resources for message in rule.check(resource))
    else:
        yield from rule.check(resources)
