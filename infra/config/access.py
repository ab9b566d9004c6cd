"""Config key `access`: who may use the gateway, for what, and for how much."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from infra.config.base import (
    ENTITY,
    FIELD,
    KEY_NAME,
    MCP_NAME,
    PERIOD,
    ROLE_NAME,
    DnsLabel,
    Duration,
    ObjectName,
    Section,
    url_such_as,
)
from infra.config.references import PropertyReference

KeyName = Annotated[str, StringConstraints(pattern=KEY_NAME)]
"""A key, as the stack file and the store call it."""

Entity = Annotated[str, StringConstraints(pattern=ENTITY)]
"""Id of a team, a user, a customer, an organization or a budget in LiteLLM."""

Period = Annotated[str, StringConstraints(pattern=PERIOD)]
"""A period as LiteLLM writes it: `30d`, `1mo`."""

RoleName = Annotated[str, StringConstraints(pattern=ROLE_NAME)]
"""An IAM role."""

Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""An amount in US dollars."""

Limit = Annotated[int, Field(ge=0, le=2**53)]

McpName = Annotated[str, StringConstraints(pattern=MCP_NAME)]
"""An MCP server, as clients call it: LiteLLM puts a `-` behind it, so that none is in it."""

Values = dict[Annotated[str, StringConstraints(pattern=FIELD)], PropertyReference]
"""Secrets, by LiteLLM's name for each: where they are in the store."""

Settings = dict[str, Any]
"""Fields of LiteLLM's own API, by its names. No secrets: they are in a ConfigMap."""

OWNED = frozenset(
    {
        *("metadata", "models", "max_budget", "budget_duration", "rpm_limit", "tpm_limit", "max_parallel_requests"),
        *(
            "blocked",
            "budget_id",
            "team_id",
            "user_id",
            "organization_id",
            "key",
            "key_alias",
            "token",
            "spend",
            "duration",
        ),
        *("team_alias", "members", "members_with_roles", "admins", "user_email", "user_alias", "user_role", "teams"),
        *("auto_create_key", "password", "organization_alias", "alias", "default_model", "allowed_model_region"),
        *("auto_rotate", "rotation_interval", "send_invite_email"),
    }
)
"""Fields of LiteLLM that have a key of their own here, or that the program decides."""


MCP_OWNED = frozenset(
    {
        *("server_id", "server_name", "alias", "url", "transport", "description", "auth_type", "credentials"),
        *("mcp_access_groups", "allowed_tools", "mcp_info", "env", "static_headers"),
    }
)
"""The same of MCP servers. What is in `env` and in headers may be a secret."""


class Limits(Section):
    """What somebody may spend, and how fast."""

    budget: Money | None = None
    """US dollars (`max_budget`). Requests above it are refused. Without one: no limit."""

    budget_duration: Period | None = None
    """After what time the budget is full again, such as `30d` or `1mo`. Without one: never."""

    rpm: Limit | None = None
    """Requests per minute (`rpm_limit`). Without one: no limit."""

    tpm: Limit | None = None
    """Tokens per minute (`tpm_limit`). Without one: no limit."""

    max_parallel_requests: Limit | None = None
    """Requests at the same time. Without one: no limit. LiteLLM counts them by key: that of a team is for each of its keys here
    that has none of its own."""


class Access(Limits):
    """What teams, users, keys and organizations have in common."""

    models: tuple[str, ...] = ()
    """Models that may be used, by the names that clients use. Without one: all that the level above allows. Also what LiteLLM
    calls `all-team-models`, `no-default-models` and access groups."""

    metadata: dict[str, Any] = Field(default_factory=dict)
    """Free-form, as LiteLLM keeps and logs it: an owner, a cost centre."""

    settings: Settings = Field(default_factory=dict)
    """Whatever else LiteLLM's API takes, by its own names: `model_max_budget`, `guardrails`, `object_permission`, …"""

    @model_validator(mode="after")
    def settings_are_not_ours(self) -> "Access":
        if taken := sorted(OWNED & set(self.settings)):
            raise ValueError(
                f"settings must not repeat what has a key of its own, or is decided here: {', '.join(taken)}"
            )
        return self


class TeamConfig(Access):
    """A team: its keys share what it may spend."""

    organization: Entity | None = None
    """The organization that the team belongs to. Without one: none."""

    members: tuple[Entity, ...] = ()
    """Users in the team. One that does not exist is made by LiteLLM. Members that others added stay."""

    admins: tuple[Entity, ...] = ()
    """Users who administrate the team. LiteLLM wants an Enterprise license for it."""

    blocked: bool = False
    """Refuse every request of the team."""

    @model_validator(mode="after")
    def nobody_is_both(self) -> "TeamConfig":
        if set(self.members) & set(self.admins):
            raise ValueError("members and admins must not name the same user: an admin is a member")
        return self


