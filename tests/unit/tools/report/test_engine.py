"""What Pulumi's engine says, as a report."""

import json
from typing import Any

from tests.unit.tools.report.planned import urn
from tools.report.engine import UNKNOWN_VALUES, problems, read, stack_report

TYPE = "kubernetes:apps/v1:Deployment"


def state(name: str, inputs: dict[str, Any] | None = None, **others: Any) -> dict[str, Any]:
    return {"urn": urn(name), "type": TYPE, "inputs": inputs or {}, **others}


def step(op: str, name: str, old: dict[str, Any] | None = None, new: dict[str, Any] | None = None) -> dict[str, Any]:
    states = {"oldState": old, "newState": new}
    return {"op": op, "urn": urn(name)} | {
        key: state(name, inputs) for key, inputs in states.items() if inputs is not None
    }


def changes(*steps: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    found = stack_report("try", {"steps": [*steps]}).changes or []
    return [(each.operation, each.name, [difference.path for difference in each.differences]) for each in found]


def test_every_operation_of_the_engine_is_a_change():
    found = changes(
        step("create", "a", new={}),
        step("update", "b", {"x": 1}, {"x": 2}),
        step("delete", "c", {}),
        step("same", "d", {}, {}),
    )
    assert found == [("create", "a", []), ("update", "b", ["x"]), ("delete", "c", [])]


def test_the_steps_of_a_replacement_are_one_change():
    old, new = {"x": 1}, {"x": 2}
    found = changes(
        step("create-replacement", "a", old, new), step("replace", "a", old, new), step("delete-replaced", "a", old)
    )
    assert found == [("replace", "a", ["x"])]


def test_a_change_that_only_the_provider_sees_counts():
    assert changes(step("update", "a", {"x": 1}, {"x": 1})) == [("update", "a", [])]


def test_what_was_changed_behind_the_back_of_pulumi_is_a_change():
    """After a refresh; also where the program has no say in it and would leave it alone."""
    assert changes(step("update", "a", {"x": 1}, {"x": 2}), step("same", "a", {"x": 2}, {"x": 2})) == [
        ("update", "a", ["x"])
    ]


def test_a_change_behind_the_back_that_the_program_takes_back_is_shown_as_what_up_would_do():
    steps = [step("update", "a", {"x": 1}, {"x": 2}), step("update", "a", {"x": 2}, {"x": 1})]
    (change,) = list(stack_report("try", {"steps": steps}).changes or ())
    assert [(each.before, each.after) for each in change.differences] == [(2, 1)]


def test_what_somebody_deleted_is_created_again():
    assert changes(step("delete", "a", {"x": 1}), step("create", "a", new={"x": 1})) == [("create", "a", [])]


def test_what_stays_the_same_is_no_change_although_its_inputs_differ_in_form():
    """The engine knows better: a provider may take both for the same."""
    assert changes(step("same", "a", {"cpu": "1000m"}, {"cpu": "1"})) == []


def test_unchanged_resources_are_counted_and_held_against_the_policy():
    bad = {"spec": {"template": {"spec": {"hostNetwork": True}}}}
    report = stack_report("prod", {"steps": [step("same", "a", bad, bad)]})
    assert report.unchanged == 1
    assert "restricted-pods" in {violation.rule.id for violation in report.violations}


def test_the_stack_itself_is_no_resource():
    root = {"op": "create", "urn": "urn:x", "newState": {"urn": "urn:x", "type": "pulumi:pulumi:Stack"}}
    report = stack_report("try", {"steps": [root]})
    assert (report.resources, report.changes) == ([], [])


def test_unknown_values_are_words():
    value = sorted(UNKNOWN_VALUES)[0]
    (resource,) = stack_report("try", {"steps": [step("create", "a", new={"x": [value]})]}).resources
    assert resource["inputs"] == {"x": ["[unknown]"]}


def test_a_failed_preview_says_what_the_engine_said():
    digest = {
        "diagnostics": [
            {"message": "warning: old", "severity": "warning"},
            {"message": "error: no cluster\n", "severity": "error"},
            {"message": "error: no cluster\n", "severity": "error"},
        ]
    }
    assert problems(digest, "exit 255") == ("no cluster",)


def test_without_a_word_of_the_engine_the_reason_of_the_command_counts():
    assert problems({}, "error: no login") == ("no login",)


def test_a_preview_that_went_well_has_no_problems():
    assert problems({"diagnostics": [{"message": "error: x", "severity": "error"}]}, "") == ()


def test_the_digest_is_found_behind_other_lines():
    assert read('warning: {old}\n{"steps": []}') == {}
    assert read('a warning\n{"steps": []}') == {"steps": []}
    assert read(json.dumps({"steps": []})) == {"steps": []}
    assert read("nothing") == {}


def test_the_engines_last_word_is_no_error_of_its_own():
    digest = {
        "diagnostics": [
            {"message": text, "severity": "error"} for text in ("error: no cluster", "error: preview failed")
        ]
    }
    assert problems(digest, "exit 255") == ("no cluster",)


def test_an_address_in_an_error_of_the_engine_has_no_credentials():
    digest = {"diagnostics": [{"message": "error: no such bucket: s3://key:hunter2@x?y=hunter2", "severity": "error"}]}
    assert problems(digest, "exit 255") == ("no such bucket: s3://…@x?…",)
