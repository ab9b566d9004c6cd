"""Settings of LiteLLM with which it answers requests that carry no valid key. They are LiteLLM 1.108's."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from typing import Any, cast

MASTER_KEY = "os.environ/LITELLM_MASTER_KEY"

NO_MASTER_KEY = "dangerously_permit_weak_or_unset_master_key"
NO_MASTER_KEY_VARIABLE = f"LITELLM_{NO_MASTER_KEY.upper()}"

OFF = (None, False, "", "false", "False", "0", 0)

PUBLIC_BY_THEMSELVES = "LiteLLMRoutes.public_routes"
"""How LiteLLM's own public routes are called in a list."""

Finding = tuple[str, str]
"""A setting, below `general_settings`, and what it does."""


def no_master_key(general: Mapping[str, Any]) -> Iterator[Finding]:
    """Settings without which the gateway has no master key: it would take every caller for one of its users."""
    if general.get("master_key", MASTER_KEY) != MASTER_KEY:
        yield "master_key", "takes away the generated master key, or puts another one in its place"
    if general.get(NO_MASTER_KEY) not in OFF:
        yield NO_MASTER_KEY, "lets the gateway start without a master key, and answer everybody"


def open_metrics(litellm: Mapping[str, Any]) -> bool:
    """Whether /metrics, with the names of keys and teams in it, answers everybody. LiteLLM asks for a key by default."""
    return litellm.get("require_auth_for_metrics_endpoint", True) in OFF


def answers_without_its_database(general: Mapping[str, Any]) -> bool:
    """Whether LiteLLM answers everybody while its database cannot be reached."""
    return general.get("allow_requests_on_db_unavailable") not in OFF


def without_a_key(general: Mapping[str, Any]) -> Iterator[Finding]:
    """Settings that open a part of the gateway, or open it for a time."""
    if answers_without_its_database(general):
        yield "allow_requests_on_db_unavailable", "answers everybody while the database cannot be reached"
    if general.get("allow_user_auth") not in OFF:
        yield "allow_user_auth", "lets anybody log in as a user, with any key"
    if general.get("enable_oauth2_proxy_auth") not in OFF and not trusted(general.get("trusted_proxy_ranges")):
        yield "enable_oauth2_proxy_auth", "takes users from headers that any client can send: give trusted_proxy_ranges"
    if any(route != PUBLIC_BY_THEMSELVES for route in items(general.get("public_routes"))):
        yield "public_routes", "opens these routes to everybody"
    for index, endpoint in enumerate(items(general.get("pass_through_endpoints"))):
        if isinstance(endpoint, Mapping) and cast("Mapping[str, Any]", endpoint).get("auth", True) in OFF:
            yield f"pass_through_endpoints[{index}].auth", "lets everybody use this endpoint, with its credentials"


def items(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [] if value in OFF else [value]


def trusted(ranges: Any) -> bool:
    """Whether these are addresses of somebody, and not of everybody."""
    try:
        networks = [ip_network(str(each), strict=False) for each in items(ranges)]
    except ValueError:
        return False
    return bool(networks) and all(network.prefixlen > 0 for network in networks)
