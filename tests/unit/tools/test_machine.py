"""Which processes of this machine are still there."""

import os
import subprocess
import sys

import pytest

from tools import machine


def test_this_process_runs():
    assert machine.runs(os.getpid())


def test_one_that_has_ended_does_not():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert not machine.runs(process.pid)


def test_one_of_somebody_else_runs(monkeypatch: pytest.MonkeyPatch):
    def refuse(_: int, __: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert machine.runs(1)


def test_where_asking_would_end_it_nobody_is_asked(monkeypatch: pytest.MonkeyPatch):
    def ends_it(process: int, _: int) -> None:
        raise AssertionError(process)

    monkeypatch.setattr(os, "kill", ends_it)
    monkeypatch.setattr(os, "name", "nt")
    assert machine.runs(os.getpid())


@pytest.mark.parametrize("number", [0, -1])
def test_a_number_that_means_a_group_is_not_asked_for(number: int, monkeypatch: pytest.MonkeyPatch):
    def group(process: int, _: int) -> None:
        raise AssertionError(process)

    monkeypatch.setattr(os, "kill", group)
    assert machine.runs(number)


def test_a_number_that_no_system_gives_does_not():
    assert not machine.runs(2**70)
