"""Parts that LiteLLM has for much load, each a key of its own, and what they are called in LiteLLM's own settings."""

from typing import Any

import pytest
import yaml

from infra.workloads import config_file
from tests.unit.infra.config.test_sweep import MOCK, config, refusal

ADMISSION = {"maxInFlight": 200, "maxQueued": 100, "queueTimeoutSeconds": 2.5}
RECYCLED = {"workers": 2, "allowMemoryBelowFloor": True, "workerRecycling": {"maxRequests": 10000}}


def gateway(**given: Any) -> dict[str, Any]:
    return {"models": [MOCK], **given}


def general(given: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """LiteLLM's `general_settings` of a stack."""
    return yaml.safe_load(config_file(config(gateway=gateway(**given), **sections)))["general_settings"]


def test_admission_control_is_written_in_litellms_words() -> None:
    settings = general({"admission": ADMISSION})
    assert settings["max_in_flight_requests_per_worker"] == 200
    assert settings["max_queued_requests_per_worker"] == 100
    assert settings["admission_queue_timeout_seconds"] == 2.5


def test_nothing_is_admitted_or_gathered_without_being_asked_for() -> None:
    settings = general({})
    assert not {name for name in settings if "per_worker" in name or "admission" in name or "buffer" in name}


def test_admission_control_needs_a_limit() -> None:
    assert "without maxInFlight" in refusal(gateway=gateway(admission={"maxQueued": 5}))


@pytest.mark.parametrize(
    ("key", "raw", "value"),
    [
        ("maxInFlight", "max_in_flight_requests_per_worker", 200),
        ("maxQueued", "max_queued_requests_per_worker", 100),
        ("queueTimeoutSeconds", "admission_queue_timeout_seconds", 2.5),
    ],
)
def test_two_values_of_admission_control_are_refused(key: str, raw: str, value: float) -> None:
    given = gateway(admission=ADMISSION, generalSettings={raw: 7})
    assert f"gateway.admission.{key}: has another value than gateway.generalSettings.{raw}" in refusal(gateway=given)
    config(gateway=gateway(admission=ADMISSION, generalSettings={raw: value}))


def test_spend_is_gathered_in_redis() -> None:
    assert general({}, redis={"transactionBuffer": True})["use_redis_transaction_buffer"] is True


def test_who_gathers_spend_in_redis_knows_it() -> None:
    """One pod with one worker would do without."""
    assert "coordination_redis" in general({}, redis={"transactionBuffer": True})
    assert "coordination_redis" not in general({})


@pytest.mark.parametrize(
    "given",
    [
        {"redis": {"coordination": False, "transactionBuffer": True}, "gateway": gateway()},
        {
            "redis": {"coordination": False},
            "gateway": gateway(generalSettings={"use_redis_transaction_buffer": True}),
        },
    ],
)
def test_spend_is_not_gathered_in_a_redis_that_litellm_does_not_know(given: dict[str, Any]) -> None:
    assert "redis.coordination: is false, so that LiteLLM does not know" in refusal(**given)


def test_there_is_no_buffer_without_a_redis() -> None:
    assert "redis.transactionBuffer" in refusal(redis={"kind": "none", "transactionBuffer": True}, gateway=gateway())


def test_two_words_about_the_buffer_are_refused() -> None:
    raw = gateway(generalSettings={"use_redis_transaction_buffer": True})
    message = refusal(gateway=raw, redis={"transactionBuffer": False})
    assert "redis.transactionBuffer: has another value than gateway.generalSettings.use_redis" in message
    config(gateway=raw, redis={"transactionBuffer": True})


def test_the_only_worker_is_not_recycled() -> None:
    assert "would end the only worker" in refusal(gateway=gateway(workerRecycling={"maxRequests": 10000}))


def test_workers_do_not_end_at_the_same_time() -> None:
    recycling = config(gateway=gateway(**RECYCLED)).gateway.worker_recycling
    assert recycling is not None
    assert recycling.most_more == 1000


@pytest.mark.parametrize(
    ("variable", "key"),
    [("MAX_REQUESTS_BEFORE_RESTART", "maxRequests"), ("MAX_REQUESTS_BEFORE_RESTART_JITTER", "jitter")],
)
def test_two_numbers_of_requests_are_refused(variable: str, key: str) -> None:
    message = refusal(gateway=gateway(**RECYCLED, environment={variable: 5}))
    assert f"gateway.workerRecycling.{key}: has another value than gateway.environment.{variable}" in message


def test_two_times_of_idle_connections_are_refused() -> None:
    message = refusal(gateway=gateway(keepAliveSeconds=100, environment={"KEEPALIVE_TIMEOUT": 75}))
    assert "gateway.keepAliveSeconds: has another value than gateway.environment.KEEPALIVE_TIMEOUT" in message


@pytest.mark.parametrize(
    ("controller", "least"), [({"className": "nginx"}, 60), ({"className": "traefik"}, 90), ({"className": "alb"}, 630)]
)
def test_a_pod_closes_no_connection_before_its_controller(controller: dict[str, Any], least: int) -> None:
    way_in = {"enabled": True, "host": "llm.example.com", **controller}
    message = refusal(gateway=gateway(keepAliveSeconds=least), ingress=way_in)
    assert f"gateway.keepAliveSeconds: is {least}, but the controller" in message


def test_two_words_about_rust_are_refused() -> None:
    message = refusal(gateway=gateway(rust=True, environment={"LITELLM_RUST": False}))
    assert "gateway.rust: has another value than gateway.environment.LITELLM_RUST" in message
    config(gateway=gateway(rust=True, environment={"LITELLM_RUST": True}))
    config(gateway=gateway(environment={"LITELLM_RUST": True}))


COLLECTED = gateway(spendCollector={})


def test_a_collector_needs_a_redis_in_which_workers_see_what_it_counts() -> None:
    assert "1 workers and a spend collector" in refusal(gateway=COLLECTED, redis={"kind": "none"})
    assert "coordination_redis" in general({"spendCollector": {}})


def test_a_collector_has_time_to_write_what_the_last_requests_cost() -> None:
    assert config(gateway=COLLECTED).gateway.grace_period == config(gateway=gateway()).gateway.grace_period + 20


def test_a_collector_has_connections_of_its_own() -> None:
    """Two workers and the collector, of a pod and of the one that a rollout adds: 60, and the migration's."""
    several = {"workers": 2, "allowMemoryBelowFloor": True, "spendCollector": {}}
    message = refusal(gateway=gateway(**several), database={"maxConnections": 60})
    assert "2 workers and a spend collector of 10 connections each, need 6" in message


def test_a_collector_goes_past_the_pooler_of_the_pod() -> None:
    pooled = {"podPooler": {"maxConnections": 5}, "maxConnections": 30}
    assert "database.podPooler.maxConnections" in refusal(gateway=COLLECTED, database=pooled)
    config(gateway=gateway(), database=pooled)


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("LITELLM_COLLECTOR_ENABLED", False, "spendCollector"),
        ("LITELLM_COLLECTOR_ADDRESS", "tcp://127.0.0.1:9", "spendCollector"),
        ("LITELLM_COLLECTOR_ON_UNAVAILABLE", "drop", "spendCollector.onUnavailable"),
    ],
)
def test_two_collectors_are_refused(variable: str, value: Any, key: str) -> None:
    message = refusal(gateway=COLLECTED | {"environment": {variable: value}})
    assert f"gateway.{key}: has another value than gateway.environment.{variable}" in message


def test_a_collector_has_its_name_for_itself() -> None:
    other = {"name": "spend-collector", "image": "busybox:1.36", "resources": {"limits": {"memory": "16Mi"}}}
    assert "like that of spendCollector" in refusal(gateway=COLLECTED | {"extraContainers": [other]})
    config(gateway=gateway(extraContainers=[other]))


@pytest.mark.parametrize("delivery", ["vault-agent", "init-container"])
def test_a_collector_needs_secrets_that_reach_every_container(delivery: str) -> None:
    assert "gateway.spendCollector: has no secrets" in refusal(gateway=COLLECTED, secrets={"delivery": delivery})
