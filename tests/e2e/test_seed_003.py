"""docs/seeds/003.md: Vault Agent in the place of the operator, and no Kubernetes Secret with a value.

The agent itself runs against the real Vault wherever `vault` is on PATH. The rest needs Vault's Agent Injector in the cluster.
"""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from infra.environment import deploy
from tests.e2e.seeds import example, image_of_the_injector, postgres, small, sql
from tests.e2e.support import Project, Vault, completion, eventually, kubectl, objects
from tests.unit.infra.stacks import target
from tools.offline.mock_engine import run

STACK, NAMESPACE, SERVERS, MOUNT = "seed003", "litellm-seed003", "seed003-servers", "seed003"
WEBHOOK = "vault.hashicorp.com"


def has_injector() -> bool:
    hooks = [hook for each in objects("mutatingwebhookconfigurations") for hook in each.get("webhooks", ())]
    return any(hook["name"] == WEBHOOK for hook in hooks)


@pytest.fixture(scope="module")
def values(vault: Vault) -> Iterator[dict[str, str]]:
    """One document with all that somebody else wrote."""
    found = {
        "master_key": f"sk-{secrets.token_hex(24)}",
        "openrouter_api_key": f"sk-or-v1-{secrets.token_hex(16)}",
        "db_password": f"{secrets.token_hex(8)}+/@ '\"$(id)`\\",
    }
    vault.mount(MOUNT)
    vault.write(MOUNT, "litellm/secrets", **found)
    vault.write(MOUNT, "litellm/salt", **{"salt-key": f"sk-{secrets.token_hex(24)}"})
    # What `up` writes where the stack has a Redis.
    vault.write(MOUNT, "litellm/redis", password=secrets.token_hex(20))
    yield found
    vault.client.sys.disable_secrets_engine(MOUNT)


