"""From what runs to a stack file: its sections, the file beside it, and what somebody has to put into the store."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

from infra.config.base import FILE_NAME
from infra.config.detector import looks_secret
from infra.config.gateway.settings import OWN_VARIABLES as SET_BY_THE_PROGRAM
from infra.config.plaintext import referenced_variables
from tools.adopt.fitting import fit, most_replicas
from tools.adopt.proxy_config import missing_keys, take_settings
from tools.adopt.running import OWN, InSecret, Left, Place, Running, Tree, Written, as_tree, tree_at
from tools.adopt.stores import Command, Store

PARTS = {
    "username": "DATABASE_USERNAME",
    "password": "DATABASE_PASSWORD",
    "host": "DATABASE_HOST",
    "port": "DATABASE_PORT",
    "database": "DATABASE_NAME",
}
"""Variables of the parts of a login, by what the stack file calls these."""

FIELDS = {"database": "name"}
"""Parts of a login that a section for a server calls otherwise."""

PASTED = 'printf %s "$(cat)"'
"""Prints what somebody pastes, without the end of its last line. `printf` is no program, so no list of processes has it."""


@dataclass(frozen=True)
class Adopted:
    """A gateway in the words of this program."""

    sections: Tree
    config: Tree
    """What goes into the file that `gateway.configFile` names."""

    commands: tuple[Command, ...]
    """What each secret is and where it stands today; the shell line that puts it into the store."""

    left: tuple[Left, ...]

    files: dict[str, str] = field(default_factory=dict[str, str])
    """What goes beside it, by the path from the stack file."""


def adopt(running: Running, stack: str, store: Store) -> Adopted:
    """Translate a gateway for a stack of this name."""
    take_settings(running)
    keep_files(running)
    document = store.document(stack)
    supply(running)
    database, redis = database_of(running, document), redis_of(running, document)
    fit(running, database)
    places = dict(running.secrets)
    sections: Tree = {"secrets": store.section} if store.section else {}
    if keys := keys_of(places, document):
        sections["keys"] = keys
    if running.pods:
        sections["pods"] = running.pods
    if running.placement:
        sections["placement"] = running.placement
    sections["database"] = database
    sections["redis"] = redis
    variables = {name: {"document": document, "property": name} for name in sorted(set(places) - OWN)}
    if variables:
        sections["secretEnvironment"] = variables
    sections["gateway"] = gateway_of(running, stack, document)
    sections["ingress"] = running.ingress or {"enabled": False}
    if running.ingress is None:
        running.leave("ingress", "nothing says how clients reach the gateway: set ingress.className and ingress.host")
    return Adopted(
        sections,
        running.config,
        tuple(commands(running, document, store)),
        tuple(dict.fromkeys(running.left)),
        {f"litellm/{stack}/{name}": text for name, text in running.files.items()},
    )


def gateway_of(running: Running, stack: str, document: str) -> Tree:
    gateway: Tree = dict(running.gateway)
    if running.config:
        gateway["configFile"] = f"litellm/{stack}.yaml"
    if running.files:
        gateway["files"] = {name: f"litellm/{stack}/{name}" for name in sorted(running.files)}
    if running.secret_files:
        gateway["secretFiles"] = {
            name: {"document": document, "property": property_of(name)} for name in sorted(running.secret_files)
        }
    if running.environment:
        gateway["environment"] = dict(sorted(running.environment.items()))
    return gateway


def property_of(file: str) -> str:
    """A file's property in the document: without dots, which lead into JSON for External Secrets Operator."""
    return re.sub(r"\W", "_", file).upper()


def keep_files(running: Running) -> None:
    """Only files with a name that pods can have, and with nothing in it that looks like a secret."""
    reasons = {
        name: "has no name that a file in the pods can have"
        if not re.fullmatch(FILE_NAME, name)
        else "has what looks like a secret in it: let it read a variable, then add it to gateway.files"
        for name, text in running.files.items()
        if not re.fullmatch(FILE_NAME, name) or looks_secret(text)
    }
    for name, why in reasons.items():
        del running.files[name]
        running.leave(name, why)


def supply(running: Running) -> None:
    """Variables that the configuration names, or that LiteLLM reads for a model without a key, come from somewhere."""
    referenced = referenced_variables(running.config)
    for name in sorted(SET_BY_THE_PROGRAM & {*running.secrets, *running.environment} - kept(running, referenced)):
        running.secrets.pop(name, None)
        running.environment.pop(name, None)
        running.leave(
            name, "the program sets it from other keys, below database, redis or gateway: see docs/configuration.md"
        )
    supplied = {*running.secrets, *running.environment, *OWN, *(SET_BY_THE_PROGRAM - {"REDIS_URL"})}
    named = referenced - supplied
    for name in sorted({*named, *missing_keys(running.config, {*supplied, *named})}):
        running.secrets[name] = running.supplier_of(name)
    for secret in running.whole_secrets:
        running.leave(
            f"Secret {secret}", "its keys that the configuration does not name: add them to secretEnvironment"
        )


