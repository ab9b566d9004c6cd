"""Gateways that somebody has, adopted and deployed side by side: they have the models that they had, and the secrets.

Each is one of the configurations that tests/program/test_adopt.py adopts and plans. An overlay says what differs here: how
large it is, its host, and, in the place of the providers, a server in the cluster.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml

from tests.e2e import shared, upstream
from tests.e2e.conftest import ROOT
from tests.e2e.support import Project, Vault, kubectl, tail

LACKS = [name for name in ("vault", "helm") if not shutil.which(name)]
pytestmark = [
    pytest.mark.skipif("LAB_ESO_CHART" not in os.environ, reason="needs the chart of the operator (LAB_ESO_CHART)"),
    pytest.mark.skipif(bool(LACKS), reason=f"needs {', '.join(LACKS)} on PATH"),
]

AT_ONCE = 4
"""Deployments at a time: each takes more than half a gigabyte while it runs."""

UPSTREAM = "http://upstream.models.svc:8000"
PORTS = (upstream.PORT, 11434, 3000)


@dataclass(frozen=True)
class Fixture:
    """A configuration, what it serves, and how one of its models is asked."""

    file: str
    models: tuple[str, ...]
    ask: str
    upstream_model: str
    """What the provider calls it."""

    key: str = ""
    """The variable with the provider's key; none for a server that asks for none."""

    environment: dict[str, str] = field(default_factory=dict[str, str])
    """Where the providers are here."""

    caller: str = ""
    """The key of a caller, where the gateway itself says who may call; otherwise the master key."""

    host: str = ""
    """The host that the source names."""

    kubernetes: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    """Secrets of the cluster that the source names, with the variable that each key is."""

    @property
    def stack(self) -> str:
        return f"adopt-{self.file.partition('.')[0]}"


OPENAI = {"OPENAI_BASE_URL": f"{UPSTREAM}/v1"}
FIXTURES = (
    Fixture(
        "gemini.yaml",
        ("gemini-pro", "gemini-flash"),
        "gemini-flash",
        "gemini-2.5-flash",
        "GEMINI_API_KEY",
        {"GEMINI_API_BASE": UPSTREAM},
    ),
    Fixture(
        "moonshot.yaml",
        ("kimi", "kimi-thinking"),
        "kimi",
        "kimi-k2-0905-preview",
        "MOONSHOT_API_KEY",
        {"MOONSHOT_API_BASE": f"{UPSTREAM}/v1"},
    ),
    Fixture("configmap.yaml", ("xai", "nim"), "xai", "grok-4", "XAI_API_KEY", {"XAI_API_BASE": f"{UPSTREAM}/v1"}),
    Fixture("vllm-ollama.yaml", ("qwen", "llama", "whisper"), "qwen", "Qwen/Qwen3-32B"),
    Fixture("presidio.yaml", ("gpt-4o-mini",), "gpt-4o-mini", "gpt-4o-mini", "OPENAI_API_KEY", OPENAI),
    Fixture("custom-auth.yaml", ("gpt-4o",), "gpt-4o", "gpt-4o", "OPENAI_API_KEY", OPENAI, caller="research-1"),
    Fixture("router-redis.yaml", ("chat", "chat-small"), "chat-small", "gpt-4o-mini", "OPENAI_API_KEY", OPENAI),
    Fixture(
        "openrouter-cache.yaml",
        ("deepseek",),
        "deepseek",
        "deepseek/deepseek-chat",
        "OPENROUTER_API_KEY",
        {"OPENROUTER_API_BASE": f"{UPSTREAM}/v1"},
    ),
    Fixture(
        "helm-simple.values.yaml",
        ("gpt-4o",),
        "gpt-4o",
        "gpt-4o",
        "OPENAI_API_KEY",
        OPENAI,
        host="llm.example.com",
        kubernetes={
            "litellm-master": {"masterkey": "LITELLM_MASTER_KEY"},
            "litellm-env": {"OPENAI_API_KEY": "OPENAI_API_KEY"},
        },
    ),
)


@dataclass
class Gateway:
    """What became of a fixture."""

    fixture: Fixture
    secrets: dict[str, str]
    """The values, by variable."""

    said: str
    up: "subprocess.CompletedProcess[str] | None" = None
    url: str = ""
    master_key: str = ""


@pytest.fixture(scope="module")
def gateways(project: Project, vault: Vault) -> Iterator[dict[str, Gateway]]:
    mounts = vault.everything()["mounts"]
    values = {
        name: one_value() for fixture in FIXTURES for names in fixture.kubernetes.values() for name in names.values()
    }
    try:
        with ThreadPoolExecutor() as pool:
            operator = pool.submit(shared.install_operator)
            make_upstream()
            make_secrets(values)
            made = [adopted(project, fixture, values) for fixture in FIXTURES]
            operator.result()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda gateway: deploy(project, vault, gateway), made))
        yield {gateway.fixture.file: gateway for gateway in made}
    finally:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda fixture: remove(project, fixture), FIXTURES))
        kubectl("delete", "namespace", "models", "guard", "--ignore-not-found")
        kubectl("delete", "secret", *(name for each in FIXTURES for name in each.kubernetes), "--ignore-not-found")
        if "litellm/" not in mounts:
            vault.client.sys.disable_secrets_engine("litellm")


def one_value() -> str:
    return f"sk-{secrets.token_hex(16)}"


