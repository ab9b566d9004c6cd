"""What the configuration must not hold in plain text: it is in git, in a ConfigMap, in logs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from infra.config.detector import REFERENCE, is_secret, looks_secret, names_a_secret

ALLOWED = "litellm/allow-plaintext"
"""Annotation of an object: which of its texts are no secrets although they look like one, and why, as JSON."""

HIDDEN = "…"
"""Stands in a path for a key that looks like a secret itself."""


POINTERS: Mapping[str, frozenset[str]] = {
    "secret": frozenset({"secretName", "name", "items", "defaultMode", "optional"}),
    "configMap": frozenset({"name", "items", "defaultMode", "optional"}),
    "secretRef": frozenset({"name", "namespace", "optional"}),
    "nodePublishSecretRef": frozenset({"name", "namespace"}),
    "secretKeyRef": frozenset({"name", "key", "optional"}),
    "configMapKeyRef": frozenset({"name", "key", "optional"}),
    "serviceAccountToken": frozenset({"audience", "expirationSeconds", "path"}),
}
"""How Kubernetes says where a Secret is: the fields of such an object have names in them, and no values."""

REQUIREMENT = frozenset({"key", "operator", "values"})
"""Kubernetes' requirement of a label, whose `key` is one of the label."""


def points(called: str, item: object) -> bool:
    """Whether an object of Kubernetes says where something is, or which label is meant."""
    if not isinstance(item, Mapping):
        return False
    fields = {str(key) for key in cast("Mapping[Any, Any]", item)}
    return fields <= POINTERS.get(called, frozenset()) or (fields <= REQUIREMENT and {"key", "operator"} <= fields)


def secrets_by_form(value: object, path: str) -> Iterator[str]:
    """Paths of the texts that are secrets by their form, whatever their place is called."""
    if isinstance(value, Mapping):
        for key, item in cast("Mapping[Any, Any]", value).items():
            yield from secrets_by_form(item, joined(path, str(key)))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for index, item in enumerate(cast("Sequence[Any]", value)):
            yield from secrets_by_form(item, f"{path}[{index}]")
    elif isinstance(value, str) and looks_secret(value):
        yield path


def literal_secrets(value: object, path: str = "", names: tuple[str, ...] = ("",)) -> Iterator[str]:
    """Paths of the texts that are secrets, by the name of their setting or by their form, and no `os.environ/NAME`.

    What is below a setting with the name of a secret is called like both: `alert_to_webhook_url: {budget_alerts: …}`. The value
    of a pair is called like its name: `{name: API_KEY, value: …}`.
    """
    if isinstance(value, Mapping) and points(names[0], cast("object", value)):
        yield from secrets_by_form(cast("object", value), path)
    elif isinstance(value, Mapping):
        given = cast("Mapping[Any, Any]", value)
        for key, item in given.items():
            called = str(key)
            inherited = tuple(name for name in names if names_a_secret(name))
            paired = (str(given["name"]),) if called == "value" and "name" in given else ()
            yield from literal_secrets(item, joined(path, called), (called, *paired, *inherited))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for index, item in enumerate(cast("Sequence[Any]", value)):
            yield from literal_secrets(item, f"{path}[{index}]", names)
    elif isinstance(value, str) and any(is_secret(name, value) for name in names):
        yield path


def joined(path: str, key: str) -> str:
    shown = HIDDEN if looks_secret(key) else key
    return f"{path}.{shown}" if path else shown


def referenced_variables(value: object) -> set[str]:
    """Environment variables that a setting, or anything inside it, refers to, also within a longer text."""
    if isinstance(value, Mapping):
        return {name for item in cast("Mapping[Any, Any]", value).values() for name in referenced_variables(item)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return {name for item in cast("Sequence[Any]", value) for name in referenced_variables(item)}
    return set(REFERENCE.findall(value)) if isinstance(value, str) else set()
