"""The gateway answers nobody without a key, whatever LiteLLM could be told."""

from typing import Any

import pytest

from infra.config.gateway.keyless import NO_MASTER_KEY, NO_MASTER_KEY_VARIABLE, no_master_key, without_a_key
from tests.unit.infra.config.test_sweep import config, refusal

PARTLY_OPEN: list[tuple[dict[str, Any], str]] = [
    ({"allow_requests_on_db_unavailable": True}, "allow_requests_on_db_unavailable"),
    ({"allow_requests_on_db_unavailable": "true"}, "allow_requests_on_db_unavailable"),
    ({"allow_user_auth": True}, "allow_user_auth"),
    ({"enable_oauth2_proxy_auth": True}, "enable_oauth2_proxy_auth"),
    ({"enable_oauth2_proxy_auth": True, "trusted_proxy_ranges": ["0.0.0.0/0"]}, "enable_oauth2_proxy_auth"),
    ({"enable_oauth2_proxy_auth": True, "trusted_proxy_ranges": ["anywhere"]}, "enable_oauth2_proxy_auth"),
    ({"public_routes": ["/v1/*"]}, "public_routes"),
    (
        {"pass_through_endpoints": [{"path": "/a", "auth": True}, {"path": "/b", "auth": False}]},
        "pass_through_endpoints[1]",
    ),
]

CLOSED: list[dict[str, Any]] = [
    {},
    {"master_key": "os.environ/LITELLM_MASTER_KEY"},
    {NO_MASTER_KEY: False},
    {"public_routes": ["LiteLLMRoutes.public_routes"]},
    {"pass_through_endpoints": [{"path": "/a"}, {"path": "/b", "auth": True}]},
    {"enable_oauth2_proxy_auth": True, "trusted_proxy_ranges": ["10.0.0.0/8"]},
    {"enable_jwt_auth": True},
    {"allow_requests_on_db_unavailable": False},
]


@pytest.mark.parametrize("settings", CLOSED)
def test_a_gateway_that_asks_everybody_for_a_key_is_accepted(settings: dict[str, Any]) -> None:
    assert [*no_master_key(settings), *without_a_key(settings)] == []


@pytest.mark.parametrize(
    "settings", [{"master_key": None}, {"master_key": ""}, {"master_key": "os.environ/ANOTHER"}, {NO_MASTER_KEY: True}]
)
def test_the_master_key_cannot_be_given_up(settings: dict[str, Any]) -> None:
    message = refusal(gateway={"generalSettings": settings, "allowRequestsWithoutKey": True})
    assert f"gateway.generalSettings.{next(iter(settings))}" in message
    assert "the key is litellm:keys.master" in message


def test_nor_by_a_variable() -> None:
    assert NO_MASTER_KEY_VARIABLE in refusal(gateway={"environment": {NO_MASTER_KEY_VARIABLE: "true"}})


@pytest.mark.parametrize(("settings", "where"), PARTLY_OPEN)
def test_a_setting_that_opens_a_part_is_refused_with_the_way_to_mean_it(settings: dict[str, Any], where: str) -> None:
    message = refusal(gateway={"generalSettings": settings})
    assert f"gateway.generalSettings.{where}" in message
    assert "allowRequestsWithoutKey: true" in message


@pytest.mark.parametrize(("settings", "where"), PARTLY_OPEN)
def test_a_part_that_is_meant_to_be_open_can_be(settings: dict[str, Any], where: str) -> None:
    assert (
        config(gateway={"generalSettings": settings, "allowRequestsWithoutKey": True}).gateway.general_settings
        == settings
    )
