"""What can be wrong between the entries of `access`, and between them and the rest of a stack."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.config.access import AccessConfig
from infra.config.gateway.modules import mapping, texts
from infra.config.gateway.served import served_by_nobody

Finding = tuple[str, str]
"""Where (the path below `litellm:`), and what is wrong, what is allowed and how to mend it."""

SPECIAL = ("all-team-models", "all-proxy-models", "no-default-models")
"""What LiteLLM takes for a model, and is none."""


def names_in_access_are_known(access: AccessConfig) -> Iterator[Finding]:
    """What refers to an entry of the file has one."""
    for where, team in entries("teams", access.teams):
        yield from known(f"{where}.organization", team.organization, "organizations", access.organizations)
    for where, key in entries("keys", access.keys):
        yield from known(f"{where}.team", key.team, "teams", access.teams)
        yield from known(f"{where}.user", key.user, "users", access.users)
        yield from known(f"{where}.sharedBudget", key.shared_budget, "budgets", access.budgets)
        if key.existing and key.rotation:
            yield f"{where}.rotation", "has no effect with existing: write another value there, and remove it"
    for where, customer in entries("customers", access.customers):
        yield from known(f"{where}.sharedBudget", customer.shared_budget, "budgets", access.budgets)


def entries(section: str, given: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Entries, and how a message names each: by its number, as its name is a text that somebody gave."""
    return ((f"access.{section}[{number}]", entry) for number, entry in enumerate(given.values()))


def known(where: str, name: str | None, section: str, entries: Mapping[str, object]) -> Iterator[Finding]:
    if name is not None and name not in entries:
        yield where, f"names no entry of access.{section}: add it there, or correct the name"


def readers_fit_the_store(access: AccessConfig, secrets: Any) -> Iterator[Finding]:
    """Policies are made where documents are written, and by what the store has."""
    for where, key in entries("keys", access.keys):
        if key.readers is None:
            continue
        if key.existing or secrets.kind == "existing":
            yield (
                f"{where}.readers",
                "are for a document that the stack writes, and this one is there: have its owner add them",
            )
        elif secrets.kind == "vault" and key.readers.roles:
            yield f"{where}.readers.roles", "are roles of IAM, and secrets.kind is vault: name serviceAccounts"
        elif secrets.kind == "aws" and key.readers.service_accounts:
            yield f"{where}.readers.serviceAccounts", "log in to Vault, and secrets.kind is aws: name roles"
        elif key.readers.service_accounts and secrets.vault.auth != "kubernetes":
            yield (
                f"{where}.readers.serviceAccounts",
                "log in by Vault's Kubernetes auth method, which secrets.vault.auth is not: leave them out, and give the "
                "policy to whoever reads",
            )


def keys_are_in_a_store_that_is_written(access: AccessConfig, secrets: Any) -> Iterator[Finding]:
    for where, key in entries("keys", access.keys):
        if secrets.kind == "existing" and key.existing is None:
            yield (
                f"{where}.existing",
                "is required, as nothing is written to a store that is there (secrets.kind existing): put the key there (sk- "
                "and 48 random letters and digits), and name its place",
            )
        if secrets.adopts and key.rotation:
            yield (
                f"{where}.rotation",
                f"has no effect with secrets.{secrets.kind}.adopt, which takes the values that are there: write another one, "
                "and remove rotation",
            )


def models_of_access_are_served(access: AccessConfig, gateway: Any) -> Iterator[Finding]:
    """A name that nobody serves is a typing error, unless models are added at run time."""
    aliases = [
        *mapping(gateway.router_settings.get("model_group_alias")),
        *mapping(gateway.litellm_settings.get("model_group_alias")),
        *(group for model in gateway.models for group in texts(model.info.get("access_groups"))),
        *SPECIAL,
    ]
    names = [*(model.name for model in gateway.models), *gateway.models_in_database]
    sections = {
        section: entries(section, getattr(access, section)) for section in ("teams", "users", "keys", "organizations")
    }
    given = (
        (f"{where}.models", name) for section in sections.values() for where, entry in section for name in entry.models
    )
    for where in served_by_nobody(given, names, aliases):
        yield (
            where,
            "names a model that no entry serves: correct it, add it to gateway.models, or, where it is added at run time, name "
            "it in gateway.modelsInDatabase",
        )


def what_is_in_the_database_is_read(access: AccessConfig, gateway: Any) -> Iterator[Finding]:
    for where, given in (("credentials", access.credentials), ("mcpServers", access.mcp_servers)):
        if given and not gateway.store_model_in_db:
            yield (
                f"access.{where}",
                "are kept in the database, where LiteLLM reads none with gateway.storeModelInDb false: set that to true, or "
                "write them into gateway.config",
            )


def custom_keys_are_allowed(access: AccessConfig, gateway: Any) -> Iterator[Finding]:
    if access.keys and gateway.general_settings.get("disable_custom_api_keys"):
        yield (
            "gateway.generalSettings.disable_custom_api_keys",
            "is set, so that LiteLLM takes no key of access.keys, whose values are in the store: remove it, or the keys",
        )
