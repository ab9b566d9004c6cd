"""A whole stack leaves its Postgres in the cluster for another server, as docs/runbooks/changes.md says: no row is lost.

Its user is the second of two by then, as after a rotation. The tests build on each other.
"""

import os
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.e2e import seeds, shared
from tests.e2e.conftest import ROOT
from tests.e2e.support import Project, Vault, completion, eventually, kubectl, objects, psql, tail

pytestmark = pytest.mark.skipif(
    os.environ.get("LAB_LITELLM_DATABASE") == "0", reason="needs LiteLLM with its database client"
)

STACK, NAMESPACE, SERVERS = "leaving", "litellm-leaving", "leaving-servers"
ADMIN = "shared/leaving"
JOB = (ROOT / "docs/runbooks/copy-database.yaml").read_text()
HOST = f"postgres.{SERVERS}.svc"

CONFIG: dict[str, Any] = {
    "protect": False,
    "secrets": {"vault": {"prefix": STACK}},
    "externalSecrets": {"install": True},
    "database": {"storage": "1Gi", "resources": {"cpu": "50m", "memory": "256Mi"}},
    "redis": {"kind": "none"},
    "gateway": {
        "allowMemoryBelowFloor": True,
        "resources": {"cpu": "100m", "memory": "1536Mi"},
        "preStopSeconds": 0,
        "models": [{"name": "mock", "provider": "mock", "response": "Hello."}],
        "generalSettings": {"proxy_batch_write_at": 5},
    },
    "access": {"keys": {"client": {}}},
    "ingress": {"host": f"{STACK}.localhost"},
}
ROTATED = CONFIG | {"database": CONFIG["database"] | {"rotation": 1}}
ELSEWHERE: dict[str, Any] = {
    "kind": "existing",
    "host": HOST,
    "sslmode": "prefer",
    "admin": {"document": ADMIN},
    "rotation": 1,
}
MOVED = CONFIG | {"database": ELSEWHERE | {"replaces": "in-cluster"}}
AFTER = CONFIG | {"database": ELSEWHERE}

ROWS = """SELECT format('%s %s', table_name, (xpath('/row/rows/text()',
    query_to_xml(format('SELECT count(*) AS rows FROM %I.%I', table_schema, table_name), false, true, '')))[1])
  FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1"""
SPENT = 'SELECT request_id FROM "LiteLLM_SpendLogs" ORDER BY 1'
KEYS = 'SELECT token FROM "LiteLLM_VerificationToken" ORDER BY 1'
CREDENTIALS = 'SELECT credential_name, credential_values FROM "LiteLLM_CredentialsTable" ORDER BY 1'


class Leaving:
    """The stack, and what its clients have."""

    def __init__(self, project: Project, vault: Vault, password: str) -> None:
        self.project, self.vault, self.password = project, vault, password
        self.documents = self.read()
        self.url = project.outputs(STACK)["url"]
        self.key = self.documents["keys/client"]["key"]
        self.by_hand: str = self.manage("/key/generate", {"key_alias": "by-hand"})["key"]
        self.manage(
            "/credentials", {"credential_name": "one", "credential_values": {"api_key": "x"}, "credential_info": {}}
        )
        self.spend = completion(self.url, self.by_hand).json()["id"]
        eventually(lambda: self.spend in psql(NAMESPACE, SPENT), "the completion has its row", 90)
        self.rows: dict[str, str] = {}

    def read(self) -> dict[str, dict[str, str]]:
        names = [
            *self.vault.list("litellm", STACK),
            *(f"keys/{each}" for each in self.vault.list("litellm", f"{STACK}/keys")),
        ]
        return {name: self.vault.read("litellm", f"{STACK}/{name}") for name in names if not name.endswith("/")}

    def manage(self, path: str, body: Any) -> Any:
        parts, key = urlsplit(self.url), self.documents["api-keys"]["master-key"]
        headers = {"Host": parts.hostname or "", "Authorization": f"Bearer {key}"}
        answer = requests.post(f"http://127.0.0.1:{parts.port or 80}{path}", json=body, headers=headers, timeout=60)
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text[:300]}"
        return answer.json()

    def up(self, config: dict[str, Any]) -> None:
        self.project.write_stack(STACK, config)
        self.project.make("up", STACK)


