"""Tests for which modules of the end-to-end tests begin where the time is short."""

from pathlib import Path

import pytest

from tests.e2e import schedule
from tests.e2e.schedule import TEST_SECONDS, Schedule

SECONDS = {"first": 600, "second": 600, "third": 300}


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(schedule, "SECONDS", SECONDS)
    return Clock()


def test_without_a_limit_all_begin(clock: Clock):
    plan = Schedule(float("inf"), clock)
    for module in SECONDS:
        clock.seconds += 100_000
        assert plan.has_time_for(module)


def test_a_module_that_would_not_end_does_not_begin_and_a_shorter_one_does(clock: Clock):
    plan = Schedule(1000, clock)
    assert plan.has_time_for("first")
    clock.seconds = 600
    assert not plan.has_time_for("second")
    assert plan.has_time_for("third")


def test_a_slow_machine_is_counted_in(clock: Clock):
    plan = Schedule(2000, clock)
    assert plan.has_time_for("first")
    clock.seconds = 1200
    assert not plan.has_time_for("second"), "600 seconds are 1200 on this machine, and 800 are left"
    assert plan.has_time_for("third")


def test_what_came_before_says_nothing_of_it(clock: Clock):
    plan = Schedule(2000, clock)
    clock.seconds = 600
    assert plan.has_time_for("first")
    clock.seconds = 1200
    assert plan.has_time_for("second"), "the first took 600 seconds, as it usually does"


def test_a_fast_machine_is_not(clock: Clock):
    """What went fast says little of what comes."""
    plan = Schedule(1000, clock)
    assert plan.has_time_for("first")
    clock.seconds = 450
    assert not plan.has_time_for("second")


def test_a_module_that_was_refused_stays_so(clock: Clock):
    plan = Schedule(500, clock)
    assert [plan.has_time_for("first") for _ in range(2)] == [False, False]


def test_a_module_under_way_ends_while_there_is_time_for_its_end(clock: Clock):
    plan = Schedule(1000, clock)
    assert plan.has_time_for("first")
    clock.seconds = 1000 - TEST_SECONDS
    assert plan.has_time_for("first")
    clock.seconds += 1
    assert not plan.has_time_for("first")


def test_one_that_nobody_measured_is_taken_for_long(clock: Clock):
    assert not Schedule(schedule.UNKNOWN_SECONDS - 1, clock).has_time_for("new")
    assert Schedule(schedule.UNKNOWN_SECONDS, clock).has_time_for("new")


def test_every_module_has_its_place():
    files = Path(schedule.__file__).parent.rglob("test_*.py")
    assert sorted(file.stem for file in files) == sorted(schedule.SECONDS)
