"""The script of the migration Job: what LiteLLM's failures mean."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from components.gateway.migration import SCRIPT

P3009 = "P3009\n\nmigrate found failed migrations\nThe `20260102000000_newer` migration started at 2026-01-01 failed"
P3018 = (
    "P3018\n\nA migration failed to apply.\n\nMigration name: 20260102000000_newer\n\nDatabase error:\nrelation exists"
)

MODULES = {
    "litellm_proxy_extras/__init__.py": "",
    "litellm_proxy_extras/utils.py": "class ProxyExtrasDBManager:\n    _strip_prisma_query_params = staticmethod(str)\n",
    "litellm_proxy_extras/migrations/20260101000000_first/migration.sql": "",
    "litellm/__init__.py": "",
    "litellm/proxy/__init__.py": "",
    "litellm/proxy/db/__init__.py": "",
    "litellm/proxy/db/db_url_settings.py": """
class DatabaseURLSettings:
    from_env = classmethod(lambda cls: cls())
    apply_to_env = lambda self: True
""",
    "psycopg/__init__.py": """
import os
from psycopg import sql
class Connection:
    __enter__ = lambda self: self
    __exit__ = lambda self, *_: None
    execute = lambda self, *_: self
    fetchall = lambda self: [(name,) for name in os.environ["APPLIED"].split()]
def connect(url):
    if "APPLIED" not in os.environ:
        raise OSError(url)
    return Connection()
""",
    "psycopg/sql.py": """
Identifier = lambda *names: names
class SQL:
    __init__ = lambda self, text: None
    format = lambda self, *_: self
""",
}
"""As much of LiteLLM's image as the script looks at; `APPLIED` is Prisma's ledger."""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def start(image: Path, output: str, code: int, applied: str | None, wait: float = 0) -> "subprocess.Popen[str]":
    migration = f"import sys, time; print('began', flush=True); time.sleep({wait}); print({output!r}); sys.exit({code})"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(image), "DATABASE_URL": "postgresql://u:secret@h/d"}
    if applied is not None:
        environment["APPLIED"] = applied
    command = [sys.executable, "-c", SCRIPT, sys.executable, "-c", migration]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ran(image: Path, output: str, code: int, applied: str | None = "") -> tuple[int, str]:
    process = start(image, output, code, applied)
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


def test_a_migration_that_ends_well_is_all_there_is_to_say(image: Path) -> None:
    assert ran(image, "No pending migrations to apply.", 0) == (0, "began\nNo pending migrations to apply.\n")


def test_a_failure_that_may_go_away_is_litellms_own(image: Path) -> None:
    assert ran(image, "P1001: Can't reach database server", 1)[0] == 1


def test_sql_that_failed_needs_a_person(image: Path) -> None:
    code, said = ran(image, P3018, 2)
    assert code == 3
    assert "migration 20260102000000_newer failed" in said
    assert "docs/runbooks/migration.md" in said
    assert said.endswith("With the image before, `make up` works.\n")


def test_a_migration_that_was_killed_is_explained(image: Path) -> None:
    code, said = ran(image, P3009, 2, applied="")
    assert code == 3
    assert "P3009: migration 20260102000000_newer began and did not end" in said


def test_the_version_before_goes_on_when_the_database_has_all_that_it_needs(image: Path) -> None:
    code, said = ran(image, P3009, 2, applied="20260101000000_first")
    assert code == 0
    assert "migration 20260102000000_newer of another version did not end" in said


def test_a_ledger_that_cannot_be_read_proves_nothing(image: Path) -> None:
    code, said = ran(image, P3009, 2, applied=None)
    assert code == 3
    assert "could not be compared (OSError)" in said
    assert "secret" not in said


def test_a_pod_that_is_stopped_lets_the_migration_end(image: Path) -> None:
    process = start(image, "done", 0, "", wait=1)
    while "began" not in (process.stdout.readline() if process.stdout else "began"):
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    said, _ = process.communicate(timeout=60)
    assert (process.returncode, said.splitlines()[-1]) == (0, "done")
