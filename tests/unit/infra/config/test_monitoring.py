"""Config key `monitoring`: what is accepted, what is refused, and what it makes of LiteLLM's settings."""

from typing import Any

import pytest

from infra.config.load import ConfigError
from infra.config.stack import StackConfig
from infra.workloads import config_file
from tests.unit.infra.stacks import config

CLIENTS = [{"namespace": "monitoring"}]
KEY = {"document": "keys/metrics", "property": "key"}
BY_PORT: dict[str, Any] = {"scrape": "pod-monitor", "clients": CLIENTS}
BY_KEY: dict[str, Any] = {"scrape": "pod-monitor", "key": KEY}


def watched(given: dict[str, Any], **sections: Any) -> StackConfig:
    return config(monitoring=given, **sections)


def refusal(given: dict[str, Any], **sections: Any) -> str:
    with pytest.raises(ConfigError) as refused:
        watched(given, **sections)
    return str(refused.value)


def test_nothing_is_watched_by_default() -> None:
    assert config().watched_gateway == config().gateway
    assert config_file(config()) == config_file(config(monitoring={}))


@pytest.mark.parametrize("given", [BY_PORT, BY_KEY])
def test_litellm_has_metrics_where_somebody_collects_them(given: dict[str, Any]) -> None:
    settings = watched(given).watched_gateway.litellm_settings
    assert settings["callbacks"] == ["prometheus"]
    assert settings["service_callback"] == ["prometheus_system"]
    assert settings["prometheus_initialize_budget_metrics"] is True


@pytest.mark.parametrize("there", ["langfuse", ["langfuse"]])
def test_callbacks_that_are_there_stay(there: Any) -> None:
    settings = watched(BY_PORT, gateway={"litellmSettings": {"callbacks": there}}).watched_gateway.litellm_settings
    assert settings["callbacks"] == ["langfuse", "prometheus"]


@pytest.mark.parametrize("kind", ["callbacks", "success_callback"])
def test_metrics_are_not_counted_twice(kind: str) -> None:
    settings = watched(BY_PORT, gateway={"litellmSettings": {kind: ["prometheus"]}}).watched_gateway.litellm_settings
    assert [name for each in ("callbacks", "success_callback") for name in settings.get(each, [])] == ["prometheus"]


def test_settings_of_the_stack_file_are_the_last_word() -> None:
    given = {
        "litellmSettings": {"prometheus_initialize_budget_metrics": False},
        "generalSettings": {"maximum_spend_logs_retention_period": "7d"},
        "environment": {"OTEL_SERVICE_NAME": "mine"},
    }
    tracing = {"endpoint": "http://otel:4318"}
    found = watched(BY_PORT | {"spendLogs": {"retention": "90d"}, "tracing": tracing}, gateway=given).watched_gateway
    assert found.litellm_settings["prometheus_initialize_budget_metrics"] is False
    assert found.general_settings["maximum_spend_logs_retention_period"] == "7d"
    assert found.environment["OTEL_SERVICE_NAME"] == "mine"


def test_metrics_have_a_port_of_their_own_unless_there_is_a_key() -> None:
    assert watched(BY_PORT).monitoring.metrics_port == 4001
    assert watched(BY_KEY).monitoring.metrics_port is None
    assert watched({}).monitoring.metrics_port is None


def test_a_port_without_a_key_is_for_somebody() -> None:
    assert "monitoring.clients: is empty" in refusal({"scrape": "pod-monitor"})


def test_a_port_without_a_key_needs_network_policies() -> None:
    said = refusal(BY_PORT, networkPolicy={"enabled": False})
    assert "monitoring.key: is missing" in said


def test_a_key_needs_no_network_policies() -> None:
    assert watched(BY_KEY, networkPolicy={"enabled": False}).monitoring.key


def test_annotations_carry_no_key() -> None:
    assert "cannot carry a key" in refusal({"scrape": "annotations", "key": KEY})


@pytest.mark.parametrize(
    ("key", "keys"),
    [
        ({"document": "ops/litellm", "property": "LITELLM_MASTER_KEY"}, {}),
        ({"document": "litellm-dev/api-keys", "property": "other"}, {}),
        ({"document": "ops/litellm", "property": "master-key"}, {}),
        (
            {"document": "ops/admin", "property": "k"},
            {"master": {"existing": {"document": "ops/admin", "property": "k"}}},
        ),
    ],
)
def test_the_master_key_is_never_the_scrapers(key: dict[str, str], keys: dict[str, Any]) -> None:
    said = refusal({"scrape": "pod-monitor", "key": key}, keys=keys)
    assert "monitoring.key: is the master key" in said


VIEWER = {"users": {"metrics": {"role": "proxy_admin_viewer"}}, "keys": {"metrics": {"user": "metrics"}}}


