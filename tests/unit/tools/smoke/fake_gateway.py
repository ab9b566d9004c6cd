"""A gateway on loopback that answers like LiteLLM with its database, or in one of the ways that are wrong."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

MASTER = "sk-" + "m" * 32


@dataclass
class FakeGateway:
    """What it knows, and what is wrong with it."""

    models: list[str] = field(default_factory=lambda: ["mock", "openai/*"])
    added: list[str] = field(default_factory=list[str])
    """Models of its database."""
    database: str = "connected"
    keys: set[str] = field(default_factory=lambda: {MASTER})
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict[str, tuple[int, Any]])
    """What it says on a path instead."""
    accepts_everybody: bool = False
    loses_spend: bool = False
    salt_is_another: bool = False
    credentials: dict[str, str] = field(default_factory=dict[str, str])
    rows: list[str] = field(default_factory=list[str])
    made: list[str] = field(default_factory=list[str])
    """Virtual keys that were ever made."""
    first: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """What it answers on the paths that begin so, once for each entry, before it is itself."""
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Path and key of each request."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    """More headers of its answers."""
    url: str = ""

    def answer(self, path: str, key: str, body: dict[str, Any], query: dict[str, list[str]]) -> tuple[int, Any]:
        self.asked.append((path, key))
        if self.first and path.startswith(self.first[0][0]):
            return self.first.pop(0)[1], {}
        if path in self.answers:
            return self.answers[path]
        if path == "/health/readiness":
            return (200 if self.database == "connected" else 503), {"status": "healthy", "db": self.database}
        if key not in self.keys and not self.accepts_everybody:
            return 401, {"error": {"message": f"Authentication Error, unknown {key}", "code": "401"}}
        if path.startswith("/credentials/by_name/"):
            name = path.rpartition("/")[2]
            known = self.credentials.get(name)
            stored = "Zm9yZWlnbg==" if self.salt_is_another else known
            return (200, {"credential_values": {"canary": stored}}) if known else (404, {"error": {"message": "no"}})
        return getattr(self, f"on_{path.strip('/').replace('/', '_')}")(body, query)

    def on_v1_models(self, *_: Any) -> tuple[int, Any]:
        return 200, {"data": [{"id": name} for name in [*self.models, *self.added]]}

    def on_v1_model_info(self, *_: Any) -> tuple[int, Any]:
        of_file = [{"model_name": name, "model_info": {"db_model": False}} for name in self.models]
        return 200, {"data": of_file + [{"model_name": each, "model_info": {"db_model": True}} for each in self.added]}

    def on_key_generate(self, *_: Any) -> tuple[int, Any]:
        key = "sk-" + "v" * 20 + str(len(self.made))
        self.made.append(key)
        self.keys.add(key)
        return 200, {"key": key}

    def on_key_delete(self, body: dict[str, Any], _: Any) -> tuple[int, Any]:
        self.keys -= set(body["keys"])
        return 200, {}

    def on_v1_chat_completions(self, *_: Any) -> tuple[int, Any]:
        if not self.loses_spend:
            self.rows.append("chatcmpl-1")
        return 200, {"id": "chatcmpl-1", "choices": [{"message": {"content": "Hello"}}]}

    def on_spend_logs(self, _: Any, query: dict[str, list[str]]) -> tuple[int, Any]:
        return 200, [{"request_id": row} for row in self.rows if row in query["request_id"]]

    def on_credentials(self, body: dict[str, Any], _: Any) -> tuple[int, Any]:
        if body["credential_name"] in self.credentials:
            return 409, {"error": {"message": "exists"}}
        self.credentials[body["credential_name"]] = body["credential_values"]["canary"]
        return 200, {"success": True}


@contextmanager
def listening(gateway: FakeGateway) -> Iterator[FakeGateway]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else {}
            key = self.headers.get("Authorization", "").removeprefix("Bearer ")
            status, said = gateway.answer(parts.path, key, body, parse_qs(parts.query))
            self.send_response(status)
            for header in gateway.headers.items():
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        do_POST = do_GET  # noqa: N815 - the name is the server's

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02))
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
