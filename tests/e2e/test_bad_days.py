"""Two pods, LiteLLM with its database, and a load that does not end: what clients see on a bad day, and whether every
completion has its spend row (docs/bad-days.md).

The tests build on each other: what all of them completed is counted at the end. Another image and evictions are under the same
load in tests/e2e/test_rotation_load.py.
"""

import json
import os
import secrets
import statistics
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.e2e import shared, upstream
from tests.e2e.loads import STREAMS, Answer, Client, Load, assert_nothing_failed, load
from tests.e2e.support import Project, Vault, eventually, kubectl, objects, psql, tail

pytestmark = pytest.mark.skipif(
    os.environ.get("LAB_LITELLM_DATABASE") == "0", reason="needs LiteLLM with its database client"
)

STACK, NAMESPACE, SERVERS = "bad-days", "litellm-bad-days", "bad-days-servers"
PROVIDER = f"{STACK}/provider"
VAULT = os.environ.get("LAB_VAULT_ADDR_IN_CLUSTER", "")
"""Where pods reach Vault. Where that is not known, it stays there."""

REFRESH_SECONDS = 15
RESTARTS = 4
GONE_SECONDS = 60
REVOCATION_SECONDS = 10
IN_FLIGHT = 30
"""Requests that a worker takes at a time, and as many wait: a little more than the load, so that it fits into one pod."""

BALANCED = 12
"""Requests in a row that reach every pod."""

NO_ENDPOINTS = "404 404 page not found"
"""What Traefik answers for a Service without endpoints, unless its `allowEmptyServices` is on: then it is 503."""

PRICE = {"input_cost_per_token": 0.01, "output_cost_per_token": 0.01}
GATEWAY: dict[str, Any] = {
    "autoscaling": {"min": 2, "max": 2},
    "allowMemoryBelowFloor": True,
    "resources": {"cpu": "100m", "memory": "1536Mi"},
    "requestTimeout": 20,
    "preStopSeconds": 5,
    "revocationSeconds": REVOCATION_SECONDS,
    "models": [
        {"name": "mock", "provider": "mock", "params": PRICE},
        {
            "name": "slow",
            "provider": "openai",
            "model": "slow",
            "apiBase": f"http://upstream.{SERVERS}.svc:{upstream.PORT}",
            "apiKey": "UPSTREAM_KEY",
        },
    ],
    "generalSettings": {
        "proxy_batch_write_at": 5,
        "max_in_flight_requests_per_worker": IN_FLIGHT,
        "max_queued_requests_per_worker": IN_FLIGHT,
        "admission_queue_timeout_seconds": 2,
    },
}
CONFIG: dict[str, Any] = {
    "protect": False,
    "externalSecrets": {"install": True, "refreshInterval": f"{REFRESH_SECONDS}s"},
    "database": {"storage": "1Gi", "resources": {"cpu": "50m", "memory": "256Mi"}},
    "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "128Mi"}},
    "secretEnvironment": {"UPSTREAM_KEY": {"document": PROVIDER, "property": "key"}},
    "gateway": GATEWAY,
    "access": {"keys": {"load": {}}},
    "ingress": {"className": "traefik", "host": f"{STACK}.localhost"},
}
CRASHES = {"files": {"broken_day.py": "broken_day.py"}, "litellmSettings": {"callbacks": ["broken_day.handler"]}}


@dataclass
class Running:
    """The stack, and who uses it."""

    project: Project
    address: str
    host: str
    key: str
    master_key: str
    completed: set[str] = field(default_factory=set[str])
    """The ID of every completion of all tests."""

    @contextmanager
    def load(self) -> Iterator[Load]:
        with load(self.address, self.host, self.key, lambda: [self.master_key], "slow", look) as found:
            yield found
        self.completed |= found.completed

    def ask(self, key: str, model: str = "mock", *, streams: bool = False) -> Answer:
        answer = Client(self.address, self.host, model, streams=streams).ask(key)
        if answer.status == 200:
            self.completed.add(answer.id)
        return answer

    def manage(self, path: str, body: Any) -> Any:
        """What an administrator asks for, and what has to succeed."""
        headers = {"Host": self.host, "Authorization": f"Bearer {self.master_key}"}
        answer = requests.post(f"{self.address}{path}", json=body, headers=headers, timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:600]}"
        return answer.json()


