"""What reaches prod: pushes, GitHub's queue, approvals and failures, with the script of the workflow itself."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from tests.program.stacks import ROOT
from tests.unit.tools.ci.server import REPOSITORY, Server

UP = yaml.load((ROOT / ".github" / "workflows" / "up.yml").read_text(), yaml.BaseLoader)
[TOUCHED] = [step for step in UP["jobs"]["preview"]["steps"] if step.get("id") == "touched"]


@dataclass
class Prod:
    """A repository, the queue of its workflow `Up`, and what has been deployed."""

    folder: Path
    github: Server
    running: str = ""
    """The commit whose run waits for approval."""
    waiting: str = ""
    """The commit whose run waits for its turn: GitHub keeps one, the newest."""
    deployments: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Commits and how their deployments ended, the newest last."""

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false")
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def push(self, file: str, text: str = "") -> str:
        path = self.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text or f"{len(self.git('log', '--oneline'))} {file}\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", file)
        commit = self.git("rev-parse", "HEAD")
        self.run(commit)
        return commit

    def run(self, commit: str, event: str = "push") -> None:
        """A new run, or one that somebody starts again."""
        if self.running:
            self.waiting = commit
        elif self.touched(commit, event) != []:
            self.running = commit

    def touched(self, commit: str, event: str) -> list[str]:
        """What the step of the workflow says in a checkout of the commit."""
        self.git("checkout", "--quiet", commit)
        output = self.folder.parent / "output"
        output.write_text("")
        environment = {
            "PATH": os.environ["PATH"],
            "GITHUB_API_URL": self.github.base,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": "a-token",
            "GITHUB_OUTPUT": str(output),
            "ASKED_FOR": "true" if event == "workflow_dispatch" else "",
        }
        assert environment.keys() >= TOUCHED["env"].keys()
        subprocess.run(["sh", "-ec", TOUCHED["run"]], cwd=self.folder, env=environment, check=True)
        self.git("checkout", "--quiet", "main")
        return json.loads(output.read_text().removeprefix("stacks="))

    def end(self, state: str) -> None:
        """The run that waits for approval ends; the next one begins."""
        self.deployments.append((self.running, state))
        key = len(self.deployments)
        self.github.answer(f"GET repos/{REPOSITORY}/deployments", [{"id": key, "sha": self.running}])
        self.github.answer(f"GET repos/{REPOSITORY}/deployments/{key}/statuses", [{"state": state}])
        self.running = ""
        if self.waiting:
            commit, self.waiting = self.waiting, ""
            self.run(commit)


@pytest.fixture
def prod(tmp_path: Path, github: Server) -> Prod:
    """A repository that has been deployed once, and whose queue is empty."""
    folder = tmp_path / "project"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "tools" / "ci", folder / "tools" / "ci", ignore=ignored)
    shutil.copy(ROOT / "tools" / "__init__.py", folder / "tools")
    (folder / ".gitignore").write_text("__pycache__\n")
    made = Prod(folder, github)
    github.answer(f"GET repos/{REPOSITORY}/deployments", [])
    made.git("init", "--quiet", "--initial-branch", "main")
    made.git("commit", "--quiet", "--allow-empty", "--message", "nothing")
    first = made.push("Pulumi.prod.yaml", "config: {}\n")
    assert made.running == first, "what was never deployed is"
    made.end("success")
    return made


def test_a_change_of_the_program_waits_for_approval(prod: Prod):
    change = prod.push("components/a.py")
    assert prod.running == change


def test_a_change_of_the_documentation_does_not(prod: Prod):
    prod.push("docs/a.md")
    assert prod.running == ""


def test_a_change_that_the_documentation_replaced_in_the_queue_is_deployed(prod: Prod):
    prod.push("components/a.py")
    prod.push("components/b.py")
    documentation = prod.push("docs/a.md")
    prod.end("success")
    assert prod.running == documentation, "it has what the run had that it replaced"


def test_the_documentation_behind_a_change_asks_for_nothing_more(prod: Prod):
    prod.push("components/a.py")
    prod.push("docs/a.md")
    prod.end("success")
    assert prod.running == ""


@pytest.mark.parametrize("state", ["failure", "error", "in_progress", "inactive"])
def test_what_did_not_succeed_comes_again_with_the_next_push(prod: Prod, state: str):
    """A failure, an approval that was refused, a runner that died."""
    prod.push("components/a.py")
    prod.end(state)
    documentation = prod.push("docs/a.md")
    assert prod.running == documentation


def test_a_change_that_failed_half_way_and_was_taken_back_is_deployed(prod: Prod):
    """The commits are equal in what they deploy; what runs is something in between."""
    prod.push("components/a.py", "one\n")
    prod.end("success")
    prod.push("components/a.py", "two\n")
    prod.end("failure")
    back = prod.push("components/a.py", "one\n")
    assert prod.running == back


def test_an_older_run_that_is_started_again_goes_back(prod: Prod):
    older = prod.push("components/a.py", "one\n")
    prod.end("success")
    prod.push("components/a.py", "two\n")
    prod.end("success")
    prod.run(older)
    assert prod.running == older


def test_who_asks_by_hand_gets_a_run(prod: Prod):
    commit = prod.git("rev-parse", "HEAD")
    prod.run(commit, "workflow_dispatch")
    assert prod.running == commit


def test_a_deployed_commit_that_is_no_longer_there_is_compared_with_nothing(prod: Prod):
    """The branch was pushed with force."""
    prod.github.answer(f"GET repos/{REPOSITORY}/deployments", [{"id": 1, "sha": "d" * 40}])
    documentation = prod.push("docs/a.md")
    assert prod.running == documentation


def test_the_workflow_may_read_what_was_deployed():
    assert UP["jobs"]["preview"]["permissions"]["deployments"] == "read"


def test_the_runs_of_the_stack_are_one_queue():
    """The simulation's queue is that of one group which cancels nothing."""
    assert UP["concurrency"] == {"group": "stack-prod", "cancel-in-progress": "false"}
    assert UP["jobs"]["up"]["environment"] == "prod", "GitHub notes a deployment to the environment that is asked for"
    assert "tools.ci.deployed prod" in TOUCHED["run"]
