"""The gate through the way in, as a client sees the gateway: from this machine, where that is possible."""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

import requests

from infra.reason import reason
from tools.client.gateway import CONNECT_SECONDS, reachable
from tools.problem import Problem
from tools.smoke.results import Result, State

CHECK = "way in"
PATH = "/v1/models"
ANSWER_SECONDS = 30
PATIENCE_SECONDS = 30
"""For a controller that has not yet seen the way in."""
PAUSE_SECONDS = 2


class WrongError(Exception):
    """What answers there is not what it should be."""


class InFrontError(Exception):
    """Something before the gateway answers this machine: a login page, a list of addresses."""


def ask(
    url: str,
    key: Callable[[], str],
    models: list[str],
    *,
    open_paths: Sequence[str] = (),
    keyless: bool = False,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> Result:
    """Whether the gateway at `url` refuses a wrong key, and has its models for the right one.

    Args:
        url: where clients find the gateway.
        key: reads the master key from the store; a Problem when this machine may not.
        models: names that must be in /v1/models.
        open_paths: the only paths that lead to the gateway; without any all do.
        keyless: whether the gateway was told to answer without a key.
        now: the time.
        pause: waits.
    """
    began = now()

    def result(state: State, said: str) -> Result:
        return Result(CHECK, state, round(now() - began, 1), said)

    try:
        address, headers = reachable(url)
    except Problem:
        return result("skipped", "the gateway is reached inside its cluster only")
    if open_paths and not any(f"{PATH}/".startswith(f"{path}/") for path in open_paths):
        return result("skipped", "ingress.paths does not lead to /v1/models")
    while True:
        try:
            if not keyless:
                refuses(address, headers)
            return result("ok", has(address, headers, key, models))
        except WrongError as wrong:
            if now() - began > PATIENCE_SECONDS:
                return result("failed", f"{url} {wrong}")
        except InFrontError as front:
            return result("skipped", f"{url}: something in front of the gateway answers ({front})")
        except requests.RequestException as error:
            return result("skipped", f"{url} cannot be reached from here: {reason(error)}")
        pause(PAUSE_SECONDS)


def refuses(address: str, headers: dict[str, str]) -> None:
    status = get(address, headers, f"sk-{secrets.token_hex(16)}").status_code
    if status != requests.codes.unauthorized:
        raise WrongError(f"answers {status} to a wrong key, and not 401")


def has(address: str, headers: dict[str, str], key: Callable[[], str], models: list[str]) -> str:
    try:
        known = key()
    except Problem:
        return "401 for a wrong key; the master key is not readable from here, so nothing else was asked"
    answer = get(address, headers, known)
    if answer.status_code != requests.codes.ok:
        raise WrongError(f"answers {answer.status_code} to the master key of the store")
    try:
        found: Any = answer.json()
        served = {str(model["id"]) for model in found["data"]}
    except (ValueError, KeyError, TypeError):
        raise WrongError("answers something that is no list of models") from None
    if lacking := [index for index, name in enumerate(models) if name not in served]:
        raise WrongError(f"has not {', '.join(f'gateway.models[{index}]' for index in lacking)}")
    return "401 for a wrong key, and the models of the stack file for the master key"


def get(address: str, headers: dict[str, str], key: str) -> requests.Response:
    answer = requests.get(
        f"{address}{PATH}?return_wildcard_routes=true",
        headers={**headers, "Authorization": f"Bearer {key}"},
        timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
        allow_redirects=False,
    )
    if answer.is_redirect or answer.status_code == requests.codes.forbidden:
        raise InFrontError(str(answer.status_code))
    return answer