def kept(running: Running, referenced: set[str]) -> set[str]:
    """Variables of the program that somebody else may supply: a setting names this one, or it is all that is known of Redis."""
    host = (running.redis or {}).get("host")
    if "REDIS_URL" in running.secrets and not host:
        running.redis = running.redis or {}
        running.leave(
            "REDIS_URL",
            "is a whole URL in a Secret: set redis.kind existing, host and port, so that replicas share limits",
        )
    return {"DATABASE_URL", *({"REDIS_URL"} & referenced), *(["REDIS_URL"] if not host else [])}


def keys_of(places: dict[str, Place], document: str) -> Tree:
    """LiteLLM encrypts with the master key where there is no salt key, so that one must stay what it is."""
    if "LITELLM_MASTER_KEY" not in places:
        return {}
    salt = "LITELLM_SALT_KEY" if "LITELLM_SALT_KEY" in places else "LITELLM_MASTER_KEY"
    return {
        "master": {"existing": {"document": document, "property": "LITELLM_MASTER_KEY"}},
        "salt": {"existing": {"document": document, "property": salt}},
    }


def database_of(running: Running, document: str) -> Tree:
    """The server that there is, or a small one in the cluster, which is never without a word."""
    given = running.database or {}
    there = {part: name for part, name in PARTS.items() if name in running.secrets}
    if given.get("host") or "host" in there:
        running.secrets.pop("DATABASE_URL", None)
        for part in ("username", "password"):
            running.secrets.setdefault(PARTS[part], running.supplier_of(PARTS[part]))
        parts = {"username": PARTS["username"], "password": PARTS["password"], **there}
        login = {f"{part}Property": name for part, name in parts.items() if FIELDS.get(part, part) not in given}
        return {"kind": "existing", **given, "credentials": {"document": document, **login}}
    if "DATABASE_URL" in running.secrets and not given.get("kind"):
        for name in PARTS.values():
            running.secrets.pop(name, None)
        return {"kind": "existing", "credentials": {"document": document, "urlProperty": "DATABASE_URL"}}
    for name in (*PARTS.values(), "DATABASE_URL"):
        running.secrets.pop(name, None)
    if not given.get("kind"):
        running.leave(
            "database",
            "nothing that was read names one: the stack has a small, empty Postgres of its own; where the gateway has one "
            "today, set database.kind existing",
        )
    return {"kind": "in-cluster"}


def redis_of(running: Running, document: str) -> Tree:
    """The server that there is; one of the stack's own where settings or several processes need one; otherwise none."""
    given = running.redis or {}
    if given.get("host") or given.get("cluster"):
        asks = "REDIS_PASSWORD" in running.secrets
        password = {"password": {"document": document, "property": "REDIS_PASSWORD"}} if asks else {}
        return {"kind": "existing", **given, **password}
    running.secrets.pop("REDIS_PASSWORD", None)
    named = running.redis is not None or speaks_of_redis(running.config)
    if named and not given.get("kind"):
        running.leave(
            "redis",
            "nothing names its host: the stack has a Redis of its own; to go on with yours, set redis.kind existing and "
            "redis.host",
        )
    several = most_replicas(running) * running.gateway.get("workers", 1) > 1
    return {"kind": "in-cluster" if named or several else "none"}


def speaks_of_redis(config: Tree) -> bool:
    litellm = tree_at(config, "litellm_settings")
    by_default = litellm.get("cache") is True and not litellm.get("cache_params")
    return by_default or any("redis" in text.lower() for text in words(config))


def words(value: Any) -> Iterator[str]:
    """Every key, and every text."""
    if tree := as_tree(value):
        for key, item in tree.items():
            yield str(key)
            yield from words(item)
    elif isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from words(item)
    elif isinstance(value, str):
        yield value


def commands(running: Running, document: str, store: Store) -> Iterator[Command]:
    """One line a secret: the first makes the document, the others add to it. No value is on a command line."""
    places = {name: (name, place) for name, place in running.secrets.items()}
    places |= {property_of(file): (file, place) for file, place in running.secret_files.items()}
    if places:
        yield from store.before()
    for index, (name, (shown, place)) in enumerate(sorted(places.items())):
        line = store.line(read(place, running.namespace), document, name, first=index == 0)
        yield f"{shown}: {where(place)}", line


def where(place: Place) -> str:
    if isinstance(place, InSecret):
        return f"key {place.key} of Secret {place.name}"
    return f"written at {place.where}" if isinstance(place, Written) else place.where


def read(place: Place, namespace: str) -> str:
    """A command that prints the value."""
    if not isinstance(place, InSecret):
        return PASTED
    inside = f" -n {shlex.quote(namespace)}" if namespace else ""
    key = place.key.replace(".", r"\.")
    path = shlex.quote("{.data." + key + "}")
    return f"kubectl get secret {shlex.quote(place.name)}{inside} -o jsonpath={path} | base64 -d"


def as_stack_file(adopted: Adopted) -> dict[str, Any]:
    return {"config": {f"litellm:{key}": value for key, value in adopted.sections.items()}}