@pytest.fixture(scope="module")
def running(project: Project, vault: Vault) -> Iterator[Running]:
    vault.mount("litellm")
    vault.write("litellm", PROVIDER, key=f"sk-{secrets.token_hex(16)}")
    project = shared.place_upstream(project, SERVERS, VAULT)
    project.write_stack(STACK, CONFIG)

    def read(place: str) -> str:
        document, _, name = place.partition("#")
        return vault.read("litellm", document.removeprefix("litellm/"))[name]

    try:
        project.make("up", STACK)
        outputs = project.outputs(STACK)
        url = urlsplit(outputs["url"])
        address = f"{url.scheme}://127.0.0.1:{url.port or 80}"
        key, master_key = read(outputs["keyPlaces"]["load"]), read(outputs["secretPlaces"]["masterKey"])
        all_ready("litellm", 2)
        yield Running(project, address, str(url.hostname), key, master_key)
    finally:
        project.make("destroy", STACK, check=False)
        kubectl("delete", "namespace", SERVERS, "--ignore-not-found", "--wait=false")


def pods(name: str) -> list[dict[str, Any]]:
    return objects("pods", "-n", NAMESPACE, "-l", f"app.kubernetes.io/name={name}")


def names(name: str) -> list[str]:
    return [pod["metadata"]["name"] for pod in pods(name)]


def is_ready(pod: dict[str, Any]) -> bool:
    return any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"].get("conditions", ()))


def all_ready(name: str, count: int = 1) -> None:
    """So many, and none that is about to go."""

    def are() -> bool:
        found = pods(name)
        return len(found) == count and all(is_ready(pod) for pod in found)

    eventually(are, f"{count} of {name} ready, and no other", 180)


def scaled(what: str, replicas: int) -> None:
    kubectl("scale", what, "-n", NAMESPACE, f"--replicas={replicas}")


def autoscaled(replicas: int) -> None:
    """By the autoscaler, which keeps to its bounds."""
    bounds = {"spec": {"minReplicas": replicas, "maxReplicas": replicas}}
    kubectl("patch", "hpa", "litellm", "-n", NAMESPACE, "--type=merge", "-p", json.dumps(bounds))


def restarts() -> dict[str, int]:
    return {
        pod["metadata"]["uid"]: sum(each["restartCount"] for each in pod["status"].get("containerStatuses", ()))
        for pod in pods("litellm")
    }


def look() -> str:
    """The pods, and what they have said in the last seconds."""
    there = kubectl("get", "pods", "-o", "wide", "-n", NAMESPACE, check=False).stdout
    ask = ("logs", "--since=15s", "--timestamps", "--tail=30", "-n", NAMESPACE)
    said = [f"{name}: {kubectl(*ask, name, check=False).stdout}" for name in names("litellm")]
    return "\n".join([there, *said])[:6000]


def is_synced() -> bool:
    """Whether the operator has what the store has, as far as it knows."""
    found = [each.get("status", {}).get("conditions", ()) for each in objects("externalsecrets", "-n", NAMESPACE)]
    return all(each["status"] == "True" for conditions in found for each in conditions if each["type"] == "Ready")


@contextmanager
def without_vault() -> Iterator[None]:
    """Nobody in the cluster reaches Vault, and the operator has noticed."""
    if not VAULT:
        yield
        return
    shared.vault_for_the_cluster(SERVERS, there=False)
    try:
        eventually(lambda: not is_synced(), "the operator has noticed", 4 * REFRESH_SECONDS)
        yield
    finally:
        shared.vault_for_the_cluster(SERVERS, there=True)


