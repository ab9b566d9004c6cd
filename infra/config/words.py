"""What a message may repeat of what somebody wrote: a name with the form of one, never a value."""

import re

from infra.config.base import ENVIRONMENT_VARIABLE
from infra.config.detector import looks_secret

UNNAMED = "…"
"""Stands in messages for a name that is not repeated."""

NAMES = re.compile(
    rf"{ENVIRONMENT_VARIABLE.removesuffix('$')}|[a-z]+(_[a-z]+)+|([a-z0-9-]+\.)+[a-z]+/[A-Za-z][A-Za-z._-]*"
    r"|([a-z_]+/)*[a-z_]+\.(py|json|ya?ml|txt|md|pem)",
    re.ASCII,
)
"""Names of environment variables, of settings, of annotations, of files."""


def has_the_form_of_a_name(key: str) -> bool:
    return NAMES.fullmatch(key) is not None and not looks_secret(key)


def top_level(key: str) -> str:
    """A key at the top of a file, where nobody puts a value."""
    return key if key.isalpha() and key.isascii() else name(key)


def name(key: str) -> str:
    """A key of a map whose keys are free, unless it may be a value that slipped in there."""
    return key if has_the_form_of_a_name(key) else UNNAMED


def names(keys: list[str]) -> str:
    return ", ".join(dict.fromkeys(name(key) for key in keys))
