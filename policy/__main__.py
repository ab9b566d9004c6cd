"""The rules as a Pulumi policy pack: `pulumi preview --policy-pack policy`."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

# The engine runs this folder by itself.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policy.levels import Level, levels_for
from policy.resource import UNKNOWN, Resource
from policy.rule import AnyRule, Rule, StackRule
from policy.rules import RULES


def plain(value: Any) -> Any:
    """A value without the SDK's guards, which raise an error when something unknown is looked at."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value)
        return {key: guarded(items, key) for key in items}
    if isinstance(value, Sequence) and not isinstance(value, str):
        entries = cast("Sequence[Any]", value)
        return [guarded(entries, index) for index in range(len(entries))]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def guarded(values: Any, key: Any) -> Any:
    try:
        return plain(values[key])
    except UnknownValueError:
        return UNKNOWN


def seen(resource: ResourceValidationArgs | PolicyResource) -> Resource:
    return Resource(
        urn=resource.urn,
        type=resource.resource_type,
        name=resource.name,
        inputs=plain(resource.props),
        protect=bool(resource.opts.protect),
    )


def advice(rule: AnyRule, message: str) -> str:
    return f"{message}. Fix: {rule.fix}"


def for_resource(rule: Rule, level: Level) -> Policy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        for message in rule.check(seen(args)):
            report(advice(rule, message), None)

    return ResourceValidationPolicy(rule.id, rule.reason, validate, enforcement_level=EnforcementLevel(level))


def for_stack(rule: StackRule, level: Level) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for resource, message in rule.check([seen(resource) for resource in args.resources]):
            report(advice(rule, message), resource.urn)

    return StackValidationPolicy(rule.id, rule.reason, validate, enforcement_level=EnforcementLevel(level))


def pack(stack: str) -> PolicyPack:
    levels = levels_for(stack, [rule.id for rule in RULES])
    policies = [
        for_resource(rule, levels[rule.id]) if isinstance(rule, Rule) else for_stack(rule, levels[rule.id])
        for rule in RULES
    ]
    return PolicyPack(name="litellm-on-kubernetes", policies=policies)


if __name__ == "__main__":
    # The engine names the stack here; without one, as for `pulumi policy publish`, every rule is mandatory.
    pack(os.environ.get("PULUMI_STACK", ""))
