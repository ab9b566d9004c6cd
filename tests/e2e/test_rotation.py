"""The passwords of Postgres and Redis change while the gateway answers: not one request fails, and only its pods are replaced.

The tests build on each other. Both servers are those of the stack, in the cluster. The restarter sees each rotation as well, in
the Secrets of before, and leaves the pods to the `up`.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from tests.e2e.support import Project, Vault, completion, eventually, kubectl, objects, psql

STACK, NAMESPACE = "rotating", "litellm-rotating"
USERS = "SELECT rolname, rolcanlogin FROM pg_roles WHERE rolname LIKE 'litellm%' ORDER BY 1"
CLIENTS = 4

CONFIG: dict[str, Any] = {
    "protect": False,
    "secrets": {"vault": {"prefix": STACK}, "reload": "restarter"},
    "externalSecrets": {"install": True, "refreshInterval": "5s"},
    "database": {"storage": "1Gi"},
    "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "128Mi"}},
    "gateway": {
        "replicas": 2,
        "allowMemoryBelowFloor": True,
        "resources": {"cpu": "100m", "memory": "1536Mi"},
        "models": [{"name": "mock", "provider": "mock", "response": "Hello."}],
    },
    "ingress": {"host": "rotating.localhost"},
}


def rotated(count: int) -> dict[str, Any]:
    return CONFIG | {section: CONFIG[section] | {"rotation": count} for section in ("database", "redis")}


@pytest.fixture(scope="module", autouse=True)
def gateway(project: Project) -> Iterator[str]:
    """The stack before its first rotation; its URL."""
    project.write_stack(STACK, CONFIG)
    project.make("up", STACK)
    redis("default", "SET", "kept", "7")
    yield project.outputs(STACK)["url"]
    project.make("destroy", STACK, check=False)


def password(vault: Vault, document: str, name: str = "password") -> str:
    return vault.read("litellm", f"{STACK}/{document}")[name]


def redis(user: str, *command: str, key: str = "password") -> str:
    """An answer of Redis, as a user whose password is a key of the Secret that its pod has now."""
    (pod,) = objects("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=redis")
    volumes = {each["name"]: each for each in pod["spec"]["volumes"]}
    secret = volumes["configuration"]["secret"]["secretName"]
    value = kubectl("get", "secret", "-n", NAMESPACE, secret, "-o", f"jsonpath={{.data.{key}}}").stdout
    # By standard input: arguments of a process are seen by others.
    script = 'read -r given; REDISCLI_AUTH=$(printf %s "$given" | base64 -d) redis-cli --user "$@"'
    asked = (
        "exec",
        "-i",
        "-n",
        NAMESPACE,
        pod["metadata"]["name"],
        "--",
        "bash",
        "-c",
        script,
        "redis",
        user,
        *command,
    )
    return kubectl(*asked, stdin=value + "\n").stdout.strip()


def servers() -> list[tuple[str, int]]:
    """Postgres and Redis by their pods, with how often each has restarted."""
    pods = objects("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name in (postgres,redis)")
    return sorted((each["metadata"]["uid"], each["status"]["containerStatuses"][0]["restartCount"]) for each in pods)


def rollouts() -> int:
    """How often the gateway's pods were to be others."""
    (found,) = objects("deployments", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=litellm")
    return int(found["metadata"]["annotations"]["deployment.kubernetes.io/revision"])


def log_in(user: str, secret: str) -> bool:
    """Whether Postgres takes a new connection of a user."""
    script = 'read -r PGPASSWORD; export PGPASSWORD; psql -h 127.0.0.1 -U "$1" -d litellm -Atc "SELECT 1"'
    asked = ("exec", "-i", "-n", NAMESPACE, "postgres-0", "--", "bash", "-c", script, "psql", user)
    return kubectl(*asked, stdin=secret + "\n", check=False).returncode == 0


@contextmanager
def load(url: str, key: str) -> Iterator[Counter[object]]:
    """Some clients that ask without a pause, and what they got."""
    answers, ended = Counter[object](), threading.Event()

    def client() -> None:
        while not ended.is_set():
            try:
                answers[completion(url, key).status_code] += 1
            except requests.RequestException as error:
                answers[type(error).__name__] += 1

    clients = [threading.Thread(target=client) for _ in range(CLIENTS)]
    for each in clients:
        each.start()
    try:
        yield answers
    finally:
        ended.set()
        for each in clients:
            each.join()


def test_a_rotation_takes_the_second_user_and_no_request_fails(project: Project, vault: Vault, gateway: str):
    before, old, done = servers(), password(vault, "database"), rollouts()
    project.write_stack(STACK, rotated(1))
    with load(gateway, password(vault, "api-keys", "master-key")) as answers:
        project.make("up", STACK)
    assert set(answers) == {200}, answers
    assert rollouts() == done + 1
    assert psql(NAMESPACE, USERS).split() == ["litellm|f", "litellm_clone|t"]
    assert (log_in("litellm", old), log_in("litellm_clone", password(vault, "database"))) == (False, True)
    assert servers() == before


def test_redis_keeps_what_it_has(vault: Vault):
    assert password(vault, "redis", "username") == "litellm"
    eventually(lambda: redis("litellm", "GET", "kept") == "7", "the Secret of Redis has the user of now")


def test_tables_belong_to_the_owner_whoever_logs_in():
    assert psql(NAMESPACE, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'") == "litellm"


def test_nothing_is_left_to_do(project: Project):
    assert project.changes(STACK, "--refresh") == []


def test_the_next_rotation_takes_the_first_user_again(project: Project, vault: Vault, gateway: str):
    before, done = servers(), rollouts()
    project.write_stack(STACK, rotated(2))
    with load(gateway, password(vault, "api-keys", "master-key")) as answers:
        project.make("up", STACK)
    assert set(answers) == {200}, answers
    assert rollouts() == done + 1
    assert psql(NAMESPACE, USERS).split() == ["litellm|t", "litellm_clone|f"]
    assert servers() == before


def test_a_redis_whose_pod_is_made_anew_has_the_user_of_now(vault: Vault):
    kubectl("delete", "pod", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=redis")
    kubectl("rollout", "status", "-n", NAMESPACE, "deployment/redis", "--timeout=60s")
    user = password(vault, "redis", "username")
    assert user == "litellm_clone"
    assert redis(user, "PING") == "PONG"
