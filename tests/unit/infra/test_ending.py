"""A known error looks like one."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pulumi
import pytest

from infra.ending import EVERYTHING_IS_SAID, explained

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, handler)


def test_a_known_error_is_said_as_it_is_and_ends_the_program(monkeypatch: pytest.MonkeyPatch):
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "error", said.append)
    with pytest.raises(SystemExit) as ended, explained():
        raise pulumi.RunError("one problem in Pulumi.dev.yaml")
    assert ended.value.code == EVERYTHING_IS_SAID
    assert said == ["one problem in Pulumi.dev.yaml"]


def test_an_error_that_nobody_foresaw_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), explained():
        raise ZeroDivisionError


def test_a_run_that_is_interrupted_leaves_no_traceback():
    program = (
        "import os, signal, time\nfrom infra.ending import explained\n"
        "with explained():\n    os.kill(os.getpid(), signal.SIGINT)\n    time.sleep(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ,
    )
    assert done.returncode == EVERYTHING_IS_SAID
    assert done.stderr == ""
