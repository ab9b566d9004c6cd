"""`start.sh`: a program starts with values out of files, and starts again when they have changed."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[4] / "components" / "sync" / "start.sh"
PATH = "/usr/bin:/bin"
SHOW = ["sh", "-c", 'printf %s "$ONE"']
WAIT = ["sh", "-c", "trap 'exit 0' TERM; : > $RUNS; while :; do sleep 0.05; done"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "ONE").write_text("a $(value) with 'quotes' \"and\" \\ more")
    return tmp_path / "env"


def start(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(SCRIPT), *words]
    environment = {"PATH": PATH, **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)


@contextmanager
def watching(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that waits to be asked to stop, once it runs."""
    environment = {"PATH": PATH, "START_PAUSE_SECONDS": "0.1", "RUNS": str(folder.parent / "runs")}
    command = ["sh", str(SCRIPT), "watch", "0", f"{folder}/", "--", *WAIT]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    try:
        while not (folder.parent / "runs").exists():
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.wait()


def test_every_file_of_a_folder_is_a_variable_with_exactly_its_text(folder: Path):
    assert start("once", "0", f"{folder}/", "--", *SHOW).stdout == (folder / "ONE").read_text()


def test_one_file_is_the_variable_that_it_is_named_for(folder: Path):
    (folder.parent / "other").write_text("x")
    assert start("once", "0", f"ONE={folder.parent}/other", "--", *SHOW).stdout == "x"


def test_what_the_container_has_already_stays(folder: Path):
    assert start("once", "0", f"{folder}/", "--", *SHOW, ONE="given").stdout == "given"


def test_a_value_that_was_not_delivered_is_named(folder: Path):
    found = start("once", "0", f"TWO={folder}/TWO", "--", *SHOW)
    assert (found.returncode, "TWO was not delivered" in found.stderr) == (1, True)


def test_the_program_is_asked_to_stop_when_a_value_has_changed(folder: Path):
    with watching(folder) as process:
        (folder / "ONE").write_text("another")
        assert process.wait(timeout=30) == 0


def test_a_changed_salt_key_stops_nothing(folder: Path):
    (folder / "LITELLM_SALT_KEY").write_text("one")
    with watching(folder) as process:
        (folder / "LITELLM_SALT_KEY").write_text("two")
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=2)


def test_nothing_watches_once_the_program_has_ended(folder: Path):
    with watching(folder) as process:
        pass
    # Whoever still ran would have this open.
    process.communicate(timeout=30)
