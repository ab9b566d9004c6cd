"""JSON over HTTPS, page by page, as the APIs of GitHub, GitLab and Vault have it."""

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

SECONDS = 30
MOST_PAGES = 50
LONGEST_REASON = 300


class ApiError(Exception):
    """The API refused; the message says what was asked, and the answer's status."""

    def __init__(self, method: str, url: str, status: int, reason: str) -> None:
        self.status = status
        super().__init__(f"{method} {url}: {status} {reason}")


@dataclass(frozen=True)
class Api:
    """One API, with what every request carries."""

    base: str
    """URL without `/` at its end."""
    headers: Mapping[str, str]

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer of one request; None when it is empty."""
        return self.request(method, f"{self.base}/{path}", body)[0]

    def pages(self, path: str) -> Iterator[Any]:
        """Every entry of a list that comes in pages."""
        url: str | None = f"{self.base}/{path}"
        for _ in range(MOST_PAGES):
            if url is None:
                return
            entries, link = self.request("GET", url)
            yield from entries
            following = re.search(r'<([^>]+)>;\s*rel="next"', link)
            # The token goes to this API and nowhere else.
            url = following[1] if following and following[1].startswith(f"{self.base}/") else None

    def request(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> tuple[Any, str]:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Accept": "application/json", "User-Agent": "litellm-on-kubernetes", **self.headers}
        if data:
            headers["Content-Type"] = "application/json"
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - `base` is the runner's
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                text = answer.read()
                return (json.loads(text) if text else None), answer.headers.get("Link") or ""
        except urllib.error.HTTPError as error:
            raise ApiError(method, url, error.code, reason_of(error.read()) or error.reason) from None


def reason_of(answer: bytes) -> str:
    """What an API says about its refusal: `message` (GitHub, GitLab) or `errors` (Vault)."""
    try:
        found: Any = json.loads(answer)
        return str(found.get("message") or "; ".join(found["errors"]))[:LONGEST_REASON]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