class UserConfig(Access):
    """A user, by LiteLLM's `user_id`: what single sign-on calls him, or an address."""

    role: Literal["proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"] = "internal_user"
    """What the user may do in LiteLLM: everything, see everything, or make and see keys of his own."""

    email: Annotated[str, StringConstraints(max_length=320)] | None = None
    """Address. Without one: the id, where that is an address."""


class ServiceAccount(Section):
    """A ServiceAccount of Kubernetes."""

    namespace: DnsLabel
    """Its namespace."""

    name: ObjectName = "default"
    """Its name."""


class Readers(Section):
    """Who may read the document of one key, and nothing else. Making this needs the right to write policies."""

    service_accounts: tuple[ServiceAccount, ...] = ()
    """Vault: ServiceAccounts that log in with a role of the key's own, by the auth method of the stack (`kubernetes`)."""

    roles: tuple[RoleName, ...] = ()
    """AWS: IAM roles that the policy is attached to."""


class KeyConfig(Access):
    """A virtual key. Its value is generated, and kept in a document of its own: `<prefix>/keys/<name>`, property `key`."""

    team: Entity | None = None
    """The team that the key is of, and that its spend counts for. Without one: none."""

    user: Entity | None = None
    """The user that the key is of. Without one: none."""

    shared_budget: Entity | None = None
    """One of `access.budgets`, whose limits the key has. Without one: its own."""

    duration: Period | None = None
    """How long the key works, from when LiteLLM gets to know it or this is changed. Without one: for good."""

    blocked: bool = False
    """Refuse every request with the key."""

    rotation: Annotated[int, Field(ge=0)] = 0
    """Raise it to generate a new value. Both work for the time of `overlap`."""

    overlap: Period | Literal["0s"] = "24h"
    """For how long the value before a rotation still works. `0s`: it stops at once."""

    length: Annotated[int, Field(ge=32, le=256)] = 48
    """Number of random letters and digits behind `sk-`. Changing it alone changes nothing: see `rotation`."""

    existing: PropertyReference | None = None
    """Take the value of a document that is in the store already, instead of generating one. It begins with `sk-`."""

    readers: Readers | None = None
    """Make a policy for the key's document alone, in Vault or in AWS. Without it: none."""


class BudgetConfig(Limits):
    """Limits that several keys, or customers, have; each of them has the whole of it."""

    settings: Settings = Field(default_factory=dict)
    """Whatever else LiteLLM's API takes, by its own names: `soft_budget`, `tpd_limit`, `model_max_budget`."""


class CustomerConfig(Limits):
    """A customer: whom a client names in `user` of its requests."""

    shared_budget: Entity | None = None
    """One of `access.budgets`. Without one: limits of its own."""

    alias: str | None = None
    """Name for people. Without one: none."""

    blocked: bool = False
    """Refuse every request for this customer."""

    default_model: str | None = None
    """Model of requests for a model that is not in the customer's region. Without one: none."""

    region: Literal["eu", "us"] | None = None
    """Where models must run (`allowed_model_region`). Without one: anywhere."""

    @model_validator(mode="after")
    def one_budget(self) -> "CustomerConfig":
        own = (self.budget, self.budget_duration, self.rpm, self.tpm, self.max_parallel_requests)
        if self.shared_budget and any(each is not None for each in own):
            raise ValueError("sharedBudget must be alone: limits of the customer's own would be another budget")
        return self


class OrganizationConfig(Access):
    """An organization: its teams share what it may spend. LiteLLM wants an Enterprise license for it."""


class CredentialConfig(Section):
    """A provider's credential in LiteLLM's database, for models that are added at run time, or that name it in
    `litellm_credential_name`. LiteLLM encrypts it with the salt key."""

    values: Values = Field(default_factory=dict)
    """Secrets, by the name of LiteLLM's parameter: `api_key: {document: shared/openai, property: key}`."""

    settings: dict[Annotated[str, StringConstraints(pattern=FIELD)], str] = Field(default_factory=dict)
    """What is no secret: `api_base`, `api_version`, `vertex_project`."""

    provider: str | None = None
    """Provider that the admin page shows it for (`custom_llm_provider`): `openai`. Without one: none."""

    @model_validator(mode="after")
    def has_a_value(self) -> "CredentialConfig":
        if not self.values and not self.settings:
            raise ValueError("needs values, or settings: LiteLLM takes no credential without any")
        if set(self.values) & set(self.settings):
            raise ValueError(
                "values and settings must not name the same parameter: keep it in values, if it is a secret"
            )
        return self


