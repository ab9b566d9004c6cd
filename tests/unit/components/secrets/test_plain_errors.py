"""An error of a dynamic provider is the text that it was raised with."""

import runpy
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from components.secrets import aws_key, aws_once, vault_once
from components.secrets.plain_errors import plain_errors


def test_a_server_answers_with_the_text_of_the_exception_alone():
    def fail(_request: Any, _context: Any) -> Any:
        raise RuntimeError("there is a document already: do this")

    def same(value: bytes) -> bytes:
        return value

    handler: Any = grpc.unary_unary_rpc_method_handler(fail, same, same)
    server = grpc.server(ThreadPoolExecutor(1))
    plain_errors()
    plain_errors()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("x", {"Fail": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel, pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/x/Fail", same, same)(b"", timeout=10)
    finally:
        server.stop(0)
    answer: Any = caught.value
    assert answer.details() == "there is a document already: do this"


@pytest.mark.parametrize("module", [vault_once, aws_once, aws_key], ids=lambda module: module.__name__)
def test_every_module_with_a_dynamic_provider_asks_for_it_when_it_is_imported(
    module: Any, monkeypatch: pytest.MonkeyPatch
):
    """The engine's process for dynamic providers does no more than import it."""
    asked: list[bool] = []
    monkeypatch.setattr("components.secrets.plain_errors.plain_errors", lambda: asked.append(True))
    runpy.run_path(module.__file__)
    assert asked
