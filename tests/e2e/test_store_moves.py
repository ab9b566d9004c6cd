"""A gateway moves from Vault to AWS as a second stack on the same database, as docs/runbooks/changes.md says.

Needs what tests/e2e/test_aws_stack.py needs. The tests build on each other.
"""

import json
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import requests

from tests.e2e import seeds, shared, test_aws_stack
from tests.e2e.support import Project, Vault, completion, kubectl
from tests.e2e.test_aws_stack import OPERATOR, REGION, store

pytestmark = [
    test_aws_stack.pytestmark,
    pytest.mark.skipif(os.environ.get("LAB_LITELLM_DATABASE") == "0", reason="needs LiteLLM with its database client"),
]

FIRST, NEXT, SERVERS = "first", "next", "first-servers"
ADMIN, COPIED = "shared/first", "ops/first"

GATEWAY: dict[str, Any] = {
    "protect": False,
    "redis": {"kind": "none"},
    "gateway": {
        "allowMemoryBelowFloor": True,
        "resources": {"cpu": "100m", "memory": "1536Mi"},
        "preStopSeconds": 0,
        "models": [{"name": "mock", "provider": "mock", "response": "Hello."}],
        "generalSettings": {"proxy_batch_write_at": 5},
    },
}
SERVER = {"kind": "existing", "host": f"postgres.{SERVERS}.svc", "sslmode": "prefer"}
IN_VAULT = GATEWAY | {
    "secrets": {"vault": {"prefix": FIRST}},
    "externalSecrets": OPERATOR | {"install": True},
    "database": SERVER | {"admin": {"document": ADMIN}},
    "ingress": {"host": f"{FIRST}.localhost"},
}
LOGIN = {"document": f"{COPIED}-login", "usernameProperty": "username", "passwordProperty": "password"}
IN_AWS = GATEWAY | {
    "secrets": store(),
    "externalSecrets": OPERATOR,
    "keys": {
        "salt": {"existing": {"document": f"{COPIED}-salt"}},
        "master": {"existing": {"document": f"{COPIED}-master"}},
    },
    "database": SERVER | {"credentials": LOGIN},
    "ingress": {"host": f"{NEXT}.localhost"},
}


class Moving:
    """What clients of the first stack have."""

    def __init__(self, project: Project, vault: Vault) -> None:
        self.project, self.vault = project, vault
        self.documents = {name: vault.read("litellm", f"{FIRST}/{name}") for name in vault.list("litellm", FIRST)}
        self.master = self.documents["api-keys"]["master-key"]
        parts = urlsplit(project.outputs(FIRST)["url"])
        headers = {"Host": parts.hostname or "", "Authorization": f"Bearer {self.master}"}
        address = f"http://127.0.0.1:{parts.port or 80}/key/generate"
        self.key: str = requests.post(address, json={}, headers=headers, timeout=60).json()["key"]

    def answers(self, stack: str) -> list[int]:
        url = self.project.outputs(stack)["url"]
        return [completion(url, key).status_code for key in (self.key, self.master)]


@pytest.fixture(scope="module")
def moving(project: Project, vault: Vault) -> Iterator[Moving]:
    shared.place_postgres(vault, SERVERS, "litellm", ADMIN)
    try:
        project.write_stack(FIRST, IN_VAULT)
        # Its gate leaves a credential in the database, which no other salt key can read.
        project.make("up", FIRST, SMOKE="true")
        yield Moving(project, vault)
    finally:
        project.make("destroy", FIRST, check=False)
        kubectl("delete", "namespace", SERVERS, "--ignore-not-found", "--wait=false")


@pytest.fixture(scope="module")
def copied(moving: Moving) -> Iterator[None]:
    """Both keys and the login of the database are in AWS, byte for byte."""
    manager: Any = boto3.client("secretsmanager", region_name=REGION)
    texts = {
        "salt": moving.documents["salt"]["salt-key"],
        "master": moving.master,
        "login": json.dumps(moving.documents["database"]),
    }
    for name, text in texts.items():
        manager.create_secret(Name=f"{COPIED}-{name}", SecretString=text)
    yield
    moving.project.make("destroy", NEXT, check=False)
    for name in texts:
        manager.delete_secret(SecretId=f"{COPIED}-{name}", ForceDeleteWithoutRecovery=True)


def test_the_second_stack_reads_what_the_first_has_encrypted(moving: Moving, copied: None):
    moving.project.write_stack(NEXT, IN_AWS)
    moving.project.make("up", NEXT, SMOKE="true")
    assert moving.project.changes(NEXT, "--refresh") == []


def test_keys_open_both_while_both_are_there(moving: Moving):
    assert (moving.answers(FIRST), moving.answers(NEXT)) == ([200, 200], [200, 200])


def test_the_first_goes_and_the_second_answers(moving: Moving):
    moving.project.make("destroy", FIRST)
    assert moving.answers(NEXT) == [200, 200]
    assert moving.vault.list("litellm", FIRST) == ["salt"]
    assert moving.vault.read("litellm", f"{FIRST}/salt") == moving.documents["salt"]
    assert seeds.sql(SERVERS, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'litellm'", "postgres") == "t"


def test_its_pods_start_again_without_the_first(moving: Moving):
    kubectl("delete", "pod", "-n", f"litellm-{NEXT}", "-l", "app.kubernetes.io/name=litellm")
    kubectl("rollout", "status", "deployment/litellm", "-n", f"litellm-{NEXT}", "--timeout=110s")
    moving.project.make("smoke", NEXT)