def make_upstream() -> None:
    """One server, under every name that a configuration has for one in the cluster."""
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("models", "guard")]
    items = [*spaces, *shared.upstream_objects("models", ("upstream", "vllm", "ollama"), PORTS)]
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))


def make_secrets(values: dict[str, str]) -> None:
    """What the sources refer to in the cluster that they come from."""
    for fixture in FIXTURES:
        for name, keys in fixture.kubernetes.items():
            data = {key: values[variable] for key, variable in keys.items()}
            secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}
            kubectl("apply", "-f", "-", stdin=json.dumps(secret))


def adopted(project: Project, fixture: Fixture, in_cluster: dict[str, str]) -> Gateway:
    """Adopt a source, and run what was printed: exactly these lines, with a value where somebody pastes one."""
    source = ROOT / "tests" / "program" / "gateways" / fixture.file
    said = project.make("adopt", fixture.stack, check=False, FROM=str(source)).stdout
    assert f"Pulumi.{fixture.stack}.yaml" in said, said
    known = {variable: in_cluster[variable] for keys in fixture.kubernetes.values() for variable in keys.values()}
    gateway = Gateway(fixture, known, said)
    for variable, line in re.findall(r"^# (.*)\n(.+)$", said, re.MULTILINE):
        value = gateway.secrets.setdefault(variable.partition(":")[0], one_value()) if ":" in variable else ""
        done = subprocess.run(
            ["sh", "-c", line], input=f"{value}\n", capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{line}: {done.stderr}"
    return gateway


def deploy(project: Project, vault: Vault, gateway: Gateway) -> None:
    stack = gateway.fixture.stack
    gateway.up = project.make("up", stack, check=False, OVERLAY=overlay(project, gateway.fixture))
    if "failed calling webhook" in gateway.up.stdout:
        # Several at once keep a small machine so busy that the operator's webhook is not there for a moment.
        gateway.up = project.make("up", stack, check=False, OVERLAY=overlay(project, gateway.fixture))
    if gateway.up.returncode == 0:
        gateway.url = project.outputs(stack)["url"]
        existing = gateway.secrets.get("LITELLM_MASTER_KEY")
        gateway.master_key = existing or vault.read("litellm", f"{stack}/api-keys")["master-key"]


def remove(project: Project, fixture: Fixture) -> None:
    """The stack, and its state, so that nobody destroys it once more in the end."""
    project.make("destroy", fixture.stack, check=False, OVERLAY=overlay(project, fixture))
    project.run(["pulumi", "stack", "rm", "--yes", "--stack", fixture.stack], project.environment, check=False)
    (project.folder / f"Pulumi.{fixture.stack}.yaml").unlink(missing_ok=True)


def overlay(project: Project, fixture: Fixture) -> str:
    """What this cluster asks of every stack, and what this one asks of it."""
    small = {"cpu": "10m", "memory": "256Mi"}
    config: dict[str, Any] = {
        "protect": False,
        "database": {"storage": None, "resources": small},
        "gateway": {
            "resources": {"cpu": "50m", "memory": "1Gi"},
            "allowMemoryBelowFloor": True,
            "preStopSeconds": 0,
            "environment": fixture.environment,
        },
        "ingress": {"enabled": True, "host": fixture.host or f"{fixture.stack}.localhost", "tls": None},
    }
    path = project.folder / f"{fixture.stack}.overlay.yaml"
    path.write_text(yaml.safe_dump({"config": {f"litellm:{key}": value for key, value in config.items()}}))
    return ",".join(filter(None, (project.environment["OVERLAY"], str(path))))


def call(gateway: Gateway, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the gateway, as a client that resolves its host to this machine."""
    assert gateway.up is not None
    assert gateway.up.returncode == 0, tail(gateway.up)
    parts = urlsplit(gateway.url)
    key = gateway.fixture.caller or gateway.master_key
    headers = {"Host": parts.hostname or "", "Authorization": f"Bearer {key}"}
    answer = requests.request(
        "POST" if body else "GET",
        f"{parts.scheme}://127.0.0.1:{parts.port or 80}{path}",
        json=body,
        headers=headers,
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


each_fixture = pytest.mark.parametrize("file", [fixture.file for fixture in FIXTURES])


@each_fixture
def test_it_serves_the_models_that_it_had(gateways: dict[str, Gateway], file: str):
    served = [model["id"] for model in call(gateways[file], "/v1/models")["data"]]
    assert sorted(served) == sorted(gateways[file].fixture.models)


@each_fixture
def test_the_provider_is_asked_with_the_key_that_was_put_into_the_store(gateways: dict[str, Gateway], file: str):
    gateway = gateways[file]
    request = {"model": gateway.fixture.ask, "messages": [{"role": "user", "content": "Hello"}]}
    content = call(gateway, "/v1/chat/completions", request)["choices"][0]["message"]["content"]
    model, _, digest = content.partition(" with ")
    assert model == gateway.fixture.upstream_model
    if gateway.fixture.key:
        assert digest == hashlib.sha256(gateway.secrets[gateway.fixture.key].encode()).hexdigest()


def test_no_value_was_printed(gateways: dict[str, Gateway], project: Project):
    printed = "\n".join(project.log)
    assert [name for each in gateways.values() for name, value in each.secrets.items() if value in printed] == []
