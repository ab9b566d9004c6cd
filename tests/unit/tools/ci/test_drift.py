"""One issue about drift."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tools.ci.server import REPOSITORY, Server
from tools.ci.drift import MARKER, Report, body, read, report

RUN = "https://github.example.com/runs/1"
ISSUES = f"repos/{REPOSITORY}/issues"
OURS = {"number": 4, "body": f"{MARKER}\nold"}
DRIFT = Report("prod", ("- update `gateway` (kubernetes:apps/v1:Deployment): `spec.replicas`",))


def document(folder: Path, name: str, /, **changes: Any) -> None:
    found = {
        "stack": name,
        "counts": {"update": 1},
        "changes": [
            {
                "op": "update",
                "urn": "urn",
                "type": "kubernetes:apps/v1:Deployment",
                "name": "gateway",
                "diff": [{"path": "spec.replicas", "before": 2, "after": "a-value"}],
            },
            {"op": "same", "urn": "urn", "type": "kubernetes:core/v1:Service", "name": "gateway", "diff": []},
        ],
        "policy": [],
        "problems": [],
    }
    stacks = [found | {key: value for key, value in changes.items() if key != "offline"}]
    (folder / f"drift-{name}.json").write_text(json.dumps({"offline": changes.get("offline", False), "stacks": stacks}))


def test_reads_what_differs_without_its_values(tmp_path: Path):
    document(tmp_path, "prod")
    assert read(tmp_path, "prod") == DRIFT


def test_what_is_the_same_is_no_drift(tmp_path: Path):
    document(tmp_path, "prod", changes=[{"op": "same", "urn": "u", "type": "t", "name": "n", "diff": []}])
    assert read(tmp_path, "prod") == Report("prod")


@pytest.mark.parametrize("changes", [{"offline": True}, {"problems": ["no access"]}, {"stack": "other"}])
def test_a_preview_that_could_not_look_says_nothing(tmp_path: Path, changes: dict[str, Any]):
    document(tmp_path, "prod", **changes)
    assert read(tmp_path, "prod").unknown


def test_a_missing_preview_says_nothing(tmp_path: Path):
    assert read(tmp_path, "prod").unknown


def test_drift_opens_an_issue(github: Server):
    github.answer(f"GET {ISSUES}", [])
    github.answer(f"POST {ISSUES}", {"number": 5})
    assert report(github.github, [DRIFT], RUN) == "issue 5 opened"
    [(_, _, made)] = github.changes()
    assert made["labels"] == ["drift"]
    assert made["body"].startswith(MARKER)
    assert "`spec.replicas`" in made["body"]
    assert RUN in made["body"]


def test_more_drift_edits_the_same_issue(github: Server):
    github.answer(f"GET {ISSUES}", [{"number": 3, "body": None}, OURS])
    github.answer(f"PATCH {ISSUES}/4", {})
    assert report(github.github, [DRIFT, Report("dev")], RUN) == "issue 4 edited"
    [(method, path, made)] = github.changes()
    assert (method, path) == ("PATCH", f"{ISSUES}/4")
    assert "## dev\n\nNo drift." in made["body"]


def test_no_drift_closes_it(github: Server):
    github.answer(f"GET {ISSUES}", [OURS])
    github.answer(f"POST {ISSUES}/4/comments", {})
    github.answer(f"PATCH {ISSUES}/4", {})
    assert report(github.github, [Report("prod"), Report("dev")], RUN) == "issue 4 closed"
    assert github.changes()[-1] == ("PATCH", f"{ISSUES}/4", {"state": "closed", "state_reason": "completed"})


def test_no_drift_and_no_issue_changes_nothing(github: Server):
    github.answer(f"GET {ISSUES}", [])
    assert report(github.github, [Report("prod")], RUN) == "no drift, no issue"
    assert github.changes() == []


def test_an_unreachable_cluster_closes_nothing(github: Server):
    github.answer(f"GET {ISSUES}", [OURS])
    assert report(github.github, [Report("prod", unknown="unreachable"), Report("dev")], RUN) == "issue 4 left open"
    assert github.changes() == []


def test_a_thousand_changes_still_fit_an_issue():
    text = body(
        [Report("prod", tuple(f"- update `resource-{number}` (a:long/type:Name)" for number in range(1000)))], RUN
    )
    assert len(text) < 65_536
    assert "and 900 more" in text
