"""What a load asks of a stack, from one request a second to ten thousand."""

from itertools import pairwise
from typing import Any

import pytest

from infra.config.gateway.expected import sizes_of
from infra.sizing import TIERS, Load, Size, memory_gib, pods, sizes, year_gib
from tests.unit.infra.config.test_database import rds
from tests.unit.infra.config.test_gateway import MOCK
from tests.unit.infra.config.test_sweep import config, refusal

STEPS = [1, 5, 10, 50, 100, 250, 500, 1000, 2000, 3000, 4000, 5000]


def found(given: dict[str, Any] | None = None, **load: Any) -> dict[str, Size]:
    return {size.path: size for size in sizes(Load(**{"requests_per_second": 100, **load}), given or {}) if size.path}


def said(requests: float, given: dict[str, Any] | None = None) -> str:
    return "\n".join(map(str, sizes(Load(requests), given or {})))


def sized(requests: float, gateway: dict[str, Any] | None = None, **sections: Any) -> Any:
    return config(gateway={"models": [MOCK], "load": {"requestsPerSecond": requests}, **(gateway or {})}, **sections)


@pytest.mark.parametrize("requests", STEPS)
def test_each_step_is_a_stack_that_fits_together(requests: float) -> None:
    """All rules of the configuration hold: connections, memory, Redis, limits."""
    gateway = sized(requests).gateway
    assert gateway.most_replicas * 20 >= requests


@pytest.mark.parametrize("requests", STEPS)
def test_each_step_fits_together_at_aws(requests: float) -> None:
    placement = {key: value for key, value in rds().items() if key != "kind"}
    redis = {"kind": "elasticache", **placement}
    database = sized(requests, secrets=AWS, database=rds(), redis=redis).database
    assert database.connection_limit > 0


AWS = {"kind": "aws", "aws": {"region": "eu-central-1", "identity": {"kind": "pod-identity", "clusterName": "one"}}}


@pytest.mark.parametrize(("less", "more"), [*pairwise(STEPS)])
def test_more_requests_never_ask_for_less(less: float, more: float) -> None:
    for path in ("gateway.autoscaling.min", "gateway.autoscaling.max"):
        before, after = found(requests_per_second=less).get(path), found(requests_per_second=more).get(path)
        assert before is None or after is None or before.value <= after.value


def test_a_pod_serves_twenty_requests_a_second() -> None:
    assert pods(Load(1000), 1000) == 50


def test_there_are_never_fewer_than_two_pods() -> None:
    assert found(requests_per_second=1)["gateway.replicas"].value == 2


def test_growth_is_the_autoscalers_upper_bound() -> None:
    with_growth = found(requests_per_second=100, growth=3)
    assert (with_growth["gateway.autoscaling.min"].value, with_growth["gateway.autoscaling.max"].value) == (5, 15)
    assert "gateway.autoscaling.max" not in found(requests_per_second=100, growth=1)


def test_streams_take_more_pods() -> None:
    assert pods(Load(1000, streaming=1), 1000) > pods(Load(1000, streaming=0.5), 1000)


def test_workers_share_the_load_of_a_pod() -> None:
    four = found({"gateway": {"workers": 4}}, requests_per_second=800)
    assert four["gateway.autoscaling.min"].value == 10
    assert four["gateway.resources.cpu"].value == "4"
    assert four["gateway.resources.memory"].value == "16Gi"


def test_large_prompts_take_more_memory() -> None:
    assert memory_gib(Load(100)) == 4
    assert memory_gib(Load(100, prompt_tokens=100_000, completion_seconds=60)) == 8


def test_prompts_that_never_come_take_none() -> None:
    """Of two requests a second at most, 120 are under way."""
    assert Load(1, completion_seconds=60).in_flight == 120
    assert memory_gib(Load(1, prompt_tokens=100_000, completion_seconds=60)) == 4


def test_a_slow_answer_is_waited_for() -> None:
    assert "gateway.requestTimeout" not in found()
    assert found(completion_seconds=900)["gateway.requestTimeout"].value == 1800


def test_spend_is_gathered_in_redis_above_a_thousand_requests_or_ten_pods() -> None:
    buffer = "redis.transactionBuffer"
    assert buffer not in found(requests_per_second=50)
    assert found(requests_per_second=150)[buffer].value is True
    assert found(requests_per_second=2000)[buffer].value is True


