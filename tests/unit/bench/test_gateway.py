"""Setups, and what is made of what was measured."""

import asyncio
import json
from typing import Any

import pytest

from bench.gateway import backend, setups
from bench.gateway.cells import Cell, cells, complete, numbers, percentile, ratios
from bench.gateway.generator import Answers
from bench.gateway.pods import Usage, containers, parsed
from bench.gateway.servers import NAMESPACE
from bench.gateway.setups import Setup, all_setups
from bench.prices import SWITCHES, Switch

WHOLE = Cell(16, False, 1000)


@pytest.fixture(scope="module")
def found() -> dict[str, Setup]:
    return {setup.name: setup for setup in all_setups()}


def container(setup: Setup) -> dict[str, Any]:
    return setup.pod["containers"][0]


def environment(setup: Setup) -> dict[str, str]:
    return {each["name"]: each.get("value", "") for each in container(setup)["env"]}


def test_all_have_the_same_image_and_models(found: dict[str, Setup]):
    assert len({container(setup)["image"] for setup in found.values()}) == 1
    assert all(setup.config["model_list"] == setups.MODELS for setup in found.values())


def test_ours_have_the_settings_of_their_stack_files(found: dict[str, Setup]):
    assert found["production"].config["general_settings"]["proxy_batch_write_at"] == 60
    assert "user_api_key_cache_ttl" in found["production-2"].config["general_settings"]
    assert found["production-2"].replicas == 2
    assert container(found["production"])["resources"]["limits"] == {"memory": "4Gi", "ephemeral-storage": "2Gi"}


def test_charts_log_as_their_values_say(found: dict[str, Setup]):
    assert [environment(found[name])["LITELLM_LOG"] for name in ("chart-litellm-helm", "chart-litellm")] == ["INFO"] * 2
    assert "LITELLM_LOG" not in environment(found["bare"])


def test_no_secret_is_outside_of_secrets(found: dict[str, Setup]):
    for setup in found.values():
        secret, *others = setup.objects
        assert setup.key == secret["stringData"]["LITELLM_MASTER_KEY"]
        text = json.dumps(others)
        assert not [value for value in secret["stringData"].values() if value in text]


@pytest.mark.parametrize("name", SWITCHES)
def test_each_switch_changes_the_pod_or_its_settings(name: str):
    base, other = Switch("").setup("same"), SWITCHES[name].setup("same")
    assert (base.config, base.pod) != (other.config, other.pod)
    assert other.replicas == 1


def test_what_runs_beside_litellm_has_the_servers_of_the_benchmark():
    (collector,) = SWITCHES["collector"].setup("other").pod["initContainers"]
    assert collector["envFrom"] == [{"secretRef": {"name": "other"}}]
    assert {"name": "REDIS_HOST", "value": "redis"} in collector["env"]
    (relay,) = SWITCHES["relay"].setup("other").pod["initContainers"]
    assert {"name": "SERVER_HOST", "value": f"postgres.{NAMESPACE}.svc"} in relay["env"]


def test_sidecars_are_measured_with_litellm():
    assert containers(SWITCHES["relay"].setup("other").pod) == ["litellm", "database-relay"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("usage_usec 2500000\nuser_usec 1\n1000\nanon 900\ninactive_file 100\n", Usage(2.5, 900)),
        ("2500000000\n1000\ncache 50\ninactive_file 20\ntotal_inactive_file 100\n", Usage(2.5, 900)),
        ("user 1\nsystem 2\n2500000000\n1000\ntotal_inactive_file 100\n", Usage(2.5, 900)),
        ("nr_periods 0\nnr_throttled 0\n2500000000\n1000\ntotal_inactive_file 100\n", Usage(2.5, 900)),
    ],
)
def test_control_groups_of_both_versions_are_read(text: str, expected: Usage):
    assert parsed(text) == expected


@pytest.mark.parametrize(("percent", "expected"), [(50, 50), (99, 99), (100, 100), (0, 1)])
def test_percentiles(percent: float, expected: float):
    assert percentile(range(1, 101), percent) == expected


def test_a_core_is_a_second_of_processor_time():
    found = numbers(Answers([0.1] * 50, [0.05] * 50, [503]), cpu_seconds=2, seconds=5)
    assert (found.per_core, found.per_second, found.cpu_ms, found.failed) == (25, 10, 40, 1)
    assert (found.p50_ms, found.first_ms) == pytest.approx((100, 50))


def test_a_load_without_any_answer_is_an_error():
    with pytest.raises(RuntimeError, match="not one completion, but \\[401\\]"):
        numbers(Answers([], [], [401]), cpu_seconds=2, seconds=5)


def test_ratios_are_made_round_by_round():
    def of(*per_core: float) -> dict[Cell, Any]:
        return {WHOLE: [numbers(Answers([1] * 10, [1], []), 10 / each, 1) for each in per_core]}

    found = ratios({"base": of(10, 100, 20), "other": of(20, 200, 40)}, "base", "per_core")
    assert found["other"][WHOLE] == pytest.approx(2)


def test_of_a_benchmark_that_was_interrupted_whole_rounds_are_left():
    streamed, one = Cell(16, True, 1000), numbers(Answers([1], [1], []), 1, 1)
    results = {"a": {WHOLE: [one, one], streamed: [one]}, "b": {WHOLE: [one], streamed: []}}
    assert complete(results, [WHOLE, streamed]) == {"a": {WHOLE: [one]}, "b": {WHOLE: [one]}}


def test_every_combination_of_loads_is_measured_once():
    found = cells([1, 16], [False, True], [1000, 200_000])
    assert len(found) == len(set(found)) == 8


def test_each_answer_has_a_name_of_its_own():
    first, second = backend.named(backend.WHOLE), backend.named(backend.WHOLE)
    assert len({first, second, backend.WHOLE}) == 3
    assert len(first) == len(backend.WHOLE)


@pytest.mark.parametrize(("stream", "expected"), [(False, b'"usage"'), (True, b"data: [DONE]")])
def test_the_provider_answers_as_it_is_asked(stream: bool, expected: bytes):
    async def ask() -> bytes:
        server = await asyncio.start_server(backend.serve, "127.0.0.1", 0, limit=2**20)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            body = json.dumps({"model": "x", "messages": ["y" * 200_000], "stream": stream}).encode()
            writer.write(b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            answer = await reader.readexactly(length)
            writer.close()
            return answer

    assert expected in asyncio.run(ask())
