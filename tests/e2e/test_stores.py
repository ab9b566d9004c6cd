"""What a cluster shares, and stores that are there already: a shared stack, two gateways that use it, and one of another store.

The tests build on each other: each says what must be true by then.
"""

import base64
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.support import Project, Vault, completion, kubectl, objects, tail
from tests.e2e.test_sharing import SMALL

MOUNT, OTHER, AUTH, STORE = "stores-tests", "stores-tests-kv", "kubernetes-stores-tests", "stores-tests"
METHOD: dict[str, Any] = {"path": AUTH, "create": False}


@pytest.fixture(scope="module")
def overlay(project: Project) -> str:
    """What the cluster asks of a stack, without that which a stack without gateway does not have."""
    whole: dict[str, Any] = yaml.safe_load(Path(project.environment["OVERLAY"]).read_text())
    whole["config"].pop("litellm:ingress", None)
    path = project.folder / "cluster-shared.yaml"
    path.write_text(yaml.safe_dump(whole))
    return str(path)


@pytest.fixture(scope="module")
def shared(project: Project, overlay: str) -> Iterator[str]:
    """It has the operator, the engine and the auth method."""
    settings = {"mount": {"path": MOUNT}, "kubernetesAuth": {"path": AUTH}}
    rights = {"stacks": [{"name": "one"}]}
    project.write_stack("shared", {"protect": False, "shared": rights, "secrets": {"vault": settings}})
    done = project.make("up", "shared", OVERLAY=overlay)
    assert "a stack of this cluster uses it with" in done.stdout
    yield "shared"
    for stack in ("three", "two", "one"):
        project.make("destroy", stack, check=False)
    kubectl("delete", "clustersecretstore", STORE, "--ignore-not-found", check=False)
    done = project.make("destroy", "shared", check=False, OVERLAY=overlay)
    assert done.returncode == 0, tail(done)


@pytest.fixture(scope="module")
def one(project: Project, shared: str) -> str:
    """It logs in with the role of the cluster, and writes neither role nor policy."""
    vault = {
        "mount": {"path": MOUNT, "create": False},
        "prefix": "litellm-one",
        "kubernetesAuth": METHOD | {"createRole": False, "role": "litellm"},
    }
    project.write_stack("one", SMALL | {"ingress": {"host": "one.localhost"}, "secrets": {"vault": vault}})
    project.make("up", "one")
    return "one"


@pytest.fixture(scope="module")
def two(project: Project, vault: Vault, shared: str) -> str:
    """It has a role and a policy of its own, and a key from another engine."""
    vault.client.sys.enable_secrets_engine("kv", path=OTHER, options={"version": "2"})
    vault.client.secrets.kv.v2.create_or_update_secret(
        path="team/openai", mount_point=OTHER, secret={"keys": {"production": "of the team"}}
    )
    settings = {"mount": {"path": MOUNT, "create": False}, "kubernetesAuth": METHOD}
    reference = {"mount": OTHER, "document": "team/openai", "property": "keys.production"}
    config = {
        "ingress": {"host": "two.localhost"},
        "secrets": {"vault": settings},
        "secretEnvironment": {"OPENAI_API_KEY": reference},
        "networkPolicy": {"enabled": False},
    }
    project.write_stack("two", SMALL | config)
    project.make("up", "two")
    return "two"


def answers(project: Project, stack: str) -> bool:
    key = project.make("key", stack).stdout.strip()
    return completion(project.outputs(stack)["url"], key).ok


def environment_of(namespace: str) -> dict[str, str]:
    (secret,) = objects("secrets", "-n", namespace, "-l", "app.kubernetes.io/name=litellm-env")
    return secret["data"]


def test_a_stack_of_the_cluster_needs_no_role_of_its_own(project: Project, vault: Vault, one: str):
    assert answers(project, "one")
    roles = vault.client.auth.kubernetes.list_roles(mount_point=AUTH)["keys"]
    assert "litellm-one" not in roles
    assert project.changes("one", "--refresh") == []


def test_a_value_of_another_engine_and_below_another_one_reaches_the_gateway(project: Project, two: str):
    assert base64.b64decode(environment_of("litellm-two")["OPENAI_API_KEY"]) == b"of the team"
    assert answers(project, "two")
    assert project.changes("two", "--refresh") == []


def test_a_store_that_is_there_is_used_and_nothing_written(project: Project, vault: Vault, two: str):
    login = vault.read(MOUNT, "two/database")
    values = {
        "master": "sk-" + secrets.token_hex(24),
        "salt": "sk-" + secrets.token_hex(24),
        "database": json.dumps(login),
    }
    data = [{"key": key, "value": value} for key, value in values.items()]
    store = {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ClusterSecretStore",
        "metadata": {"name": STORE},
        "spec": {"provider": {"fake": {"data": data}}},
    }
    kubectl("apply", "-f", "-", stdin=json.dumps(store))
    kubectl("wait", f"clustersecretstore/{STORE}", "--for=condition=Ready", "--timeout=60s")
    config = {
        "ingress": {"host": "three.localhost"},
        "secrets": {"kind": "existing", "existing": {"name": STORE}},
        "keys": {"master": {"existing": {"document": "master"}}, "salt": {"existing": {"document": "salt"}}},
        "database": {
            "kind": "existing",
            "host": "postgres.litellm-two.svc",
            "sslmode": "disable",
            "credentials": {"document": "database"},
        },
    }
    project.write_stack("three", SMALL | config)
    project.make("up", "three")
    assert project.make("key", "three").stdout.strip() == values["master"]
    assert answers(project, "three")
    assert project.changes("three", "--refresh") == []


def test_what_a_cluster_shares_stays_while_somebody_uses_it(project: Project, overlay: str, one: str, two: str):
    done = project.make("destroy", "shared", check=False, OVERLAY=overlay)
    assert done.returncode != 0, tail(done)
    said = done.stdout + done.stderr
    assert "namespace litellm-one (litellm-one): ExternalSecret" in said
    assert f"auth/{AUTH}/ in Vault: role litellm-two" in said
    assert answers(project, "one")