def rendered(vault: Vault, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the agent of the gateway's pods does, with a token of Vault's in the place of the pod's."""
    config = example("seed-003")
    config["secrets"]["vault"]["mount"] = {"path": MOUNT, "create": False}
    recording = run(lambda: deploy(target(**config)), preview=False, stack=STACK)
    (data,) = [each.inputs["data"] for each in recording.resources if each.name == "litellm-agent-config"]
    content = json.loads(data["config-init.hcl"].replace("/vault/secrets", str(folder)))
    (folder / "token").write_text(os.environ["VAULT_TOKEN"])
    content |= {"pid_file": str(folder / "pid"), "vault": {"address": vault.address}}
    method = {"type": "token_file", "config": {"token_file_path": str(folder / "token")}}
    content["auto_auth"] = [{"method": [method]}]
    (folder / "agent.json").write_text(json.dumps(content))
    command = ["vault", "agent", f"-config={folder / 'agent.json'}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(not shutil.which("vault"), reason="needs vault on PATH")
def test_a_real_agent_gives_the_program_the_variables_that_the_documents_say(
    vault: Vault, values: dict[str, str], tmp_path: Path
):
    done = rendered(vault, tmp_path)
    assert done.returncode == 0, done.stdout[-2000:]
    command = ["sh", str(tmp_path / "start.sh"), "once", "0", f"{tmp_path}/litellm-env/", "--", "env", "-0"]
    shown = subprocess.run(command, env={"PATH": os.environ["PATH"]}, capture_output=True, text=True, check=True).stdout
    found = dict(entry.split("=", 1) for entry in shown.split("\0") if "=" in entry)
    password = quote(values["db_password"], safe="")
    assert found["LITELLM_MASTER_KEY"] == values["master_key"]
    assert found["OPENROUTER_API_KEY"] == values["openrouter_api_key"]
    assert found["DATABASE_URL"].startswith(f"postgresql://llmproxy:{password}@postgres.example.com:5432/litellm?")
    assert found["LITELLM_SALT_KEY"].startswith("sk-")


@pytest.mark.skipif(not shutil.which("vault"), reason="needs vault on PATH")
def test_a_property_that_is_not_there_is_named_by_the_agent(vault: Vault, values: dict[str, str], tmp_path: Path):
    kept = {name: value for name, value in values.items() if name != "openrouter_api_key"}
    vault.write(MOUNT, "litellm/secrets", **kept)
    done = rendered(vault, tmp_path)
    vault.write(MOUNT, "litellm/secrets", **values)
    assert done.returncode != 0
    assert f"document {MOUNT}/litellm/secrets has no property openrouter_api_key" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def stack(project: Project, vault: Vault, values: dict[str, str]) -> Iterator[str]:
    """The example, with the engine and the addresses of this cluster."""
    if not has_injector():
        pytest.skip("needs Vault's Agent Injector in the cluster")
    config: dict[str, Any] = example("seed-003")
    with postgres(SERVERS, "llmproxy") as password:
        values["db_password"] = password
        vault.write(MOUNT, "litellm/secrets", **values)
        # From here on it is the stack's.
        vault.client.secrets.kv.v2.delete_metadata_and_all_versions("litellm/redis", mount_point=MOUNT)
        changed = {
            "protect": False,
            "namespace": NAMESPACE,
            "secrets": {
                "delivery": "vault-agent",
                "vaultAgent": {"refreshInterval": "10s", **image_of_the_injector()},
                "vault": {"mount": {"path": MOUNT, "create": False}, "prefix": "litellm"},
            },
            "keys": {
                **config["keys"],
                "salt": {"existing": {"document": "litellm/salt", "property": "salt-key"}},
            },
            "database": {**config["database"], "host": f"postgres.{SERVERS}.svc", "sslmode": "prefer"},
            "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "192Mi"}},
            "gateway": small(config["gateway"]) | {"replicas": 2},
            "ingress": {"host": "seed003.localhost"},
        }
        project.write_stack(STACK, config | changed)
        project.make("up", STACK)
        yield STACK
        project.make("destroy", STACK, check=False)


def test_the_gateway_answers_with_the_key_of_the_document(project: Project, stack: str, values: dict[str, str]):
    assert completion(project.outputs(stack)["url"], values["master_key"], "openai-gpt-4").ok


def test_the_agent_is_beside_the_gateway_and_no_secret_has_a_value(stack: str):
    assert stack
    pods = objects("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=litellm")
    assert [[each["name"] for each in pod["spec"]["containers"]] for pod in pods] == [["litellm", "vault-agent"]] * 2
    assert not [each for each in objects("secrets", "-n", NAMESPACE) if each["type"] == "Opaque"]


@pytest.mark.skipif(os.environ.get("LAB_LITELLM_DATABASE") == "0", reason="needs LiteLLM with its database client")
def test_rows_reach_postgres(project: Project, stack: str, values: dict[str, str]):
    assert completion(project.outputs(stack)["url"], values["master_key"], "openai-gpt-4").ok
    eventually(lambda: int(sql(SERVERS, 'SELECT count(*) FROM "LiteLLM_SpendLogs"')) > 0, "a spend log", 90)


def test_a_value_that_is_changed_in_vault_reaches_the_program(
    project: Project, vault: Vault, stack: str, values: dict[str, str]
):
    values["master_key"] = f"sk-{secrets.token_hex(24)}"
    vault.write(MOUNT, "litellm/secrets", **values)
    url = project.outputs(stack)["url"]
    eventually(lambda: completion(url, values["master_key"], "openai-gpt-4").ok, "the new master key", 180)
    kubectl("rollout", "status", "deployment/litellm", "-n", NAMESPACE, "--timeout=60s")


def passwords_of_redis() -> set[str]:
    """What LiteLLM's processes have."""
    pods = objects(
        "pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=litellm", "--field-selector=status.phase=Running"
    )
    shown = [
        kubectl(
            "exec", "-n", NAMESPACE, pod["metadata"]["name"], "-c", "litellm", "--", "cat", "/proc/1/environ"
        ).stdout
        for pod in pods
        if "deletionTimestamp" not in pod["metadata"]
    ]
    return {
        entry.partition("=")[2] for each in shown for entry in each.split("\0") if entry.startswith("REDIS_PASSWORD=")
    }


def test_a_rotated_password_reaches_redis_and_every_pod(
    project: Project, vault: Vault, stack: str, values: dict[str, str]
):
    before = vault.read(MOUNT, "litellm/redis")["password"]
    config = project.config(stack)
    project.write_stack(stack, config | {"redis": {**config["redis"], "rotation": 1}})
    project.make("up", stack)
    after = vault.read(MOUNT, "litellm/redis")["password"]
    assert after != before
    assert passwords_of_redis() == {after}
    assert completion(project.outputs(stack)["url"], values["master_key"], "openai-gpt-4").ok
    assert project.changes(stack) == []
