"""LiteLLM's own configuration on its way to the stack: what is written in it as a secret becomes a variable."""

import copy
import re
from collections.abc import Iterator
from typing import Any

from infra.config.plaintext import literal_secrets
from tools.adopt.running import Place, Running, Tree, Written, as_tree, at
from tools.adopt.workload import MASTER, read_database_url

REFERENCE = "os.environ/"
PARTS = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def take_settings(running: Running) -> None:
    """Move what the stack file has keys of its own for out of the configuration, and every secret into a variable."""
    running.config = copy.deepcopy(running.config)
    if general := as_tree(running.config.get("general_settings")):
        take_key(running, general)
        take_database(running, general)
        for setting, key in (
            ("database_connection_pool_limit", "databaseConnectionPoolLimit"),
            ("store_model_in_db", "storeModelInDb"),
        ):
            if isinstance(general.get(setting), int):
                running.gateway[key] = general.pop(setting)
    litellm = as_tree(running.config.get("litellm_settings"))
    if isinstance(litellm.get("request_timeout"), int):
        running.gateway["requestTimeout"] = litellm.pop("request_timeout")
    hide_secrets(running)
    for name in [name for name, section in running.config.items() if section in ({}, [], None)]:
        del running.config[name]


def take_key(running: Running, general: Tree) -> None:
    """The master key, whatever its variable is called today."""
    given = general.pop("master_key", None)
    if isinstance(given, str) and given.startswith(REFERENCE):
        called = given.removeprefix(REFERENCE)
        if called in running.secrets:
            running.secrets.setdefault(MASTER[0], running.secrets.pop(called))
    elif given:
        running.secrets.setdefault(MASTER[0], Written(str(given), "general_settings.master_key"))
    for other in MASTER[1:]:
        if other in running.secrets:
            running.secrets.setdefault(MASTER[0], running.secrets.pop(other))


def take_database(running: Running, general: Tree) -> None:
    given = general.pop("database_url", None)
    if isinstance(given, str) and not given.startswith(REFERENCE):
        read_database_url(running, given, "general_settings.database_url")
    if "DATABASE_URL" in running.secrets and not running.database:
        del running.secrets["DATABASE_URL"]
        running.leave(
            "DATABASE_URL", "the whole URL is in a Secret: set database.host, port and name, and its user and password"
        )


def hide_secrets(running: Running) -> None:
    known: dict[str, str] = {place.value: name for name, place in running.secrets.items() if isinstance(place, Written)}
    for path in list(literal_secrets(running.config)):
        parent, last = parent_of(running.config, path)
        value = str(parent[last])
        name = known.get(value) or unused(variable_of(running.config, path), running.secrets)
        known[value] = name
        running.secrets.setdefault(name, Written(value, path))
        parent[last] = REFERENCE + name


def parent_of(config: Any, path: str) -> tuple[Any, Any]:
    steps: list[Any] = [int(number) if number else name for name, number in PARTS.findall(path)]
    found = config
    for step in steps[:-1]:
        found = found[step]
    return found, steps[-1]


def variable_of(config: Tree, path: str) -> str:
    """A name for a secret: by the provider of its model (`OPENAI_API_KEY`), otherwise by its setting."""
    setting = [name for name, _ in PARTS.findall(path) if name][-1]
    model = re.match(r"model_list\[(\d+)\]\.litellm_params\.", path)
    if model:
        called = at(config["model_list"][int(model[1])], "litellm_params.model")
        provider = str(called or "").partition("/")[0] if "/" in str(called or "") else "openai"
        setting = setting if setting.startswith(provider) else f"{provider}_{setting}"
    return re.sub(r"\W", "_", setting).upper()


def unused(name: str, taken: dict[str, Place]) -> str:
    return next(each for each in numbered(name) if each not in taken)


def numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1
