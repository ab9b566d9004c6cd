"""A namespace with an ExternalSecret, the Secrets that were made of it, and pods."""

import base64
from collections.abc import Mapping
from typing import Any

from tests.unit.tools.engine.fakes import FakeCluster

NAMESPACE = "litellm-dev"
LABELS = {"app.kubernetes.io/part-of": "litellm"}
EARLY, LATE = "2026-01-01T10:00:00Z", "2026-01-01T12:00:00Z"
URL = (
    'postgresql://{{ .DATABASE_USERNAME | urlquery | replace "+" "%20" }}:'
    '{{ .DATABASE_PASSWORD | urlquery | replace "+" "%20" }}@postgres:5432/litellm?sslmode=disable'
)


def external(name: str = "litellm-env-1", **fields: Any) -> dict[str, Any]:
    """By default one that has the master key and the URL of the database."""
    spec = {
        "secretStoreRef": {"kind": "SecretStore", "name": "store"},
        "data": [
            entry("LITELLM_MASTER_KEY", "dev/api-keys", "master-key"),
            entry("DATABASE_USERNAME", "dev/database", "username"),
            entry("DATABASE_PASSWORD", "dev/database", "password"),
        ],
        "target": {"template": {"data": {"LITELLM_MASTER_KEY": "{{ .LITELLM_MASTER_KEY }}", "DATABASE_URL": URL}}},
    }
    return {"metadata": {"name": name, "labels": {"app.kubernetes.io/name": "litellm-env"}}, "spec": spec | fields}


def entry(name: str, key: str, property_: str, **more: Any) -> dict[str, Any]:
    return {"secretKey": name, "remoteRef": {"key": key, "property": property_}, **more}


def secret(values: Mapping[str, str], name: str = "litellm-env-1", written: str = EARLY) -> dict[str, Any]:
    return {
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/name": "litellm-env"},
            "creationTimestamp": EARLY,
            "managedFields": [
                {"time": written, "fieldsV1": {"f:data": {}}},
                {"time": "2030-01-01T00:00:00Z", "fieldsV1": {"f:metadata": {}}},
            ],
        },
        "data": {key: base64.b64encode(value.encode()).decode() for key, value in values.items()},
    }


def pod(name: str, *secrets: str, started: str = LATE, phase: str = "Running") -> dict[str, Any]:
    variables = [{"name": "X", "valueFrom": {"secretKeyRef": {"name": each, "key": "X"}}} for each in secrets]
    return {
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "litellm"}},
        "spec": {"containers": [{"name": "main", "env": variables}, {"name": "beside"}]},
        "status": {
            "phase": phase,
            "containerStatuses": [
                {"name": "main", "state": {"running": {"startedAt": started}}},
                {"name": "beside", "state": {"running": {"startedAt": EARLY}}},
                {"name": "restarts", "state": {"waiting": {}}},
            ],
        },
    }


def namespace(
    externals: list[Any], secrets: list[Any], pods: list[Any] | None = None, provider: Any = None
) -> FakeCluster:
    api = f"/apis/external-secrets.io/v1/namespaces/{NAMESPACE}"
    store = {"metadata": {"name": "store"}, "spec": {"provider": provider or {"vault": {"path": "litellm"}}}}
    return FakeCluster(
        objects={
            f"{api}/externalsecrets": externals,
            f"{api}/secretstores": [store],
            f"/api/v1/namespaces/{NAMESPACE}/secrets": secrets,
            f"/api/v1/namespaces/{NAMESPACE}/pods": pods or [],
        }
    )
