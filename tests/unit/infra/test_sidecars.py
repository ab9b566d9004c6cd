"""Which containers are beside LiteLLM, and which clusters have such."""

from typing import Any

import pytest

from infra.sidecars import check, seconds_for_database
from tests.unit.infra.config.test_sweep import config

EXISTING = {"kind": "existing", "host": "db.example.com", "credentials": {"document": "shared/database"}}


def said(minor: str, **sections: Any) -> list[str]:
    return [*check({"major": "1", "minor": minor}, config(**sections))]


def test_a_cluster_without_sidecars_is_named_with_what_asks_for_one() -> None:
    (relay,) = said("28+")
    assert relay.startswith("litellm:database.waitSeconds: ")
    assert "Kubernetes 1.28" in relay
    assert "set it to 0" in relay
    gateway = {"spendCollector": {"onUnavailable": "fallback"}}
    (collector,) = said("27", database={"waitSeconds": 0}, gateway=gateway)
    assert collector.startswith("litellm:gateway.spendCollector: ")


@pytest.mark.parametrize("minor", ["29", "34+", "100"])
def test_one_that_has_them_is_taken(minor: str) -> None:
    assert said(minor) == []


@pytest.mark.parametrize("version", [{}, {"major": "", "minor": ""}, {"major": "1", "minor": "unknown"}])
def test_one_that_does_not_say_what_it_is_is_taken(version: dict[str, str]) -> None:
    assert [*check(version, config())] == []


@pytest.mark.parametrize("database", [{"waitSeconds": 0}, EXISTING])
def test_a_stack_without_sidecars_needs_none(database: dict[str, Any]) -> None:
    assert said("28", database=database) == []


def test_a_gateway_that_answers_without_its_database_does_not_wait_for_it() -> None:
    answering = {"generalSettings": {"allow_requests_on_db_unavailable": True}, "allowRequestsWithoutKey": True}
    assert seconds_for_database(config(gateway=answering)) == 0
    assert seconds_for_database(config()) == 10
