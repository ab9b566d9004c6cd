"""Running real programs."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from tools.problem import Problem
from tools.process import Finished, SystemRunner

COUNTS_SIGNALS = """
import signal, sys, time
from pathlib import Path
heard = []
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: heard.append(number))
Path(sys.argv[1]).touch()
end = time.monotonic() + 20
while not heard and time.monotonic() < end:
    time.sleep(0.01)
time.sleep(0.3)
sys.exit(10 * len(heard) + heard[0])
"""


@pytest.fixture
def runner(tmp_path: Path) -> SystemRunner:
    return SystemRunner(tmp_path)


def test_a_program_that_is_not_there_is_an_answer(runner: SystemRunner) -> None:
    assert runner.capture(["no-such-program"], environment={}) == Finished(127, errors="no-such-program: not found")


def test_a_program_that_hangs_is_given_up(runner: SystemRunner) -> None:
    done = runner.capture([sys.executable, "-c", "import time; time.sleep(60)"], environment={}, limit=0.2)
    assert done.code == 124
    assert "did not answer" in done.reason


def test_the_reason_of_a_failure_is_its_error_line() -> None:
    assert Finished(1, errors="warning: old\nerror: wrong key\nusage: x\n").reason == "error: wrong key"
    assert Finished(1, errors="first\nlast\n\n").reason == "last"
    assert Finished(1).reason == "no message"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_reaches_the_program_exactly_once(
    runner: SystemRunner, tmp_path: Path, number: signal.Signals
) -> None:
    """The second one would make Pulumi drop what it is doing, and leave resources that it does not know."""
    ready = tmp_path / "ready"

    def send() -> None:
        while not ready.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    command = [sys.executable, "-c", COUNTS_SIGNALS, str(ready)]
    code = runner.follow(command, environment={}, interactive=False, limit=30)
    assert code == 10 + number


def test_a_program_that_was_killed_has_the_exit_code_of_a_shell(runner: SystemRunner) -> None:
    command = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    assert runner.follow(command, environment={}, interactive=False, limit=30) == 128 + 9


def test_an_operation_that_never_ends_is_stopped(runner: SystemRunner) -> None:
    command = [sys.executable, "-c", "import time; time.sleep(60)"]
    with pytest.raises(Problem, match="was stopped after"):
        runner.follow(command, environment={}, interactive=False, limit=0.5)


def test_a_program_that_waits_in_vain_is_asked_to_end_once(
    runner: SystemRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.process.LOOK_SECONDS", 0.05)
    ready, looks = tmp_path / "ready", [False]

    def beside() -> bool:
        looks.append(ready.exists())
        return looks[-1]

    command = [sys.executable, "-c", COUNTS_SIGNALS, str(ready)]
    code = runner.follow(command, environment={}, interactive=False, limit=30, beside=beside)
    assert code == 10 + signal.SIGINT
    assert looks.count(True) == 1


def test_a_program_that_ends_by_itself_is_not_asked(runner: SystemRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.process.LOOK_SECONDS", 0.05)
    command = [sys.executable, "-c", "import time; time.sleep(0.2)"]
    assert runner.follow(command, environment={}, interactive=False, limit=30, beside=lambda: False) == 0
