"""What an `up` does about pods that cannot start, while the engine waits for them."""

import json
from pathlib import Path
from typing import Any

from tests.unit.tools.engine.broken import BEGINS, ENDS, GATEWAY, URN, cluster, pod, waiting
from tests.unit.tools.engine.fakes import Machine, send
from tools.engine import operations
from tools.engine.cluster import Cluster
from tools.engine.under_way import UnderWay, Workload, events
from tools.engine.watching import Watching
from tools.problem import Problem
from tools.process import Finished

CRASHING = pod("one", waiting("CrashLoopBackOff", restarts=2))
PLACE = {"KUBECONFIG": "/kubeconfig", "VAULT_ADDR": "https://vault.example.com"}


def crashes_during(machine: Machine) -> None:
    """An `up` that comes to the Deployment, whose pod then crashes."""
    machine.cluster = cluster(pod("one", {"name": "litellm", "restartCount": 0, "state": {"running": {}}}))
    looks = machine.cluster.get

    def get(path: str, accept: str = "") -> dict[str, Any]:
        found = looks(path, accept)
        if "/pods?" in path:
            machine.cluster.objects[path.partition("?")[0]] = [CRASHING]
        return found

    machine.cluster.get = get  # type: ignore[method-assign]
    machine.runner.events = [BEGINS, {}]


def up(machine: Machine) -> int:
    return operations.up(machine.place(**PLACE), "dev", [], [])


def test_an_up_that_waits_in_vain_is_ended(machine: Machine) -> None:
    crashes_during(machine)
    assert up(machine) != 0
    assert machine.runner.interrupted


def test_its_last_lines_say_what_failed_and_what_to_do(machine: Machine) -> None:
    crashes_during(machine)
    up(machine)
    assert any("RuntimeError: no such model" in line for line in machine.said)
    assert "run `make up STACK=dev` again" in machine.said[-1]


def test_what_was_being_changed_is_applied_again_by_the_next_up(machine: Machine) -> None:
    """The provider tells nobody that it has changed the object: the state goes on to have the version before."""
    crashes_during(machine)
    deployment = {"resources": [{"urn": URN, "type": "kubernetes:apps/v1:Deployment", "inputs": {}}]}
    machine.runner.answers["pulumi stack export"] = Finished(0, json.dumps({"deployment": deployment}))
    up(machine)
    (written,) = json.loads(machine.runner.only("pulumi stack import").stdin)["deployment"]["resources"]
    assert written["initErrors"]


def test_what_was_changed_is_not_applied_again(machine: Machine) -> None:
    machine.runner.events = [BEGINS, ENDS]
    machine.runner.answers["pulumi up"] = Finished(255)
    up(machine)
    assert not machine.runner.starting("pulumi stack import")


def test_an_up_whose_pods_start_is_left_alone(machine: Machine) -> None:
    machine.cluster = cluster()
    machine.runner.events = [BEGINS, ENDS]
    assert up(machine) == 0
    assert not machine.runner.interrupted


def test_an_up_that_fails_by_itself_says_what_its_pods_say(machine: Machine) -> None:
    machine.cluster = cluster(
        pod("one", {"name": "litellm", "ready": False, "state": {"running": {}}}, phase="Running")
    )
    machine.runner.events = [BEGINS]
    machine.runner.answers["pulumi up"] = Finished(255)
    assert up(machine) == 255
    assert any("RuntimeError: no such model" in line for line in machine.said)


def test_an_up_that_waits_for_no_pods_asks_the_cluster_nothing(machine: Machine) -> None:
    machine.runner.answers["pulumi up"] = Finished(255)
    assert up(machine) == 255
    assert machine.cluster.paths == []


def test_the_event_log_does_not_stay(machine: Machine) -> None:
    """It has the inputs of every resource."""
    machine.runner.events = [BEGINS, ENDS]
    up(machine)
    assert not [*machine.project.rglob("events-*")]


def test_without_a_cluster_the_engine_says_what_is_wrong() -> None:
    def none() -> Cluster:
        raise Problem("no cluster")

    watching = Watching(none, print, again="make up")
    watching.under_way.on_event(BEGINS)
    assert not watching()
    assert watching.why() == []


def test_what_is_under_way_is_known_by_its_labels() -> None:
    under_way = UnderWay()
    under_way.on_event(BEGINS)
    assert under_way() == [GATEWAY]
    under_way.on_event(ENDS)
    assert under_way() == []


def begins(type_: str, inputs: dict[str, Any], op: str = "create") -> dict[str, Any]:
    return {"resourcePreEvent": {"metadata": {"op": op, "urn": URN, "type": type_, "new": {"inputs": inputs}}}}


def only(event: dict[str, Any]) -> list[Workload]:
    under_way = UnderWay()
    under_way.on_event(event)
    return under_way()


def test_jobs_and_releases_have_pods_of_their_name() -> None:
    job = begins("kubernetes:batch/v1:Job", {"metadata": {"name": "migration-1", "namespace": "x"}})
    assert only(job) == [Workload("Job", "x", "migration-1", "batch.kubernetes.io/job-name=migration-1")]
    release = begins("kubernetes:helm.sh/v3:Release", {"chart": "c", "name": "external-secrets", "namespace": "y"})
    assert only(release) == [
        Workload("Release", "y", "external-secrets", "app.kubernetes.io/instance=external-secrets")
    ]


def test_previews_and_deletions_wait_for_no_pods() -> None:
    planned = {"resourcePreEvent": {**BEGINS["resourcePreEvent"], "planning": True}}
    assert only(planned) == []
    assert only(begins("kubernetes:batch/v1:Job", {"metadata": {"name": "x"}}, op="delete")) == []


def test_objects_without_pods_are_not_waited_for() -> None:
    assert only(begins("kubernetes:core/v1:Service", {"metadata": {"name": "x"}})) == []


def test_events_come_by_the_loopback_and_none_is_lost(tmp_path: Path) -> None:
    """The engine's debug messages have secrets in plain sight: no file ever has them."""
    read: list[Any] = []
    with events(read.append) as address:
        send(address, [{"a": 1}, {"b": 2}])
    assert address.startswith("tcp://127.0.0.1:")
    assert read == [{"a": 1}, {"b": 2}]
