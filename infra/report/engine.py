"""A report of what Pulumi's engine says: the digest of `pulumi preview --json --show-sames`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from infra.policies import violations
from infra.report.compare import changes
from infra.report.model import Change, Operation, Planned, StackReport

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
UNTOUCHED = ("same", "read", "refresh")


def stack_report(stack: str, digest: Mapping[str, Any], failure: str = "") -> StackReport:
    """The report of one stack; `failure` says why the engine stopped, if it did."""
    all_steps: list[Step] = digest.get("steps") or []
    steps = [step for step in all_steps if step_type(step) != STACK_TYPE]
    operations = {str(step["urn"]): str(step["op"]) for step in steps}
    before = [planned(step["oldState"]) for step in steps if step.get("oldState")]
    wanted = [
        step["newState"] for step in steps if step.get("newState") and step["op"] not in ("delete", "delete-replaced")
    ]
    after = list({state["urn"]: planned(state) for state in wanted}.values())
    found = [as_the_engine_says(change, operations) for change in changes(before, after)]
    touched = {change.urn for change in found}
    # What the provider would change although the program did not ask for it, such as after a refresh.
    silent = [
        Change(operation_of(op), urn, resource["type"], resource["name"])
        for resource in after
        if (urn := resource["urn"]) not in touched and (op := operations.get(urn, "same")) not in UNTOUCHED
    ]
    kept = [change for change in found if operations.get(change.urn) not in UNTOUCHED]
    return StackReport(
        stack=stack,
        resources=after,
        changes=[*kept, *silent],
        unchanged=sum(op in UNTOUCHED for op in operations.values()),
        violations=violations(stack, after),
        problems=problems(digest, failure),
    )


def step_type(step: Step) -> str:
    state: Mapping[str, Any] = step.get("newState") or step.get("oldState") or {}
    return str(state.get("type", ""))


def operation_of(op: str) -> Operation:
    if op in REPLACING:
        return "replace"
    return op if op in ("create", "delete") else "update"


def as_the_engine_says(change: Change, operations: Mapping[str, str]) -> Change:
    """The engine knows which update is a replacement; of two names of one resource it knows nothing."""
    op = operations.get(change.urn, "")
    if change.operation == "update" and op in REPLACING:
        return Change("replace", change.urn, change.type, change.name, change.differences)
    return change


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


def problems(digest: Mapping[str, Any], failure: str) -> Sequence[str]:
    """What stopped the engine: its own errors, or the last thing it said."""
    if not failure:
        return ()
    diagnostics: list[Mapping[str, Any]] = digest.get("diagnostics") or []
    errors = [str(each["message"]).strip() for each in diagnostics if each.get("severity") == "error"]
    return tuple(dict.fromkeys(errors)) or (failure,)


def read(output: str) -> dict[str, Any]:
    """The digest among what the engine printed; empty when there is none."""
    try:
        content: Any = json.loads(output[output.index("{") :])
    except ValueError:
        return {}
    return cast("dict[str, Any]", content) if isinstance(content, dict) else {}
