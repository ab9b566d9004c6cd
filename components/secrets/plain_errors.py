"""What a dynamic provider says of a failure reaches the user as it was said."""

import sys
from typing import Any

PREFIX = b"Exception calling application: "
"""What gRPC's server puts in front of the text of an exception."""


def plain_errors() -> None:
    """Let the process of a dynamic provider answer with the text of an exception alone.

    Pulumi's own server offers no way to do so: it leaves exceptions to gRPC, whose function for an answer with an error is
    wrapped here. Where a later version of gRPC has no such function, the prefix is back, and nothing else changes.
    """
    server: Any = sys.modules.get("grpc._server")  # there in the process of a provider, which is such a server
    answer: Any = getattr(server, "_abort", None)
    if answer is None or getattr(answer, "plain", False):
        return

    def abort(state: Any, call: Any, code: Any, details: bytes) -> None:
        answer(state, call, code, details.removeprefix(PREFIX))

    abort.plain = True  # pyright: ignore[reportFunctionMemberAccess] - a mark
    server._abort = abort
