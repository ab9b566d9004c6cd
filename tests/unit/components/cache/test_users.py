"""The Jobs of the users of a Redis."""

import re
from typing import Any

import pytest

from components.cache.users import GIVE, LOCK, RedisLock, RedisUser
from tests.recording import Recording, run

JOB = "kubernetes:batch/v1:Job"
Component = type[RedisUser] | type[RedisLock]
BOTH = pytest.mark.parametrize("component", [RedisUser, RedisLock], ids=lambda each: each.__name__)


def recorded(component: Component, **others: Any) -> Recording:
    given: Any = {
        "namespace": "gateway",
        "image": "docker.io/library/redis:8",
        "host": "redis.gateway.svc",
        "secret": "redis-users-1",
        "max_memory_bytes": 1024,
    }
    return run(lambda: {"completed": component("redis-user", given | others).completed})


def container(recording: Recording) -> dict[str, Any]:
    (only,) = recording.inputs(JOB)["spec"]["template"]["spec"]["containers"]
    return only


@BOTH
def test_logins_are_only_references(component: Component) -> None:
    given = {each["name"]: each.get("valueFrom") for each in container(recorded(component))["env"]}
    keys = {name: source["secretKeyRef"]["key"] for name, source in given.items() if source}
    assert keys == {
        "ROLE_USERNAME": "username",
        "ROLE_PASSWORD": "password",
        "OTHER_USERNAME": "other-username",
        "OTHER_PASSWORD": "other-password",
    }


@BOTH
@pytest.mark.parametrize(
    "changed", [{"secret": "redis-users-2"}, {"max_memory_bytes": 2048}, {"revision": "2"}], ids=str
)
def test_whatever_changes_makes_another_job(component: Component, changed: dict[str, Any]) -> None:
    assert recorded(component, **changed).inputs(JOB)["spec"] != recorded(component).inputs(JOB)["spec"]
    assert recorded(component).one(JOB).replace_on_changes == ("spec",)


@pytest.mark.parametrize(("component", "script"), [(RedisUser, GIVE), (RedisLock, LOCK)])
def test_each_script_gets_every_variable_that_it_reads(component: Component, script: str) -> None:
    names = set(re.findall(r"\$\{?([A-Z_]{3,})", script))
    own = container(recorded(component))
    assert own["command"] == ["bash", "-c", script]
    assert names - {"SECONDS"} <= {each["name"] for each in own["env"]}


@BOTH
def test_the_pod_is_restricted(component: Component) -> None:
    pod = recorded(component).inputs(JOB)["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


@BOTH
def test_a_job_that_failed_is_made_anew_by_the_next_up(component: Component) -> None:
    assert recorded(component).inputs(JOB)["metadata"]["annotations"]["pulumi.com/replaceUnready"] == "true"
