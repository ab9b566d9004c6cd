"""Config key `gateway.autoscaling`: what is accepted, what is refused, and what is checked with the most pods."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from infra.config.gateway.settings import GatewayConfig
from infra.config.load import ConfigError, load

PROMETHEUS = {"requestsPerSecond": 5, "prometheus": "http://prometheus.monitoring:9090"}
METRICS = {"litellmSettings": {"callbacks": ["prometheus"]}}


def gateway(autoscaling: dict[str, Any], **values: Any) -> GatewayConfig:
    return GatewayConfig.model_validate({"autoscaling": autoscaling, **values})


def refusal(autoscaling: dict[str, Any], **values: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        gateway(autoscaling, **values)
    return str(refused.value)


def problems(**sections: Any) -> str:
    given = {"ingress": {"host": "a.example.com"}, **sections}
    with pytest.raises(ConfigError) as refused:
        load({f"litellm:{key}": json.dumps(value) for key, value in given.items()}, "dev")
    return str(refused.value)


def test_a_most_is_enough() -> None:
    scaling = gateway({"max": 5}).autoscaling
    assert scaling is not None
    assert (scaling.min, scaling.max, scaling.cpu_target, scaling.by_keda) == (2, 5, 70, False)


def test_keda_looks_at_the_cpu_only_when_asked() -> None:
    both = gateway({"max": 5, "cpu": 60, **PROMETHEUS}, **METRICS).autoscaling
    one = gateway({"max": 5, **PROMETHEUS}, **METRICS).autoscaling
    assert both is not None
    assert one is not None
    assert (both.cpu_target, one.cpu_target) == (60, None)


@pytest.mark.parametrize(
    ("autoscaling", "said"),
    [
        ({}, "Field required"),
        ({"min": 6, "max": 5}, "more than a max of 5"),
        ({"max": 5, "requestsPerSecond": 5}, "give its URL in prometheus"),
        ({"max": 5, "prometheus": "http://prometheus:9090"}, "nothing is read from it"),
        ({"max": 5, "memory": 70}, "Extra inputs"),
    ],
)
def test_what_does_not_fit_together_is_refused(autoscaling: dict[str, Any], said: str) -> None:
    assert said in refusal(autoscaling, **METRICS)


def test_the_number_of_pods_is_not_said_twice() -> None:
    assert "remove replicas, and set autoscaling.min" in refusal({"max": 5}, replicas=3)


def test_requests_are_counted_only_where_litellm_has_metrics() -> None:
    said = problems(gateway={"autoscaling": {"max": 5, **PROMETHEUS}})
    assert "set monitoring.scrape, or add prometheus to litellmSettings.callbacks" in said


def test_redis_is_needed_for_the_most_pods() -> None:
    said = problems(gateway={"autoscaling": {"min": 1, "max": 4}}, redis={"kind": "none"})
    assert "is none, but 4 replicas" in said


def test_connections_are_counted_for_the_most_pods() -> None:
    said = problems(gateway={"autoscaling": {"max": 20}}, database={"maxConnections": 100})
    assert "20 replicas and one more during a rollout" in said


def test_a_pod_that_never_has_company_needs_no_redis() -> None:
    given = {"gateway": {"autoscaling": {"min": 1, "max": 1}}, "redis": {"kind": "none"}}
    texts = {
        f"litellm:{key}": json.dumps(value) for key, value in {**given, "ingress": {"host": "a.example.com"}}.items()
    }
    assert load(texts, "dev").gateway.most_replicas == 1
