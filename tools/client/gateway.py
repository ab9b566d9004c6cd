"""One question to a gateway, and its answer as it comes."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests

from infra.reason import reason
from tools.problem import Problem

CONNECT_SECONDS = 10
ANSWER_SECONDS = 600
"""Longest silence: what the gateway allows a model by default."""

LOOPBACK = "127.0.0.1"
LONGEST_MESSAGE = 300


def ask(url: str, key: str, model: str, prompt: str) -> Iterator[str]:
    """The pieces of an answer.

    Raises:
        Problem: when the gateway cannot be reached, or does not answer. The key is in no message.
    """
    address, headers = reachable(url)
    body = {"model": model, "messages": [{"role": "user", "content": prompt}], "stream": True}
    headers |= {"Authorization": f"Bearer {key}"}
    try:
        with requests.post(
            f"{address}/v1/chat/completions",
            json=body,
            headers=headers,
            stream=True,
            timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
            allow_redirects=False,
        ) as response:
            if response.status_code != requests.codes.ok:
                raise Problem(refusal(url, response, key))
            for line in response.iter_lines():
                yield from content(line.decode("utf-8", "replace"), key)
    except requests.RequestException as error:
        raise Problem(
            f"the gateway at {url} cannot be reached: {reason(error)}. `make up` waits until it answers"
        ) from None


def reachable(url: str) -> tuple[str, dict[str, str]]:
    """Where to connect to, and the headers for it: names below `localhost` are this machine, which few resolvers know.

    Raises:
        Problem: for a gateway that is reached inside its cluster only.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host.endswith(".svc"):
        service, namespace, _ = host.split(".")
        raise Problem(
            f"the gateway is reached inside the cluster only, at {url}: open a way with `kubectl port-forward -n {namespace} "
            f"service/{service} {parts.port}`, and ask http://localhost:{parts.port}"
        )
    if not host.endswith(".localhost"):
        return url, {}
    return url.replace(host, LOOPBACK, 1), {"Host": parts.netloc}


def refusal(url: str, response: requests.Response, key: str) -> str:
    if response.status_code in (requests.codes.unauthorized, requests.codes.forbidden):
        return (
            f"the gateway at {url} refuses the master key of the store ({response.status_code}): `make preview` says whether "
            "the stack runs with another one"
        )
    try:
        said: Any = response.json()["error"]["message"]
    except (ValueError, KeyError, TypeError):
        said = response.reason
    return f"the gateway at {url} answers {response.status_code}: {shown(said, key)}"


def content(line: str, key: str) -> Iterator[str]:
    """What one line of the stream adds to the answer."""
    name, _, data = line.partition(":")
    if name != "data" or data.strip() == "[DONE]":
        return
    event: Any = json.loads(data)
    if error := event.get("error"):
        raise Problem(f"the gateway broke off: {shown(error.get('message', error), key)}")
    for choice in event.get("choices", ()):
        if text := choice.get("delta", {}).get("content"):
            yield text


def shown(said: object, key: str) -> str:
    """A message of the gateway on one line, without the key."""
    return " ".join(str(said).replace(key, "***").split())[:LONGEST_MESSAGE]
