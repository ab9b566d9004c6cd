"""Rules about secrets: where they may be, and how they get there."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import yaml

from infra.config.detector import is_secret, looks_secret
from infra.config.plaintext import ALLOWED, literal_secrets
from policy.resource import SECRET, Resource, at, entries, mapping
from policy.rule import rule
from policy.rules.workloads import containers, pod_of

API = "external-secrets.io"
STORED_VERSIONS = ("v1",)

DESCRIPTIONS: Mapping[str, Sequence[tuple[str, ...]]] = {
    "kubernetes:": (("metadata", "annotations"), ("metadata", "labels")),
    "kubernetes:helm.sh/": (("values",),),
    "aws:": (("tags",),),
}
"""By how a type begins: texts that whoever may look at a resource can read. A chart's values are in its pods and ConfigMaps."""


@rule(
    "no-plain-secrets",
    reason="whoever may list pods, ConfigMaps or Ingresses, or read a backup of them, would have the key",
    fix="put it into the store (providerKeys, secretEnvironment) and refer to it: secretKeyRef, os.environ/NAME. What is no "
    "secret is named in allowPlaintext, with the reason",
)
def no_plain_secrets(resource: Resource) -> Iterator[str]:
    allowed = texts_allowed(resource)
    if resource.kind == "ConfigMap":
        for key, value in {
            **mapping(resource.inputs.get("data")),
            **mapping(resource.inputs.get("binaryData")),
        }.items():
            if key.replace("__", "/") in allowed:
                continue
            yield from (f"{key}: {place} is a secret in plain text" for place in secrets_in_file(value) - allowed)
    for name, container in containers(pod_of(resource)):
        for variable in entries(container.get("env")):
            if not {at(variable, "name"), f"{name}.{at(variable, 'name')}"} & allowed and is_plain_secret(variable):
                yield f"container {name}: environment variable {at(variable, 'name')} has a secret for its value"
        for field in ("command", "args"):
            if any(holds_secret(word) for word in entries(container.get(field))):
                yield f"container {name}: {field} holds a secret"
    found = set(literal_secrets(pod_of(resource).get("volumes", []), "volumes"))
    yield from (f"{place} is a secret in plain text" for place in sorted(found))
    for field in descriptions(resource):
        found = set(literal_secrets(mapping(at(resource.inputs, *field)))) - allowed - {ALLOWED}
        yield from (f"{field[-1]}: {place} is a secret in plain text" for place in sorted(found))


def descriptions(resource: Resource) -> Iterator[tuple[str, ...]]:
    return (field for start, fields in DESCRIPTIONS.items() if resource.type.startswith(start) for field in fields)


def texts_allowed(resource: Resource) -> set[str]:
    """Texts of a resource that somebody has said to be none, in its annotation."""
    given = at(resource.inputs, "metadata", "annotations", ALLOWED)
    try:
        return set(mapping(json.loads(given))) if isinstance(given, str) else set()
    except ValueError:
        return set()


def is_plain_secret(variable: Any) -> bool:
    name, value = at(variable, "name"), at(variable, "value")
    return value is SECRET or (isinstance(value, str) and is_secret(str(name), value))


def holds_secret(word: Any) -> bool:
    return word is SECRET or (isinstance(word, str) and looks_secret(word))


def secrets_in_file(text: Any) -> set[str]:
    """Places in a file that hold a secret; files that are no YAML are searched line by line."""
    if text is SECRET:
        return {"the whole value"}
    if not isinstance(text, str):
        return set()
    try:
        content: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        content = None
    if isinstance(content, dict | list):
        return set(literal_secrets(cast("object", content)))
    return {f"line {number}" for number, line in enumerate(text.splitlines(), start=1) if looks_secret(line)}


@rule(
    "operator-api",
    reason="External Secrets Operator serves its beta versions no longer: the object would be refused, or never synced",
    fix=f"use apiVersion {API}/v1",
)
def operator_api(resource: Resource) -> Iterator[str]:
    version = resource.inputs.get("apiVersion")
    group, _, name = str(version).partition("/")
    if resource.type.startswith(f"kubernetes:{API}/") and group == API and name not in STORED_VERSIONS:
        yield f"apiVersion is {version}"
