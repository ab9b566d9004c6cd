"""Whatever rotates while the gateway answers, whatever else an `up` changes, pods that are evicted and a Vault that is down:
no request fails, of which more than 20 are always under way, streams of some seconds most of them.

The tests build on each other. VAULT_AWAY_SECONDS says how long Vault is down (three refresh intervals), such as an hour; the
tests that take it away run without those before them: `-k "vault or last_preview"`.
"""

import hashlib
import json
import os
import re
import secrets
import socket
import ssl
import time
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
import urllib3

from infra.config.versions import PINS
from tests.e2e import shared, upstream
from tests.e2e.loads import Client, assert_nothing_failed, load
from tests.e2e.support import REFUSED, Project, Vault, eventually, kubectl, objects
from tests.e2e.test_aws_production import certificate_for

STACK, NAMESPACE, SERVERS = "loaded", "litellm-loaded", "loaded-servers"
HOST = f"{STACK}.localhost"
ADDRESS = os.environ.get("LAB_INGRESS_TLS_URL", "https://127.0.0.1")
VAULT = os.environ.get("LAB_VAULT_ADDR_IN_CLUSTER", "")
"""Where pods reach Vault. Where that is not known, no test takes it away."""

OTHERS = f"{STACK}/of-others"
REFRESH_SECONDS = 15
LOADED_SECONDS = 3 * REFRESH_SECONDS
"""How long a Vault that is down is down under load."""

VAULT_AWAY_SECONDS = int(os.environ.get("VAULT_AWAY_SECONDS") or LOADED_SECONDS)
"""How long it is down before pods are replaced."""

BACK_SECONDS = 7 * 60 + 180
"""How long a changed value may take once Vault is back: the operator asks every seven minutes at the least, and pods roll."""
NEW = PINS["litellm"].image
OLD = f"{NEW.rpartition(':')[0]}:v1.106.2"
EXPECTED = re.compile(r"not found in db|\" 200 -|[█═]")
"""In a log, what is no hint: refused master keys, requests that were answered, a banner."""

LABEL = "app.kubernetes.io/name=litellm"

GATEWAY: dict[str, Any] = {
    "replicas": 2,
    "allowMemoryBelowFloor": True,
    "resources": {"cpu": "100m", "memory": "1536Mi"},
    "requestTimeout": 60,
}
MODELS: list[dict[str, Any]] = [
    {"name": "mock", "provider": "mock", "response": "Hello."},
    {
        "name": "slow",
        "provider": "openai",
        "model": "slow",
        "apiBase": f"http://upstream.{SERVERS}.svc:{upstream.PORT}",
        "apiKey": "UPSTREAM_KEY",
    },
]
CONFIG: dict[str, Any] = {
    "protect": False,
    "secrets": {"reload": "restarter", "vault": {"prefix": STACK}},
    "externalSecrets": {"install": True, "refreshInterval": f"{REFRESH_SECONDS}s"},
    "database": {"storage": "1Gi"},
    "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "128Mi"}},
    "secretEnvironment": {"UPSTREAM_KEY": {"document": OTHERS, "property": "key"}},
    "gateway": GATEWAY | {"models": MODELS, "image": OLD},
    "access": {"keys": {"clients": {}}},
    "ingress": {
        "host": HOST,
        "tls": {
            "certificate": {"document": OTHERS, "property": "certificate"},
            "privateKey": {"document": OTHERS, "property": "privateKey"},
        },
    },
}
UPGRADED = CONFIG | {"gateway": GATEWAY | {"models": MODELS}}
ROTATED = UPGRADED | {
    "keys": {"master": {"rotation": 1}},
    "database": CONFIG["database"] | {"rotation": 1},
    "redis": CONFIG["redis"] | {"rotation": 1},
}
ANOTHER_MODEL = ROTATED | {"gateway": GATEWAY | {"models": [*MODELS, {"name": "new", "provider": "mock"}]}}


def of_others() -> dict[str, str]:
    """What somebody writes into Vault by hand: the key of a provider, and a certificate."""
    made = {name: pem.decode() for name, pem in certificate_for(HOST).items()}
    return {
        "key": f"sk-{secrets.token_hex(16)}",
        "certificate": made["Certificate"],
        "privateKey": made["PrivateKey"],
    }


def saying(key: str) -> str:
    """What the stand-in of a provider answers to a key."""
    return f"slow with {hashlib.sha256(key.encode()).hexdigest()}"


def fingerprint(certificate: bytes) -> str:
    return hashlib.sha256(certificate).hexdigest()