def test_spend_is_gathered_in_no_redis_that_is_not_there() -> None:
    assert "redis.transactionBuffer" not in found({"redis": {"kind": "none"}}, requests_per_second=2000)


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("gateway.admission.maxInFlight", "max_in_flight_requests_per_worker"),
        ("gateway.admission.maxQueued", "max_queued_requests_per_worker"),
        ("gateway.admission.queueTimeoutSeconds", "admission_queue_timeout_seconds"),
        ("redis.transactionBuffer", "use_redis_transaction_buffer"),
    ],
)
def test_what_the_stack_file_says_in_litellms_words_wins(path: str, raw: str) -> None:
    assert found({"gateway": {"generalSettings": {raw: 7}}}, requests_per_second=2000)[path].given


def test_a_stack_file_in_litellms_words_is_sized_around_them() -> None:
    gateway = sized(100, {"generalSettings": {"max_in_flight_requests_per_worker": 7}}).gateway
    assert gateway.admission.max_in_flight is None
    assert gateway.admission.max_queued == 400


def test_a_pod_admits_what_it_can_serve() -> None:
    admitted = "gateway.admission.maxInFlight"
    assert found()[admitted].value == 400
    assert found(completion_seconds=0.1)[admitted].value == 100


def test_workers_open_as_many_connections_as_the_server_has() -> None:
    assert found()["gateway.databaseConnectionPoolLimit"].value == 10
    small = found({"database": {"maxConnections": 60}})
    assert small["gateway.databaseConnectionPoolLimit"].value == 4


def test_litellms_table_is_followed() -> None:
    assert [(tier.requests, tier.cpu, tier.memory_gib, tier.iops) for tier in TIERS[2:4]] == [
        (1000, "4", 16, 3000),
        (5000, "8", 32, 5000),
    ]


def test_what_the_stack_file_says_wins() -> None:
    gateway = sized(100, {"replicas": 3, "generalSettings": {"proxy_batch_write_at": 10}}).gateway
    assert gateway.replicas == 3
    assert gateway.autoscaling is None
    assert gateway.general_settings["proxy_batch_write_at"] == 10


def test_what_wins_is_said() -> None:
    assert found({"gateway": {"replicas": 3}})["gateway.replicas"].given
    assert "which wins" in str(found({"gateway": {"replicas": 3}})["gateway.replicas"])


def test_a_postgres_that_is_too_small_is_refused_with_the_numbers() -> None:
    message = refusal(gateway={"models": [MOCK], "load": {"requestsPerSecond": 1000}}, database={"maxConnections": 100})
    assert "100 replicas and one more during a rollout, with 1 workers of 2 connections each, need 20" in message
    assert "the server has 97" in message


def test_several_pods_without_redis_are_refused() -> None:
    assert "redis.kind" in refusal(
        gateway={"models": [MOCK], "load": {"requestsPerSecond": 100}}, redis={"kind": "none"}
    )


def test_the_volume_of_a_postgres_is_left_alone() -> None:
    """Another size would replace it, with its data."""
    assert sized(1000).database.storage == "10Gi"
    assert "storage of Postgres" in said(1000)


def test_a_year_of_spend_logs_is_counted() -> None:
    assert year_gib(Load(3)) == 59


def test_logs_that_fit_nowhere_are_said_to() -> None:
    assert "days at most" in said(5000)
    assert "days at most" not in said(1000)


def test_above_five_thousand_it_says_what_it_takes() -> None:
    assert "a read replica of Postgres" in said(4000)
    assert "a cluster of Redis" in said(4000)
    assert "a read replica" not in said(2000)


def test_servers_of_others_are_advised_on() -> None:
    given = {"database": {"kind": "existing"}, "redis": {"kind": "existing"}}
    assert "your Postgres: 4 CPU, 16 GiB" in said(500, given)
    assert "your Redis: 2 CPU and 8 GiB" in said(500, given)


def test_every_size_has_a_rule_and_a_source() -> None:
    assert all(size.rule and size.source for size in sizes(Load(5000), {}))


def test_without_a_load_nothing_follows() -> None:
    assert sizes_of({"gateway": {"replicas": 2}}) == []


@pytest.mark.parametrize(
    ("load", "where"),
    [
        ({}, "load.requestsPerSecond"),
        ({"requestsPerSecond": 0}, "load.requestsPerSecond"),
        ({"requestsPerSecond": 1, "streaming": 2}, "load.streaming"),
        ({"requestsPerSecond": 1, "growth": 0.5}, "load.growth"),
        ({"requestsPerSecond": 1, "users": 5}, "load.users"),
    ],
)
def test_a_wrong_load_is_refused(load: dict[str, Any], where: str) -> None:
    assert where in refusal(gateway={"models": [MOCK], "load": load})
