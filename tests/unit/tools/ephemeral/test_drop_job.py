"""The Job that drops an environment's database, made of the one that created it."""

from typing import Any

import pytest

from tests.unit.tools.ephemeral.fakes import World
from tools.ephemeral.database import JOB, SCRIPT, drop_database, jobs_path
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

    def bootstrap(self, mark: str) -> None:
        secret = {"name": "ADMIN_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "admin", "key": "password"}}}
        variables = [{"name": "DATABASE", "value": "litellm_env_pr_1"}, {"name": "MARK", "value": mark}, secret]
        container = {"name": "bootstrap", "image": "postgres:17", "command": ["bash", "-c", "…"], "env": variables}
        body: Any = {
            "metadata": {"name": "database-bootstrap-1", "labels": {"app.kubernetes.io/name": "database-bootstrap"}},
            "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [container]}}},
        }
        self.kube.create(jobs_path(NAMESPACE), body)
        self.kube.log.clear()

    def drop(self) -> None:
        drop_database(self.kube, self.made, self.said.append, sleep=lambda _: None)


def test_it_has_all_that_the_bootstrap_had_but_another_script():
    world = Cluster()
    world.bootstrap(str(world.made.mark))
    world.drop()
    pod = world.kube.objects[f"{jobs_path(NAMESPACE)}/{JOB}"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["command"] == ["bash", "-c", SCRIPT]
    assert pod["containers"][0]["env"][2]["valueFrom"]["secretKeyRef"]["name"] == "admin"
    assert world.said == ["dropping database litellm_env_pr_1 on "]


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


def test_kubernetes_leaves_the_script_as_it_is():
    """In a command, the kubelet replaces `$(NAME)` where NAME is a variable of the container."""
    assert "$(" not in SCRIPT
    assert "$$" not in SCRIPT
