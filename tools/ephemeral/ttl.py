"""How long an environment lives."""

import re
from datetime import UTC, datetime, timedelta

from tools.problem import Problem

SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
LEAST = timedelta(minutes=1)


def parse_ttl(text: str, most: timedelta | None = None) -> timedelta:
    """A duration such as `4h`, `90m`, `2d` or `1d12h`.

    Raises:
        Problem: when it is none, or shorter than a minute, or longer than `most`.
    """
    if not re.fullmatch(r"([0-9]{1,6}[dhms])+", text):
        raise Problem(f"TTL {text!r} is no duration: write 90m, 4h, 2d or 1d12h")
    found = re.findall(r"([0-9]+)([dhms])", text)
    ttl = timedelta(seconds=sum(int(number) * SECONDS[unit] for number, unit in found))
    if ttl < LEAST:
        raise Problem(f"TTL {text} is too short: an environment lives for a minute or more")
    if most is not None and ttl > most:
        raise Problem(
            f"TTL {text} is too long: the template allows {in_words(most)} (litellm:ephemeral.maximumTtl). `env-extend` later "
            "gives more time"
        )
    return ttl


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def timestamp(moment: datetime) -> str:
    """RFC 3339, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str | None) -> datetime | None:
    """A moment, or None for what is no timestamp: somebody may have edited it."""
    try:
        parsed = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return parsed if parsed.tzinfo else None


def in_words(span: timedelta) -> str:
    """The two largest units: `1d12h`, `3h59m`."""
    seconds = max(0, int(span.total_seconds()))
    parts: list[str] = []
    for unit, size in SECONDS.items():
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts[:2]) or "0s"
