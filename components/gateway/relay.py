"""Lets LiteLLM wait for a Postgres that is away, where it would refuse requests.

It runs in a container beside LiteLLM with Python's standard library alone (components/gateway/inside.py). A connection that
Postgres does not take is tried again, and so is one that it takes and answers with `cannot_connect_now`, or ends without an
answer, until it does or the time is over. Beyond that first answer it passes on bytes, those of TLS among them, and knows
nothing of what they are.
"""

import asyncio
import os
import signal
import sys

PAUSE_SECONDS = 0.1

ATTEMPT_SECONDS = 1.0
"""How long one attempt may take: it stays with the address that it began with, and a server that comes back has another one."""

CHUNK = 65536

AWAY = (b"E", b"C57P03\0")
"""How Postgres begins an error, and its code for `cannot_connect_now`: it starts, recovers, or shuts down."""

CANCEL = (80877102).to_bytes(4, "big")
"""In what a client says first that wants a query to end (`CancelRequest`): it has no answer, and is to be heard once."""

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def answered(host: str, port: int, said: bytes, seconds: float) -> tuple[Ends, bytes] | None:
    """A connection to the server, and its answer to the first that a client says; None when there is none for so long."""
    clock = asyncio.get_running_loop().time
    until = clock() + seconds
    while (left := until - clock()) > 0:
        server: Ends | None = None
        try:
            server = await asyncio.wait_for(asyncio.open_connection(host, port), min(left, ATTEMPT_SECONDS))
            server[1].write(said)
            answer = await asyncio.wait_for(server[0].read(CHUNK), until - clock())
            if not is_away(answer, said):
                return server, answer
        except OSError:
            pass
        if server is not None:
            server[1].close()
        await asyncio.sleep(PAUSE_SECONDS)
    return None


def is_away(answer: bytes, said: bytes) -> bool:
    """Whether a server that took a connection does not serve it: it says so, or ends it without a word."""
    if not answer:
        return said[4:8] != CANCEL
    return answer.startswith(AWAY[0]) and AWAY[1] in answer


async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """All that comes, until no more does."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()


async def between(client: Ends, server: Ends) -> None:
    """Both ways, until one side ends it."""
    ways = [asyncio.create_task(passed_on(client[0], server[1])), asyncio.create_task(passed_on(server[0], client[1]))]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        # A side that is gone is why it ends, and no error.
        await asyncio.gather(*ways, return_exceptions=True)
        server[1].close()


class Relay:
    """Takes connections, and makes one to the server for each."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        self.host, self.port, self.seconds = host, port, seconds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not (said := await reader.read(CHUNK)):
                return
            if found := await answered(self.host, self.port, said, self.seconds):
                server, answer = found
                writer.write(answer)
                await between((reader, writer), server)
        except ConnectionError:
            pass
        finally:
            writer.close()


async def run(port: int, relay: Relay) -> None:
    """Serves on the pod's own address until the pod ends it: after LiteLLM, whose last rows go through here."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", port)
    await ended.wait()
    server.close()


def main() -> int:
    host, port, seconds = os.environ["SERVER_HOST"], int(os.environ["SERVER_PORT"]), float(os.environ["WAIT_SECONDS"])
    asyncio.run(run(port, Relay(host, port, seconds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
