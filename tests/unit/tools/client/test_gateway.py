"""A question to a gateway, against a server that answers like one."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tools.client.gateway import ask, reachable
from tools.problem import Problem

KEY = "sk-" + "k" * 32


@dataclass
class Gateway:
    """Answers every request the same way, and notes what was asked."""

    status: int = 200
    body: str = ""
    port: int = 0
    headers: dict[str, str] = field(default_factory=dict[str, str])
    asked: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def url(self) -> str:
        return f"http://litellm.localhost:{self.port}"


@contextmanager
def listening(gateway: Gateway) -> Iterator[Gateway]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            gateway.headers = dict(self.headers)
            gateway.asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(gateway.status)
            self.end_headers()
            self.wfile.write(gateway.body.encode())

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    gateway.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def events(*contents: object) -> str:
    return "".join(f"data: {json.dumps(content)}\n\n" for content in contents) + "data: [DONE]\n\n"


def delta(text: str | None) -> dict[str, Any]:
    return {"choices": [{"delta": {"content": text} if text is not None else {}}]}


def said_to(gateway: Gateway) -> str:
    with listening(gateway), pytest.raises(Problem) as raised:
        list(ask(gateway.url, KEY, "mock", "Hello"))
    return str(raised.value)


def test_an_answer_comes_in_pieces():
    with listening(Gateway(body=": a comment\n\n" + events(delta(None), delta("Grüße"), delta(", you")))) as gateway:
        assert list(ask(gateway.url, KEY, "mock", "Hello")) == ["Grüße", ", you"]
    assert gateway.asked == {"model": "mock", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
    assert gateway.headers["Authorization"] == f"Bearer {KEY}"


def test_a_name_below_localhost_is_this_machine_whatever_the_resolver_knows():
    with listening(Gateway(body=events(delta("x")))) as gateway:
        list(ask(gateway.url, KEY, "mock", "Hello"))
    assert gateway.headers["Host"] == f"litellm.localhost:{gateway.port}"
    assert reachable("https://llm.example.com") == ("https://llm.example.com", {})


def test_a_gateway_inside_the_cluster_is_reached_through_a_way_that_is_named():
    with pytest.raises(Problem, match=r"kubectl port-forward -n litellm-dev service/litellm 4000`"):
        reachable("http://litellm.litellm-dev.svc:4000")


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_not_repeated(status: int):
    said = said_to(Gateway(status, json.dumps({"error": {"message": f"Invalid key {KEY}"}})))
    assert f"refuses the master key of the store ({status})" in said
    assert KEY not in said


def test_what_the_gateway_says_is_shown_on_one_line_without_the_key():
    said = said_to(Gateway(400, json.dumps({"error": {"message": f"no model\nfor {KEY}"}})))
    assert said.endswith("answers 400: no model for ***")


@pytest.mark.parametrize("body", ["<html>", "[]", '{"error": "x"}', ""])
def test_an_answer_that_is_no_message_is_shown_by_its_status(body: str):
    assert said_to(Gateway(502, body)).endswith("answers 502: Bad Gateway")


def test_a_stream_that_ends_with_an_error_says_so():
    said = said_to(Gateway(body=events(delta("a"), {"error": {"message": "the model is gone"}})))
    assert said == "the gateway broke off: the model is gone"


def test_a_gateway_that_is_not_there_is_named_and_the_key_is_not():
    gateway = Gateway()
    with listening(gateway):
        pass
    with pytest.raises(Problem, match="cannot be reached") as raised:
        list(ask(gateway.url, KEY, "mock", "Hello"))
    assert KEY not in str(raised.value)
