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
