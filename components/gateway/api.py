"""LiteLLM's API, as Jobs beside the gateway use it: answers as plain data, refusals in LiteLLM's own words.

It runs in LiteLLM's image, too, with Python's standard library alone (components/gateway/inside.py).
"""

import http.client
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

SECONDS = 60
"""How long one answer may take."""

READY_SECONDS = 120
"""How long to wait for a gateway whose pods are about to come."""

PAUSE_SECONDS = 2

PAGE = 100
"""What LiteLLM shows at once, at most."""

LONGEST = 600
HIDDEN = "***"

Objects = list[dict[str, Any]]


class RefusedError(Exception):
    """LiteLLM does not do it, and trying again would not help. The message has LiteLLM's reason, and no value of a key."""


class UnreachableError(Exception):
    """LiteLLM did not answer, or not now."""


@dataclass(frozen=True)
class Answer:
    """What LiteLLM says, whatever that is."""

    status: int
    content: bytes

    @property
    def body(self) -> Any:
        """What JSON says; of everything else its text."""
        try:
            return json.loads(self.content)
        except ValueError:
            return self.content.decode("utf-8", "replace")

    @property
    def reason(self) -> str:
        """Why LiteLLM refuses, wherever it says so."""
        said: Any = self.body
        for key in ("error", "detail", "message", "error"):
            said = cast("dict[str, Any]", said).get(key, said) if isinstance(said, dict) else said
        if isinstance(said, list):  # what does not fit the API's types: where, and why; never the value
            wrong = cast("list[dict[str, Any]]", said)
            return "; ".join(f"{'.'.join(map(str, each.get('loc', ())))}: {each.get('msg', '')}" for each in wrong)
        return (said if isinstance(said, str) else json.dumps(said)) or "without a word"


class Api:
    """LiteLLM at `url`, which ends in no `/`, with a key that may administrate. `hidden` are values that no message repeats.
    Never by way of a proxy: the gateway is beside."""

    def __init__(
        self, url: str, key: str, hidden: Iterable[str] = (), headers: Mapping[str, str] | None = None
    ) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=SECONDS)
        self._path = parts.path.rstrip("/")
        self._key = key
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self._hidden = {key, *hidden} - {""}

    def hide(self, value: str) -> None:
        """One more value that no message repeats."""
        self._hidden.add(value)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, key: str | None = None) -> Answer:
        """What LiteLLM answers, with its own key unless it is another one; an empty key is none at all.

        Raises:
            UnreachableError: when there is no answer.
        """
        key = self._key if key is None else key
        headers = self._headers | ({"Authorization": f"Bearer {key}"} if key else {})
        text = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, self._path + path, text, headers)
            response = self._connection.getresponse()
            return Answer(response.status, response.read())
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise UnreachableError(f"{method} {path}: no answer ({type(error).__name__})") from None

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """What LiteLLM answers when it does it.

        Raises:
            RefusedError: when LiteLLM does not do it.
            UnreachableError: when there is no answer, or none of LiteLLM.
        """
        answer = self.ask(method, path, body)
        if answer.status in (429, 502, 503, 504):
            raise UnreachableError(f"{method} {path}: LiteLLM answers {answer.status}")
        # Another pod has it already, and this one has not read the database again.
        if answer.status == 409:
            raise UnreachableError(f"{method} {path}: LiteLLM answers 409: {self.shown(answer.reason)}")
        if answer.status >= 400:
            raise RefusedError(f"{method} {path}: LiteLLM answers {answer.status}: {self.shown(answer.reason)}")
        try:
            return json.loads(answer.content) if answer.content else None
        except ValueError:
            raise UnreachableError(f"{method} {path}: the answer is none of LiteLLM") from None

    def pages(self, path: str, among: str, **query: Any) -> Objects:
        """All objects of a list that comes in pages."""
        found: Objects = []
        page = 1
        while True:
            answer = self.call("GET", f"{path}?{urlencode({**query, 'page': page})}")
            found += cast("Objects", answer[among])
            if page >= int(answer.get("total_pages") or 0):
                return found
            page += 1

    def shown(self, text: str) -> str:
        """A text on one line, without values of keys."""
        for value in sorted(self._hidden, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return " ".join(text.split())[:LONGEST]


def wait_until_ready(api: Api) -> None:
    """Wait for a gateway that has its database.

    Raises:
        UnreachableError: when it takes too long.
        RefusedError: when LiteLLM runs without a database.
    """
    end = time.monotonic() + READY_SECONDS
    while True:
        try:
            state = api.call("GET", "/health/readiness")
        except UnreachableError:
            if time.monotonic() > end:
                raise
        else:
            if state.get("db") in ("connected", None):
                return
            raise RefusedError("LiteLLM runs without its database, where keys and teams would be")
        time.sleep(PAUSE_SECONDS)
