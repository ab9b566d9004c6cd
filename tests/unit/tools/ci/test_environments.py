"""Who gets an environment of a pull request, and what its comment says."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.tools.ci.server import REPOSITORY, Server
from tests.unit.tools.ci.server import comment as a_comment
from tools.ci import environments
from tools.ci.environments import LABEL, MARKER, Decision, comment, decide, text

COMMIT = "0123456789abcdef"


def change(*labels: str, home: str | None = REPOSITORY) -> dict[str, Any]:
    return {
        "number": 7,
        "head": {"sha": COMMIT, "repo": home and {"full_name": home}},
        "labels": [{"name": name} for name in labels],
    }


def event(
    action: str, *labels: str, label: str = "", home: str | None = REPOSITORY, sender: str = "ann"
) -> dict[str, Any]:
    made: dict[str, Any] = {"action": action, "pull_request": change(*labels, home=home), "sender": {"login": sender}}
    return made | ({"label": {"name": label}} if label else {})


def said(body: str, **changes: Any) -> dict[str, Any]:
    issue = {"number": 7, "state": "open", "pull_request": {}}
    return {"action": "created", "issue": issue, "comment": {"body": body, "user": {"login": "ann"}}} | changes


@pytest.mark.parametrize(
    ("given", "action"),
    [
        (event("labeled", LABEL, label=LABEL), "up"),
        (event("synchronize", LABEL), "up"),
        (event("reopened", LABEL), "up"),
        (event("unlabeled", label=LABEL), "down"),
        (event("closed", LABEL), "down"),
        (event("labeled", LABEL, label="bug"), "none"),
        (event("unlabeled", LABEL, label="bug"), "none"),
        (event("unlabeled", label="bug"), "none"),
        (event("synchronize"), "none"),
        (event("closed"), "none"),
    ],
)
def test_a_pull_request_has_an_environment_while_it_is_open_and_has_the_label(
    github: Server, given: dict[str, Any], action: str
):
    assert decide("pull_request", given, github.github).action == action


def test_an_environment_is_made_of_the_newest_commit(github: Server):
    decision = decide("pull_request", event("labeled", LABEL, label=LABEL), github.github)
    assert decision.outputs() == f"action=up\nnumber=7\ncommit={COMMIT}\n"


@pytest.mark.parametrize("home", ["somebody/litellm", None], ids=["a fork", "a fork that is gone"])
@pytest.mark.parametrize(
    ("action", "labels", "label", "expected"),
    [
        ("labeled", [LABEL], LABEL, "plan"),
        ("synchronize", [LABEL], "", "plan"),
        ("closed", [LABEL], "", "none"),
        ("unlabeled", [], LABEL, "none"),
    ],
)
def test_a_fork_gets_the_offline_plan_only(
    github: Server, home: str | None, action: str, labels: list[str], label: str, expected: str
):
    given = event(action, *labels, label=label, home=home)
    assert decide("pull_request", given, github.github).action == expected


def test_a_run_without_secrets_gets_the_offline_plan_only(github: Server):
    given = event("synchronize", LABEL, sender="dependabot[bot]")
    assert decide("pull_request", given, github.github).action == "plan"


def test_a_schedule_removes_what_has_expired(github: Server):
    assert decide("schedule", {}, github.github).action == "reap"


def permission(github: Server, level: str) -> None:
    github.answer(f"GET repos/{REPOSITORY}/collaborators/ann/permission", {"permission": level})


@pytest.mark.parametrize(
    ("body", "action"),
    [
        ("/preview", "up"),
        ("/preview \r\nplease", "up"),
        ("/preview down", "down"),
        ("/preview now", "none"),
        ("", "none"),
    ],
)
def test_a_comment_asks_for_an_environment(github: Server, body: str, action: str):
    permission(github, "write")
    github.answer(f"GET repos/{REPOSITORY}/pulls/7", change())
    assert decide("issue_comment", said(body), github.github).action == action


@pytest.mark.parametrize("level", ["read", "none", "triage"])
def test_a_comment_of_somebody_who_may_not_write_asks_for_nothing(github: Server, level: str):
    permission(github, level)
    github.answer(f"GET repos/{REPOSITORY}/pulls/7", change())
    assert decide("issue_comment", said("/preview"), github.github).action == "none"


def test_a_comment_of_a_stranger_asks_for_nothing(github: Server):
    """GitHub answers 404 for some users, such as apps."""
    assert decide("issue_comment", said("/preview"), github.github).action == "none"


def test_a_comment_cannot_run_the_code_of_a_fork_not_even_one_of_an_admin(github: Server):
    permission(github, "admin")
    github.answer(f"GET repos/{REPOSITORY}/pulls/7", change(home="somebody/litellm"))
    assert decide("issue_comment", said("/preview"), github.github).action == "refuse"


@pytest.mark.parametrize(
    "changes",
    [
        {"issue": {"number": 7, "state": "open"}},
        {"issue": {"number": 7, "state": "closed", "pull_request": {}}},
        {"action": "edited"},
    ],
    ids=["on an issue", "on a closed pull request", "edited"],
)
def test_other_comments_ask_for_nothing(github: Server, changes: dict[str, Any]):
    permission(github, "admin")
    assert decide("issue_comment", said("/preview", **changes), github.github).action == "none"


def test_a_decision_is_handed_to_the_other_jobs(github: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "event").write_text(json.dumps(event("closed", LABEL)))
    for name, value in {
        "GITHUB_API_URL": github.base,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_TOKEN": "a-token",
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_EVENT_PATH": str(tmp_path / "event"),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }.items():
        monkeypatch.setenv(name, value)
    assert environments.main("decide") == 0
    assert (tmp_path / "output").read_text() == f"action=down\nnumber=7\ncommit={COMMIT}\n"


READY = {
    "url": "https://pr-7.preview.example.com",
    "namespace": "litellm-env-pr-7",
    "expires": "2030-01-01T10:00:00Z",
    "curl": "curl https://pr-7.preview.example.com/v1/models",
}


def test_the_comment_says_where_the_environment_is_and_until_when():
    said = text("up", READY)
    assert said.startswith(MARKER)
    assert "https://pr-7.preview.example.com**" in said
    assert "2030-01-01T10:00:00Z" in said
    assert "```sh\ncurl https://pr-7" in said


def test_the_comment_says_why_there_is_none(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RUN_URL", "https://github.example.com/runs/1")
    said = text("up", {"error": {"kind": "taken", "message": "belongs to bob"}})
    assert "could not be made" in said
    assert "    belongs to bob" in said
    assert "https://github.example.com/runs/1" in said


def test_a_run_that_left_no_result_failed():
    assert "could not be removed" in text("down", None)


def test_the_comment_is_edited_and_the_label_kept_in_step(github: Server):
    comments = f"repos/{REPOSITORY}/issues/7/comments"
    github.answer(f"GET {comments}", [a_comment(1, f"{MARKER}\nold")])
    github.answer(f"PATCH repos/{REPOSITORY}/issues/comments/1", {})
    github.answer(f"POST repos/{REPOSITORY}/issues/7/labels", [])
    comment(github.github, "up", 7, READY)
    assert [(method, path) for method, path, _ in github.changes()] == [
        ("PATCH", f"repos/{REPOSITORY}/issues/comments/1"),
        ("POST", f"repos/{REPOSITORY}/issues/7/labels"),
    ]


def test_removing_the_environment_removes_the_label(github: Server):
    github.answer(f"GET repos/{REPOSITORY}/issues/7/comments", [])
    github.answer(f"POST repos/{REPOSITORY}/issues/7/comments", {})
    github.answer(f"GET repos/{REPOSITORY}/pulls/7", change(LABEL))
    github.answer(f"DELETE repos/{REPOSITORY}/issues/7/labels/{LABEL}")
    comment(github.github, "down", 7, {"name": "pr-7", "removed": True})
    assert github.changes()[-1][:2] == ("DELETE", f"repos/{REPOSITORY}/issues/7/labels/{LABEL}")


def test_decisions_are_one_line_each():
    """Outputs are lines of name=value: nothing of an event may add one."""
    assert Decision("up", 7, COMMIT, "a\nb").outputs().count("\n") == 3
