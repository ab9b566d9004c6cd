"""What the configuration must not hold in plain text: it is in git, in a ConfigMap, in logs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

REFERENCE = re.compile(r"os\.environ/([A-Za-z_]\w*)")
"""How a LiteLLM setting refers to an environment variable."""

SECRET_SETTING = re.compile(
    r"password|connection_string|(^|_)(key|keys|token|secret|passwd|credentials?|authorization|webhook_url|access_key_id)$"
    r"|^(database|redis)_url"
)
"""Names of settings whose value is a secret, in lower case with `_` for `-`."""

SECRET_WORDS = {"KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIALS"}
HARMLESS_LAST_WORDS = {"ENDPOINT", "URL", "NAME", "HEADER", "PATH", "FILE", "DIR", "TTL", "LIMIT", "TIMEOUT", "SECONDS"}

SECRET_VALUE = re.compile(
    r"sk-\w|hvs\.\w|gh[opsru]_\w|github_pat_|glpat-|AKIA[0-9A-Z]{16}|xox[abprs]-|Bearer\s|-----BEGIN\s"
    r"|[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s@]+:[^/\s@]+@"
)
"""What well-known secrets look like, wherever they stand; the last form is a URL with a password."""


def looks_secret(value: str) -> bool:
    """Whether a value has the form of a well-known secret."""
    return SECRET_VALUE.match(value.strip()) is not None


def names_a_secret(variable: str) -> bool:
    """Whether an environment variable is by its name a secret: `OPENAI_API_KEY` is, `GENERIC_TOKEN_ENDPOINT` is not."""
    words = variable.upper().split("_")
    return bool(SECRET_WORDS & set(words)) and words[-1] not in HARMLESS_LAST_WORDS


def literal_secrets(value: object, path: str = "", name: str = "") -> Iterator[str]:
    """Paths of the texts that are secrets, by the name of their setting or by their form, and no `os.environ/NAME`."""
    if isinstance(value, Mapping):
        for key, item in cast("Mapping[Any, Any]", value).items():
            yield from literal_secrets(item, f"{path}.{key}" if path else str(key), str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for index, item in enumerate(cast("Sequence[Any]", value)):
            yield from literal_secrets(item, f"{path}[{index}]", name)
    elif isinstance(value, str) and value and not REFERENCE.fullmatch(value):
        setting = name.lower().replace("-", "_")
        if SECRET_SETTING.search(setting) or looks_secret(value):
            yield path


def referenced_variables(value: object) -> set[str]:
    """Environment variables that a setting, or anything inside it, refers to."""
    if isinstance(value, Mapping):
        return {name for item in cast("Mapping[Any, Any]", value).values() for name in referenced_variables(item)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return {name for item in cast("Sequence[Any]", value) for name in referenced_variables(item)}
    found = REFERENCE.fullmatch(value) if isinstance(value, str) else None
    return {found[1]} if found else set()


def without_literal_secrets(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse a map that holds a secret; the message names the place, never the value."""
    found = list(literal_secrets(value))
    if found:
        raise ValueError(
            f"{', '.join(found)} would put a secret in plain text into a ConfigMap: supply it as an environment variable "
            "(`providerKeys` or `providerDocuments`) and write os.environ/NAME here"
        )
    return value
