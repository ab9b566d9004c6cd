"""docs/seeds/002.md: a vLLM that shares its key with the gateway, out of one document with two readers, rotated together.

And the guardrail that trims long requests. vLLM is a stand-in that asks for its key; Argo CD and CloudNativePG are not in this
cluster.
"""

import base64
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from infra.config.versions import PINS
from tests.e2e.seeds import example, small
from tests.e2e.support import Project, Vault, eventually, kubectl, objects

STACK, NAMESPACE, BACKEND, MOUNT = "seed002", "litellm-seed002", "seed002-vllm", "seed002"
DOCUMENT, MODEL = "shared/vllm", "mistral-small"

VLLM = """
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = self.headers["Authorization"] == "Bearer " + os.environ["VLLM_API_KEY"]
        text = str(len(asked["messages"]))
        message = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        answer = {"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": [message], "usage": usage}
        body = json.dumps(answer if known else {"error": {"message": "unauthorized"}}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

ThreadingHTTPServer(("", 8000), Handler).serve_forever()
"""


def vllm(vault: Vault, address: str) -> list[dict[str, Any]]:
    """The backend, with a reader of its own: a SecretStore whose policy reads this document and no other."""
    rule = f'path "{MOUNT}/data/{DOCUMENT}" {{ capabilities = ["read"] }}'
    vault.client.sys.create_or_update_policy("seed002-vllm", rule)
    token = vault.client.auth.token.create(policies=["seed002-vllm"], ttl="2h")["auth"]["client_token"]
    marks = {"app": "vllm"}

    def metadata(name: str) -> dict[str, Any]:
        return {"name": name, "namespace": BACKEND}

    container = {
        "name": "vllm",
        "image": PINS["litellm"].image,
        "command": ["python", "-c", VLLM],
        "env": [
            {"name": "VLLM_API_KEY", "valueFrom": {"secretKeyRef": {"name": "vllm-api-key", "key": "VLLM_API_KEY"}}}
        ],
        "readinessProbe": {"tcpSocket": {"port": 8000}, "periodSeconds": 1},
    }
    template = {"metadata": {"labels": marks}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}
    auth = {"tokenSecretRef": {"name": "reader", "key": "token"}}
    store = {"vault": {"server": address, "path": MOUNT, "version": "v2", "auth": auth}}
    api = "external-secrets.io/v1"
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": metadata("reader"), "stringData": {"token": token}},
        {"apiVersion": api, "kind": "SecretStore", "metadata": metadata("vault"), "spec": {"provider": store}},
        {
            "apiVersion": api,
            "kind": "ExternalSecret",
            "metadata": metadata("vllm-api-key"),
            "spec": {
                "refreshInterval": "5s",
                "secretStoreRef": {"kind": "SecretStore", "name": "vault"},
                "target": {"name": "vllm-api-key"},
                "data": [{"secretKey": "VLLM_API_KEY", "remoteRef": {"key": DOCUMENT, "property": "api-key"}}],
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata("vllm"),
            "spec": {"selector": marks, "ports": [{"port": 8000}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata("vllm"),
            "spec": {"selector": {"matchLabels": marks}, "template": template},
        },
    ]


@pytest.fixture(scope="module")
def stack(project: Project, vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example with the Postgres of the stack in the place of CloudNativePG's, and made by Pulumi instead of Argo CD."""
    config = example("seed-002")
    guardrail = next(iter(config["gateway"]["files"].values()))
    (project.folder / guardrail).parent.mkdir(parents=True, exist_ok=True)
    (project.folder / guardrail).write_text((Path(__file__).resolve().parents[2] / guardrail).read_text())
    vault.mount(MOUNT)
    vault.write(MOUNT, DOCUMENT, **{"api-key": secrets.token_hex(16)})
    (model,) = config["gateway"]["models"]
    model |= {"apiBase": f"http://vllm.{BACKEND}.svc.cluster.local:8000/v1"}
    settings = {key: value for key, value in config["gateway"].items() if key != "models"}
    (rules,) = settings["config"]["guardrails"]
    rules["litellm_params"]["max_input_tokens"] = 300
    changed = {
        "gitops": False,
        "protect": False,
        "namespace": NAMESPACE,
        "secrets": {"vault": {"mount": {"path": MOUNT, "create": False}}},
        "externalSecrets": {"install": True, "refreshInterval": "5s"},
        "database": {"storage": "1Gi", "resources": {"cpu": "50m", "memory": "256Mi"}},
        "redis": {"kind": "none"},
        "gateway": small({**settings, "models": []}) | {"models": [model]},
        "ingress": {"host": "seed002.localhost"},
    }
    project.write_stack(STACK, config | changed)
    address = project.environment.get("LAB_VAULT_ADDR_IN_CLUSTER", vault.address)
    try:
        project.make("up", STACK)
        home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": BACKEND}}
        items = [home, *vllm(vault, address)]
        kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        kubectl("rollout", "status", "deployment/vllm", "-n", BACKEND, "--timeout=110s")
        yield STACK
    finally:
        kubectl("delete", "namespace", BACKEND, "--ignore-not-found")
        project.make("destroy", STACK, check=False)
        vault.client.sys.delete_policy("seed002-vllm")


def ask(project: Project, messages: list[dict[str, str]]) -> requests.Response:
    url, key = project.outputs(STACK)["url"], project.make("key", STACK).stdout.strip()
    host, port = url.partition("://")[2].split(":")
    headers = {"Host": host, "Authorization": f"Bearer {key}"}
    body = {"model": MODEL, "messages": messages}
    return requests.post(f"http://127.0.0.1:{port}/v1/chat/completions", json=body, headers=headers, timeout=60)


def of(namespace: str, selector: str, name: str) -> str:
    """The newest value of a key of Secrets."""
    found = [each for each in objects("secrets", "-n", namespace) if each["metadata"]["name"].startswith(selector)]
    newest = max(found, key=lambda each: each["metadata"]["creationTimestamp"])
    return base64.b64decode(newest["data"][name]).decode()


HELLO = [{"role": "user", "content": "Hello"}]


def test_the_gateway_reaches_vllm_with_the_key_that_they_share(project: Project, stack: str):
    answer = ask(project, HELLO)
    assert answer.status_code == 200, answer.text[:300]
    assert answer.json()["choices"][0]["message"]["content"] == "1"


def test_the_guardrail_drops_the_oldest_messages_of_a_long_request(project: Project, stack: str):
    long = [{"role": "user", "content": "word " * 100} for _ in range(8)]
    answer = ask(project, [*long, *HELLO])
    assert answer.status_code == 200, answer.text[:300]
    assert 1 <= int(answer.json()["choices"][0]["message"]["content"]) < 9


def test_one_new_version_is_for_both_readers(project: Project, vault: Vault, stack: str):
    another = secrets.token_hex(16)
    vault.write(MOUNT, DOCUMENT, **{"api-key": another})
    eventually(lambda: of(BACKEND, "vllm-api-key", "VLLM_API_KEY") == another, "vLLM's Secret has it", 60)
    eventually(lambda: of(NAMESPACE, "litellm-env", "CA_VLLM_LOCAL_API_KEY") == another, "the gateway's has it", 60)
    for name, namespace in (("vllm", BACKEND), ("litellm", NAMESPACE)):
        kubectl("rollout", "restart", f"deployment/{name}", "-n", namespace)
    for name, namespace in (("vllm", BACKEND), ("litellm", NAMESPACE)):
        kubectl("rollout", "status", f"deployment/{name}", "-n", namespace, "--timeout=110s")
    eventually(lambda: ask(project, HELLO).status_code == 200, "they know each other by the new key", 60)
