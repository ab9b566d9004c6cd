import pytest

from bench.access import FailedError, loopback, measure, per_key, reconcile, stack_with


def test_a_ratio_of_one_is_linear():
    assert per_key({"50": [1.0, 1.0], "500": [9.0, 10.0, 11.0]}) == {"50": 1, "500": 1}


def test_what_grows_faster_has_a_higher_ratio():
    assert per_key({"10": [1.0], "20": [4.0]})["20"] == 2


def test_a_stack_has_as_many_keys_as_were_asked_for():
    assert len(stack_with(3)["config"]["litellm:access"]["keys"]) == 3


def test_each_key_is_one_request_and_a_second_run_makes_none():
    """Besides those that look at what is there: readiness, and a list of each kind."""
    with loopback() as (url, master):
        first, second = measure(url, master, [3, 5], lambda _: None)
        assert first["5"][0].requests - first["3"][0].requests == 2
        assert first["3"][0].requests - second["3"][0].requests == 3
        assert second["3"][0].requests == second["5"][0].requests


def test_nothing_is_left_of_what_was_measured():
    with loopback() as (url, master):
        measure(url, master, [2], lambda _: None)
        nothing = reconcile(url, master, 0)
        assert reconcile(url, master, 0).requests == nothing.requests


def test_a_run_that_fails_says_why_without_a_key():
    with loopback() as (url, master), pytest.raises(FailedError, match="401") as failed:
        reconcile(url, master[::-1], 1)
    assert master[::-1] not in str(failed.value)
