"""The component `Monitoring`: what it registers."""

import json
from typing import Any

import pytest

from components.monitoring.monitoring import Monitoring, MonitoringArgs
from components.monitoring.scrape import annotations
from tests.recording import Recording, run
from tests.unit.components.monitoring.test_alerts import SCOPE

KINDS = {
    "service-monitor": ("monitoring.coreos.com/v1", "ServiceMonitor", "endpoints"),
    "pod-monitor": ("monitoring.coreos.com/v1", "PodMonitor", "podMetricsEndpoints"),
    "vm-service-scrape": ("operator.victoriametrics.com/v1beta1", "VMServiceScrape", "endpoints"),
    "vm-pod-scrape": ("operator.victoriametrics.com/v1beta1", "VMPodScrape", "podMetricsEndpoints"),
}
RULES = {
    "prometheus-rule": ("monitoring.coreos.com/v1", "PrometheusRule"),
    "vm-rule": ("operator.victoriametrics.com/v1beta1", "VMRule"),
}


def recorded(**values: Any) -> Recording:
    def program() -> dict[str, Any]:
        args: MonitoringArgs = {"namespace": "ns", "workload": "litellm", **values}  # pyright: ignore[reportAssignmentType]
        Monitoring("litellm-monitoring", args)
        return {}

    return run(program)


def inputs(api: str, kind: str, **values: Any) -> dict[str, Any]:
    return recorded(**values).inputs(f"kubernetes:{api}:{kind}")


@pytest.mark.parametrize("kind", KINDS)
def test_the_operators_object_finds_the_gateway(kind: str) -> None:
    api, name, endpoints = KINDS[kind]
    spec = inputs(api, name, scrape={"kind": kind, "port": "metrics"})["spec"]
    assert spec["selector"] == {"matchLabels": {"app.kubernetes.io/name": "litellm"}}
    assert spec[endpoints] == [{"port": "metrics", "path": "/metrics/", "interval": "30s"}]


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_shown_out_of_its_secret(kind: str) -> None:
    api, name, endpoints = KINDS[kind]
    scrape = {"kind": kind, "port": "http", "path": "/llm/metrics/", "interval": "1m", "secret": "litellm-metrics-1"}
    (endpoint,) = inputs(api, name, scrape=scrape)["spec"][endpoints]
    assert endpoint["authorization"] == {
        "type": "Bearer",
        "credentials": {"name": "litellm-metrics-1", "key": "token"},
    }
    assert (endpoint["path"], endpoint["interval"]) == ("/llm/metrics/", "1m")


@pytest.mark.parametrize("kind", RULES)
def test_alerts_are_of_the_gateways_namespace(kind: str) -> None:
    made = inputs(*RULES[kind], alerts={"kind": kind, "scope": SCOPE})
    (group,) = made["spec"]["groups"]
    assert made["metadata"]["namespace"] == "ns"
    assert {rule["labels"]["namespace"] for rule in group["rules"]} == {"ns"}


def test_operators_that_choose_by_a_label_find_it() -> None:
    recording = recorded(
        labels={"release": "prometheus"},
        scrape={"kind": "pod-monitor", "port": "metrics"},
        alerts={"kind": "prometheus-rule", "scope": SCOPE},
    )
    for kind in ("PodMonitor", "PrometheusRule"):
        found = recording.inputs(f"kubernetes:monitoring.coreos.com/v1:{kind}")["metadata"]["labels"]
        assert found["release"] == "prometheus"


def test_the_sidecar_finds_the_dashboard() -> None:
    made = recorded(
        dashboard={
            "title": "LiteLLM prod",
            "labels": {"grafana_dashboard": "1"},
            "annotations": {"grafana_folder": "AI"},
        }
    ).inputs("kubernetes:core/v1:ConfigMap")
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert made["metadata"]["annotations"] == {"grafana_folder": "AI"}
    (file,) = made["data"].values()
    assert json.loads(file)["title"] == "LiteLLM prod"


def test_nothing_is_made_that_nobody_asked_for() -> None:
    assert not [each for each in recorded().resources if each.type.startswith("kubernetes:")]


def test_annotations_are_those_that_scrapers_go_by() -> None:
    assert annotations(4001) == {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": "4001",
        "prometheus.io/path": "/metrics/",
    }
