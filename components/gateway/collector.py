"""LiteLLM's spend collector beside the proxy: it works out and writes what requests cost, outside their path."""

from collections.abc import Mapping
from typing import Any, TypedDict

import pulumi

from components.gateway.pod import container

NAME = "spend-collector"

SOCKET = "unix:///tmp/spend-collector/collector.sock"
"""Where the workers reach it: no port, and nobody from outside of the pod."""

POOLER = "LITELLM_PGBOUNCER_ENABLED"
METRICS_FOLDERS = frozenset({"PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir"})


class SpendCollector(TypedDict):
    """The collector, and what becomes of spend without it."""

    on_unavailable: str
    """Required: who works out spend while it is not there: the worker itself (`fallback`), or nobody (`drop`)."""

    resources: Mapping[str, Any]
    """Required: requests and limits."""


def producer(given: SpendCollector | None) -> dict[str, pulumi.Input[str]]:
    """What workers know of the collector; nothing without one."""
    if given is None:
        return {}
    return {
        "LITELLM_COLLECTOR_ENABLED": "true",
        "LITELLM_COLLECTOR_ADDRESS": SOCKET,
        "LITELLM_COLLECTOR_ON_UNAVAILABLE": given["on_unavailable"],
    }


def consumer(environment: Mapping[str, pulumi.Input[str]], config_file: str) -> dict[str, pulumi.Input[str]]:
    """The environment of the collector: that of the proxy, but for what only the proxy is to have."""
    # Files of metrics are named after processes, whose numbers are the same in both containers.
    shared = {name: value for name, value in environment.items() if name not in METRICS_FOLDERS}
    # The proxy's PgBouncer is not there yet when the collector starts, nor while it is the last one to end.
    own = {POOLER: "false"} if POOLER in shared else {}
    return {**shared, **own, "CONFIG_FILE_PATH": config_file, "LITELLM_JOB_ROLE": "collector"}


def collector(image: pulumi.Input[str], given: SpendCollector, rest: Mapping[str, Any]) -> dict[str, Any]:
    """A sidecar of Kubernetes: it is there before LiteLLM, and ends after it, so that the last requests have their row."""
    return container(
        NAME,
        image,
        {
            "restartPolicy": "Always",
            "command": ["python", "-m", "litellm.proxy.collector"],
            "resources": given["resources"],
            **rest,
        },
    )
