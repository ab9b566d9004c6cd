"""The kinds of objects that LiteLLM keeps: how each is listed, made, changed and deleted, and which are this stack's."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import quote

from components.gateway.api import PAGE, Api, Objects

MARK = "litellm-stack"
"""Key in the metadata of what a stack made. Its value is text: LiteLLM merges maps, and a text is replaced."""

KEYS, CREDENTIALS, MCP_SERVERS = "key-list", "credential-list", "mcp-list"
"""Where these wishes are. Not `keys`: whatever is below a setting of that name is taken for a secret, by people, too."""

MASTER_KEY, OF_A_KEY = "master-key", "key-"
"""Files of the values: the master key, and each value of a key. Those of credentials and MCP servers the wishes name."""

Fields = dict[str, Any]
Mark = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One request that changes something, and what the log says of it."""

    method: str
    path: str
    body: Fields
    says: str

    secrets: Mapping[str, str] = field(default_factory=dict[str, str])
    """Fields of the body whose values are secrets, and the file of each."""

    into: str = ""
    """Field of the body that these are fields of; empty for the body itself."""

    def whole(self, values: Mapping[str, str]) -> Fields:
        """The body with its values."""
        given: Fields = {name: values[file] for name, file in self.secrets.items()}
        return self.body | ({self.into: (self.body.get(self.into) or {}) | given} if given and self.into else given)

    def to(self, api: Api, values: Mapping[str, str]) -> Any:
        return api.call(self.method, self.path, self.whole(values) or None)


@dataclass(frozen=True)
class Kind:
    """One kind of object. Those of the first kinds are there before those that name them."""

    word: str
    section: str
    """Where wishes of this kind are."""

    id: str
    """Field that tells one object from another."""

    paths: tuple[str, str, str]
    """Of making, changing and deleting; `{}` in the last two is the id."""

    listed: Callable[[Api], Objects]

    deleted_by: str
    """Field with the ids of what is deleted; empty where the path has it."""

    update_method: str = "POST"
    delete_method: str = "POST"

    marked: bool = True
    """Whether objects have metadata, with a mark in it. Those of other kinds are told by the id of a budget."""

    more: tuple[tuple[str, Any], ...] = ()
    """What only making it takes."""

    memo: str = "metadata"
    """What a request calls the metadata."""

    into: str = ""
    """Field that values which are secrets belong into; empty for the body itself."""

    def create(self, wish: Fields, mark: Mark, says: str, secrets: Mapping[str, str] | None = None) -> Call:
        given = {field: value for field, value in {**wish["fields"], **wish["settings"]}.items() if value is not None}
        metadata = {self.memo: {**wish["metadata"], MARK: json.dumps(mark, sort_keys=True)}} if self.marked else {}
        return Call("POST", self.paths[0], {**given, **metadata, **dict(self.more)}, says, secrets or {}, self.into)

    def update(self, found: Fields, changes: Fields, says: str, secrets: Mapping[str, str] | None = None) -> Call:
        body = {self.memo if name == "metadata" else name: value for name, value in changes.items()}
        path = self.paths[1].format(quote(found[self.id], safe=""))
        return Call(self.update_method, path, {self.by: found[self.id], **body}, says, secrets or {}, self.into)

    def delete(self, found: Fields, says: str) -> Call:
        if not self.deleted_by:
            return Call(self.delete_method, self.paths[2].format(quote(found[self.id], safe="")), {}, says)
        ids: Any = found[self.id] if self.deleted_by == "id" else [found[self.id]]
        return Call(self.delete_method, self.paths[2], {self.deleted_by: ids}, says)

    @property
    def by(self) -> str:
        """What an update calls the id: of a key it is its hash."""
        return "key" if self.id == "token" else self.id


def paths(name: str, make: str = "new") -> tuple[str, str, str]:
    return (f"/{name}/{make}", f"/{name}/update", f"/{name}/delete")


