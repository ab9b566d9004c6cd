"""`fetch.sh`: secrets of AWS Secrets Manager, a file for each."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[4] / "components" / "sync" / "fetch.sh"
AWS = """#!/bin/sh
echo "$@" >> "$CALLS"
case $4 in missing) exit 254 ;; esac
echo "value of $4"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with an AWS CLI."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "aws").write_text(AWS)
    (tmp_path / "bin" / "aws").chmod(0o755)
    return tmp_path


def fetch(folder: Path, *secrets: str) -> subprocess.CompletedProcess[str]:
    (folder / "secrets").write_text("".join(f"{secret}\n" for secret in secrets))
    environment = {"PATH": f"{folder / 'bin'}:{os.defpath}", "CALLS": str(folder / "calls")}
    command = ["sh", str(SCRIPT), str(folder / "secrets"), str(folder / "fetched")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


def test_each_secret_is_a_file_called_like_its_number(folder: Path):
    assert fetch(folder, "prod/openai", "arn:aws:secretsmanager:us-east-1:1:secret:b").returncode == 0
    found = [(folder / "fetched" / name).read_text() for name in ("0", "1")]
    assert found == ["value of prod/openai\n", "value of arn:aws:secretsmanager:us-east-1:1:secret:b\n"]


def test_the_cli_is_asked_for_the_whole_secret_and_nothing_else(folder: Path):
    fetch(folder, "prod/openai")
    asked = (folder / "calls").read_text().strip()
    assert asked == "secretsmanager get-secret-value --secret-id prod/openai --query SecretString --output text"


def test_a_secret_that_cannot_be_read_is_named_and_ends_it(folder: Path):
    done = fetch(folder, "missing", "prod/openai")
    assert done.returncode == 1
    assert "secret missing could not be read" in done.stderr
    assert len((folder / "calls").read_text().splitlines()) == 1


def test_others_cannot_read_what_was_fetched(folder: Path):
    fetch(folder, "prod/openai")
    assert (folder / "fetched" / "0").stat().st_mode & 0o077 == 0
