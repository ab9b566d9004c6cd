"""The programs that tests call: those of a new machine, and those that a test asks for and is skipped without.

Unit and program tests run with a PATH that holds the first ones and nothing else (tests/conftest.py), so that a test which
needs more fails on every machine, not only on those that lack it.
"""

import os
import shutil
import sys
from pathlib import Path

import pytest

NEW_MACHINE = ("python3", "make", "git", "sh")
"""What README asks for, with the shell that `make` itself needs."""

WHOLE_PATH = os.environ.get("PATH", os.defpath)


def fill(folder: Path) -> Path:
    """Put the programs of a new machine into `folder`, for a PATH that holds nothing else."""
    # The python3 on PATH may be a script that looks for another program.
    own = {"python3": str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())}
    for name in NEW_MACHINE:
        if found := own.get(name) or shutil.which(name, path=WHOLE_PATH):
            (folder / name).symlink_to(found)
    return folder


def needed(name: str) -> str:
    """Where a program is that a new machine need not have; skips the test without it."""
    found = shutil.which(name, path=WHOLE_PATH)
    if not found:
        pytest.skip(f"needs {name} on PATH")
    return found


def of_environment(name: str) -> str:
    """A program that `make` has installed beside this Python, with a hash."""
    return str(Path(sys.executable).with_name(name))
