"""LiteLLM's management API in memory, on the loopback: as much of it as `components.access` uses, with LiteLLM's habits."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

MASTER = "-".join(("sk", "master"))

BUDGET = {
    **dict.fromkeys(("max_budget", "soft_budget", "budget_duration", "rpm_limit", "tpm_limit", "tpd_limit")),
    "max_parallel_requests": None,
    "model_max_budget": None,
}
COLUMNS: dict[str, dict[str, Any]] = {
    "budget": BUDGET,
    "organization": {"models": [], "metadata": {}, "spend": 0.0, "organization_alias": None, "budget_id": "own"},
    "user": {"models": [], "metadata": {}, "spend": 0.0, "user_role": None, "user_email": None, **BUDGET},
    "team": {
        "models": [],
        "metadata": {},
        "spend": 0.0,
        "team_alias": None,
        "blocked": False,
        "organization_id": None,
        "members_with_roles": [],
        **BUDGET,
    },
    "customer": {
        "blocked": False,
        "alias": None,
        "spend": 0.0,
        "budget_id": None,
        "default_model": None,
        "allowed_model_region": None,
        "models": [],
    },
    "key": {
        "models": [],
        "metadata": {},
        "spend": 0.0,
        "key_alias": None,
        "team_id": None,
        "user_id": None,
        "budget_id": None,
        "blocked": None,
        "expires": None,
        "org_id": None,
        **BUDGET,
    },
}
COLUMNS |= {
    "credential": {"credential_info": {}, "credential_values": {}},
    "server": {
        "server_name": None,
        "url": None,
        "transport": None,
        "description": None,
        "auth_type": None,
        "mcp_access_groups": [],
        "allowed_tools": None,
        "mcp_info": None,
    },
}
IDS = {
    "credential": "credential_name",
    "server": "server_id",
    "budget": "budget_id",
    "organization": "organization_id",
    "user": "user_id",
    "team": "team_id",
    "customer": "user_id",
    "key": "token",
}


class RefusalError(Exception):
    """Status and reason of an answer that is none."""


class LiteLLM:
    """What it keeps, and every request that changed something."""

    def __init__(self) -> None:
        self.kept: dict[str, dict[str, dict[str, Any]]] = {kind: {} for kind in IDS}
        self.values: dict[tuple[str, str], dict[str, Any]] = {}
        """Of credentials and MCP servers, which nobody is shown."""

        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.licensed = True
        self.database = "connected"
        self.unavailable = 0
        """How many requests get no answer of LiteLLM."""

        self.dies_after: int | None = None
        """After how many changes every other one fails, as if the Job had been killed there."""

        self.page = 100

    def answer(self, method: str, url: str, body: dict[str, Any], key: str) -> Any:
        parts = urlsplit(url)
        if parts.path == "/health/readiness":
            return {"status": "healthy", "db": self.database}
        if key != f"Bearer {MASTER}":
            raise RefusalError(401, "Authentication Error, Invalid proxy server token passed")
        if method == "GET":
            return self.listed(parts.path.removeprefix("/v2"), parse_qs(parts.query))
        if self.dies_after is not None and len(self.asked) >= self.dies_after:
            raise RefusalError(503, "killed")
        self.asked.append((parts.path, body))
        if parts.path.startswith(("/credentials", "/v1/mcp/server")):
            return self.of_its_path(method, parts.path, body)
        kind, action = parts.path.strip("/").split("/")
        if kind == "organization" and not self.licensed:
            raise RefusalError(403, "Organizations are only available for LiteLLM Enterprise users.")
        actions = {"new": self.made, "generate": self.generated, "update": self.updated, "delete": self.deleted}
        members = {
            "member_add": self.member_add,
            "member_update": self.member_update,
            "member_delete": self.member_delete,
        }
        return (actions | members)[action](kind, body)

    def of_its_path(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Credentials and MCP servers: the method says what is done, and values come back to nobody."""
        kind = "credential" if path.startswith("/credentials") else "server"
        name = path.removeprefix("/credentials").removeprefix("/v1/mcp/server").strip("/") or body[IDS[kind]]
        if method == "DELETE":
            del self.kept[kind][name]
            return None
        if method == "POST" and name in self.kept[kind]:
            raise RefusalError(409, "exists")
        there = self.kept[kind].setdefault(name, {**COLUMNS[kind], IDS[kind]: name})
        values = "credential_values" if kind == "credential" else "credentials"
        merged = {**self.values.get((kind, name), {}), **(body.get(values) or {})}
        gone = body.get("credential_values_to_delete", ())
        self.values[kind, name] = {field: value for field, value in merged.items() if field not in gone}
        there |= {field: value for field, value in body.items() if field in COLUMNS[kind] and field != values}
        return there

    def listed(self, path: str, query: dict[str, list[str]]) -> Any:
        if path == "/credentials":
            return {"credentials": list(self.kept["credential"].values())}
        if path == "/v1/mcp/server":
            shown = {"is_public": False, "is_public_explicit": False}
            return [
                {**each, "mcp_info": {**(each["mcp_info"] or {}), **shown}} for each in self.kept["server"].values()
            ]
        kind = path.strip("/").split("/")[0]
        if kind == "organization" and not self.licensed:
            raise RefusalError(403, "Organizations are only available for LiteLLM Enterprise users.")
        every = list(self.kept[kind].values())
        if "page" not in query:
            return every
        page = int(query["page"][0])
        assert int(query.get("page_size", query.get("size", ["0"]))[0]) <= 100
        shown = every[(page - 1) * self.page : page * self.page]
        among = {"key": "keys", "team": "teams", "user": "users"}[kind]
        return {among: shown, "total_pages": -(-len(every) // self.page)}

    def made(self, kind: str, body: dict[str, Any]) -> Any:
        name = body[IDS[kind]]
        if name in self.kept[kind]:
            raise RefusalError(400, f"{kind} already exists")
        if kind == "user":
            assert body.pop("auto_create_key") is False
        self.kept[kind][name] = {**COLUMNS[kind], IDS[kind]: name}
        return self.written(kind, name, body)

    def generated(self, kind: str, body: dict[str, Any]) -> Any:
        value = body.pop("key")
        if not value.startswith("sk-"):
            raise RefusalError(400, f"Invalid key format: {value}")
        self.alias_is_free(body.get("key_alias"), None)
        token = hashlib.sha256(value.encode()).hexdigest()
        if token in self.kept["key"]:
            raise RefusalError(400, "Unique constraint failed on the fields: (`token`)")
        self.kept["key"][token] = {**COLUMNS["key"], "token": token}
        return {**self.written("key", token, body), "key": value}

    def alias_is_free(self, alias: str | None, own: str | None) -> None:
        if alias and any(each["key_alias"] == alias and token != own for token, each in self.kept["key"].items()):
            raise RefusalError(400, f"Key with alias '{alias}' already exists.")

    def updated(self, kind: str, body: dict[str, Any]) -> Any:
        name = body.pop("key" if kind == "key" else IDS[kind])
        if name not in self.kept[kind]:
            raise RefusalError(404, f"{kind} {name} not found")
        if kind == "key":
            self.alias_is_free(body.get("key_alias"), name)
        return self.written(kind, name, body)

    def written(self, kind: str, name: str, body: dict[str, Any]) -> Any:
        """Fields that LiteLLM does not show are kept where nobody sees them."""
        there = self.kept[kind][name]
        if duration := body.get("duration"):
            there["expires"] = (datetime.now(UTC) + timedelta(hours=int(duration.rstrip("hd")))).isoformat()
        if body.get("duration", "") is None:
            there["expires"] = None
        if kind == "organization":
            budget = there.get("litellm_budget_table", BUDGET)
            there["litellm_budget_table"] = budget | {name: value for name, value in body.items() if name in BUDGET}
        there |= {field: value for field, value in body.items() if field in COLUMNS[kind] or field == IDS[kind]}
        return there

    def deleted(self, kind: str, body: dict[str, Any]) -> Any:
        field = {"budget": "id", "key": "keys", "organization": "organization_ids", "team": "team_ids"}
        given = body[field.get(kind, "user_ids")]
        for name in [given] if isinstance(given, str) else given:
            del self.kept[kind][name]
            if kind in ("team", "user"):
                self.kept["key"] = {t: k for t, k in self.kept["key"].items() if k[IDS[kind]] != name}
        return {}

    def member_add(self, kind: str, body: dict[str, Any]) -> Any:
        members = self.kept["team"][body["team_id"]]["members_with_roles"]
        assert body["member"]["user_id"] not in {each["user_id"] for each in members}
        self.kept["team"][body["team_id"]]["members_with_roles"] = [*members, body["member"]]
        return {}

    def member_update(self, kind: str, body: dict[str, Any]) -> Any:
        for each in self.kept["team"][body["team_id"]]["members_with_roles"]:
            if each["user_id"] == body["user_id"]:
                each["role"] = body["role"]
        return {}

    def member_delete(self, kind: str, body: dict[str, Any]) -> Any:
        team = self.kept["team"][body["team_id"]]
        team["members_with_roles"] = [each for each in team["members_with_roles"] if each["user_id"] != body["user_id"]]
        return {}


@contextmanager
def serving(litellm: LiteLLM) -> Iterator[str]:
    """The URL at which it answers."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        """Otherwise each answer waits 40 ms for the other side, as it is written in two parts."""

        def do(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            status, said = 200, {}
            if litellm.unavailable > 0:
                litellm.unavailable -= 1
                status = 503
            else:
                try:
                    said = litellm.answer(self.command, self.path, body, self.headers.get("Authorization", ""))
                except RefusalError as refusal:
                    status, reason = refusal.args
                    said = {"error": {"message": reason, "type": "bad_request", "code": str(status)}}
            text = b"" if said is None else json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
