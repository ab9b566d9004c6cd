# pyright: basic
# Runs in a pod, with nothing but Python.
"""Stands in for a provider of models: answers at once, whole or streamed, and takes as little of the machine as it can."""

import asyncio
import itertools
import json
import os

PORT = 8000
WORDS = 16

ID = b"bench-%032x"
"""LiteLLM's spend rows are called after it: one for each answer."""

ABOUT = {"id": (ID % 0).decode(), "created": 1, "model": "bench"}
USAGE = {"prompt_tokens": 8, "completion_tokens": WORDS, "total_tokens": 8 + WORDS}


def whole():
    message = {"role": "assistant", "content": "word " * WORDS}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return json.dumps({**ABOUT, "object": "chat.completion", "choices": choices, "usage": USAGE}).encode()


def events():
    """As OpenAI's API: one event a word, and one with the usage."""
    deltas = [{"role": "assistant", "content": "word "}, *({"content": "word "} for _ in range(WORDS - 1)), {}]
    for delta in deltas:
        choice = {"index": 0, "delta": delta, "finish_reason": None if delta else "stop"}
        yield {**ABOUT, "object": "chat.completion.chunk", "choices": [choice]}
    yield {**ABOUT, "object": "chat.completion.chunk", "choices": [], "usage": USAGE}


def response(kind, body):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


WHOLE = response("application/json", whole())
STREAM = response(
    "text/event-stream",
    b"".join(b"data: %s\n\n" % json.dumps(each).encode() for each in events()) + b"data: [DONE]\n\n",
)


ids = itertools.count(int.from_bytes(os.urandom(12), "big") << 32)


def named(answer):
    """The answer under a name of its own, of the same length."""
    return answer.replace(ID % 0, ID % next(ids))


async def serve(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            _, _, after = head.partition(b"content-length:")
            body = await reader.readexactly(int(after.split(b"\r\n", 1)[0] or 0)) if after else b""
            ends = body[:200] + body[-200:]
            streamed = b'"stream":true' in ends or b'"stream": true' in ends
            writer.write(named(STREAM if streamed else WHOLE))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main():
    server = await asyncio.start_server(serve, "0.0.0.0", PORT, limit=2**20)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