def served_certificate() -> str:
    """A hash of the certificate that the ingress controller has for the host."""
    address, _, port = ADDRESS.removeprefix("https://").partition(":")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection((address, int(port or 443)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=HOST) as connection,
    ):
        return fingerprint(connection.getpeercert(binary_form=True) or b"")


def pods() -> dict[str, str]:
    """Those that are not about to go: names, by UID."""
    return {
        each["metadata"]["uid"]: each["metadata"]["name"]
        for each in objects("pods", "-n", NAMESPACE, "-l", LABEL)
        if not each["metadata"].get("deletionTimestamp")
    }


def revision() -> int:
    """How often the pods of the Deployment were to be others."""
    (found,) = [each for each in objects("deployments", "-n", NAMESPACE) if each["metadata"]["name"] == "litellm"]
    return int(found["metadata"]["annotations"]["deployment.kubernetes.io/revision"])


def images() -> set[str]:
    return {each["spec"]["containers"][0]["image"] for each in objects("pods", "-n", NAMESPACE, "-l", LABEL)}


def rolled_out() -> None:
    kubectl("rollout", "status", "deployment/litellm", "-n", NAMESPACE, "--timeout=110s")


def look() -> str:
    """Pods with their addresses and restarts, and what those that serve have said in the last seconds."""
    there = kubectl("get", "pods", "-o", "wide", "-n", NAMESPACE, check=False).stdout
    ask = ("logs", "--since=15s", "--timestamps", "-n")
    said = {name: kubectl(*ask, NAMESPACE, name, check=False).stdout for name in pods().values()}
    said["upstream"] = kubectl(*ask, SERVERS, "deployment/upstream", check=False).stdout
    lines = [f"{name}: {line}" for name, log in said.items() for line in log.splitlines() if not EXPECTED.search(line)]
    return "\n".join([there, *(line[:300] for line in lines)])


def evict(name: str) -> None:
    """As a drain of its node does, which asks again while the disruption budget lets no pod go."""
    metadata = {"name": name, "namespace": NAMESPACE}
    body = json.dumps({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata})
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{name}/eviction"
    asked = ("create", "--raw", path, "-f", "-")
    eventually(lambda: kubectl(*asked, stdin=body, check=False).returncode == 0, f"the eviction of {name}", 120)


def synced() -> list[str]:
    """Whether each ExternalSecret is what the store has: `True` or `False`."""
    found = [each.get("status", {}).get("conditions", ()) for each in objects("externalsecrets", "-n", NAMESPACE)]
    return [each["status"] for conditions in found for each in conditions if each["type"] == "Ready"]


vault_for_the_cluster = partial(shared.vault_for_the_cluster, SERVERS)


class Running:
    """The stack, and who uses it."""

    def __init__(self, project: Project, vault: Vault, others: dict[str, str]) -> None:
        self.project, self.vault, self.others = project, vault, others
        self.masters = [self.read("masterKey")]
        (place,) = project.outputs(STACK)["keyPlaces"].values()
        self.key = self.value(place)

    def read(self, name: str) -> str:
        return self.value(self.project.outputs(STACK)["secretPlaces"][name])

    def value(self, place: str) -> str:
        document, _, name = place.partition("#")
        return self.vault.read("litellm", document.removeprefix("litellm/"))[name]

    def known(self) -> list[str]:
        """The master keys, as an administrator knows them who looks into the store once a key is refused."""
        now = self.vault.read("litellm", f"{STACK}/api-keys")["master-key"]
        if now not in self.masters:
            self.masters.append(now)
        return self.masters

    def load(self) -> Any:
        return load(ADDRESS, HOST, self.key, self.known, "slow", look)


@pytest.fixture(scope="module")
def running(project: Project, vault: Vault) -> Iterator[Running]:
    warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
    if os.environ.get("LAB_LITELLM_DATABASE") == "0":
        pytest.skip("needs an image of LiteLLM that has its database: the clients have a virtual key")
    others = of_others()
    vault.mount("litellm")
    vault.write("litellm", OTHERS, **others)
    project = shared.place_upstream(project, SERVERS, VAULT)
    project.write_stack(STACK, CONFIG)
    try:
        project.make("up", STACK)
        yield Running(project, vault, others)
    finally:
        project.make("destroy", STACK, check=False)
        kubectl("delete", "namespace", SERVERS, "--ignore-not-found", "--wait=false")


def ask(running: Running, key: str, model: str = "mock") -> int:
    return Client(ADDRESS, HOST, model, streams=False).ask(key)[0]