BUDGET = Kind(
    "budget",
    "budgets",
    "budget_id",
    paths("budget"),
    lambda api: api.call("GET", "/budget/list"),
    "id",
    marked=False,
)
ORGANIZATION = Kind(
    "organization",
    "organizations",
    "organization_id",
    paths("organization"),
    lambda api: [with_budget(each) for each in api.call("GET", "/organization/list")],
    "organization_ids",
    update_method="PATCH",
    delete_method="DELETE",
)
USER = Kind(
    "user",
    "users",
    "user_id",
    paths("user"),
    lambda api: api.pages("/user/list", "users", page_size=PAGE),
    "user_ids",
    # Otherwise LiteLLM makes a key that nobody asked for.
    more=(("auto_create_key", False),),
)
TEAM = Kind(
    "team",
    "teams",
    "team_id",
    paths("team"),
    lambda api: api.pages("/v2/team/list", "teams", page_size=PAGE, sort_by="created_at"),
    "team_ids",
)
CUSTOMER = Kind(
    "customer",
    "customers",
    "user_id",
    paths("customer"),
    lambda api: [with_budget(each) for each in api.call("GET", "/customer/list")],
    "user_ids",
    marked=False,
)
KEY = Kind(
    "key",
    KEYS,
    "token",
    paths("key", "generate"),
    lambda api: api.pages("/key/list", "keys", size=PAGE, return_full_object="true", sort_by="created_at"),
    "keys",
)
CREDENTIAL = Kind(
    "credential",
    CREDENTIALS,
    "credential_name",
    ("/credentials", "/credentials/{}", "/credentials/{}"),
    lambda api: [with_memo(each, "credential_info") for each in api.call("GET", "/credentials")["credentials"]],
    "",
    update_method="PATCH",
    delete_method="DELETE",
    memo="credential_info",
    into="credential_values",
)
MCP_SERVER = Kind(
    "MCP server",
    MCP_SERVERS,
    "server_id",
    ("/v1/mcp/server", "/v1/mcp/server", "/v1/mcp/server/{}"),
    lambda api: [with_memo(each, "mcp_info") for each in api.call("GET", "/v1/mcp/server")],
    "",
    update_method="PUT",
    delete_method="DELETE",
    memo="mcp_info",
    into="credentials",
)
KINDS = (CREDENTIAL, MCP_SERVER, BUDGET, ORGANIZATION, USER, TEAM, CUSTOMER, KEY)


def with_memo(found: Fields, memo: str) -> Fields:
    """An object whose metadata LiteLLM calls otherwise, without what LiteLLM itself says there, and without masked values."""
    said = cast("Fields", found.get(memo) or {})
    shown = {name: value for name, value in found.items() if name not in ("credential_values", "credentials")}
    return {**shown, "metadata": {name: value for name, value in said.items() if not name.startswith("is_public")}}


def with_budget(found: Fields) -> Fields:
    """An object with the limits of its budget, which LiteLLM shows apart."""
    budget = cast("Fields", found.get("litellm_budget_table") or {})
    return {**budget, **{field: value for field, value in found.items() if value is not None or field not in budget}}


def mark_of(found: Fields, owner: str) -> Mark | None:
    """What the stack `owner` remembers of an object; None of what others made."""
    text = metadata_of(found).get(MARK)
    try:
        mark: Any = json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return cast("Mark", mark) if isinstance(mark, dict) and cast("Mark", mark).get("stack") == owner else None


def metadata_of(found: Fields) -> Fields:
    given: Any = found.get("metadata")
    return cast("Fields", given) if isinstance(given, dict) else {}


def same(found: Any, wanted: Any) -> bool:
    """Whether LiteLLM has what is wanted. Nothing has several forms, the order of names does not matter, and of a map only what
    is wanted counts."""
    if is_nothing(found) or is_nothing(wanted):
        return is_nothing(found) and is_nothing(wanted)
    if isinstance(found, dict) and isinstance(wanted, dict):
        there = cast("Fields", found)
        return all(same(there.get(field), value) for field, value in cast("Fields", wanted).items())
    if isinstance(found, list) and isinstance(wanted, list):
        return sorted(map(str, cast("list[Any]", found))) == sorted(map(str, cast("list[Any]", wanted)))
    return bool(found == wanted)


def is_nothing(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})


def text_of(wishes: Mapping[str, Any]) -> str:
    """The file that the Job reads."""
    return json.dumps(wishes, sort_keys=True, indent=1)
