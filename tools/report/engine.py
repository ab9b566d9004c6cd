"""A report of what Pulumi's engine says: the digest of `pulumi preview --json --show-sames`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from infra.urls import without_secrets
from tools.report.compare import changes
from tools.report.model import Change, Operation, Planned, StackReport
from tools.report.policies import violations

Step = Mapping[str, Any]

STACK_TYPE = "pulumi:pulumi:Stack"

UNKNOWN = "[unknown]"
UNKNOWN_VALUES = {
    "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
    "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58",
    "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
}
"""What the engine writes for values of each type that it cannot know yet."""

REPLACING = ("replace", "create-replacement", "delete-replaced", "import-replacement", "read-replacement")
OPERATIONS: Mapping[str, Operation] = {"create": "create", "delete": "delete"}
"""Every other one is a change."""
UNTOUCHED = ("same", "read", "refresh")


def stack_report(stack: str, digest: Mapping[str, Any], failure: str = "") -> StackReport:
    """The report of one stack; `failure` says why the engine stopped, if it did."""
    steps: list[Step] = digest.get("steps") or []
    by_urn: dict[str, list[Step]] = {}
    for step in steps:
        if step_type(step) != STACK_TYPE:
            by_urn.setdefault(step["urn"], []).append(step)
    fates = [Fate.of(steps) for steps in by_urn.values()]
    operations: dict[str, Operation | None] = {fate.urn: fate.operation for fate in fates}
    after = [planned(fate.after) for fate in fates if fate.after]
    found = changes([planned(fate.before) for fate in fates if fate.before], after)
    found = [as_the_engine_says(change, operations) for change in found]
    touched = {change.urn for change in found}
    # What only the provider sees: a default of its own, or what was changed behind Pulumi's back.
    silent = [
        Change(operation, resource["urn"], resource["type"], resource["name"])
        for resource in after
        if (operation := operations[resource["urn"]]) and resource["urn"] not in touched
    ]
    return StackReport(
        stack=stack,
        resources=after,
        changes=[*found, *silent],
        unchanged=sum(operation is None for operation in operations.values()),
        violations=violations(stack, after),
        problems=problems(digest, failure),
    )


@dataclass(frozen=True)
class Fate:
    """What becomes of one resource, out of all steps about it: a refresh, the program's, those of a replacement."""

    urn: str
    operation: Operation | None
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None

    @classmethod
    def of(cls, steps: Sequence[Step]) -> "Fate":
        urn, last = str(steps[0]["urn"]), steps[-1]
        changing = [step for step in steps if step["op"] not in UNTOUCHED]
        if not changing:
            # The engine knows better than a comparison of inputs: a provider may take two forms for the same.
            return cls(urn, None, last.get("newState"), last.get("newState"))
        operation = operation_of(str(changing[-1]["op"]))
        before = [step["oldState"] for step in changing if step.get("oldState")] if operation != "create" else []
        after = [step["newState"] for step in changing if step.get("newState")] if operation != "delete" else []
        return cls(urn, operation, before[-1] if before else None, after[-1] if after else None)


def step_type(step: Step) -> str:
    state: Mapping[str, Any] = step.get("newState") or step.get("oldState") or {}
    return str(state.get("type", ""))


def operation_of(op: str) -> Operation:
    return "replace" if op in REPLACING else OPERATIONS.get(op, "update")


def as_the_engine_says(change: Change, operations: Mapping[str, Operation | None]) -> Change:
    """The engine knows which update is a replacement; of two names of one resource it knows nothing."""
    known = operations.get(change.urn)
    return replace(change, operation=known) if known and change.operation == "update" else change


def planned(state: Mapping[str, Any]) -> Planned:
    urn = str(state["urn"])
    return {
        "urn": urn,
        "type": state["type"],
        "name": urn.rpartition("::")[2],
        "parent": state.get("parent", ""),
        "protect": bool(state.get("protect")),
        "retainOnDelete": bool(state.get("retainOnDelete")),
        "inputs": without_unknown(state.get("inputs") or {}),
    }


def without_unknown(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_unknown(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [without_unknown(item) for item in cast("list[Any]", value)]
    return UNKNOWN if isinstance(value, str) and value in UNKNOWN_VALUES else value


SAYS_NOTHING = ("preview failed", "update failed", "")
"""What the engine says after the error itself."""


def problems(digest: Mapping[str, Any], failure: str) -> Sequence[str]:
    """What stopped the engine: its own errors, or the last thing it said."""
    if not failure:
        return ()
    diagnostics: list[Mapping[str, Any]] = digest.get("diagnostics") or []
    errors = [said(str(each["message"])) for each in diagnostics if each.get("severity") == "error"]
    return tuple(dict.fromkeys(error for error in errors if error not in SAYS_NOTHING)) or (said(failure),)


def said(message: str) -> str:
    """A message of the engine, for a line that says itself that it is an error."""
    return without_secrets(message.strip().removeprefix("error: "))


def read(output: str) -> dict[str, Any]:
    """The digest among what the engine printed; empty when there is none."""
    try:
        content: Any = json.loads(output[output.index("{") :])
    except ValueError:
        return {}
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}
