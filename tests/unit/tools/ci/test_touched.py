"""Which stacks a pull request can touch."""

import json
import subprocess
from pathlib import Path

import pytest

from tools.ci import touched as module
from tools.ci.touched import touched

STACKS = ("dev", "prod")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["Pulumi.prod.yaml"], ["prod"]),
        (["Pulumi.prod.yaml", "Pulumi.dev.yaml"], ["dev", "prod"]),
        (["docs/limits.md", "README.md", "tests/unit/test_a.py", ".github/workflows/up.yml", "renovate.json"], []),
        (["versions.yaml"], ["dev", "prod"]),
        (["components/gateway/pod.py"], ["dev", "prod"]),
        (["Pulumi.yaml"], ["dev", "prod"]),
        (["requirements.txt", "Pulumi.dev.yaml"], ["dev", "prod"]),
        (["examples/Pulumi.prod.yaml"], []),
        (["Pulumi.gone.yaml"], []),
        ([], []),
    ],
)
def test_touches(paths: list[str], expected: list[str]):
    assert touched(paths, STACKS) == expected


@pytest.fixture
def project(tmp_path: Path) -> Path:
    def git(*arguments: str) -> None:
        identity = ("-c", "user.name=n", "-c", "user.email=e@example.com", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    for name in ("Pulumi.dev.yaml", "Pulumi.prod.yaml"):
        (tmp_path / name).write_text("config: {}\n")
    git("init", "--quiet", "--initial-branch", "main")
    git("add", "--all")
    git("commit", "--quiet", "--message", "first")
    git("checkout", "--quiet", "-b", "change")
    (tmp_path / "Pulumi.prod.yaml").write_text("config: {litellm:protect: true}\n")
    git("commit", "--quiet", "--all", "--message", "second")
    return tmp_path


def printed(project: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    module.main(arguments, project)
    return json.loads(capsys.readouterr().out)


def test_compares_with_where_the_branch_began(project: Path, capsys: pytest.CaptureFixture[str]):
    assert printed(project, capsys, "--base", "main") == ["prod"]


def test_leaves_out_the_stacks_that_cannot_be_previewed(project: Path, capsys: pytest.CaptureFixture[str]):
    assert printed(project, capsys, "--base", "main", "--only", '["dev"]') == []


@pytest.mark.parametrize("base", ["0" * 40, "0", "deadbeef", "--output=file"])
def test_an_unknown_revision_touches_everything(base: str, project: Path, capsys: pytest.CaptureFixture[str]):
    """The first push of a branch, or a forced one; an option in its place is no option."""
    assert printed(project, capsys, f"--base={base}") == ["dev", "prod"]
    assert not (project / "file...HEAD").exists()