def test_a_deleted_pod_fails_nothing_even_without_vault(running: Running):
    """What is under way in it is ended, and the one that takes its place starts from what was synced."""
    before = set(names("litellm"))
    with without_vault(), running.load() as found:
        time.sleep(2 * upstream.PAUSE_SECONDS)
        kubectl("delete", "pod", "-n", NAMESPACE, min(before), "--wait=false")
        eventually(lambda: min(before) not in names("litellm"), "it is gone", 60)
        all_ready("litellm", 2)
        assert is_synced() == (not VAULT)
    assert_nothing_failed(found)
    assert len(set(names("litellm")) - before) == 1


def test_endpoints_that_change_fail_nothing(running: Running):
    """One pod after the other leaves the Service at once, with streams under way, and comes back."""

    def select(pod: str | None) -> None:
        selector = {"spec": {"selector": {"bad-days": pod}}}
        kubectl("patch", "service", "litellm", "-n", NAMESPACE, "--type=merge", "-p", json.dumps(selector))

    for name in names("litellm"):
        kubectl("label", "pod", name, "-n", NAMESPACE, f"bad-days={name}")
    try:
        with running.load() as found:
            for name in names("litellm"):
                time.sleep(5)
                select(name)
            time.sleep(5)
            select(None)
            time.sleep(5)
    finally:
        select(None)
    assert_nothing_failed(found)


def test_an_autoscaler_that_adds_and_takes_pods_fails_nothing(running: Running):
    with running.load() as found:
        autoscaled(3)
        all_ready("litellm", 3)
        autoscaled(2)
        all_ready("litellm", 2)
    assert_nothing_failed(found)


def test_restarts_of_postgres_fail_nothing(running: Running):
    """Keys are due for a look-up every `revocationSeconds`, in each pod at times of its own: several restarts meet some."""
    before = restarts()
    with running.load() as found:
        for _ in range(RESTARTS):
            uid = pods("postgres")[0]["metadata"]["uid"]
            kubectl("delete", "pod", "-n", NAMESPACE, *names("postgres"))
            all_ready("postgres")
            assert pods("postgres")[0]["metadata"]["uid"] != uid
            time.sleep(REVOCATION_SECONDS / 2)
        time.sleep(REVOCATION_SECONDS)
    print(found)
    assert_nothing_failed(found)
    assert restarts() == before
    assert found.answers["stream"] > 20


def test_without_redis_for_a_minute_nothing_fails(running: Running):
    """Each pod counts limits for itself meanwhile."""
    before = restarts()
    with running.load() as found:
        scaled("deployment/redis", 0)
        time.sleep(GONE_SECONDS)
        scaled("deployment/redis", 1)
        all_ready("redis")
        time.sleep(REVOCATION_SECONDS)
    assert_nothing_failed(found)
    assert restarts() == before


def test_without_postgres_for_a_minute_pods_stay_and_serve_again(running: Running):
    """Who a key is cannot be looked up: requests are refused, first by LiteLLM and then by the ingress, and never as a wrong
    key."""
    before = restarts()
    with running.load() as found:
        scaled("statefulset/postgres", 0)
        time.sleep(GONE_SECONDS)
        scaled("statefulset/postgres", 1)
        all_ready("postgres")
        all_ready("litellm", 2)
    kinds = Counter(what.partition(": ")[2][:60] for what in found.failed)
    print(found, kinds)
    assert not found.refused
    assert {what for what in kinds if not what.startswith(("503 ", NO_ENDPOINTS))} == set()
    assert restarts() == before
    with running.load() as found:
        time.sleep(REVOCATION_SECONDS + 5)
    assert_nothing_failed(found)


