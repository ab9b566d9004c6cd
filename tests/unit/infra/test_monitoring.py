"""By what the gateway is watched: as said, or by what the cluster has; and who reaches its metrics."""

from typing import Any

import pytest

from infra import preflight
from infra.config.monitoring import MonitoringConfig
from infra.kubernetes_api import KubernetesApi, RefusedError
from infra.monitoring import annotations_of, scope, watched
from infra.network import openings
from infra.preflight import exhausted
from infra.secrets.documents import Contents
from infra.servers import Servers
from infra.watchers import look
from infra.workloads import gateway
from tests.unit.infra.config.test_monitoring import BY_KEY, BY_PORT, CLIENTS, KEY
from tests.unit.infra.stacks import config, target

PROMETHEUS, VICTORIA_METRICS = "monitoring.coreos.com/v1", "operator.victoriametrics.com/v1beta1"
AUTO: dict[str, Any] = {"scrape": "auto", "clients": CLIENTS, "alerts": {"kind": "auto"}}


class Cluster(KubernetesApi):
    """An API server with some APIs."""

    def __init__(self, *apis: str, status: int = 404) -> None:
        self.apis, self.status = apis, status

    def get(self, path: str, accept: str = "application/json") -> dict[str, Any]:
        if path.removeprefix("/apis/") not in self.apis:
            raise RefusedError(self.status, "")
        return {}


def seen(cluster: Cluster, given: dict[str, Any]) -> tuple[MonitoringConfig, list[str]]:
    return exhausted(look(cluster, MonitoringConfig.model_validate(given)))


@pytest.mark.parametrize(
    ("apis", "expected"),
    [
        ((PROMETHEUS,), ("pod-monitor", "prometheus-rule")),
        ((VICTORIA_METRICS,), ("vm-pod-scrape", "vm-rule")),
        # VictoriaMetrics' operator converts the objects of the other one.
        ((PROMETHEUS, VICTORIA_METRICS), ("pod-monitor", "prometheus-rule")),
        ((), ("annotations", "none")),
    ],
)
def test_what_the_cluster_has_is_used(apis: tuple[str, ...], expected: tuple[str, str]) -> None:
    settled, problems = seen(Cluster(*apis), AUTO)
    assert ((settled.scrape, settled.alerts.kind), problems) == (expected, [])


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"scrape": "pod-monitor"}, "monitoring.scrape is pod-monitor"),
        ({"scrape": "vm-service-scrape"}, "VictoriaMetrics' operator is not in this cluster"),
        ({"alerts": {"kind": "vm-rule"}}, "monitoring.alerts.kind is vm-rule"),
    ],
)
def test_what_is_asked_for_and_not_there_is_named(given: dict[str, Any], where: str) -> None:
    _, (problem,) = seen(Cluster(), given)
    assert where in problem


def test_a_cluster_that_does_not_let_it_be_known_is_taken() -> None:
    assert seen(Cluster(status=403), {"scrape": "pod-monitor", "alerts": {"kind": "vm-rule"}})[1] == []


def test_a_key_is_not_left_out_where_nothing_can_carry_it() -> None:
    _, (problem,) = seen(Cluster(), {"scrape": "auto", "key": KEY})
    assert "only these can carry the key" in problem


def test_what_is_said_stays_as_it_is() -> None:
    given = MonitoringConfig.model_validate({"scrape": "annotations", "alerts": {"kind": "vm-rule"}})
    assert exhausted(look(Cluster(PROMETHEUS, VICTORIA_METRICS), given)) == (given, [])


def test_nobody_but_the_scraper_reaches_the_metrics_port() -> None:
    found = openings(config(monitoring=BY_PORT, networkPolicy={"gateway": [{"namespace": "traefik"}]}))
    assert found["litellm-metrics"] == {
        "port": 4001,
        "clients": [{"namespace": "monitoring"}],
        "selector": {"app.kubernetes.io/name": "litellm"},
    }
    assert {"namespace": "monitoring"} not in found["litellm"]["clients"]


def test_a_scraper_with_a_key_reaches_a_gateway_that_is_closed() -> None:
    monitoring = {**BY_KEY, "clients": CLIENTS}
    closed = openings(config(monitoring=monitoring, networkPolicy={"gateway": [{"namespace": "traefik"}]}))
    assert closed["litellm-metrics"]["port"] == 4000
    assert "litellm-metrics" not in openings(config(monitoring=monitoring))


