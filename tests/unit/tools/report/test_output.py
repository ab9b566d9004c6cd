"""Where a report goes, and what code the command ends with."""

import json
from pathlib import Path

import pytest

from tests.unit.tools.report.planned import planned, report, urn, violation
from tools.report.model import Change, Difference, Report, StackReport
from tools.report.output import write

UPDATE = Change("update", urn("gateway"), "x:y:Deployment", "gateway", (Difference("spec.replicas", 1, 2),))


def test_a_mandatory_violation_stops():
    assert report(violations=[violation()]).exit_code == 3


def test_an_advisory_violation_does_not():
    assert report(violations=[violation("advisory")]).exit_code == 0


def test_a_problem_stops():
    assert report(problems=["wrong"], violations=[violation()]).exit_code == 1


def test_a_file_is_written_also_when_the_command_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "comment.md"
    assert write(report(violations=[violation()]), "markdown", path) == 3
    assert "| mandatory |" in path.read_text()
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "error: stack try violates 1 mandatory rule(s)\n")


def test_machines_get_json_and_nothing_else(capsys: pytest.CaptureFixture[str]):
    write(report([UPDATE], unchanged=2, violations=[violation("advisory")]), "json", None)
    (stack,) = json.loads(capsys.readouterr().out)["stacks"]
    assert stack["counts"] == {"update": 1}
    assert stack["unchanged"] == 2
    assert stack["changes"][0]["diff"] == [{"path": "spec.replicas", "before": 1, "after": 2}]
    assert stack["policy"][0]["fix"]


def test_a_plan_without_comparison_has_its_resources(capsys: pytest.CaptureFixture[str]):
    write(report(), "json", None)
    (stack,) = json.loads(capsys.readouterr().out)["stacks"]
    assert [resource["name"] for resource in stack["resources"]] == ["gateway"]
    assert "changes" not in stack


def test_people_see_a_tree_of_what_changes(capsys: pytest.CaptureFixture[str]):
    parent = planned("component", "litellm:index:Gateway")
    child = planned("gateway", parent=parent["urn"])
    write(Report("preview", [StackReport("try", [parent, child, planned("other")], [UPDATE], 2)]), "text", None)
    printed = capsys.readouterr().out
    assert printed.splitlines()[:5] == [
        "litellm-try",
        "└── component Gateway",
        "    └── ~ gateway Deployment",
        "        ├── - spec.replicas: 1",
        "        └── + spec.replicas: 2",
    ]
    assert "1 to change, 2 unchanged" in printed
    assert "other" not in printed


def test_people_read_why_a_rule_is_there_and_what_to_do(capsys: pytest.CaptureFixture[str]):
    write(report(violations=[violation()]), "text", None)
    printed = capsys.readouterr().out
    assert "policy, mandatory: tls: ingress: host a|b has no TLS <b>" in printed
    assert "why: without TLS" in printed
    assert "fix: set ingress.tls" in printed


def test_no_change_is_said(capsys: pytest.CaptureFixture[str]):
    write(report([], unchanged=7), "text", None)
    assert "no changes, 7 unchanged" in capsys.readouterr().out