def test_what_is_taken_away_is_so_in_every_pod_within_revocation_seconds(running: Running):
    """A deleted key, a lowered budget and a blocked team, each in use in both pods until then."""
    running.manage("/team/new", {"team_id": "blocked"})
    made = {
        name: running.manage("/key/generate", {"key_alias": name, **more})["key"]
        for name, more in {"deleted": {}, "poor": {"max_budget": 1_000_000}, "blocked": {"team_id": "blocked"}}.items()
    }

    def statuses() -> set[int]:
        return {running.ask(key).status for key in made.values() for _ in range(BALANCED)}

    assert statuses() == {200}
    spent = "SELECT spend FROM \"LiteLLM_VerificationToken\" WHERE key_alias = 'poor' AND spend > 0"
    eventually(lambda: psql(NAMESPACE, spent) != "", "what the key has spent is written", 60)
    assert statuses() == {200}
    running.manage("/key/delete", {"key_aliases": ["deleted"]})
    running.manage("/key/update", {"key": made["poor"], "max_budget": 0.001})
    running.manage("/team/block", {"team_id": "blocked"})
    begun, last = time.monotonic(), dict.fromkeys(made, 0.0)
    while time.monotonic() - begun < REVOCATION_SECONDS + 2:
        for name, key in made.items():
            asked = time.monotonic() - begun
            if running.ask(key).status == 200:
                last[name] = asked
    print(f"the last answer came after {last}")
    after = statuses()
    assert after <= set(range(400, 500)), after


def test_ten_times_too_much_is_refused_fast_and_recovers(running: Running):
    """Of what a pod takes."""

    def ask(_: int) -> tuple[Answer, float]:
        begun = time.monotonic()
        return running.ask(running.key, "slow", streams=True), time.monotonic() - begun

    before, clients = restarts(), 10 * IN_FLIGHT
    with ThreadPoolExecutor(clients) as flood:
        answers = list(flood.map(ask, range(clients)))
    counted = Counter(answer.status for answer, _ in answers)
    assert set(counted) == {200, 503}, counted
    refused, served = ([took for answer, took in answers if answer.status == status] for status in (503, 200))
    after = {answer.headers.get("retry-after") for answer, _ in answers if answer.status == 503}
    print(f"{counted}, refused after {statistics.median(refused):.1f} s, {max(refused):.1f} at most, {after}")
    assert all(str(each).isdigit() for each in after)
    assert statistics.median(refused) < min(served)
    assert counted[200] >= 2 * IN_FLIGHT
    with ThreadPoolExecutor(STREAMS) as usual:
        assert {answer.status for answer, _ in usual.map(ask, range(STREAMS))} == {200}
    assert restarts() == before
    assert all(is_ready(pod) for pod in pods("litellm"))


def test_an_upgrade_that_crashes_fails_nothing(running: Running):
    project, before = running.project, set(names("litellm"))
    (project.folder / "broken_day.py").write_text('raise RuntimeError("this callback cannot be loaded")\n')
    project.write_stack(STACK, {**CONFIG, "gateway": {**GATEWAY, **CRASHES}})
    with running.load() as found:
        done = project.make("up", STACK, check=False)
    assert done.returncode != 0
    assert "RuntimeError: this callback cannot be loaded" in done.stdout + done.stderr, tail(done)
    assert_nothing_failed(found)
    assert before <= set(names("litellm"))


def test_every_completion_has_a_spend_row(running: Running):
    """Of all loads: those that were under way when a pod ended, and when Postgres or Redis was gone, too."""

    def missing() -> set[str]:
        return running.completed - set(psql(NAMESPACE, 'SELECT request_id FROM "LiteLLM_SpendLogs"').split())

    assert len(running.completed) > 500
    try:
        eventually(lambda: not missing(), "every completion has a row", 90)
    except AssertionError:
        lost = missing()
        raise AssertionError(f"{len(lost)} of {len(running.completed)} have no row: {sorted(lost)[:10]}") from None
