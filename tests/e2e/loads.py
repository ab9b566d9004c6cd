"""A constant load of chat completions through the way in, streams among them, in which nothing that fails is lost count of."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter

from tests.e2e.support import REFUSED

STREAMS, ADMINS = 24, 2
"""Clients that always have a stream open, and such with the master key."""

PAUSE_SECONDS = 0.5

LOOKS = 2
"""Failures after which the pods are looked at: those that follow have the same reason, most often."""


class Answer(NamedTuple):
    """What came to its end."""

    status: int
    text: str
    id: str = ""
    """Of a completion: that of its spend row, too."""

    headers: Mapping[str, str] = {}


class ByName(HTTPAdapter):
    """Over TLS, the name of the host says which certificate is asked for, wherever the connection goes to."""

    def __init__(self, host: str) -> None:
        self.host = host
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options, server_hostname=self.host, assert_hostname=False)


class CutError(requests.RequestException):
    """An answer that began and did not come to its end, with all that is known of it."""


@dataclass
class Client:
    """Where to ask, and what for."""

    address: str
    """Where this machine reaches the ingress controller, such as `https://127.0.0.1:8443`."""

    host: str
    model: str
    streams: bool = True

    def ask(self, key: str) -> Answer:
        """An answer that came to its end.

        Raises:
            requests.RequestException: without an answer, or when it ends too soon.
        """
        headers = {"Host": self.host, "Authorization": f"Bearer {key}"}
        message = {"role": "user", "content": "Hello"}
        body = {"model": self.model, "messages": [message], "stream": self.streams}
        url = f"{self.address}/v1/chat/completions"
        with requests.Session() as session:
            session.mount("https://", ByName(self.host))
            begun = time.monotonic()
            answer = session.post(url, json=body, headers=headers, timeout=60, stream=self.streams, verify=False)
            if answer.status_code != 200:
                return Answer(answer.status_code, answer.text, headers=answer.headers)
            if not self.streams:
                return Answer(200, answer.text, answer.json()["id"])
            lines = list[bytes]()
            try:
                lines.extend(line.removeprefix(b"data: ") for line in answer.iter_lines() if line)
            except requests.RequestException as error:
                raise CutError(f"{type(error).__name__} {error}; {so_far(answer, lines, begun)}") from error
            if lines[-1:] != [b"[DONE]"]:
                raise CutError(f"it ended without [DONE]; {so_far(answer, lines, begun)}")
        chunks = [json.loads(line) for line in lines[:-1]]
        choices = [choice for chunk in chunks for choice in chunk.get("choices", ())]
        return Answer(200, "".join(choice["delta"].get("content") or "" for choice in choices), chunks[0]["id"])


def so_far(answer: requests.Response, lines: list[bytes], begun: float) -> str:
    """What came of a stream, after how long, and of which pod: chunks have the address of who asked for them as ID."""
    size, seconds = sum(map(len, lines)), time.monotonic() - begun
    call = answer.headers.get("x-litellm-call-id")
    return f"{len(lines)} lines, {size} bytes in {seconds:.1f} s, call {call}, first {lines[:1]}, last {lines[-1:]}"


@dataclass
class Load:
    """What clients got."""

    answers: Counter[str] = field(default_factory=Counter[str])
    """Completions, by what asked for them."""

    completed: set[str] = field(default_factory=set[str])
    """The ID of every completion that came to its end, which is that of its spend row."""

    refused: Counter[str] = field(default_factory=Counter[str])
    """Refusals of a master key that a pod does not know, yet or any more, by which of them: the next one was asked with."""

    failed: list[str] = field(default_factory=list[str])
    """Requests that failed, and when."""

    begun: float = field(default_factory=time.monotonic)
    in_flight: int = 0
    fewest: int = 1000
    """Requests under way, at the least, since all clients had one."""

    said: dict[str, float] = field(default_factory=dict[str, float])
    """What streams answered, and when for the first time."""

    look: Callable[[], str] = field(default=str)
    """What there is to see of the pods at the moment of a failure."""

    seen: list[str] = field(default_factory=list[str])
    """The same, for the first failures."""

    lock: threading.Lock = field(default_factory=threading.Lock)

    def __str__(self) -> str:
        """In one line."""
        return (
            f"{self.answers.total()} answers {dict(self.answers)}, refused {dict(self.refused)}, {len(self.failed)} failed, "
            f"at least {self.fewest} under way, {time.monotonic() - self.begun:.0f} seconds"
        )

    @contextmanager
    def one(self, what: str, settled: Callable[[], bool]) -> Iterator[None]:
        with self.lock:
            self.in_flight += 1
        try:
            yield
        except requests.RequestException as error:
            self.fail(f"{what}: {type(error).__name__} {error}")
        finally:
            with self.lock:
                self.fewest = min(self.fewest, self.in_flight) if settled() else self.fewest
                self.in_flight -= 1

    def fail(self, what: str) -> None:
        when = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self.lock:
            self.failed.append(f"{when} {what}")
            number = len(self.failed)
        if number <= LOOKS:
            self.seen.append(f"at {when}:\n{self.look()}")
        # Where everything fails, at once and again and again, is nothing to see.
        time.sleep(PAUSE_SECONDS)

    def complete(self, what: str, answer: Answer) -> None:
        with self.lock:
            self.answers[what] += 1
            self.completed.add(answer.id)

    def streaming(self, client: Client, key: str, settled: Callable[[], bool]) -> None:
        """One stream, with a key that is the same for ever."""
        with self.one("stream", settled):
            answer = client.ask(key)
            if answer.status != 200:
                return self.fail(f"stream: {answer.status} {answer.text}")
            self.complete("stream", answer)
            self.said.setdefault(answer.text, time.monotonic())
        return None

    def administrating(self, client: Client, keys: Callable[[], list[str]], settled: Callable[[], bool]) -> None:
        """One completion with a master key: where a pod does not know it, with the other one, until one answers."""
        deadline = time.monotonic() + 10
        while True:
            for number, key in enumerate(keys()):
                with self.one("completion", settled):
                    answer = client.ask(key)
                    if answer.status == 200:
                        return self.complete(f"master key {number}", answer)
                    if answer.status not in REFUSED or time.monotonic() > deadline:
                        return self.fail(f"completion: {answer.status} {answer.text}")
                    self.refused[f"master key {number}"] += 1
                    continue
                return None


@contextmanager
def load(
    address: str, host: str, key: str, masters: Callable[[], list[str]], model: str, look: Callable[[], str] = str
) -> Iterator[Load]:
    """Clients that ask without an end: so many streams are always open, and a few clients administrate.

    Args:
        address: where this machine reaches the ingress controller.
        host: of the gateway.
        key: a virtual key, which no rotation concerns.
        masters: the master keys that there are, the oldest first.
        model: that of the streams.
        look: what there is to see of the pods, asked when a request has failed.
    """
    found, ended = Load(look=look), threading.Event()

    def settled() -> bool:
        return not ended.is_set() and time.monotonic() - found.begun > 10

    def stream() -> None:
        while not ended.is_set():
            found.streaming(Client(address, host, model), key, settled)

    def administrate() -> None:
        while not ended.is_set():
            found.administrating(Client(address, host, "mock", streams=False), masters, settled)
            ended.wait(PAUSE_SECONDS)

    clients = [threading.Thread(target=each) for each in (*[stream] * STREAMS, *[administrate] * ADMINS)]
    for client in clients:
        client.start()
    try:
        yield found
    finally:
        ended.set()
        for client in clients:
            client.join()


def assert_nothing_failed(found: Load) -> None:
    print(found)
    assert not found.failed, "\n".join(found.failed + found.seen)
    assert found.fewest >= 20
    assert found.answers["stream"] > 20
