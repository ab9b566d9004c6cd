"""A gateway with its database, its keys and its metrics, made once for the modules about these: by whoever comes first."""

import json
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.e2e import shared, upstream
from tests.e2e.support import Project, Vault, kubectl, objects

STACK, NAMESPACE, SERVERS = "keyed", "litellm-keyed", "keyed-servers"
MOUNT, ADMIN = "litellm", "shared/keyed"
UPSTREAM = f"http://upstream.{SERVERS}.svc:{upstream.PORT}"
PRICE = {"input_cost_per_token": 0.01, "output_cost_per_token": 0.01}
PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]

KEYS: dict[str, Any] = {
    "ci": {"team": "research", "metadata": {"owner": "ci"}},
    "narrow": {"models": ["mock"]},
    "poor": {"budget": 0.001},
    "gone": {},
    "claude": {"user": "ada@example.com", "models": ["claude"]},
    "metrics": {"user": "metrics"},
}

CONFIG: dict[str, Any] = {
    "protect": False,
    "externalSecrets": {"install": True},
    # It outlives the stack.
    "database": {
        "kind": "existing",
        "host": f"postgres.{SERVERS}.svc",
        "sslmode": "prefer",
        "admin": {"document": ADMIN},
    },
    "redis": {"maxMemory": "64Mi", "resources": {"cpu": "50m", "memory": "128Mi"}},
    "secretEnvironment": {"ANTHROPIC_API_KEY": {"document": ADMIN, "property": "anthropic"}},
    "gateway": {
        "replicas": 2,
        "allowMemoryBelowFloor": True,
        "resources": {"cpu": "100m", "memory": "1536Mi"},
        "preStopSeconds": 0,
        "models": [
            {"name": "mock", "provider": "mock"},
            {"name": "dear", "provider": "mock", "params": PRICE},
            {"name": "claude", "provider": "anthropic", "model": "claude-sonnet-4-5", "apiBase": UPSTREAM},
        ],
        "modelsInDatabase": ["stored"],
        "generalSettings": {"proxy_batch_write_at": 5},
    },
    "access": {
        "teams": {"research": {"models": ["mock", "dear"], "budget": 100, "budgetDuration": "30d"}},
        "users": {"ada@example.com": {"role": "internal_user"}, "metrics": {"role": "proxy_admin_viewer"}},
        "keys": KEYS,
    },
    "monitoring": {
        "scrape": "pod-monitor",
        "accessKey": "metrics",
        "alerts": {"kind": "prometheus-rule"},
        "dashboard": {"enabled": True},
    },
    "ui": {"username": "root", "password": {}},
    # Wherever the controller's pods are: nobody but them and this machine sends requests.
    "ingress": {"className": "traefik", "host": "keyed.localhost", "trustedProxyRanges": PRIVATE},
}


@dataclass
class Gateway:
    """The stack, and how its clients see it."""

    project: Project
    vault: Vault
    url: str = ""
    master_key: str = ""
    made: subprocess.CompletedProcess[str] | None = None
    """Its first `up`."""
    values: dict[str, str] = field(default_factory=dict[str, str])
    """Of its virtual keys, by name, as an application reads them."""

    def up(self, config: Mapping[str, Any] = CONFIG, *, gate: bool = False) -> subprocess.CompletedProcess[str]:
        self.project.write_stack(STACK, config)
        done = self.project.make("up", STACK, SMOKE=str(gate).lower())
        outputs = self.project.outputs(STACK)
        self.url, self.master_key = outputs["url"], self.read(outputs["secretPlaces"]["masterKey"])
        self.values = {name: self.read(place) for name, place in outputs["keyPlaces"].items()}
        return done

    def read(self, place: str) -> str:
        """A value by its place, such as `litellm/keyed/keys/ci#key`."""
        document, _, name = place.partition("#")
        return self.vault.read(MOUNT, document.removeprefix(f"{MOUNT}/"))[name]

    def ask(
        self, method: str, path: str, key: str | None, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        """One request through the way in, as a client that resolves the host to this machine."""
        parts = urlsplit(self.url)
        given = {"Host": parts.hostname or "", **(headers or {})} | ({"Authorization": f"Bearer {key}"} if key else {})
        address = f"{parts.scheme}://127.0.0.1:{parts.port or 80}{path}"
        return requests.request(method, address, json=body, headers=given, timeout=60)

    def manage(self, method: str, path: str, body: Any = None) -> Any:
        """The same with the master key; what has to succeed."""
        answer = self.ask(method, path, self.master_key, body)
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text[:600]}"
        return answer.json()

    def complete(self, key: str | None, model: str = "mock") -> requests.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
        return self.ask("POST", "/v1/chat/completions", key, body)

    def log_of_the_job(self) -> str:
        selector = "app.kubernetes.io/name=litellm-access"
        return kubectl("logs", "-n", NAMESPACE, "-l", selector, "--tail=-1", check=False).stdout

    def sql(self, query: str) -> str:
        local = ("psql", "-U", "postgres", "-h", "/var/run/postgresql", "-d", "litellm", "-At", "-c", query)
        return kubectl("exec", "-n", SERVERS, "statefulset/postgres", "--", *local).stdout.strip()

    def restart(self) -> None:
        kubectl("rollout", "restart", "deployment/litellm", "-n", NAMESPACE)
        kubectl("rollout", "status", "deployment/litellm", "-n", NAMESPACE, "--timeout=115s")


@contextmanager
def gateway(project: Project, vault: Vault) -> Iterator[Gateway]:
    """The gateway as CONFIG says; in the end nothing of it is left."""
    password = secrets.token_hex(16)
    vault.mount(MOUNT)
    vault.write(MOUNT, ADMIN, username="postgres", password=password, anthropic=f"sk-ant-{secrets.token_hex(8)}")
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SERVERS}}
    servers = [*shared.postgres_objects(SERVERS, password), *shared.upstream_objects(SERVERS, ["upstream"], [8000])]
    definitions = [definition(kind) for kind in ("PodMonitor", "PrometheusRule") if not is_served(kind)]
    items = [namespace, *servers, *definitions]
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    found = Gateway(project, vault)
    try:
        kubectl("rollout", "status", "statefulset/postgres", "-n", SERVERS, "--timeout=90s")
        found.made = found.up(gate=True)
        yield found
    finally:
        project.make("destroy", STACK, check=False)
        kubectl("delete", "namespace", SERVERS, "--ignore-not-found", "--wait=false")
        if definitions:
            kubectl("delete", "crd", *(each["metadata"]["name"] for each in definitions), "--ignore-not-found")


def is_served(kind: str) -> bool:
    return any(each["spec"]["names"]["kind"] == kind for each in objects("customresourcedefinitions"))


def definition(kind: str) -> dict[str, Any]:
    """A kind of Prometheus' operator."""
    return custom_kind(kind, "monitoring.coreos.com", "v1")


def custom_kind(kind: str, group: str, version: str) -> dict[str, Any]:
    """Where no operator is: a kind that takes any object of it, and that nobody acts upon."""
    plural = f"{kind.lower()}s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
