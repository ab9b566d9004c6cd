"""What `access` becomes are requests that the pinned LiteLLM knows, field by field, and that it shows what is compared."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.access.objects import CREDENTIALS, KEYS, MASTER_KEY, MCP_SERVERS, OF_A_KEY
from components.access.plan import Planner
from components.access.reconcile import apply, look
from components.gateway.api import Api
from infra.config.access import AccessConfig
from infra.config.access_wishes import wishes
from tests import litellm_env
from tests.litellm_api import MASTER, LiteLLM, serving

LIMITS = {"budget": 1, "budgetDuration": "30d", "rpm": 2, "tpm": 3, "maxParallelRequests": 4}
PLACE = {"document": "shared/openai", "property": "key"}
ALL = {**LIMITS, "models": ["gpt"], "metadata": {"owner": "qa"}}
BIG: dict[str, Any] = {
    "budgets": {"small": {**LIMITS, "settings": {"soft_budget": 0.5}}},
    "organizations": {"lab": ALL},
    "users": {"alice@example.com": {**ALL, "role": "proxy_admin_viewer"}},
    "teams": {
        "research": {**ALL, "organization": "lab", "members": ["alice@example.com"], "settings": {"tpd_limit": 5}}
    },
    "customers": {
        "acme": {**LIMITS, "alias": "Acme", "defaultModel": "gpt", "region": "eu"},
        "small": {"sharedBudget": "small"},
    },
    "credentials": {
        "openai": {"provider": "openai", "values": {"api_key": PLACE}, "settings": {"api_base": "https://a.b"}}
    },
    "mcpServers": {
        "tickets": {
            "url": "https://tickets.example.com/mcp",
            "description": "Tickets",
            "auth": "bearer_token",
            "values": {"auth_value": PLACE},
            "groups": ["support"],
            "tools": ["find"],
            "settings": {"timeout": 5},
        }
    },
    "keys": {
        "ci": {**ALL, "team": "research", "user": "alice@example.com", "duration": "90d"},
        "shared": {"sharedBudget": "small", "settings": {"guardrails": ["pii"]}},
    },
}
OTHER: dict[str, Any] = {
    "budgets": {"small": {"budget": 2}},
    "organizations": {"lab": {"budget": 2}},
    "users": {"alice@example.com": {"budget": 2}},
    "teams": {"research": {"budget": 2, "blocked": True, "admins": ["alice@example.com"]}},
    "customers": {"acme": {"budget": 2, "blocked": True}, "small": {}},
    "credentials": {"openai": {"values": {"api_key": PLACE}}},
    "mcpServers": {"tickets": {"url": "https://tickets.example.com/other"}},
    "keys": {"ci": {"rotation": 1}, "shared": {"blocked": True}},
}
NONE: dict[str, Any] = {"keys": {}, "purge": True}


def value_of(name: str, rotation: int) -> str:
    return "-".join(("sk", name, str(rotation)))


@pytest.fixture(scope="module")
def said() -> dict[str, Any]:
    """What LiteLLM's models say to all requests of three stack files, one after the other."""
    litellm, asked = LiteLLM(), list[tuple[str, dict[str, Any]]]()
    values = dict[str, str]()
    with serving(litellm) as url:
        api = Api(url, MASTER)
        for given in (BIG, OTHER, NONE):
            config = AccessConfig.model_validate(given)
            wanted = wishes(config, "litellm/prod")
            values = {OF_A_KEY + name: value_of(name, key.rotation) for name, key in config.keys.items()}
            values |= {MASTER_KEY: MASTER, **{file: "value" for _, file, _ in config.secrets()}}
            plan = Planner(wanted, look(api, wanted), values).plan()
            asked += [(f"{call.method} {call.path}", call.whole(values)) for call in plan.calls]
            apply(api, plan, values)
    script = Path(litellm_env.TESTS) / "litellm_requests.py"
    done = subprocess.run(
        [str(litellm_env.interpreter()), str(script)],
        input=json.dumps(asked),
        env=litellm_env.environment([]),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return {"asked": {request for request, _ in asked}, **json.loads(done.stdout.splitlines()[-1])}


def test_litellm_knows_every_field_of_every_request(said: dict[str, Any]) -> None:
    assert said["wrong"] == []


def test_every_kind_of_request_is_among_them(said: dict[str, Any]) -> None:
    verbs = ("new", "update", "delete")
    expected = {f"/{kind}/{verb}" for kind in ("budget", "organization", "user", "team", "customer") for verb in verbs}
    members = {f"/team/{verb}" for verb in ("member_add", "member_update")}
    assert {request.partition(" ")[2] for request in said["asked"]} >= (
        expected | members | {"/key/generate", "/key/update", "/key/delete"}
    )
    for path, update in (("/credentials", "PATCH /credentials/openai"), ("/v1/mcp/server", "PUT /v1/mcp/server")):
        assert {f"POST {path}", update, f"DELETE {path}/{'openai' if 'cred' in path else 'tickets'}"} <= said["asked"]


@pytest.mark.parametrize(
    "section", ["budgets", "organizations", "users", "teams", "customers", "credentials", "mcpServers", "keys"]
)
def test_litellm_shows_what_is_compared(said: dict[str, Any], section: str) -> None:
    """A field that it does not show would never be changed again."""
    wanted = wishes(AccessConfig.model_validate(BIG), "litellm/prod")
    lists = {"keys": KEYS, "credentials": CREDENTIALS, "mcpServers": MCP_SERVERS}
    fields = {field for entry in wanted[lists.get(section, section)].values() for field in entry["fields"]}
    beside = set(said["shown"]["budgets"]) if section in ("organizations", "customers") else set[str]()
    organization = {"organization_id"} if section == "keys" else set[str]()
    assert fields <= set(said["shown"][section]) | beside | organization