def test_without_metrics_no_port_is_opened() -> None:
    assert "litellm-metrics" not in openings(config(monitoring={"clients": CLIENTS}))


def arguments(**sections: Any) -> Any:
    return watched(config(**sections), "ns", "dev", "litellm-metrics-1" if "key" in sections["monitoring"] else None)


def test_the_scraper_asks_the_port_of_its_own() -> None:
    ingress = {"host": "a.example.com", "path": "/llm"}
    assert arguments(monitoring=BY_PORT, ingress=ingress)["scrape"] == {
        "kind": "pod-monitor",
        "port": "metrics",
        "path": "/metrics/",
        "interval": "30s",
    }


def test_with_a_key_the_scraper_asks_where_clients_do() -> None:
    scrape = arguments(monitoring=BY_KEY, ingress={"host": "a.example.com", "path": "/llm"})["scrape"]
    assert (scrape["port"], scrape["path"], scrape["secret"]) == ("http", "/llm/metrics/", "litellm-metrics-1")


def test_pods_have_annotations_only_where_scrapers_go_by_them() -> None:
    by_annotations = {"scrape": "annotations", "clients": CLIENTS, "port": 4009}
    assert annotations_of(config(monitoring=by_annotations))["prometheus.io/port"] == "4009"
    assert annotations_of(config(monitoring=BY_PORT)) == {}
    assert watched(config(monitoring=by_annotations), "ns", "dev", None) is None


@pytest.mark.parametrize(
    ("ingress", "expected"),
    [
        ({"tls": {"issuer": "letsencrypt"}}, "cert-manager"),
        ({"tls": {"secretName": "tls"}}, "endpoint"),
        ({"tls": {"endsAt": "controller"}}, "endpoint"),
        ({}, "none"),
    ],
)
def test_whoever_knows_the_certificate_is_asked(ingress: dict[str, Any], expected: str) -> None:
    given = {"host": "a.example.com", "className": "traefik", **ingress}
    assert scope(config(monitoring=BY_PORT, ingress=given))["certificates"] == expected


def test_the_metrics_port_reaches_the_pods() -> None:
    def of(given: dict[str, Any]) -> Any:
        stack = config(monitoring=given)
        return gateway(stack, Servers(database=("db", 5432), redis=None), "ns", "secret", None, {})

    assert (of(BY_PORT).get("metrics_port"), of(BY_PORT).get("metrics_of_workers")) == (4001, True)
    assert "metrics_port" not in of(BY_KEY)
    assert "metrics_port" not in of({})


def looked(
    monkeypatch: pytest.MonkeyPatch, error: Exception | None, **sections: Any
) -> tuple[MonitoringConfig, list[str]]:
    def connect(*_: object) -> Cluster:
        if error:
            raise error
        return Cluster(VICTORIA_METRICS)

    monkeypatch.setattr(preflight, "KubernetesApi", connect)
    return exhausted(preflight.check_monitoring(target(**sections)))


def test_the_look_before_an_up_settles_what_the_cluster_has(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked(monkeypatch, None, monitoring=AUTO)[0].scrape == "vm-pod-scrape"


def test_a_cluster_that_does_not_answer_is_said_once_by_others(monkeypatch: pytest.MonkeyPatch) -> None:
    settled, problems = looked(monkeypatch, OSError("no route"), monitoring=AUTO)
    assert (settled.scrape, problems) == ("auto", [])


@pytest.mark.parametrize("sections", [{}, {"gitops": True, "monitoring": BY_PORT}])
def test_nobody_looks_where_nothing_is_made(monkeypatch: pytest.MonkeyPatch, sections: dict[str, Any]) -> None:
    assert looked(monkeypatch, AssertionError("asked"), **sections)[1] == []


def test_a_key_of_the_stack_is_the_scrapers_and_nothing_else_is_in_its_secret() -> None:
    access = {"users": {"metrics": {"role": "proxy_admin_viewer"}}, "keys": {"metrics": {"user": "metrics"}}}
    stack = config(monitoring={"scrape": "pod-monitor", "accessKey": "metrics"}, access=access)
    located = Contents(stack, Servers(("", 0), None), lambda document, name: {"key": document, "property": name})
    content = located.metrics_key()
    assert content is not None
    assert content.values == {"token": {"key": "keys/metrics", "property": "key"}}
