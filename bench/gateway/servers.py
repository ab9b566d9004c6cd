"""What every setup uses: a namespace with Postgres, Redis and the stand-in for a provider."""

import secrets
from pathlib import Path
from typing import Any

from bench.gateway import backend
from infra.config.versions import PINS
from tools.engine.stack_file import Stack
from tools.offline.plan import record

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "litellm-bench-gateway"
POSTGRES, REDIS, BACKEND = "postgres", "redis", "backend"
SERVERS_SECRET = "servers"
PASSWORD_KEY = "REDIS_PASSWORD"
PASSWORD = secrets.token_hex(16)
"""Of servers that are gone when the benchmark ends."""

TEMPLATE = "migrated"
"""The database that the migration has run in, of which every setup gets a copy."""

MODELS: list[dict[str, Any]] = [
    {
        "model_name": "bench",
        "litellm_params": {
            "model": "openai/bench",
            "api_key": "none",
            "api_base": f"http://{BACKEND}:{backend.PORT}/v1",
            # With a model that has no price LiteLLM looks for the reason at each request.
            "input_cost_per_token": 1e-6,
            "output_cost_per_token": 2e-6,
        },
    }
]


def database_url(database: str) -> str:
    return f"postgresql://postgres:{PASSWORD}@{POSTGRES}:5432/{database}?sslmode=disable"


def objects() -> list[dict[str, Any]]:
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": named(SERVERS_SECRET),
            "stringData": {"password": PASSWORD},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": named(BACKEND),
            "data": {"backend.py": Path(backend.__file__).read_text()},
        },
        *server(
            POSTGRES,
            5432,
            {
                "image": PINS["postgres"].image,
                "env": [password_as("POSTGRES_PASSWORD")],
                "args": ["-c", "max_connections=400"],
                "readinessProbe": {"exec": {"command": ["pg_isready", "-h", "127.0.0.1"]}, "periodSeconds": 1},
            },
        ),
        *server(
            REDIS,
            6379,
            {
                "image": PINS["redis"].image,
                "env": [password_as("PASSWORD")],
                "command": ["sh", "-c", 'exec redis-server --save "" --requirepass "$PASSWORD"'],
                "readinessProbe": {"tcpSocket": {"port": 6379}, "periodSeconds": 1},
            },
        ),
        *server(
            BACKEND,
            backend.PORT,
            {
                "image": PINS["litellm"].image,
                "command": ["python3", "/backend/backend.py"],
                "volumeMounts": [{"name": "program", "mountPath": "/backend"}],
                "readinessProbe": {"tcpSocket": {"port": backend.PORT}, "periodSeconds": 1},
            },
            [{"name": "program", "configMap": {"name": BACKEND}}],
        ),
    ]


def migration() -> dict[str, Any]:
    """The migration Job of a stack, for the database that the others are copied from."""
    job = record(Stack.read(ROOT, "dev"), preview=False).inputs("kubernetes:batch/v1:Job", "litellm-migration-job")
    template = job["spec"]["template"]
    (main,) = template["spec"]["containers"]
    environment = [each for each in main["env"] if each["name"] != "DATABASE_URL"]
    url = {"name": "DATABASE_URL", "value": database_url(TEMPLATE)}
    spec = {**template["spec"], "containers": [{**main, "env": [*environment, url]}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": named("migration"),
        "spec": {"backoffLimit": 0, "template": {"spec": spec}},
    }


def named(name: str) -> dict[str, str]:
    return {"name": name, "namespace": NAMESPACE}


def password_as(variable: str) -> dict[str, Any]:
    return {"name": variable, "valueFrom": {"secretKeyRef": {"name": SERVERS_SECRET, "key": "password"}}}


def server(
    name: str, port: int, container: dict[str, Any], volumes: list[dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    labels = {"app": name}
    pod = {
        "containers": [{"name": name, **container}],
        "volumes": volumes or [],
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
    }
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": named(name),
            "spec": {"selector": labels, "ports": [{"port": port}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": named(name),
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
    ]
