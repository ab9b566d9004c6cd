"""Every command that README, docs and messages print: those that need nothing but this checkout are run, and each other one has
its reason here."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.program.stacks import ROOT
from tests.program.test_new_machine import TARGETS

PROGRAMS = ("aws", "curl", "docker", "git", "helm", "kind", "kubectl", "kubeseal", "make", "pulumi", "vault")
COMMAND = re.compile(rf"(?:{'|'.join(PROGRAMS)}) (?!=)\S.*")
PAGES = sorted(
    [ROOT / "README.md", ROOT / "bench/README.md", ROOT / "tools/local/README.md", *(ROOT / "docs").rglob("*.md")]
)
ROOMS = ("components", "infra", "policy", "tools")

CLUSTER = "needs a cluster and its store: tests/e2e runs it"
RUNS = ("make plan", "make plan STACK=prod", "make env-plan NAME=pr-123")
"""Commands that are run here, as they are printed."""

REASONS = {
    r"make (-s )?(up|smoke|access|preview|destroy|recover|repair|try|key|secrets|upgrade)\b.*": CLUSTER,
    r"make (-s )?env-(up\b|list|extend|down|reap|url|key|run|…).*": CLUSTER,
    r"make local-down( up)?\b.*": "needs Docker: tests/unit/tools/local shows what it does",
    r"make plan STACK=(?!prod$).*": "the same with a stack that a message names",
    r"make plan ARGS='--against main'": "needs a branch main: tests/unit/tools/report/test_revision.py runs it",
    r"make render.*": "writes files, some of what only a store knows: tests/program/test_rendering.py runs it",
    r"helm get values.*": "needs a release of Helm: what it shows is read by tests/program/test_adopt_sources.py",
    r"make adopt.*": "reads what somebody has: tests/program/test_adopt.py runs it",
    r"make config\b.*": "needs Pulumi's command line: tests/unit/tools/engine/test_operations.py shows what it does",
    r"make (test|check|docs|fmt|e2e)\b.*": "is what runs this test, or writes into the work tree",
    r"make bench-\w+.*": "takes minutes, and some a cluster (bench/README.md)",
    r"pulumi .*": "needs Pulumi's command line, and a backend: tests/e2e runs those that matter",
    r"kubectl .*": "needs a cluster",
    r"vault .*": "needs a Vault, and Vault's command",
    r"aws .*": "needs an account of AWS, and AWS' command",
    r"kubeseal .*": "needs a controller of Sealed Secrets: tests/e2e/test_sealed_secrets.py runs it",
    r"docker compose up|helm (install|upgrade)\b.*": "is what the project takes the place of: docs/seeds shows what instead",
    r"git .*": "is about the repository of whoever reads it",
    r"curl .*": "needs a gateway: tests/e2e runs what `up` prints",
}
"""Why all others cannot be run here."""


def in_pages() -> Iterator[str]:
    for page in PAGES:
        text = page.read_text()
        yield from re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        for block in [
            *re.findall(r"```(?:sh|bash)?\n(.*?)```", text, re.DOTALL),
            *re.findall(r"^    (.*)$", text, re.MULTILINE),
        ]:
            yield from block.splitlines()


def in_messages() -> Iterator[str]:
    """Of f-strings, what stands for a value is an ellipsis."""
    for file in sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                yield from re.findall(r"`([^`\n]+)`", "".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from re.findall(r"`([^`\n]+)`", node.value)


@cache
def commands() -> frozenset[str]:
    """Without what explains them: a comment, or words that stand in a column of their own."""
    found = (re.split(r"\s+#|\s{3,}", text.strip())[0].strip() for text in (*in_pages(), *in_messages()))
    return frozenset(text for text in found if COMMAND.fullmatch(text))


def test_commands_are_found_in_pages_and_in_messages():
    assert commands() >= {"make up STACK=dev", "make test", "vault login", "make plan STACK=…"}


def test_every_command_is_run_or_has_its_reason():
    without = [text for text in commands() if text not in RUNS and not any(re.fullmatch(r, text) for r in REASONS)]
    assert sorted(without) == []


def test_no_reason_is_left_over():
    assert [text for text in RUNS if text not in commands()] == []
    used = {reason for reason in REASONS for text in commands() if re.fullmatch(reason, text)}
    assert sorted(set(REASONS) - used) == []


def test_every_target_of_make_that_is_printed_is_there():
    words = {word for text in commands() if text.startswith("make ") for word in text.split()[1:]}
    targets = {word for word in words if re.fullmatch(r"[a-z][a-z-]+", word)}
    assert {"up", "env-up", "try"} <= targets
    assert targets - set(TARGETS) == set()


@pytest.mark.parametrize("command", RUNS)
def test_it_runs_as_it_is_printed(command: str, tmp_path: Path):
    folder = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".git", ".venv", ".cache", ".state", "__pycache__", "node_modules")
    shutil.copytree(ROOT, folder, ignore=ignored)
    (folder / ".venv").symlink_to(Path(sys.prefix))
    # The environment is that of this test: nothing is to be installed.
    done = subprocess.run(
        [*command.split(), "--old-file=setup"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
