"""From what runs to a stack file: its sections, the file beside it, and what somebody has to put into the store."""

import shlex
from dataclasses import dataclass, field
from typing import Any

from infra.config.plaintext import referenced_variables
from tools.adopt.proxy_config import take_settings
from tools.adopt.running import InSecret, Left, Place, Running, Tree, Written

MOUNT = "litellm"
OWN = {
    "LITELLM_MASTER_KEY",
    "LITELLM_SALT_KEY",
    "DATABASE_USERNAME",
    "DATABASE_PASSWORD",
    "DATABASE_URL",
    "REDIS_PASSWORD",
}
"""Secrets that have keys of their own in the stack file."""


@dataclass(frozen=True)
class Adopted:
    """A gateway in the words of this program."""

    sections: Tree
    config: Tree
    """What goes into the file that `gateway.configFile` names."""

    commands: tuple[tuple[str, str], ...]
    """What each secret is and where it stands today; the shell line that puts it into the store."""

    left: tuple[Left, ...]

    files: dict[str, str] = field(default_factory=dict[str, str])
    """What goes beside it, by the path from the stack file."""


def adopt(running: Running, stack: str) -> Adopted:
    """Translate a gateway for a stack of this name."""
    take_settings(running)
    document = f"shared/{stack}"
    supply(running)
    places = dict(running.secrets)
    sections: Tree = {}
    if keys := keys_of(places, document):
        sections["keys"] = keys
    if database := database_of(running, document):
        sections["database"] = database
    if redis := redis_of(running, places, document):
        sections["redis"] = redis
    variables = {name: {"document": document, "property": name} for name in sorted(set(places) - OWN)}
    if variables:
        sections["secretEnvironment"] = variables
    gateway: Tree = dict(running.gateway)
    if running.config:
        gateway["configFile"] = f"litellm/{stack}.yaml"
    if running.files:
        gateway["files"] = {name: f"litellm/{stack}/{name}" for name in sorted(running.files)}
    if running.environment:
        gateway["environment"] = dict(sorted(running.environment.items()))
    sections["gateway"] = gateway
    sections["ingress"] = running.ingress or {"enabled": False}
    if running.ingress is None:
        running.leave("ingress", "nothing says how clients reach the gateway: set ingress.className and ingress.host")
    return Adopted(
        sections,
        running.config,
        tuple(commands(places, document, running.namespace)),
        tuple(running.left),
        {f"litellm/{stack}/{name}": text for name, text in running.files.items()},
    )


def supply(running: Running) -> None:
    """Variables that the configuration names and that a whole Secret must be where they come from."""
    named = referenced_variables(running.config) - set(running.secrets) - set(running.environment) - OWN
    for name in sorted(named):
        if len(running.whole_secrets) == 1:
            running.secrets[name] = InSecret(running.whole_secrets[0], name)
        else:
            which = " or ".join(running.whole_secrets) or "nothing that was read"
            running.secrets[name] = Written("", f"supplied by {which}")
    for secret in running.whole_secrets:
        running.leave(
            f"Secret {secret}", "its keys that the configuration does not name: add them to secretEnvironment"
        )


def keys_of(places: dict[str, Place], document: str) -> Tree:
    """LiteLLM encrypts with the master key where there is no salt key, so that one must stay what it is."""
    if "LITELLM_MASTER_KEY" not in places:
        return {}
    salt = "LITELLM_SALT_KEY" if "LITELLM_SALT_KEY" in places else "LITELLM_MASTER_KEY"
    return {
        "master": {"existing": {"document": document, "property": "LITELLM_MASTER_KEY"}},
        "salt": {"existing": {"document": document, "property": salt}},
    }


def database_of(running: Running, document: str) -> Tree | None:
    if not running.database:
        return None
    if not running.database.get("host"):
        running.leave("database", "nothing names its host: set database.host")
        return None
    credentials = {
        "document": document,
        "usernameProperty": "DATABASE_USERNAME",
        "passwordProperty": "DATABASE_PASSWORD",
    }
    for name in ("DATABASE_USERNAME", "DATABASE_PASSWORD"):
        running.secrets.setdefault(name, Written("", "not found"))
    return {"kind": "existing", **running.database, "credentials": credentials}


def redis_of(running: Running, places: dict[str, Place], document: str) -> Tree | None:
    if not running.redis or running.redis.get("kind"):
        return running.redis
    if not running.redis.get("host"):
        running.leave("redis", "nothing names its host: set redis.host")
        return None
    password = {"password": {"document": document, "property": "REDIS_PASSWORD"}} if "REDIS_PASSWORD" in places else {}
    return {"kind": "existing", **running.redis, **password}


def commands(places: dict[str, Place], document: str, namespace: str) -> list[tuple[str, str]]:
    """One line a secret: the first makes the document, the others add to it. No value is on a command line."""
    found: list[tuple[str, str]] = []
    for name, place in sorted(places.items()):
        verb = "patch" if found else "put"
        write = f"vault kv {verb} -mount={MOUNT} {document} {name}=-"
        found.append((f"{name}: {where(place)}", f"{read(place, namespace)}{write}"))
    return found


def where(place: Place) -> str:
    if isinstance(place, InSecret):
        return f"key {place.key} of Secret {place.name}"
    return f"written at {place.where}"


def read(place: Place, namespace: str) -> str:
    if isinstance(place, Written):
        return ""
    inside = f" -n {namespace}" if namespace else ""
    key = place.key.replace(".", r"\.")
    path = shlex.quote("{.data." + key + "}")
    return f"kubectl get secret {shlex.quote(place.name)}{inside} -o jsonpath={path} | base64 -d | "


def as_stack_file(adopted: Adopted) -> dict[str, Any]:
    return {"config": {f"litellm:{key}": value for key, value in adopted.sections.items()}}
