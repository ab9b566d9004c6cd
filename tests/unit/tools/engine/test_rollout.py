"""What `up` makes of the Deployments that it finds when the engine is done."""

from typing import Any

import pytest

from tests.unit.tools.engine.fakes import FakeCluster, Machine
from tools.engine import operations
from tools.engine.rollout import await_rollout
from tools.problem import Problem
from tools.process import Finished

OUTPUTS = Finished(0, '{"url": "https://llm.example.com", "namespace": "litellm-dev"}')


def deployment(
    generation: int = 2, observed: int = 2, updated: int = 1, available: int = 1, **more: Any
) -> dict[str, Any]:
    return {
        "metadata": {"name": "litellm", "namespace": "litellm-dev", "generation": generation},
        "spec": {"replicas": 1, "progressDeadlineSeconds": 100, "selector": {"matchLabels": {"app": "litellm"}}},
        "status": {
            "observedGeneration": observed,
            "replicas": max(updated, available),
            "updatedReplicas": updated,
            "availableReplicas": available,
            "conditions": [],
        }
        | more,
    }


STALE = deployment(observed=1)
STARTING = deployment(updated=1, available=1, replicas=2)
DONE = deployment()


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.seconds += seconds


def watch(cluster: FakeCluster) -> Clock:
    clock = Clock()
    await_rollout(cluster, "litellm-dev", now=clock.now, pause=clock.pause)
    return clock


def looks(cluster: FakeCluster) -> list[str]:
    return [path for path in cluster.paths if "/deployments" in path]


def test_a_finished_rollout_is_not_waited_for() -> None:
    assert watch(FakeCluster([[DONE]])).seconds == 0


def test_a_status_of_the_version_before_is_not_believed() -> None:
    """It says that every replica is there, and it means the old ones: this is what the provider falls for."""
    cluster = FakeCluster([[STALE], [STARTING], [DONE]])
    watch(cluster)
    assert len(looks(cluster)) == 3


def test_old_pods_that_still_serve_are_part_of_the_rollout() -> None:
    cluster = FakeCluster([[STARTING], [DONE]])
    watch(cluster)
    assert len(looks(cluster)) == 2


def test_a_rollout_that_the_controller_gave_up_is_an_error_with_its_reason() -> None:
    given_up = {"type": "Progressing", "status": "False", "message": "ReplicaSet has timed out progressing."}
    with pytest.raises(Problem, match=r"litellm: ReplicaSet has timed out progressing"):
        watch(FakeCluster([[deployment(available=0, conditions=[given_up])]]))


def test_a_rollout_that_never_ends_is_given_up() -> None:
    with pytest.raises(Problem, match=r"the rollout of litellm does not end"):
        watch(FakeCluster([[STARTING]]))


def test_a_cluster_that_does_not_answer_is_said_to_be_the_reason() -> None:
    class Silent(FakeCluster):
        def get(self, path: str, accept: str = "") -> dict[str, Any]:
            raise TimeoutError("timed out")

    with pytest.raises(Problem, match=r"the stack is deployed, but its rollout cannot be watched: timed out"):
        await_rollout(Silent(), "litellm-dev")


def test_up_looks_at_the_stacks_own_namespace(machine: Machine) -> None:
    machine.runner.answers["pulumi stack output"] = OUTPUTS
    operations.up(machine.place(KUBECONFIG="/kubeconfig", VAULT_ADDR="https://vault.example.com"), "dev", [], [])
    assert machine.cluster.paths[0].startswith("/apis/apps/v1/namespaces/litellm-dev/deployments")


def test_up_promises_nothing_when_the_rollout_failed(machine: Machine) -> None:
    machine.runner.answers["pulumi stack output"] = OUTPUTS
    given_up = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    machine.cluster.reads = [[deployment(available=0, conditions=[given_up])]]
    with pytest.raises(Problem, match="the rollout failed"):
        operations.up(machine.place(KUBECONFIG="/kubeconfig", VAULT_ADDR="https://vault.example.com"), "dev", [], [])
    assert not any("llm.example.com" in line for line in machine.said)
