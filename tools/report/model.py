"""A report: resources, changes and violations of one or several stacks, whatever they come from."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from policy.check import Violation
from tools.report.redact import redacted

Operation = Literal["create", "update", "replace", "delete"]
OPERATIONS: tuple[Operation, ...] = ("create", "update", "replace", "delete")

Planned = Mapping[str, Any]
"""One resource: `urn`, `type`, `name`, `parent`, `protect`, `retainOnDelete`, `inputs`, without any secret."""

FAILED, VIOLATED = 1, 3
"""Exit codes."""


class Absent:
    """Stands for a property that is not there."""

    def __repr__(self) -> str:
        return "(none)"


ABSENT = Absent()


@dataclass(frozen=True)
class Difference:
    """One property that is not what it was."""

    path: str
    before: Any
    after: Any

    def as_data(self) -> dict[str, Any]:
        sides = {"before": self.before, "after": self.after}
        return {"path": self.path} | {side: value for side, value in sides.items() if value is not ABSENT}


@dataclass(frozen=True)
class Change:
    """One resource that is made, changed or deleted."""

    operation: Operation
    urn: str
    type: str
    name: str
    differences: tuple[Difference, ...] = ()

    def as_data(self) -> dict[str, Any]:
        return {
            "op": self.operation,
            "urn": self.urn,
            "type": self.type,
            "name": self.name,
            "diff": [difference.as_data() for difference in self.differences],
        }


@dataclass(frozen=True)
class StackReport:
    """What there is to say of one stack."""

    stack: str
    resources: Sequence[Planned] = ()
    changes: Sequence[Change] | None = None
    """None when there was nothing to compare with."""
    unchanged: int = 0
    violations: Sequence[Violation] = ()
    problems: Sequence[str] = ()
    """Why there is nothing more to say: a wrong configuration, a preview that failed."""
    note: str = ""
    """What a reader should know of this stack, such as that it is new."""

    @property
    def counts(self) -> dict[Operation, int]:
        counted = Counter(change.operation for change in self.changes or ())
        return {operation: counted[operation] for operation in OPERATIONS if counted[operation]}

    @property
    def mandatory(self) -> int:
        """How many violations stop the stack."""
        return sum(violation.mandatory for violation in self.violations)

    def as_data(self, *, with_resources: bool) -> dict[str, Any]:
        data: dict[str, Any] = {"stack": self.stack, "policy": [violation_data(each) for each in self.violations]}
        if self.changes is not None:
            data |= {"counts": self.counts, "unchanged": self.unchanged}
            data["changes"] = [change.as_data() for change in self.changes]
        if with_resources:
            shown = [{**each, "inputs": redacted(each["type"], each["inputs"])} for each in self.resources]
            data["resources"] = shown
        if self.problems:
            data["problems"] = list(self.problems)
        return data | ({"note": self.note} if self.note else {})


@dataclass(frozen=True)
class Report:
    """What one command found."""

    kind: Literal["plan", "preview"]
    stacks: Sequence[StackReport]
    against: str = ""
    """The revision that the stacks were compared with."""
    notices: Sequence[str] = field(default=())
    """What a reader should know of the whole, such as why this is no preview."""

    @property
    def offline(self) -> bool:
        """Whether it knows nothing of what exists."""
        return self.kind == "plan"

    @property
    def exit_code(self) -> int:
        if any(stack.problems for stack in self.stacks):
            return FAILED
        return VIOLATED if any(stack.mandatory for stack in self.stacks) else 0

    def as_data(self) -> dict[str, Any]:
        compared = any(stack.changes is not None for stack in self.stacks)
        data: dict[str, Any] = {
            "offline": self.offline,
            "stacks": [stack.as_data(with_resources=not compared) for stack in self.stacks],
        }
        optional = {"against": self.against, "notices": list(self.notices)}
        return data | {key: value for key, value in optional.items() if value}


def violation_data(violation: Violation) -> dict[str, str]:
    return {
        "rule": violation.rule.id,
        "level": violation.level,
        "urn": violation.urn,
        "name": violation.name,
        "message": violation.message,
        "reason": violation.rule.reason,
        "fix": violation.rule.fix,
    }


def short_type(type_: str) -> str:
    """The last part of a type: `Deployment`."""
    return type_.rpartition(":")[2]