def test_the_scraper_may_show_a_key_that_the_stack_makes() -> None:
    found = watched({"scrape": "pod-monitor", "accessKey": "metrics"}, access=VIEWER).monitoring
    assert (found.with_key, found.metrics_port) == (True, None)


@pytest.mark.parametrize(
    ("access", "reason"),
    [
        ({}, "names no entry of access.keys"),
        ({"keys": {"metrics": {}}}, "names a key that is not a viewer's"),
        (
            {"users": {"metrics": {"role": "proxy_admin"}}, "keys": {"metrics": {"user": "metrics"}}},
            "role proxy_admin_viewer",
        ),
    ],
)
def test_a_key_that_may_change_something_is_not_the_scrapers(access: dict[str, Any], reason: str) -> None:
    assert reason in refusal({"scrape": "pod-monitor", "accessKey": "metrics"}, access=access)


def test_a_scraper_shows_one_key() -> None:
    assert "keep one" in refusal(BY_KEY | {"accessKey": "metrics"}, access=VIEWER)


@pytest.mark.parametrize("given", [{"scrape": "auto", "clients": CLIENTS}, {**BY_PORT, "alerts": {"kind": "auto"}}])
def test_nobody_guesses_what_a_cluster_has_that_nobody_looks_at(given: dict[str, Any]) -> None:
    assert "nobody looks at the cluster" in refusal(given, gitops=True)


@pytest.mark.parametrize("given", [{"alerts": {"kind": "vm-rule"}}, {"dashboard": {"enabled": True}}])
def test_alerts_and_dashboards_need_metrics(given: dict[str, Any]) -> None:
    assert "monitoring.scrape is none" in refusal(given)
    own = {"litellmSettings": {"callbacks": ["prometheus"]}}
    assert watched(given, gateway=own).monitoring.scrape == "none"


def test_keda_reads_what_is_collected() -> None:
    scaling = {"max": 3, "requestsPerSecond": 5, "prometheus": "http://prometheus:9090"}
    assert watched(BY_PORT, gateway={"autoscaling": scaling}).gateway.autoscaling


def test_the_metrics_port_is_not_litellms() -> None:
    assert "monitoring.port: is 4000" in refusal(BY_PORT | {"port": 4000})


def test_traces_go_to_the_collector_without_prompts() -> None:
    tracing = {"endpoint": "http://otel.monitoring:4317", "protocol": "grpc", "sampling": 0.25}
    found = watched({"tracing": tracing}).watched_gateway
    assert found.litellm_settings["callbacks"] == ["otel"]
    assert found.environment == {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel.monitoring:4317",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_SERVICE_NAME": "litellm",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.25",
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "NO_CONTENT",
    }


def test_headers_of_the_collector_come_out_of_the_store() -> None:
    headers = {"document": "shared/otel", "property": "headers"}
    found = watched({"tracing": {"endpoint": "https://otel.example.com", "headers": headers}})
    assert found.documents_by_variable["OTEL_EXPORTER_OTLP_HEADERS"].document == "shared/otel"
    assert "monitoring.tracing.headers" in dict(found.references())


@pytest.mark.parametrize(
    "tracing",
    [
        {},
        {"endpoint": "collector:4318"},
        {"endpoint": "http://a:b@collector:4318"},
        {"endpoint": "http://otel:4318", "sampling": 1.5},
        {"endpoint": "http://otel:4318", "headers": "x-key=obviously-fake"},
    ],
)
def test_traces_that_cannot_be_are_refused(tracing: dict[str, Any]) -> None:
    said = refusal({"tracing": tracing})
    assert "monitoring.tracing" in said
    assert "obviously-fake" not in said


def test_logs_of_spend_are_kept_as_long_as_said() -> None:
    found = watched({"spendLogs": {"retention": "90d"}})
    assert "maximum_spend_logs_retention_period: 90d" in config_file(found)
    assert "must be a number of days" in refusal({"spendLogs": {"retention": "three months"}})


def test_logs_are_json() -> None:
    assert "json_logs: true" in config_file(config())


@pytest.mark.parametrize("alerts", [{"errorRate": 0}, {"budgetLeft": 1.5}, {"certificateDays": 0}, {"errorrate": 0.1}])
def test_thresholds_that_cannot_be_are_refused(alerts: dict[str, Any]) -> None:
    assert "monitoring.alerts" in refusal({**BY_PORT, "alerts": alerts})


@pytest.mark.parametrize("section", ["secretEnvironment", "providerDocuments"])
def test_headers_are_not_said_twice(section: str) -> None:
    there = {"OTEL_EXPORTER_OTLP_HEADERS": {"document": "shared/other", "property": "headers"}}
    headers = {"document": "shared/otel", "property": "headers"}
    said = refusal({"tracing": {"endpoint": "http://otel:4318", "headers": headers}}, **{section: there})
    assert f"{section}.OTEL_EXPORTER_OTLP_HEADERS: is set by monitoring.tracing.headers, too" in said
