"""Rules about secrets: where they may be, and how they get there."""

import re
from collections.abc import Iterator
from typing import Any, cast

import yaml

from infra.config.gateway.models import NO_KEY
from infra.config.plaintext import SECRET_VALUE, literal_secrets, looks_secret, names_a_secret
from policy.resource import SECRET, Resource, at, entries, mapping
from policy.rule import rule
from policy.rules.workloads import containers, pod_of

API = "external-secrets.io"
STORED_VERSIONS = ("v1",)

SWITCHES = ("", "true", "false")
"""Values that are no secret, whatever the variable is called: IAM_TOKEN_DB_AUTH."""


@rule(
    "no-plain-secrets",
    reason="whoever may list pods or ConfigMaps, or read a backup of them, would have the key",
    fix="put it into the store (providerKeys, providerDocuments) and refer to it: secretKeyRef, os.environ/NAME",
)
def no_plain_secrets(resource: Resource) -> Iterator[str]:
    if resource.kind == "ConfigMap":
        for key, value in {
            **mapping(resource.inputs.get("data")),
            **mapping(resource.inputs.get("binaryData")),
        }.items():
            yield from (f"{key}: {place} is a secret in plain text" for place in secrets_in_file(value))
    for name, container in containers(pod_of(resource)):
        for variable in entries(container.get("env")):
            if is_plain_secret(variable):
                yield f"container {name}: environment variable {at(variable, 'name')} has a secret for its value"
        for field in ("command", "args"):
            if any(holds_secret(word) for word in entries(container.get(field))):
                yield f"container {name}: {field} holds a secret"


def is_plain_secret(variable: Any) -> bool:
    name, value = at(variable, "name"), at(variable, "value")
    if value is SECRET:
        return True
    if not isinstance(value, str) or value.lower() in SWITCHES:
        return False
    return names_a_secret(str(name)) or looks_secret(value)


def holds_secret(word: Any) -> bool:
    parts = [word, word.partition("=")[2]] if isinstance(word, str) else []
    return word is SECRET or any(looks_secret(part) for part in parts)


def secrets_in_file(text: Any) -> Iterator[str]:
    """Places in a file that hold a secret; files that are no YAML are searched line by line."""
    if text is SECRET:
        yield "the whole value"
    if not isinstance(text, str):
        return
    try:
        content: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        content = None
    if isinstance(content, dict | list):
        for place in literal_secrets(cast("object", content)):
            if value_at(content, place) != NO_KEY:
                yield place
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if any(SECRET_VALUE.match(word.strip("\"'")) for word in line.replace("=", " ").split()):
            yield f"line {number}"


def value_at(content: Any, place: str) -> Any:
    """What is at a path such as `model_list[0].litellm_params.api_key`."""
    steps = re.findall(r"[^.\[\]]+|\[\d+\]", place)
    return at(content, *(int(step[1:-1]) if step.startswith("[") else step for step in steps))


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
