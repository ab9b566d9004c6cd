from typing import Any

from bench.rotation import OUTSIDE, ROTATIONS, TARGET, Taken, is_done, rows

OLD, NEW = frozenset({"a", "b"}), frozenset({"c", "d"})


def deployment(generation: int = 2, **status: int) -> dict[str, Any]:
    counts = {"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2}
    return {
        "metadata": {"generation": generation},
        "spec": {"replicas": 2},
        "status": {"observedGeneration": 2, **counts, **status},
    }


def test_a_rotation_is_done_when_all_pods_are_others():
    assert is_done(deployment(), OLD, NEW)
    assert not is_done(deployment(), OLD, OLD)
    assert not is_done(deployment(), OLD, frozenset({"a", "c"}))


def test_a_rotation_is_not_done_while_a_pod_is_too_many_or_not_ready():
    assert not is_done(deployment(replicas=3), OLD, NEW)
    assert not is_done(deployment(readyReplicas=1), OLD, NEW)


def test_a_change_that_no_controller_has_seen_is_not_done():
    """Until then the numbers are those of before."""
    assert not is_done(deployment(generation=3), OLD, NEW)


def test_each_up_is_compared_with_the_bare_rollout_by_the_medians():
    taken = Taken(rollouts=[20.0, 22.0, 90.0], ups={"master key": [26.0, 24.2, 28.6]})
    assert taken.ratios() == {"master key": 26.0 / 22.0}


def test_a_ratio_above_the_target_is_seen_as_such():
    taken = Taken(rollouts=[10.0], outside=[30.0])
    for what, seconds in zip(ROTATIONS, (10 * TARGET, 10 * TARGET + 0.1, 11.0), strict=True):
        taken.ups[what], taken.whole_ups[what] = [seconds], [seconds + 5]
    shown = {row[0]: row[2] for row in rows(taken)}
    assert [shown[f"up: {what}"].split("]")[0] for what in ROTATIONS] == ["[green", "[red", "[green"]
    assert any(OUTSIDE in name for name in shown)
