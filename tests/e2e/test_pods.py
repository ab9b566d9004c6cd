"""Where the pods of a stack run, and how many of the gateway's there are."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.e2e.support import Project, Vault, completion, eventually, kubectl, objects

STACK = "pods"
NAMESPACE = f"litellm-{STACK}"
TAINT = {"key": "dedicated", "value": "ai", "effect": "NoSchedule"}
ON_NODES = "dedicated=ai:NoSchedule"

GATEWAY: dict[str, Any] = {
    "allowMemoryBelowFloor": True,
    "resources": {"cpu": "300m", "memory": "1Gi"},
    # As long as a stream may take: so slowly pods go.
    "requestTimeout": 20,
    "preStopSeconds": 5,
    "models": [{"name": "mock", "provider": "mock", "response": "Hello from LiteLLM."}],
}
CONFIG: dict[str, Any] = {
    "protect": False,
    "externalSecrets": {"install": True},
    "placement": {"tolerations": [TAINT]},
    "database": {"storage": "1Gi", "resources": {"cpu": "50m", "memory": "256Mi"}},
    "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "128Mi"}},
    "gateway": {**GATEWAY, "replicas": 2},
    "ingress": {"className": "traefik", "host": "pods.localhost"},
}
SCALED = {**CONFIG, "gateway": {**GATEWAY, "autoscaling": {"min": 1, "max": 2, "cpu": 60}}}


@contextmanager
def tainted() -> Iterator[None]:
    """Every node has a taint, for as long as it takes."""
    kubectl("taint", "nodes", "--all", ON_NODES, "--overwrite")
    try:
        yield
    finally:
        kubectl("taint", "nodes", "--all", f"{ON_NODES}-", check=False)


@pytest.fixture(scope="module")
def placed(project: Project) -> Project:
    """The stack, made while every node has the taint."""
    project.write_stack(STACK, CONFIG)
    with tainted():
        project.make("up", STACK)
    return project


@pytest.fixture(scope="module")
def scaled(placed: Project) -> Project:
    """The same stack with an autoscaler in the place of its number of pods."""
    if kubectl("get", "--raw", "/apis/metrics.k8s.io/v1beta1", check=False).returncode:
        pytest.skip("needs metrics-server in the cluster")
    placed.write_stack(STACK, SCALED)
    placed.make("up", STACK)
    return placed


def told(reason: str, text: str) -> int:
    """How often an event of the namespace has said something."""
    found = [
        each for each in objects("events", "-n", NAMESPACE) if each["reason"] == reason and text in each["message"]
    ]
    return sum(int(each.get("count") or 1) for each in found)


def replicas() -> int:
    return int(
        json.loads(kubectl("get", "deployment", "litellm", "-n", NAMESPACE, "-o", "json").stdout)["spec"]["replicas"]
    )


def ready() -> int:
    status = json.loads(kubectl("get", "deployment", "litellm", "-n", NAMESPACE, "-o", "json").stdout)["status"]
    return int(status.get("readyReplicas", 0)) if status.get("replicas") == status.get("readyReplicas") else 0


def stream(url: str, key: str) -> str:
    """One streamed answer, to its end; what went wrong, or nothing."""
    parts = urlsplit(url)
    headers = {"Host": parts.hostname or "", "Authorization": f"Bearer {key}"}
    body = {"model": "mock", "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    address = f"{parts.scheme}://127.0.0.1:{parts.port or 80}/v1/chat/completions"
    begin, lines = time.monotonic(), list[bytes]()
    try:
        with requests.post(address, json=body, headers=headers, timeout=30, stream=True) as response:
            lines.extend(line for line in response.iter_lines() if line)
            if response.status_code == 200 and lines[-1:] == [b"data: [DONE]"]:
                return ""
            problem = f"status {response.status_code}"
    except requests.RequestException as error:
        problem = type(error).__name__
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return f"{problem} at {now}, {time.monotonic() - begin:.2f} s after the request, {len(lines)} lines: {lines[-1:]}"


@contextmanager
def streaming(url: str, key: str, clients: int, pause: float) -> Iterator[list[str]]:
    """Clients that ask again and again; what failed is in the list."""
    done, failed = threading.Event(), list[str]()

    def ask() -> None:
        while not done.is_set():
            if problem := stream(url, key):
                failed.append(problem)
            done.wait(pause)

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield failed
    finally:
        done.set()
        for thread in threads:
            thread.join()


def what_happened() -> str:
    """The pods and the events of the namespace, to explain a stream that failed."""
    shown = [
        kubectl("get", what, "-n", NAMESPACE, "--sort-by=.metadata.creationTimestamp").stdout
        for what in ("pods", "events")
    ]
    return "\n".join(shown)


def key_of(vault: Vault) -> str:
    return vault.read("litellm", f"{STACK}/api-keys")["master-key"]


def test_every_pod_follows_the_placement_onto_tainted_nodes(placed: Project):
    """The operator's too, which this stack installed: `up` would not have ended without it."""
    found = [*objects("pods", "-n", NAMESPACE), *objects("pods", "-n", "external-secrets")]
    assert len(found) >= 8
    for pod in found:
        assert pod["status"]["phase"] in ("Running", "Succeeded"), pod["metadata"]["name"]
        kept = [each for each in pod["spec"]["tolerations"] if each["key"] == TAINT["key"]]
        assert [{key: each[key] for key in TAINT} for each in kept] == [TAINT], pod["metadata"]["name"]


def test_the_taint_keeps_others_away(placed: Project):
    """Or the test above would prove nothing."""
    (like,) = [each for each in objects("pods", "-n", NAMESPACE) if each["metadata"]["name"].startswith("redis")]
    spec = {**like["spec"], "tolerations": []}
    spec.pop("nodeName")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "stranger", "namespace": NAMESPACE}, "spec": spec}
    path = ("pod", "stranger", "-n", NAMESPACE)
    with tainted():
        kubectl("create", "-f", "-", stdin=json.dumps(pod))
        try:
            eventually(lambda: "untolerated taint" in kubectl("get", *path, "-o", "json").stdout, "it stays Pending")
        finally:
            kubectl("delete", *path, "--wait=false")


def test_the_gateway_shrinks_without_a_failed_stream(scaled: Project, vault: Vault):
    url, key = scaled.outputs(STACK)["url"], key_of(vault)
    with streaming(url, key, clients=1, pause=0.5) as failed:
        eventually(lambda: replicas() == 1 and ready() == 1, "the autoscaler takes a pod away", 240)
        time.sleep(GATEWAY["preStopSeconds"])
    assert failed == [], what_happened()


def test_nobody_but_the_autoscaler_took_a_pod_away(scaled: Project):
    """Two were written before it came. Server-side apply alone takes a field that is no longer written away: one is left."""
    assert told("ScalingReplicaSet", "from 2 to 1") == told("SuccessfulRescale", "New size: 1") > 0


def test_the_gateway_grows_under_load_and_nobody_takes_that_back(scaled: Project, vault: Vault):
    url, key = scaled.outputs(STACK)["url"], key_of(vault)
    # More than one small pod can take: what that one drops meanwhile says nothing about scaling.
    with streaming(url, key, clients=4, pause=0):
        eventually(lambda: replicas() == 2, "the autoscaler adds a pod", 240)
        eventually(lambda: ready() == 2, "the new pod serves", 240)
    assert completion(url, key).status_code == 200
    assert scaled.changes(STACK) == []
