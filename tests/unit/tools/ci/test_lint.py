"""Workflows are judged by tools of their field; what they are not to say is excused where it stands, with a reason."""

import re
import shutil
from pathlib import Path

import pytest

from tests.program.stacks import ROOT
from tools.ci import lint

BROKEN = """\
name: Broken
on: {issue_comment: {types: [created]}}
permissions: {}
jobs:
  say:
    runs-on: ubuntu-24.04
    steps:
      - run: echo "${{ github.event.comment.body }}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    return tmp_path


def put_actionlint(project: Path, code: int) -> None:
    program = project / ".cache" / "actionlint" / "actionlint"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\necho judged\nexit {code}\n")
    program.chmod(0o755)


def test_the_workflows_pass(project: Path):
    assert lint.main(project) == 0


def test_a_workflow_that_runs_the_text_of_a_comment_does_not(project: Path, capfd: pytest.CaptureFixture[str]):
    (project / ".github" / "workflows" / "broken.yml").write_text(BROKEN)
    assert lint.main(project) == 1
    assert "template-injection" in capfd.readouterr().out


def test_without_actionlint_it_says_so_and_how_to_get_it(project: Path, capfd: pytest.CaptureFixture[str]):
    assert lint.main(project) == 0
    said = capfd.readouterr().out
    assert "actionlint skipped: it is not on PATH" in said
    assert "tools.download actionlint .cache/actionlint" in said


@pytest.mark.parametrize("code", [0, 1])
def test_actionlint_that_was_downloaded_judges_too(project: Path, capfd: pytest.CaptureFixture[str], code: int):
    put_actionlint(project, code)
    assert lint.main(project) == code
    said = capfd.readouterr().out
    assert "judged" in said
    assert "skipped" not in said


def test_actionlint_starts_no_program_that_happens_to_be_there(project: Path):
    put_actionlint(project, 0)
    _, actionlint = lint.commands(project, {"PATH": ""})
    assert actionlint[1:] == ("-shellcheck=", "-pyflakes=")


def test_every_excuse_has_a_reason():
    files = [*(ROOT / ".github").rglob("*.yml")]
    excuses = [match for file in files for match in re.findall(r"zizmor: ignore\[[a-z-]+\](.*)", file.read_text())]
    assert len(excuses) == 5
    assert all(len(excuse.split()) > 3 for excuse in excuses)
