"""A program in YAML that uses the components as a package, with the real engine."""

import base64
import json
import shutil
from typing import Any

import pytest

from tests.e2e.conftest import ROOT
from tests.e2e.support import Project, kubectl

NAMESPACE = "yaml-program"

pytestmark = pytest.mark.skipif(
    not shutil.which("pulumi-language-yaml"), reason="needs pulumi-language-yaml on PATH, which comes with Pulumi's CLI"
)


class Program:
    """The example in a copy of the checkout, with a stack of its own."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.folder = project.folder / "examples" / "yaml-program"
        for name in ("package", "examples/yaml-program"):
            ignored = shutil.ignore_patterns("__pycache__", "Pulumi.*.yaml")
            shutil.copytree(ROOT / name, project.folder / name, dirs_exist_ok=True, ignore=ignored)

    def pulumi(self, *arguments: str) -> str:
        command = ["pulumi", "--cwd", str(self.folder), "--non-interactive", *arguments, "--stack", "try"]
        return self.project.run(command, self.project.environment, check=True).stdout


@pytest.fixture(scope="module")
def program(project: Project) -> Any:
    program = Program(project)
    program.project.run(
        ["pulumi", "--cwd", str(program.folder), "stack", "init", "try"], project.environment, check=True
    )
    program.pulumi("up", "--yes", "--skip-preview")
    yield program
    program.pulumi("destroy", "--yes", "--skip-preview")
    assert not kubectl("get", "namespace", NAMESPACE, check=False).stdout
    program.pulumi("stack", "rm", "--yes")


def test_the_database_and_its_role_are_there(program: Program):
    query = "SELECT datname, pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'application'"
    local = ("psql", "-U", "postgres", "-h", "/var/run/postgresql", "-d", "postgres", "-At", "-c", query)
    found = kubectl("exec", "-n", NAMESPACE, "statefulset/postgres", "--", *local).stdout.strip()
    assert found == "application|application"


def test_outputs_of_components_reach_the_program(program: Program):
    outputs = json.loads(program.pulumi("stack", "output", "--json"))
    assert outputs["host"] == f"postgres.{NAMESPACE}.svc"
    assert outputs["job"].startswith("bootstrap-job-")


def test_generated_passwords_are_in_no_plain_text(program: Program):
    encoded = kubectl("get", "secret", "-n", NAMESPACE, "-o", "jsonpath={.items[*].data.password}").stdout.split()
    passwords = [base64.b64decode(each).decode() for each in encoded]
    assert len(passwords) == 2
    state = program.pulumi("stack", "export")
    assert not [password for password in passwords if password in state]


def test_a_second_up_changes_nothing(program: Program):
    program.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")
