from bench.plan import per_one, slope, stack_with


def test_the_slope_is_the_same_everywhere_when_time_is_linear():
    times = {str(count): [0.2 + 0.001 * count, 9.0, 0.0] for count in (1, 10, 100)}
    assert round(slope(times, 1, 10), 6) == round(slope(times, 10, 100), 6) == 1


def test_the_smallest_size_has_nothing_to_be_compared_with():
    times = {"1": [0.1], "5": [0.5]}
    assert (per_one(times, (1, 5), 1), per_one(times, (1, 5), 5)) == ("", "100.0")


def test_a_stack_has_as_many_models_as_were_asked_for():
    assert len(stack_with(3)["config"]["litellm:gateway"]["models"]) == 3
