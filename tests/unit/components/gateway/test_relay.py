"""The relay beside LiteLLM: connections that wait for a server that is away."""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from components.gateway.inside import command
from components.gateway.relay import Relay
from components.gateway.wait import MODULE

LIMIT = 10.0


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1024):
        writer.write(data.upper())
    writer.close()


def error(code: str, message: str) -> bytes:
    """An `ErrorResponse` as Postgres writes it."""
    fields = f"SFATAL\0VFATAL\0C{code}\0M{message}\0\0".encode()
    return b"E" + (len(fields) + 4).to_bytes(4, "big") + fields


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@asynccontextmanager
async def relay_to(
    port: int, seconds: float = LIMIT
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A client of a relay to this port of the machine."""
    async with await asyncio.start_server(Relay("127.0.0.1", port, seconds).serve, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        try:
            yield reader, writer
        finally:
            writer.close()


def listens(port: int) -> bool:
    """Whether somebody takes connections there; asked after a moment."""
    time.sleep(0.1)
    with socket.socket() as attempt:
        return attempt.connect_ex(("127.0.0.1", port)) == 0


def run(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), LIMIT))


def test_bytes_go_both_ways() -> None:
    async def test() -> None:
        port = free_port()
        async with await asyncio.start_server(echo, "127.0.0.1", port), relay_to(port) as (reader, writer):
            for each in (b"one", b"two"):
                writer.write(each)
                assert await reader.readexactly(3) == each.upper()

    run(test)


def test_large_answers_arrive_whole() -> None:
    async def test() -> None:
        port, size = free_port(), 3_000_000
        async with await asyncio.start_server(echo, "127.0.0.1", port), relay_to(port) as (reader, writer):
            writer.write(b"x" * size)
            assert await reader.readexactly(size) == b"X" * size

    run(test)


def test_a_connection_waits_for_a_server_that_comes_back() -> None:
    async def test() -> None:
        port = free_port()
        async with relay_to(port) as (reader, writer):
            writer.write(b"late")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(reader.read(1), 0.5)
            async with await asyncio.start_server(echo, "127.0.0.1", port):
                assert await reader.readexactly(4) == b"LATE"

    run(test)


def test_a_connection_ends_when_the_server_stays_away() -> None:
    async def test() -> None:
        async with relay_to(free_port(), 0.3) as (reader, writer):
            writer.write(b"hello")
            assert await reader.read() == b""

    run(test)


@pytest.mark.parametrize("why", ["the database system is shutting down", "the database system is starting up"])
def test_a_server_that_takes_nobody_now_is_asked_again(why: str) -> None:
    async def test() -> None:
        port, answers = free_port(), iter([error("57P03", why)] * 3)

        async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert await reader.read(1024) == b"hello"
            writer.write(next(answers, b"R welcome"))
            await reader.read()
            writer.close()

        async with await asyncio.start_server(server, "127.0.0.1", port), relay_to(port) as (reader, writer):
            writer.write(b"hello")
            assert await reader.readexactly(9) == b"R welcome"

    run(test)


@pytest.mark.parametrize(
    ("said", "times"),
    [
        (b"\0\0\0\x08\x04\xd2\x16\x2f", 3),  # SSLRequest
        (b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x01\0\0\0\x02", 1),  # CancelRequest, which has no answer
    ],
)
def test_a_server_that_ends_a_connection_without_a_word_is_asked_again(said: bytes, times: int) -> None:
    """As one that is told to end while it reads what the client said first."""

    async def test() -> None:
        port, heard = free_port(), list[bytes]()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.append(await reader.read(1024))
            if len(heard) == 3:
                writer.write(b"S")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", port), relay_to(port) as (reader, writer):
            writer.write(said)
            assert await reader.read() == (b"S" if times == 3 else b"")
        assert heard == [said] * times

    run(test)


def test_other_errors_of_the_server_are_the_clients() -> None:
    async def test() -> None:
        port, wrong = free_port(), error("28P01", "password authentication failed")

        async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1024)
            writer.write(wrong)
            writer.close()

        async with await asyncio.start_server(server, "127.0.0.1", port), relay_to(port) as (reader, writer):
            writer.write(b"hello")
            assert await reader.read() == wrong

    run(test)


def test_an_answer_later_on_is_not_looked_at() -> None:
    async def test() -> None:
        port, late = free_port(), error("57P03", "of a query")

        async def server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1024)
            writer.write(b"R")
            await reader.read(1024)
            writer.write(late)
            writer.close()

        async with await asyncio.start_server(server, "127.0.0.1", port), relay_to(port) as (reader, writer):
            writer.write(b"hello")
            assert await reader.readexactly(1) == b"R"
            writer.write(b"query")
            assert await reader.read() == late

    run(test)


def test_a_connection_ends_with_that_of_the_server() -> None:
    async def test() -> None:
        port = free_port()

        async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1024)
            writer.write(b"R")
            writer.close()

        async with await asyncio.start_server(hang_up, "127.0.0.1", port), relay_to(port) as (reader, writer):
            writer.write(b"hello")
            assert await reader.read() == b"R"

    run(test)


def test_the_server_learns_that_a_client_is_gone() -> None:
    async def test() -> None:
        port, gone = free_port(), asyncio.Event()

        async def until_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1024)
            writer.write(b"R")
            await reader.read()
            gone.set()
            writer.close()

        async with await asyncio.start_server(until_the_end, "127.0.0.1", port):
            async with relay_to(port) as (reader, writer):
                writer.write(b"hello")
                await reader.readexactly(1)
            await gone.wait()

    run(test)


def test_a_client_that_says_nothing_costs_the_server_nothing() -> None:
    async def test() -> None:
        port, calls = free_port(), 0

        async def count(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal calls
            calls += 1
            writer.close()

        async with await asyncio.start_server(count, "127.0.0.1", port), relay_to(port) as (_, writer):
            writer.close()
            await asyncio.sleep(0.2)
        assert calls == 0

    run(test)


def test_the_container_ends_when_the_pod_does() -> None:
    port = free_port()
    surroundings = {**os.environ, "SERVER_HOST": "127.0.0.1", "SERVER_PORT": str(port), "WAIT_SECONDS": "1"}
    with subprocess.Popen(command(MODULE), env=surroundings) as process:
        try:
            assert any(listens(port) for _ in range(100))
            process.send_signal(signal.SIGTERM)
            assert process.wait(LIMIT) == 0
        finally:
            process.kill()