class McpServerConfig(Section):
    """An MCP server behind the gateway. Keys and teams get at it by `settings.object_permission`."""

    url: Annotated[str, url_such_as("https://mcp.example.com/mcp")]
    """Where it answers."""

    transport: Literal["http", "sse"] = "http"
    """How it is spoken to."""

    description: str | None = None
    """For people. Without one: none."""

    auth: Literal["none", "api_key", "bearer_token", "basic", "authorization", "token", "oauth2"] | None = None
    """How LiteLLM shows `values` to it (`auth_type`). Without one: nothing is shown."""

    values: Values = Field(default_factory=dict)
    """Secrets, by LiteLLM's name for each: `auth_value`, `client_id`, `client_secret`."""

    groups: tuple[str, ...] = ()
    """Access groups (`mcp_access_groups`), which keys and teams name."""

    tools: tuple[str, ...] = ()
    """The only tools that may be used (`allowed_tools`). Without any: all."""

    settings: Settings = Field(default_factory=dict)
    """Whatever else LiteLLM's API takes, by its own names: `extra_headers`, `timeout`, `allow_all_keys`."""

    @model_validator(mode="after")
    def settings_are_not_ours(self) -> "McpServerConfig":
        if taken := sorted(MCP_OWNED & set(self.settings)):
            raise ValueError(
                f"settings must not repeat what has a key of its own, or is decided here: {', '.join(taken)}"
            )
        return self


class AccessConfig(Section):
    """Teams, users, keys and budgets of the gateway. A Job tells LiteLLM about them; what others made there is left alone."""

    teams: dict[Entity, TeamConfig] = Field(default_factory=dict)
    """Teams, by their `team_id`."""

    users: dict[Entity, UserConfig] = Field(default_factory=dict)
    """Users, by their `user_id`."""

    keys: dict[KeyName, KeyConfig] = Field(default_factory=dict)
    """Virtual keys, by name, which is their `key_alias` in LiteLLM."""

    budgets: dict[Entity, BudgetConfig] = Field(default_factory=dict)
    """Budgets that keys and customers name."""

    customers: dict[Entity, CustomerConfig] = Field(default_factory=dict)
    """Customers, by their `user_id`."""

    organizations: dict[Entity, OrganizationConfig] = Field(default_factory=dict)
    """Organizations, by their `organization_id`."""

    credentials: dict[KeyName, CredentialConfig] = Field(default_factory=dict)
    """Providers' credentials in LiteLLM's database, by their `credential_name`."""

    mcp_servers: dict[McpName, McpServerConfig] = Field(default_factory=dict)
    """MCP servers, by their `server_id` and name."""

    purge: bool = False
    """Delete what is removed from the file also where it has spent something, or has keys that others made. Otherwise a team is
    blocked, and a user or an organization stays; both are said in the Job's log."""

    adopt: bool = False
    """Take over teams, users, customers and organizations that are there already under these names. Otherwise they are
    somebody else's, and the Job changes nothing."""

    revision: Annotated[int, Field(ge=0)] = 0
    """Raise it to have the Job run once more, so that what was changed by hand becomes what the file says."""

    timeout: Duration = "15m"
    """How long all attempts of the Job together may take."""

    @property
    def wanted(self) -> bool:
        """Whether the stack has anything to tell LiteLLM. An empty section still removes what it had."""
        return bool(self.model_fields_set)

    def secrets(self) -> Iterator[tuple[str, str, PropertyReference]]:
        """Values for LiteLLM that others wrote: where the configuration names each, the file that the Job reads, its place."""
        sections = ("credential", "credentials", self.credentials), ("mcp", "mcpServers", self.mcp_servers)
        for kind, section, entries in sections:
            for name, entry in entries.items():
                for parameter, reference in entry.values.items():
                    where = f"access.{section}.{name}.values.{parameter}"
                    yield where, secret_file(kind, name, parameter), reference

    def references(self) -> Iterator[tuple[str, PropertyReference]]:
        """Values that are in documents of somebody else."""
        for name, key in self.keys.items():
            if key.existing:
                yield f"access.keys.{name}.existing", key.existing
        yield from ((where, reference) for where, _, reference in self.secrets())


def secret_file(kind: str, name: str, parameter: str) -> str:
    """The file of a value. No key is called so: those begin with `key-`."""
    return f"{kind}-{name}-{parameter}"