def test_an_up_with_another_image_loses_no_request(running: Running):
    running.project.write_stack(STACK, UPGRADED)
    assert images() == {OLD}
    with running.load() as found:
        running.project.make("up", STACK)
        eventually(lambda: images() == {NEW}, "the pods of before are gone", 90)
    assert_nothing_failed(found)


def test_master_key_and_both_passwords_rotate_and_no_request_fails(running: Running):
    """Each pod knows one master key, so while both kinds are there a client with a master key may need the other one.

    Pods are replaced once, though the restarter sees the values of before change as well.
    """
    salt, rollouts = running.read("saltKey"), revision()
    running.project.write_stack(STACK, ROTATED)
    with running.load() as found:
        running.project.make("up", STACK)
    assert_nothing_failed(found)
    assert running.read("saltKey") == salt
    old, new = running.known()
    assert (ask(running, old) in REFUSED, ask(running, new)) == (True, 200)
    assert found.answers["master key 1"] > 0
    assert revision() == rollouts + 1


def test_a_key_and_a_certificate_that_others_change_in_the_store_reach_the_pods(running: Running):
    before, now = pods(), of_others()
    with running.load() as found:
        running.vault.write("litellm", OTHERS, **now)
        begun = time.monotonic()
        eventually(lambda: saying(now["key"]) in found.said, "a stream with the new key", REFRESH_SECONDS + 180)
        eventually(
            lambda: served_certificate() == fingerprint(ssl.PEM_cert_to_DER_cert(now["certificate"])),
            "the new certificate is served",
        )
        rolled_out()
    assert_nothing_failed(found)
    print(f"the first answer with the new key came after {found.said[saying(now['key'])] - begun:.0f} seconds")
    assert not set(before) & set(pods())
    assert set(found.said) == {saying(running.others["key"]), saying(now["key"])}
    running.others = now


def test_the_next_preview_shows_none_of_it(running: Running):
    assert running.project.changes(STACK, "--refresh") == []


def test_an_up_with_another_model_loses_no_request(running: Running):
    running.project.write_stack(STACK, ANOTHER_MODEL)
    with running.load() as found:
        running.project.make("up", STACK)
    assert_nothing_failed(found)
    assert ask(running, running.known()[-1], "new") == 200


def test_an_up_replaces_pods_once(running: Running):
    """The restarter finds Secrets with other names, whose values the new pods have already."""
    before = pods()
    time.sleep(REFRESH_SECONDS)
    assert pods() == before


def test_a_drained_node_loses_no_request(running: Running):
    """Its pods are evicted, one by one as their disruption budget wants it: the only node of a cluster cannot be drained."""
    before = pods()
    with running.load() as found:
        for name in before.values():
            evict(name)
            rolled_out()
    assert_nothing_failed(found)
    assert not set(before) & set(pods())


@pytest.mark.skipif(not VAULT, reason="needs LAB_VAULT_ADDR_IN_CLUSTER: where pods reach Vault")
def test_pods_that_start_while_vault_is_down_serve_with_what_was_synced(running: Running):
    vault_for_the_cluster(there=False)
    names = list(pods().values())
    time.sleep(max(0, VAULT_AWAY_SECONDS - LOADED_SECONDS))
    with running.load() as found:
        eventually(lambda: "False" in synced(), "the operator has noticed", 4 * REFRESH_SECONDS)
        time.sleep(LOADED_SECONDS)
        evict(names[0])
        kubectl("delete", "pod", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=litellm-restarter")
        rolled_out()
    assert_nothing_failed(found)
    assert names[0] not in pods().values()
    assert set(found.said) == {saying(running.others["key"])}


@pytest.mark.skipif(not VAULT, reason="needs LAB_VAULT_ADDR_IN_CLUSTER: where pods reach Vault")
def test_what_changed_while_vault_was_down_arrives_when_it_is_back(running: Running):
    vault_for_the_cluster(there=False)
    now = running.others | {"key": of_others()["key"]}
    running.vault.write("litellm", OTHERS, **now)
    with running.load() as found:
        vault_for_the_cluster(there=True)
        begun = time.monotonic()
        eventually(lambda: saying(now["key"]) in found.said, "a stream with the new key", BACK_SECONDS)
        rolled_out()
    assert_nothing_failed(found)
    print(
        f"Vault was back; the first answer with the new key came {found.said[saying(now['key'])] - begun:.0f} seconds later"
    )
    assert set(synced()) == {"True"}


def test_the_last_preview_shows_none_of_it(running: Running):
    assert running.project.changes(STACK, "--refresh") == []
