"""From config key `access` to what LiteLLM shall have, in the words of LiteLLM's API. Plain data, and no secret in it."""

from collections.abc import Iterator
from typing import Any

from components.access.objects import CREDENTIALS, KEYS, MCP_SERVERS, text_of
from infra.config.access import (
    Access,
    AccessConfig,
    CredentialConfig,
    CustomerConfig,
    KeyConfig,
    Limits,
    McpServerConfig,
    OrganizationConfig,
    TeamConfig,
    UserConfig,
    secret_file,
)
from infra.config.access_rules import names_in_access_are_known
from infra.config.project_files import LARGEST_BYTES

Wish = dict[str, Any]

LONGEST_OWNER = "x" * 128
"""What stands for the stack, which the configuration does not know: budgets are named after it."""

SCRIPT_BYTES = 40_000
"""What the Job's own program takes in the same ConfigMap, at most."""


def wishes(access: AccessConfig, owner: str) -> dict[str, Any]:
    """Everything that the stack `owner` wants in LiteLLM. `fields` are compared with what LiteLLM shows; of `settings` LiteLLM
    does not show all, so that the last ones are remembered there."""
    return {
        "owner": owner,
        "purge": access.purge,
        "adopt": access.adopt,
        "budgets": {
            name: wish({"budget_id": budget_id(owner, name), **limits(budget)}, settings=budget.settings)
            for name, budget in access.budgets.items()
        }
        | {own_budget(name): budget_of(name, each, access, owner) for name, each in access.customers.items()},
        "organizations": {name: organization(name, each) for name, each in access.organizations.items()},
        "users": {name: user(name, each) for name, each in access.users.items()},
        "teams": {name: team(name, each) for name, each in access.teams.items()},
        "customers": {name: customer_wish(name, each, owner) for name, each in access.customers.items()},
        CREDENTIALS: {name: credential(name, each) for name, each in access.credentials.items()},
        MCP_SERVERS: {name: mcp_server(name, each) for name, each in access.mcp_servers.items()},
        KEYS: {name: key(name, each, access, owner) for name, each in access.keys.items()},
    }


def wish(fields: Wish, *, metadata: Wish | None = None, settings: Wish | None = None, **more: Any) -> Wish:
    return {"fields": fields, "metadata": metadata or {}, "settings": settings or {}, **more}


def limits(given: Limits) -> Wish:
    """What LiteLLM calls the limits. `None` is a wish, too: that there is no such limit."""
    return {
        "max_budget": given.budget,
        "budget_duration": given.budget_duration,
        "rpm_limit": given.rpm,
        "tpm_limit": given.tpm,
        "max_parallel_requests": given.max_parallel_requests,
    }


def common(given: Access) -> Wish:
    return {**limits(given), "models": list(given.models)}


def organization(name: str, given: OrganizationConfig) -> Wish:
    fields = {"organization_id": name, "organization_alias": name, **common(given)}
    return wish(fields, metadata=given.metadata, settings=given.settings)


def user(name: str, given: UserConfig) -> Wish:
    email = given.email or (name if "@" in name else None)
    fields = {"user_id": name, "user_email": email, "user_role": given.role, **common(given)}
    # These LiteLLM does not take away from a user again.
    lasting = ("models", "user_email", "max_parallel_requests")
    kept = {field: value for field, value in fields.items() if value or field not in lasting}
    return wish(kept, metadata=given.metadata, settings=given.settings)


def team(name: str, given: TeamConfig) -> Wish:
    fields = {"team_id": name, "team_alias": name, "organization_id": given.organization, **common(given)}
    # LiteLLM has no such limit for a team.
    fields.pop("max_parallel_requests")
    roles = dict.fromkeys(given.members, "user") | dict.fromkeys(given.admins, "admin")
    fields["blocked"] = given.blocked
    return wish(fields, metadata=given.metadata, settings=given.settings, members=roles)


def key(name: str, given: KeyConfig, access: AccessConfig, owner: str) -> Wish:
    fields = {
        "key_alias": name,
        "team_id": given.team,
        "user_id": given.user,
        "budget_id": budget_id(owner, given.shared_budget) if given.shared_budget else None,
        "blocked": given.blocked,
        **common(given),
    }
    if fields["max_parallel_requests"] is None and given.team:
        fields["max_parallel_requests"] = access.teams[given.team].max_parallel_requests
    settings = given.settings | ({"duration": given.duration} if given.duration else {})
    return wish(fields, metadata=given.metadata, settings=settings, rotation=given.rotation, overlap=given.overlap)


def budget_of(name: str, given: CustomerConfig, access: AccessConfig, owner: str) -> Wish:
    """The budget of one customer, with the limits of the one that it names."""
    shared = access.budgets[given.shared_budget] if given.shared_budget else None
    fields = {"budget_id": budget_id(owner, own_budget(name)), **limits(shared or given)}
    return wish(fields, settings=shared.settings if shared else None)


def customer_wish(name: str, given: CustomerConfig, owner: str) -> Wish:
    fields = {
        "user_id": name,
        "budget_id": budget_id(owner, own_budget(name)),
        "blocked": given.blocked,
        "alias": given.alias,
        "default_model": given.default_model,
        "allowed_model_region": given.region,
    }
    # LiteLLM ignores a text of a customer that is taken away.
    return wish({field: value for field, value in fields.items() if value is not None})


def credential(name: str, given: CredentialConfig) -> Wish:
    provider = {"custom_llm_provider": given.provider} if given.provider else {}
    settings: Wish = {"credential_values": given.settings} if given.settings else {}
    secrets = {field: secret_file("credential", name, field) for field in given.values}
    return wish({"credential_name": name}, metadata=provider, settings=settings, secrets=secrets)


def mcp_server(name: str, given: McpServerConfig) -> Wish:
    fields = {
        "server_id": name,
        "server_name": name,
        "url": given.url,
        "transport": given.transport,
        "description": given.description,
        "auth_type": given.auth,
        "mcp_access_groups": list(given.groups),
        "allowed_tools": list(given.tools),
    }
    secrets = {field: secret_file("mcp", name, field) for field in given.values}
    return wish(fields, settings=given.settings, secrets=secrets)


def own_budget(customer: str) -> str:
    """Name of the budget that one customer has alone. It is the mark that the customer is the stack's: customers have no
    metadata."""
    return f"customer:{customer}"


def budget_id(owner: str, name: str) -> str:
    """Budgets have no metadata either: their id says whose they are."""
    return f"{owner}:{name}"


def access_fits_into_a_config_map(access: AccessConfig) -> Iterator[tuple[str, str]]:
    if any(names_in_access_are_known(access)):
        return
    size = len(text_of(wishes(access, LONGEST_OWNER)).encode()) + SCRIPT_BYTES
    if size > LARGEST_BYTES:
        yield (
            "access",
            f"makes {size} bytes, and a ConfigMap takes {LARGEST_BYTES}: give several keys a team or a sharedBudget instead of "
            "settings of their own, or divide it among stacks",
        )
