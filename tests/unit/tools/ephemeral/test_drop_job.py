"""The Job that drops an environment's database, made of the one that created it."""

import json
from typing import Any

import pytest

from tests.unit.tools.ephemeral.fakes import FakeKube, World
from tools.ephemeral.database import JOB, LIMIT_SECONDS, SCRIPT, drop_database, jobs_path
from tools.ephemeral.kube import Conflict, Object
from tools.problem import Problem

NAMESPACE = "litellm-env-pr-1"


class Cluster(World):
    """A world in which a Job ends as soon as somebody looks."""

    def __init__(self, condition: str = "Complete") -> None:
        super().__init__()
        self.made = self.record("pr-1")
        self.condition = condition

        def end(path: str) -> None:
            if job := self.kube.objects.get(path) if path.endswith(f"/jobs/{JOB}") else None:
                job["status"] = {"conditions": [{"type": self.condition, "status": "True"}]}

        self.kube.on_read = end
        self.slept: list[float] = []

    def bootstrap(self, mark: str, **metadata: dict[str, str]) -> None:
        secret = {"name": "ADMIN_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "admin", "key": "password"}}}
        variables = [{"name": "DATABASE", "value": "litellm_env_pr_1"}, {"name": "MARK", "value": mark}, secret]
        container = {"name": "bootstrap", "image": "postgres:17", "command": ["bash", "-c", "…"], "env": variables}
        body: Any = {
            "metadata": {"name": "database-bootstrap-1", "labels": {"app.kubernetes.io/name": "database-bootstrap"}},
            "spec": {"template": {"metadata": metadata, "spec": {"restartPolicy": "Never", "containers": [container]}}},
        }
        self.kube.create(jobs_path(NAMESPACE), body)
        self.kube.log.clear()

    def drop(self) -> None:
        drop_database(self.kube, self.made, self.said.append, sleep=self.slept.append)


def test_it_has_all_that_the_bootstrap_had_but_another_script():
    world = Cluster()
    world.bootstrap(str(world.made.mark))
    world.drop()
    pod = world.kube.objects[f"{jobs_path(NAMESPACE)}/{JOB}"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["command"] == ["bash", "-c", SCRIPT]
    assert pod["containers"][0]["env"][2]["valueFrom"]["secretKeyRef"]["name"] == "admin"
    assert world.said == ["dropping database litellm_env_pr_1 on "]


def test_it_says_to_a_mesh_what_the_bootstrap_said():
    """A sidecar that runs on would keep it from ending."""
    world = Cluster()
    labels = {"sidecar.istio.io/inject": "false", "batch.kubernetes.io/controller-uid": "u", "job-name": "j"}
    world.bootstrap(str(world.made.mark), labels=labels, annotations={"linkerd.io/inject": "disabled"})
    world.drop()
    metadata = world.kube.objects[f"{jobs_path(NAMESPACE)}/{JOB}"]["spec"]["template"]["metadata"]
    assert metadata["labels"] == {"sidecar.istio.io/inject": "false", "app.kubernetes.io/name": JOB}
    assert metadata["annotations"] == {"linkerd.io/inject": "disabled"}


def test_a_server_of_its_own_goes_with_the_namespace():
    """Its bootstrap has no mark."""
    world = Cluster()
    world.bootstrap("")
    world.drop()
    assert not world.kube.log


def test_the_mark_of_another_environment_drops_nothing():
    world = Cluster()
    world.bootstrap("litellm/ephemeral/0c1a55e5/pr-1/ffffffff")
    world.drop()
    assert not world.kube.log


def test_before_the_bootstrap_there_is_nothing_to_drop():
    world = Cluster()
    world.drop()
    assert not world.kube.log


def test_a_job_that_fails_stops_the_removal_with_its_reason():
    world = Cluster("Failed")
    world.bootstrap(str(world.made.mark))
    status = {"containerStatuses": [{"state": {"terminated": {"message": "psql: no route to host\n"}}}]}
    world.kube.create(
        f"/api/v1/namespaces/{NAMESPACE}/pods",
        {"metadata": {"name": "p", "labels": {"app.kubernetes.io/name": JOB}}, "status": status},
    )
    with pytest.raises(Problem, match="the database was not dropped: psql: no route to host"):
        world.drop()
    assert world.slept == [], "there is nothing to wait for"


def test_a_pod_that_has_not_begun_gives_no_reason():
    world = Cluster("Failed")
    world.bootstrap(str(world.made.mark))
    labels = {"app.kubernetes.io/name": JOB}
    for name, status in (("new", {}), ("pending", {"status": {"phase": "Pending"}})):
        world.kube.create(
            f"/api/v1/namespaces/{NAMESPACE}/pods", {"metadata": {"name": name, "labels": labels}, **status}
        )
    with pytest.raises(Problem, match="did not end"):
        world.drop()


def test_the_job_is_tried_once_more_and_ends_before_we_stop_waiting():
    world = Cluster()
    world.bootstrap(str(world.made.mark))
    world.drop()
    job = world.kube.objects[f"{jobs_path(NAMESPACE)}/{JOB}"]
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    assert job["spec"]["backoffLimit"] == 1
    assert job["spec"]["activeDeadlineSeconds"] < LIMIT_SECONDS


def test_its_pods_are_found_by_its_label_and_are_none_of_the_bootstrap():
    world = Cluster()
    world.bootstrap(str(world.made.mark))
    world.drop()
    job = world.kube.objects[f"{jobs_path(NAMESPACE)}/{JOB}"]
    labels = {"app.kubernetes.io/name": "database-drop"}
    assert job["metadata"]["labels"] == job["spec"]["template"]["metadata"]["labels"] == labels
    assert job["spec"]["template"]["spec"]["containers"][0]["name"] == "drop"


def test_the_bootstrap_is_left_as_it_is():
    world = Cluster()
    world.bootstrap(str(world.made.mark))
    path = f"{jobs_path(NAMESPACE)}/database-bootstrap-1"
    before = json.dumps(world.kube.objects[path])
    world.drop()
    assert json.dumps(world.kube.objects[path]) == before


def test_other_jobs_of_the_namespace_are_not_taken_for_the_bootstrap():
    world = Cluster()
    world.bootstrap(str(world.made.mark))
    bootstrap = world.kube.objects.pop(f"{jobs_path(NAMESPACE)}/database-bootstrap-1")
    for name, label in (("litellm-migration-1", "litellm-migration"), ("unlabelled", "")):
        metadata = {"name": name, "labels": {"app.kubernetes.io/name": label}}
        world.kube.create(jobs_path(NAMESPACE), bootstrap | {"metadata": metadata})
    world.kube.log.clear()
    world.drop()
    assert not world.kube.log


class Stubborn(FakeKube):
    """A Job that an interrupted run left goes only after a while."""

    conflicts = 0

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[dict[str, str]] = []

    def delete(self, path: str, body: Object | None = None, **query: str) -> None:
        self.queries.append(query)
        super().delete(path, body, **query)

    def create(self, path: str, body: Object) -> Object:
        if self.conflicts and body["metadata"]["name"] == JOB:
            self.conflicts -= 1
            raise Conflict(path)
        return super().create(path, body)


def stubborn(conflicts: int) -> tuple[Cluster, Stubborn]:
    world, kube = Cluster(), Stubborn()
    kube.objects, kube.on_read, kube.conflicts = world.kube.objects, world.kube.on_read, conflicts
    world.kube = kube
    world.bootstrap(str(world.made.mark))
    return world, kube


def test_a_job_that_an_interrupted_run_left_is_deleted_and_waited_for():
    world, kube = stubborn(3)
    world.drop()
    path = f"{jobs_path(NAMESPACE)}/{JOB}"
    assert kube.log == [f"delete {path}", f"create {path}"]
    assert kube.queries[0] == {"propagationPolicy": "Background"}, "or its pods would stay"
    assert len(world.slept) == 3


def test_a_job_that_does_not_go_away_keeps_everything():
    with pytest.raises(
        Problem, match=rf"database litellm_env_pr_1 was not dropped: Job {JOB} in {NAMESPACE} does not go away"
    ):
        stubborn(99)[0].drop()


def test_a_job_that_is_not_done_yet_is_looked_at_again():
    world = Cluster()
    world.bootstrap(str(world.made.mark))
    steps = [{}, {"Complete": "False"}, {"Failed": "False"}, {"Complete": "True"}]
    seen: list[dict[str, str]] = []

    def advance(path: str) -> None:
        if job := world.kube.objects.get(path) if path.endswith(f"/jobs/{JOB}") else None:
            seen.append(steps[len(seen)])
            job["status"] = {"conditions": [{"type": key, "status": value} for key, value in seen[-1].items()]}

    world.kube.on_read = advance
    world.drop()
    assert seen == steps


def test_a_job_that_never_ends_is_given_up():
    world = Cluster()
    world.bootstrap(str(world.made.mark))
    world.kube.on_read = lambda _: None
    with pytest.raises(Problem, match=f"Job {JOB} in namespace {NAMESPACE} did not end"):
        world.drop()
    assert sum(world.slept) == pytest.approx(LIMIT_SECONDS, abs=1)


@pytest.mark.parametrize(
    "status",
    [
        {"state": {"waiting": {"message": "psql: no route", "reason": "Other"}}},
        {"state": {"waiting": {"reason": "psql: no route"}}},
        {"state": {"running": {}}, "lastState": {"terminated": {"message": "psql:\n  no route\n"}}},
        {"state": {"terminated": {"message": "psql: no route"}}, "lastState": {"terminated": {"message": "older"}}},
    ],
    ids=["waiting", "waiting without a message", "the run before", "this run before the one before"],
)
def test_whatever_the_pod_said_last_is_the_reason(status: dict[str, Any]):
    world = Cluster("Failed")
    world.bootstrap(str(world.made.mark))
    pods = f"/api/v1/namespaces/{NAMESPACE}/pods"
    other = {"containerStatuses": [{"state": {"terminated": {"message": "of somebody else"}}}]}
    world.kube.create(pods, {"metadata": {"name": "o", "labels": {"app.kubernetes.io/name": "x"}}, "status": other})
    mine = {"name": "p", "labels": {"app.kubernetes.io/name": JOB}}
    world.kube.create(pods, {"metadata": mine, "status": {"containerStatuses": [status]}})
    with pytest.raises(Problem, match=r"was not dropped: psql: no route\. Mend"):
        world.drop()


def test_kubernetes_leaves_the_script_as_it_is():
    """In a command, the kubelet replaces `$(NAME)` where NAME is a variable of the container."""
    assert "$(" not in SCRIPT
    assert "$$" not in SCRIPT