@pytest.fixture(scope="module")
def leaving(project: Project, vault: Vault) -> Iterator[Leaving]:
    password = shared.place_postgres(vault, SERVERS, "litellm", ADMIN)
    try:
        project.write_stack(STACK, CONFIG)
        project.make("up", STACK)
        yield Leaving(project, vault, password)
    finally:
        project.make("destroy", STACK, check=False)
        kubectl("delete", "namespace", SERVERS, "--ignore-not-found", "--wait=false")


def pods() -> list[dict[str, Any]]:
    return objects("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=litellm")


def test_another_server_is_refused_before_anything_is_written(leaving: Leaving):
    leaving.up(ROTATED)
    leaving.documents = leaving.read()
    assert leaving.documents["database"]["username"] == "litellm_clone"
    leaving.project.write_stack(STACK, AFTER)
    for verb in ("preview", "up"):
        done = leaving.project.make(verb, STACK, check=False)
        said = done.stdout + done.stderr
        assert done.returncode != 0
        assert "litellm:database.replaces: in-cluster" in said, tail(done)
        assert "docs/runbooks/changes.md" in said
    assert leaving.read() == leaving.documents
    assert completion(leaving.url, leaving.by_hand).status_code == 200


def test_the_job_copies_every_row_once_nobody_writes(leaving: Leaving):
    login = ["--from-literal=username=postgres", f"--from-literal=password={leaving.password}"]
    kubectl("create", "secret", "generic", "new-database", "-n", NAMESPACE, *login)
    (admin,) = objects("secrets", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=postgres-admin")
    kubectl("scale", "deployment/litellm", "-n", NAMESPACE, "--replicas=0")
    eventually(lambda: not pods(), "no pod is left", 90)
    leaving.rows = {query: psql(NAMESPACE, query) for query in (ROWS, SPENT, KEYS, CREDENTIALS)}

    job = re.sub("<postgres-admin-…>", admin["metadata"]["name"], JOB).replace("<new server>", HOST)
    kubectl(
        "apply",
        "-n",
        NAMESPACE,
        "-f",
        "-",
        stdin=job.replace("TO_SSLMODE, value: require", "TO_SSLMODE, value: prefer"),
    )
    done = ("wait", "job/copy-database", "-n", NAMESPACE, "--for=condition=Complete", "--timeout=90s")
    finished = kubectl(*done, check=False)
    log = kubectl("logs", "job/copy-database", "-n", NAMESPACE).stdout
    assert finished.returncode == 0, log
    tables = len(leaving.rows[ROWS].splitlines())
    assert f"copied: {tables} tables, with as many rows in each as in the old database" in log


def test_one_up_moves_the_gateway_with_its_values(leaving: Leaving):
    leaving.up(MOVED)
    assert leaving.read().keys() == leaving.documents.keys() - {"database-admin"}
    assert {name: leaving.documents[name] for name in leaving.read()} == leaving.read()
    for query in (SPENT, KEYS, CREDENTIALS):
        assert set(leaving.rows[query].splitlines()) <= set(seeds.sql(SERVERS, query).splitlines())


def test_keys_of_before_open_the_gateway_and_spend_goes_on(leaving: Leaving):
    for key in (leaving.key, leaving.by_hand):
        answer = completion(leaving.url, key)
        assert answer.status_code == 200, answer.text
    now = answer.json()["id"]
    eventually(lambda: now in seeds.sql(SERVERS, SPENT), "the completion has its row in the new server", 90)
    assert leaving.spend in seeds.sql(SERVERS, SPENT)


def test_the_gate_finds_all_in_order(leaving: Leaving):
    leaving.project.make("smoke", STACK)


def test_the_server_of_before_is_gone_with_its_volume(leaving: Leaving):
    assert objects("statefulsets,persistentvolumeclaims", "-n", NAMESPACE) == []
    kubectl("delete", "-n", NAMESPACE, "job/copy-database", "networkpolicy/copy-database", "secret/new-database")


def test_without_the_word_of_the_move_nothing_is_left_to_do(leaving: Leaving):
    leaving.project.write_stack(STACK, AFTER)
    assert leaving.project.changes(STACK, "--refresh") == []


def test_the_next_rotation_is_of_the_new_server(leaving: Leaving):
    leaving.up(CONFIG | {"database": ELSEWHERE | {"rotation": 2}})
    assert leaving.read()["database"]["username"] == "litellm"
    assert completion(leaving.url, leaving.by_hand).status_code == 200
    assert seeds.sql(SERVERS, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'litellm_clone'", "postgres") == "f"
