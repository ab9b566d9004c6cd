"""A server that answers like an API and remembers what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tools.ci.api import Api
from tools.ci.github import BOT, GitHub

REPOSITORY = "team/litellm"


@dataclass
class Asked:
    method: str
    path: str
    body: Any
    headers: dict[str, str]


@dataclass
class Server:
    """Answers by method and path; every other request is not found."""

    base: str = ""
    answers: dict[str, tuple[Any, dict[str, str]]] = field(default_factory=dict[str, tuple[Any, dict[str, str]]])
    asked: list[Asked] = field(default_factory=list[Asked])

    def answer(self, request: str, body: Any = None, **headers: str) -> None:
        self.answers[request] = (body, headers)

    def changes(self) -> list[tuple[str, str, Any]]:
        """Everything that was not only read."""
        return [(one.method, one.path, one.body) for one in self.asked if one.method != "GET"]

    @property
    def api(self) -> Api:
        return Api(self.base, {"Authorization": "Bearer a-token"})

    @property
    def github(self) -> GitHub:
        return GitHub(self.api, REPOSITORY)


@contextmanager
def running() -> Iterator[Server]:
    made = Server()

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            made.asked.append(Asked(self.command, self.path.lstrip("/"), body, dict(self.headers)))
            path = self.path.lstrip("/").partition("?")[0]
            found = made.answers.get(f"{self.command} {self.path.lstrip('/')}") or made.answers.get(
                f"{self.command} {path}"
            )
            status = int(found[1].get("status", "200")) if found else 404
            self.send_response(status)
            for name, value in (found[1] if found else {}).items():
                self.send_header(name, value)
            self.end_headers()
            if found and found[0] is not None:
                self.wfile.write(json.dumps(found[0]).encode())

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = respond  # noqa: N815 - the names of http.server

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made.base = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()


def comment(key: int, body: str, author: str = BOT) -> dict[str, Any]:
    return {"id": key, "body": body, "user": {"login": author}}
