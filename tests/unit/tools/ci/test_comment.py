"""Comments under a pull request, edited in place."""

from pathlib import Path

import pytest

from tests.unit.tools.ci.server import REPOSITORY, Server, comment
from tools.ci import comment as module
from tools.ci.comment import LONGEST, Stranger, documents, put
from tools.ci.github import Comments

PLAN = "<!-- litellm-plan -->\nthe plan\n"
PREVIEW = "<!-- litellm-preview:prod -->\nthe preview\n"
FORK = Stranger("somebody/litellm", "c" * 40)
LIST = f"GET repos/{REPOSITORY}/issues/7/comments"
ADD = f"repos/{REPOSITORY}/issues/7/comments"


def test_the_first_time_a_comment_is_added(github: Server):
    github.answer(LIST, [comment(1, "a question", author="somebody")])
    github.answer(f"POST {ADD}", {"id": 2})
    assert put(Comments(github.github, 7), PLAN) == "added"
    assert github.changes() == [("POST", ADD, {"body": PLAN})]


def test_the_next_time_it_is_edited(github: Server):
    github.answer(LIST, [comment(1, PREVIEW), comment(2, "<!-- litellm-plan -->\r\nthe old plan")])
    github.answer(f"PATCH repos/{REPOSITORY}/issues/comments/2", {})
    assert put(Comments(github.github, 7), PLAN) == "edited"
    assert github.changes() == [("PATCH", f"repos/{REPOSITORY}/issues/comments/2", {"body": PLAN})]


def test_what_already_says_so_is_left_alone(github: Server):
    github.answer(LIST, [comment(2, PLAN.strip())])
    assert put(Comments(github.github, 7), PLAN) == "unchanged"
    assert github.changes() == []


def test_somebody_elses_comment_with_the_marker_is_not_edited(github: Server):
    github.answer(LIST, [comment(2, PLAN + "mine", author="somebody")])
    github.answer(f"POST {ADD}", {"id": 3})
    assert put(Comments(github.github, 7), PLAN) == "added"


def test_takes_the_documents_of_a_folder_in_order(tmp_path: Path):
    (tmp_path / "preview-prod.md").write_text(PREVIEW)
    (tmp_path / "plan.md").write_text(PLAN)
    (tmp_path / "notes.txt").write_text(PLAN)
    assert list(documents(tmp_path)) == [PLAN, PREVIEW]


def test_a_document_without_marker_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "plan.md").write_text("# anything\n")
    assert list(documents(tmp_path)) == []
    assert "plan.md: left out" in capsys.readouterr().out


def test_a_fork_cannot_pass_its_text_off_as_a_real_preview(tmp_path: Path):
    (tmp_path / "preview-prod.md").write_text(PREVIEW)
    assert list(documents(tmp_path, FORK)) == []


def of_fork(folder: Path, text: str) -> str:
    (folder / "plan.md").write_text(f"<!-- litellm-plan -->\n{text}")
    [body] = documents(folder, FORK)
    return body


def test_the_plan_of_a_fork_says_whose_code_made_it(tmp_path: Path):
    marker, notice, *_ = of_fork(tmp_path, "the plan\n").splitlines()
    assert marker == "<!-- litellm-plan -->"
    assert notice.startswith(
        f"**Made by the code of `somebody/litellm` at `{'c' * 40}`, which nobody of this repository"
    )


@pytest.mark.parametrize(
    "text",
    [
        "@team/admins look\n",
        "```\nclosed\n```\n# **Approved by the maintainers**\n",
        "````\n~~~\n</details><img src=x>\n`````\n",
        "[a link](https://example.com)",
        "",
    ],
)
def test_nothing_of_a_fork_is_read_as_markdown(tmp_path: Path, text: str):
    """CommonMark ends a fence with a line of at least as many backticks as began it, and with no other."""
    lines = of_fork(tmp_path, text).splitlines()
    fence = lines[3].removesuffix("text")
    assert set(fence) == {"`"}
    assert len(fence) >= 3
    assert lines[-1] == fence
    assert "\n".join(lines[4:-1]) == text.rstrip()
    assert not [line for line in lines[4:-1] if fence in line]


