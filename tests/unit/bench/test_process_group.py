"""What a command and its children take is measured as a whole."""

import os
import sys
from pathlib import Path

import pytest

from bench.process_group import measure, name_of

MEGABYTES = 60
HOLD = f"import time; held = bytes(range(256)) * ({MEGABYTES} << 12); time.sleep(0.4)"


def python(program: str) -> list[str]:
    return [sys.executable, "-S", "-c", program]


def test_memory_of_children_is_added(tmp_path: Path):
    alone = measure(python(HOLD), tmp_path, os.environ)
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {HOLD!r}])"
    together = measure(python(f"held = bytes(range(256)) * ({MEGABYTES} << 12); {parent}"), tmp_path, os.environ)
    assert alone.peak_bytes > MEGABYTES << 20
    assert together.peak_bytes > alone.peak_bytes + (MEGABYTES << 20)


def test_a_child_that_leaves_the_process_group_still_counts(tmp_path: Path):
    """Pulumi's plugins have process groups of their own."""
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {HOLD!r}], process_group=0)"
    assert measure(python(parent), tmp_path, os.environ).peak_bytes > MEGABYTES << 20


def test_time_is_that_of_the_whole_command(tmp_path: Path):
    assert 0.2 < measure(python("import time; time.sleep(0.2)"), tmp_path, os.environ).seconds < 5


def test_a_command_that_fails_is_no_measurement(tmp_path: Path):
    with pytest.raises(RuntimeError, match="ended with 3:\nno cluster"):
        measure(["sh", "-c", "echo no cluster; exit 3"], tmp_path, os.environ)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["/usr/local/bin/pulumi", "preview"], "pulumi"),
        (["/venv/bin/python", "-u", "/usr/bin/exec", "--monitor"], "python exec"),
        (["python3", "-u", "-m", "pulumi.dynamic", "1:2"], "python pulumi.dynamic"),
    ],
)
def test_a_process_is_named_by_what_it_runs(words: list[str], name: str):
    assert name_of(words) == name
