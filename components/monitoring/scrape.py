"""How LiteLLM's metrics are collected: the object of an operator that finds the gateway's pods, or annotations of these."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

import pulumi

from components.labels import selector

PROMETHEUS_API = "monitoring.coreos.com/v1"
VICTORIA_METRICS_API = "operator.victoriametrics.com/v1beta1"

PATH = "/metrics/"
"""With the slash: LiteLLM answers a path without it with a redirect, which not every scraper follows."""


class Scrape(TypedDict):
    """What is asked for metrics, and how."""

    kind: str
    """Required: which object of which operator: `service-monitor`, `pod-monitor`, `vm-service-scrape` or `vm-pod-scrape`."""

    port: str
    """Required: name of the port, of the pods and of the Service."""

    path: NotRequired[str]
    """Optional: path of the metrics. Defaults to `/metrics/`."""

    interval: NotRequired[str]
    """Optional: how often, a Go duration. Defaults to `30s`."""

    secret: NotRequired[pulumi.Input[str]]
    """Optional: name of a Secret of the same namespace, whose `token` is the key that is shown. Defaults to none."""


@dataclass(frozen=True)
class Form:
    """What an operator calls its object, and the list of what is asked in it."""

    api_version: str
    kind: str
    endpoints: str


FORMS: Mapping[str, Form] = {
    "service-monitor": Form(PROMETHEUS_API, "ServiceMonitor", "endpoints"),
    "pod-monitor": Form(PROMETHEUS_API, "PodMonitor", "podMetricsEndpoints"),
    "vm-service-scrape": Form(VICTORIA_METRICS_API, "VMServiceScrape", "endpoints"),
    "vm-pod-scrape": Form(VICTORIA_METRICS_API, "VMPodScrape", "podMetricsEndpoints"),
}

TOKEN = "token"  # noqa: S105 - a key of a Secret


def scrape_spec(workload: str, scrape: Scrape) -> dict[str, Any]:
    """Spec of the object that finds the pods of a workload, or its Service: both have the same label."""
    endpoint: dict[str, Any] = {
        "port": scrape["port"],
        "path": scrape.get("path", PATH),
        "interval": scrape.get("interval", "30s"),
    }
    if "secret" in scrape:
        endpoint["authorization"] = {"type": "Bearer", "credentials": {"name": scrape["secret"], "key": TOKEN}}
    return {"selector": {"matchLabels": selector(workload)}, FORMS[scrape["kind"]].endpoints: [endpoint]}


def annotations(port: int, path: str = PATH) -> dict[str, str]:
    """Annotations of pods, which scrapers without an operator go by."""
    return {"prometheus.io/scrape": "true", "prometheus.io/port": str(port), "prometheus.io/path": path}
