"""Which containers are beside LiteLLM, and whether a cluster has such: looked at before anything is made."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.config.database.common import NearbySection
from infra.config.gateway.keyless import answers_without_its_database
from infra.config.stack import StackConfig

SINCE = (1, 29)
"""The first version of Kubernetes that has sidecars (`restartPolicy: Always` of an init container) without being asked."""


def seconds_for_database(config: StackConfig) -> int:
    """How long LiteLLM waits for a Postgres that restarts; 0 where nothing in its pods does."""
    database = config.database
    if not isinstance(database, NearbySection):
        return 0
    # It must learn at once that there is none: pods that wait are not ready.
    return 0 if answers_without_its_database(config.gateway.general_settings) else database.wait_seconds


def check(version: Mapping[str, Any], config: StackConfig) -> Iterator[str]:
    """What asks for a sidecar where there are none: it would be an init container that never ends, and LiteLLM never begin."""
    found = [re.match(r"\d+", str(version.get(part, ""))) for part in ("major", "minor")]
    numbers = tuple(int(each[0]) for each in found if each)
    if len(numbers) < len(found) or numbers >= SINCE:
        return
    lack = f"this cluster is Kubernetes {numbers[0]}.{numbers[1]}, which has no sidecars (1.29 or newer has)"
    if seconds_for_database(config):
        yield f"litellm:database.waitSeconds: {lack}: set it to 0, and requests fail while Postgres restarts"
    if config.gateway.spend_collector:
        yield f"litellm:gateway.spendCollector: {lack}: remove it"