def test_a_fork_cannot_make_its_comment_too_long(tmp_path: Path):
    assert len(of_fork(tmp_path, "`" * 60_000)) < 65_536


def test_a_fork_has_one_comment(tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.md").write_text(PLAN)
    (tmp_path / "c.md").write_text("<!-- litellm-plan:of-the-maintainers -->\nall is well\n")
    assert len(list(documents(tmp_path, FORK))) == 1


def test_a_name_of_a_fork_is_no_markdown(tmp_path: Path):
    (tmp_path / "plan.md").write_text(PLAN)
    [body] = documents(tmp_path, Stranger("a`b](c)/litellm", "d`e"))
    assert "`abc/litellm` at `de`" in body


@pytest.mark.parametrize("stranger", [None, Stranger("somebody/litellm", "c" * 40)])
def test_a_document_that_is_too_long_is_cut_off(tmp_path: Path, stranger: Stranger | None):
    (tmp_path / "plan.md").write_text(PLAN + "line\n" * 20_000)
    [body] = documents(tmp_path, stranger)
    assert LONGEST < len(body) < 65_536
    assert body.startswith("<!-- litellm-plan -->\n")
    assert "cut off" in body


def pull(number: int, commit: str, repository: str | None = REPOSITORY) -> dict[str, object]:
    return {"number": number, "head": {"sha": commit, "repo": repository and {"full_name": repository}}}


@pytest.mark.parametrize(
    ("pulls", "expected"),
    [
        ([pull(5, "old"), pull(7, "new")], 7),
        ([pull(5, "old")], None),
        ([pull(5, "new", None), pull(6, "new", "other/litellm")], None),
        ([], None),
    ],
)
def test_finds_the_pull_request_by_its_newest_commit(github: Server, pulls: list[object], expected: int | None):
    github.answer(f"GET repos/{REPOSITORY}/pulls", pulls)
    assert github.github.pull_request_of(REPOSITORY, "a branch&more", "new") == expected
    assert "head=team%3Aa+branch%26more" in github.asked[0].path


def test_a_finished_run_of_a_fork_comments_on_its_pull_request(
    github: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "plan.md").write_text(PLAN)
    (tmp_path / "preview-prod.md").write_text(PREVIEW)
    for name, value in {
        "GITHUB_API_URL": github.base,
        "GITHUB_REPOSITORY": REPOSITORY,
        "GITHUB_TOKEN": "a-token",
        "HEAD_REPOSITORY": "somebody/litellm",
        "HEAD_BRANCH": "change",
        "HEAD_SHA": "new",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CI_MERGE_REQUEST_IID", raising=False)
    github.answer(f"GET repos/{REPOSITORY}/pulls", [pull(7, "new", "somebody/litellm")])
    github.answer(LIST, [])
    github.answer(f"POST {ADD}", {"id": 2})
    assert module.main(str(tmp_path)) == 0
    [(method, path, sent)] = github.changes()
    assert (method, path) == ("POST", ADD)
    assert "Made by the code of `somebody/litellm` at `new`" in sent["body"]
    assert sent["body"].endswith("```text\nthe plan\n```\n")


def test_a_merge_request_of_gitlab_gets_a_note_edited_in_place(
    github: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "plan.md").write_text(PLAN)
    for name, value in {
        "CI_API_V4_URL": github.base,
        "CI_PROJECT_ID": "12",
        "CI_MERGE_REQUEST_IID": "7",
        "GITLAB_TOKEN": "a-token",
    }.items():
        monkeypatch.setenv(name, value)
    notes = "projects/12/merge_requests/7/notes"
    github.answer("GET user", {"id": 3})
    github.answer(
        f"GET {notes}",
        [
            {"id": 1, "system": False, "author": {"id": 4}, "body": PLAN},
            {"id": 2, "system": True, "author": {"id": 3}, "body": PLAN},
            {"id": 9, "system": False, "author": {"id": 3}, "body": "<!-- litellm-plan -->\nold"},
        ],
    )
    github.answer(f"PUT {notes}/9", {})
    assert module.main(str(tmp_path)) == 0
    assert github.changes() == [("PUT", f"{notes}/9", {"body": PLAN})]
