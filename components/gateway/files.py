"""Files of LiteLLM's pods: beside its config.yaml, in a folder of their own where they are secrets, and what it writes."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pulumi

from components.objects import short_hash

CONFIG_FOLDER = "/etc/litellm"
SECRET_FOLDER = "/etc/litellm-secrets"  # noqa: S105 - a folder
METRICS_FOLDER = "/run/litellm-metrics"


def key_of_file(path: str) -> str:
    """The key of a ConfigMap or Secret for a file: keys have no /."""
    return path.replace("/", "__")


def hash_of(files: Mapping[str, str]) -> str:
    return short_hash(json.dumps(dict(files), sort_keys=True))


def items(paths: Iterable[str]) -> list[dict[str, str]]:
    return [{"key": key_of_file(path), "path": path} for path in sorted(paths)]


def config_volume(
    config_map: pulumi.Input[str], files: Iterable[str], files_map: pulumi.Input[str] | None
) -> dict[str, Any]:
    """The folder of config.yaml: LiteLLM looks there first for the modules that it names."""
    if files_map is None:
        return {"name": "config", "configMap": {"name": config_map}}
    beside = {"configMap": {"name": files_map, "items": items(files)}}
    return {"name": "config", "projected": {"sources": [{"configMap": {"name": config_map}}, beside]}}


def secret_volume(secret: pulumi.Input[str], paths: Iterable[str]) -> dict[str, Any]:
    return {"name": "secret-files", "secret": {"secretName": secret, "items": items(paths), "defaultMode": 0o444}}


METRICS_SIZE = "1Gi"


def metrics_volume() -> dict[str, Any]:
    """Where the workers of a pod leave their metrics for each other."""
    return {"name": "metrics", "emptyDir": {"sizeLimit": METRICS_SIZE}}
