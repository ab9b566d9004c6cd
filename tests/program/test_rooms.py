"""Who imports whom: what `make check` is asked, with a contract broken on purpose."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.program.stacks import ROOT

ROOMS = ("bench", "components", "infra", "package", "policy", "tools")
BROKEN = [
    ("infra/outputs.py", "import tools.cli", "The program knows nothing of what runs around it"),
    ("package/provider.py", "import infra.outputs", "The package shows components, and nothing of the program"),
    ("components/labels.py", "import policy.rule", "Components know neither the program nor its rules"),
    ("policy/rule.py", "import infra.environment", "Rules use plain checks of the configuration only"),
    ("infra/stack.py", "import infra.target", "No import cycle anywhere"),
    ("infra/workloads.py", "import boto3", "Only files of AWS know AWS"),
    ("infra/workloads.py", "import hvac", "Only files of Vault know Vault"),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def contracts(project: Path) -> tuple[int, str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout


@pytest.mark.parametrize(("file", "line", "contract"), BROKEN, ids=[contract for *_, contract in BROKEN])
def test_an_import_through_the_wrong_door_is_found(project: Path, file: str, line: str, contract: str):
    path = project / file
    path.write_text(f"{path.read_text()}\n{line}\n")
    code, said = contracts(project)
    assert code != 0
    assert f"{contract} BROKEN" in said
