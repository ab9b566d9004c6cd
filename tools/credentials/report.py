"""The credentials of a stack for people, and as JSON for programs."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from tools.credentials.copies import Pod
from tools.credentials.credential import Credential

DIFFERENT, UNKNOWN = 3, 4
"""Exit codes: something does not agree; everything that is known agrees, and something is not known."""


def agreement(found: Sequence[Credential]) -> bool | None:
    """Whether everything agrees; None when what is known does, and something is not known."""
    said = [each.agrees for each in found]
    return False if False in said else None if None in said else True


def exit_code(found: Sequence[Credential]) -> int:
    return {True: 0, False: DIFFERENT, None: UNKNOWN}[agreement(found)]


def as_json(stack: str, found: Sequence[Credential], now: datetime) -> str:
    return json.dumps(
        {"stack": stack, "agree": agreement(found), "credentials": [entry(each, now) for each in found]}, indent=2
    )


def entry(credential: Credential, now: datetime) -> dict[str, Any]:
    store = credential.store
    return {
        "place": credential.place,
        "version": store.version or None,
        "written": store.written.isoformat() if store.written else None,
        "ageSeconds": int((now - store.written).total_seconds()) if store.written else None,
        "store": store.fingerprint,
        "secrets": [
            {
                "name": each.secret,
                "key": each.key,
                "fingerprint": each.fingerprint,
                "pods": [
                    {
                        "name": pod.name,
                        "workload": pod.workload,
                        "fingerprint": None if pod in each.older else each.fingerprint,
                    }
                    for pod in each.pods
                ],
            }
            for each in credential.secrets
        ],
        "pods": [
            {
                "name": pod.name,
                "workload": pod.workload,
                "fingerprint": None if pod in credential.older else store.fingerprint,
            }
            for pod in credential.pods
        ],
        "agree": credential.agrees,
        "differences": credential.differences,
        "unknown": store.unknown or None,
    }


def lines(stack: str, found: Sequence[Credential], now: datetime) -> Iterator[str]:
    for each in found:
        store = each.store
        version = f"version {store.version}" if store.version else "no version is known"
        yield f"{each.place}: {version}" + (f", {age(now, store.written)} old" if store.written else "")
        yield f"  store   {store.fingerprint or '-':14}{store.unknown}".rstrip()
        for secret in each.secrets:
            yield f"  Secret  {secret.fingerprint or '-':14}{secret.secret}, key {secret.key}"
            yield from (f"  pods    {line}" for line in read_by(secret.pods, secret.older, secret.fingerprint))
        yield from (f"  pods    {line}" for line in read_by(each.pods, each.older, store.fingerprint))
        if not each.secrets and not each.pods:
            yield "  no Secret has it, and no pod"
        yield from (f"  DIFFERS {line}" for line in each.differences)
    said = {True: "all agree", False: "some DIFFER", None: "what is known agrees, and something is not known"}
    yield f"stack {stack}: {len(found)} credentials, {said[agreement(found)]}"


def read_by(pods: Sequence[Pod], those_older: Sequence[Pod], fingerprint: str | None) -> Iterator[str]:
    """The workloads of pods, with their number, and with which value they run."""
    groups: dict[tuple[str, bool], int] = {}
    for pod in pods:
        group = pod.workload or pod.name, pod in those_older
        groups[group] = groups.get(group, 0) + 1
    for (workload, older), count in sorted(groups.items()):
        value = "older" if older else fingerprint or "-"
        yield f"{value:14}{workload}: {count}"


def age(now: datetime, then: datetime) -> str:
    seconds = int((now - then).total_seconds())
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}"
    return f"{seconds} seconds"
