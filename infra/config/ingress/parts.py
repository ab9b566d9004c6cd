"""Parts of LiteLLM that the way in may keep to itself, by the paths that LiteLLM 1.108 has them at."""

from collections.abc import Iterable
from typing import Literal

Part = Literal["metrics", "admin"]

PATHS: dict[Part, tuple[str, ...]] = {
    "metrics": ("/metrics",),
    # The page and its files; the ways to log in to it: with a password, with SSO, by invitation.
    "admin": (
        *("/ui", "/_next", "/litellm-asset-prefix"),
        *("/login", "/v2/login", "/v3/login", "/fallback/login"),
        *("/sso", "/onboarding"),
    ),
}
"""What each part is made of. APIs that ask for a key (`/key`, `/user`, `/team`, …) are none of it."""


def paths_of(parts: Iterable[Part]) -> tuple[str, ...]:
    """The paths of these parts, in the order of `PATHS`."""
    chosen = set(parts)
    return tuple(path for part, paths in PATHS.items() if part in chosen for path in paths)


def overlap(one: str, other: str) -> bool:
    """Whether a request may fit both of two prefixes."""
    return f"{one}/".startswith(f"{other.rstrip('/')}/") or f"{other}/".startswith(f"{one.rstrip('/')}/")
