"""LiteLLM's own configuration on its way to the stack: what is written in it as a secret becomes a variable."""

import copy
import re
from collections.abc import Iterator
from typing import Any, cast

from infra.config.detector import is_secret, names_a_secret
from tools.adopt.running import Place, Running, Tree, Written, as_tree
from tools.adopt.workload import MASTER, read_database_url, read_variable

REFERENCE = "os.environ/"


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
    for name, value in as_tree(running.config.pop("environment_variables", None)).items():
        read_variable(running, str(name), value, "environment_variables")
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
    """Put the name of a variable in the place of every secret that is written down; equal values share one."""
    known = {place.value: name for name, place in running.secrets.items() if isinstance(place, Written)}

    def hidden(value: Any, path: str, names: tuple[str, ...], provider: str) -> Any:
        if tree := as_tree(value):
            provider = provider_of(tree) or provider
            return {
                key: hidden(item, f"{path}.{key}" if path else str(key), called(str(key), names), provider)
                for key, item in tree.items()
            }
        if isinstance(value, list):
            items = cast("list[Any]", value)
            return [hidden(item, f"{path}[{index}]", names, provider) for index, item in enumerate(items)]
        if not isinstance(value, str) or not any(is_secret(name, value) for name in names):
            return value
        name = known.get(value) or unused(variable_of(names[0], provider), running.secrets)
        known[value] = name
        running.secrets.setdefault(name, Written(value, path))
        return REFERENCE + name

    running.config = {key: hidden(section, key, (key,), "") for key, section in running.config.items()}


def called(name: str, around: tuple[str, ...]) -> tuple[str, ...]:
    """What is below a setting with the name of a secret is called like both."""
    return name, *(each for each in around if names_a_secret(each))


def provider_of(params: Tree) -> str:
    """LiteLLM's prefix of a model, by its parameters; `openai` where a model has none."""
    model = params.get("model")
    if not isinstance(model, str):
        return ""
    return model.partition("/")[0] if "/" in model else "openai"


def variable_of(setting: str, provider: str) -> str:
    """A name for a secret: `OPENAI_API_KEY` for the key of a model, otherwise like its setting."""
    named = setting if not provider or setting.startswith(provider) else f"{provider}_{setting}"
    return re.sub(r"\W", "_", named).upper()


def unused(name: str, taken: dict[str, Place]) -> str:
    return next(each for each in numbered(name) if each not in taken)


def numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1
