"""Comparing with another revision: a repository with one commit, and what is not in it."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.program.stacks import ROOT
from tools.problem import Problem
from tools.report.offline import plan_against
from tools.report.revision import read_revision, stacks_at

PARTS = (
    "components",
    "infra",
    "policy",
    "tools",
    "Pulumi.yaml",
    "Pulumi.dev.yaml",
    "Pulumi.prod.yaml",
    "requirements.txt",
    "versions.yaml",
)


def git(folder: Path, *arguments: str) -> None:
    author = ("-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *author, *arguments], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def committed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as it is, committed twice: first without a program."""
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "--quiet", "--initial-branch", "main")
    (folder / "Pulumi.dev.yaml").write_text("config: {}\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "Nothing")
    git(folder, "tag", "before-the-plan")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "Everything")
    return folder


@pytest.fixture
def project(committed: Path, tmp_path: Path) -> Path:
    """A work tree of its own to change."""
    folder = tmp_path / "project"
    git(tmp_path, "clone", "--quiet", "--no-local", str(committed), str(folder))
    return folder


def replace(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_every_stack_is_compared_in_one_go(project: Path):
    replace(project / "Pulumi.prod.yaml", "replicas: 2", "replicas: 3")
    replace(project / "Pulumi.dev.yaml", "storage: 1Gi", "storage: 2Gi")
    (project / "Pulumi.new.yaml").write_text((project / "Pulumi.dev.yaml").read_text())
    dev, new, prod = plan_against(project, "HEAD").stacks
    assert [(change.operation, change.name) for change in dev.changes or ()] == [("update", "postgres-server")]
    assert new.counts == {"create": len(new.resources)}
    assert new.note == "new: it is not there at HEAD"
    (deployment,) = list(prod.changes or ())
    assert [(each.path, each.before, each.after) for each in deployment.differences] == [("spec.replicas", 2, 3)]
    assert prod.unchanged == len(prod.resources) - 1


def test_a_stack_whose_file_is_gone_is_all_deleted(project: Path):
    (project / "Pulumi.dev.yaml").unlink()
    (report,) = plan_against(project, "HEAD", "dev").stacks
    assert set(report.counts) == {"delete"}
    assert "its file is gone" in report.note


def test_a_configuration_that_is_wrong_here_is_a_problem(project: Path):
    replace(project / "Pulumi.prod.yaml", "replicas: 2", "replicas: 0")
    report = plan_against(project, "HEAD", "prod")
    assert report.exit_code == 1
    assert "litellm:gateway.replicas" in report.stacks[0].problems[0]


def test_a_configuration_that_was_wrong_there_is_a_note(project: Path):
    replace(project / "Pulumi.prod.yaml", "replicas: 2", "replicas: 0")
    git(project, "commit", "--quiet", "--all", "-m", "Wrong")
    replace(project / "Pulumi.prod.yaml", "replicas: 0", "replicas: 2")
    (report,) = plan_against(project, "HEAD", "prod").stacks
    assert "wrong at HEAD" in report.note
    assert report.problems == ()


def test_other_dependencies_are_told(project: Path):
    (project / "requirements.txt").write_text("")
    assert "locks other dependencies" in plan_against(project, "HEAD", "dev").notices[0]


@pytest.mark.parametrize("revision", ["nope", "--help", "HEAD:infra"])
def test_an_unknown_revision_is_refused(project: Path, revision: str):
    with pytest.raises(Problem, match="there is no revision"):
        plan_against(project, revision)


def test_a_revision_without_a_plan_is_refused(project: Path):
    with pytest.raises(Problem, match=r"before-the-plan cannot be planned, .*No module named 'infra'"):
        plan_against(project, "before-the-plan")


def test_an_unknown_stack_is_refused_with_the_known_ones(project: Path):
    with pytest.raises(Problem, match=r"no stack 'nope', neither here nor at HEAD. Stacks here: dev, prod"):
        plan_against(project, "HEAD", "nope")


def test_a_folder_without_git_is_refused(tmp_path: Path):
    with pytest.raises(Problem, match="no git repository"):
        stacks_at(tmp_path, "HEAD")


def test_the_work_tree_is_left_alone(project: Path):
    replace(project / "Pulumi.prod.yaml", "replicas: 2", "replicas: 3")
    read_revision(project, "HEAD", ["prod"], [], os.environ)
    done = subprocess.run(
        ["git", "-C", str(project), "status", "--porcelain"], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == " M Pulumi.prod.yaml\n"
