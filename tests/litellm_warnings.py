"""What LiteLLM warns of when it starts with a configuration of ours: each is in docs/litellm.md with the reason."""

import json
from collections.abc import Iterator

EXPECTED = ("trusted_proxy_ranges is not set",)
"""How the warnings begin that are left as they are."""

LEVELS = ("WARNING", "CRITICAL")


def warnings(log: str) -> Iterator[str]:
    """The texts of the warnings in a log whose lines are JSON, as those of our configurations are."""
    for line in log.splitlines():
        if line.startswith("{"):
            entry = json.loads(line)
            if entry.get("level") in LEVELS:
                yield entry["message"]


def unexpected(log: str) -> list[str]:
    return [message for message in warnings(log) if not message.startswith(EXPECTED)]
