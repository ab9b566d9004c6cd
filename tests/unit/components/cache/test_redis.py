"""The Redis in the cluster."""

import re
from typing import Any

import pytest

from components.cache.redis import Redis, RedisArgs, configuration_template
from tests.recording import Recording, run

DEPLOYMENT = "kubernetes:apps/v1:Deployment"


def arguments(**others: Any) -> RedisArgs:
    given: Any = {
        "namespace": "gateway",
        "image": "docker.io/library/redis:8",
        "secret": "redis-1",
        "resources": {"limits": {"memory": "512Mi"}},
    }
    return given | others


def recorded(**others: Any) -> Recording:
    def program() -> dict[str, Any]:
        redis = Redis("redis", arguments(**others))
        return {"host": redis.host, "port": redis.port}

    return run(program, preview=True)


def pod(recording: Recording) -> dict[str, Any]:
    return recording.inputs(DEPLOYMENT)["spec"]["template"]["spec"]


def directives(configuration: str) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in configuration.splitlines())


def test_the_host_is_the_service_and_known_at_preview() -> None:
    recording = recorded()
    assert recording.outputs == {"host": "redis.gateway.svc", "port": 6379}
    service = recording.inputs("kubernetes:core/v1:Service")
    assert service["metadata"]["name"] == "redis"
    assert (
        service["spec"]["selector"].items()
        <= recording.inputs(DEPLOYMENT)["spec"]["template"]["metadata"]["labels"].items()
    )


def test_the_password_is_in_no_argument_and_no_value() -> None:
    (server,) = pod(recorded())["containers"]
    assert server["command"] == ["redis-server", "/etc/redis/redis.conf"]
    assert "args" not in server
    assert server["env"] == [
        {"name": "REDISCLI_AUTH", "valueFrom": {"secretKeyRef": {"name": "redis-1", "key": "password"}}}
    ]


def test_the_configuration_is_the_secrets_and_read_only() -> None:
    recording = recorded()
    (server,) = pod(recording)["containers"]
    mount = next(mount for mount in server["volumeMounts"] if mount["mountPath"] == "/etc/redis")
    volume = next(volume for volume in pod(recording)["volumes"] if volume["name"] == mount["name"])
    assert mount["readOnly"] is True
    assert volume["secret"]["secretName"] == "redis-1"
    assert volume["secret"]["items"] == [{"key": "redis.conf", "path": "redis.conf"}]


def test_another_secret_restarts_redis() -> None:
    assert pod(recorded(secret="redis-2")) != pod(recorded(secret="redis-1"))


def test_there_is_never_a_second_server() -> None:
    spec = recorded().inputs(DEPLOYMENT)["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_probes_fail_when_redis_answers_with_an_error(probe: str) -> None:
    """Without `-e`, redis-cli is content with any answer, `NOAUTH` too."""
    (server,) = pod(recorded())["containers"]
    assert server[probe]["exec"]["command"] == ["redis-cli", "-e", "ping"]


def test_a_busy_redis_is_not_restarted_at_once() -> None:
    (server,) = pod(recorded())["containers"]
    liveness = server["livenessProbe"]
    assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 60
    assert liveness["timeoutSeconds"] > server["readinessProbe"]["timeoutSeconds"]


def test_the_pod_is_restricted() -> None:
    recording = recorded()
    assert pod(recording)["securityContext"]["runAsUser"] == 999
    assert pod(recording)["securityContext"]["runAsNonRoot"] is True
    assert pod(recording)["automountServiceAccountToken"] is False
    assert pod(recording)["enableServiceLinks"] is False
    assert pod(recording)["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_a_full_redis_refuses_writes_instead_of_forgetting() -> None:
    given = directives(configuration_template(268435456))
    assert given["maxmemory"] == "268435456"
    assert given["maxmemory-policy"] == "noeviction"


def test_nothing_goes_to_disk() -> None:
    given = directives(configuration_template(1024))
    assert given["save"] == '""'
    assert given["appendonly"] == "no"


def test_the_only_user_has_the_hash_of_the_password() -> None:
    """A hash has no quotes and no line breaks, so that any password makes a valid file."""
    configuration = configuration_template(1024)
    assert directives(configuration)["user"] == "default reset on ~* &* +@all #{{ .password | sha256sum }}"
    assert re.findall(r"{{.*?}}", configuration) == ["{{ .password | sha256sum }}"]
    assert "nopass" not in configuration
