"""LiteLLM's own configuration on its way to the stack: what is written in it as a secret becomes a variable."""

import copy
import json
import re
from collections.abc import Collection, Iterator
from typing import Any, cast

from infra.config.detector import is_secret, names_a_secret
from infra.config.gateway.litellm_names import KEY_VARIABLES, SECTIONS
from infra.config.gateway.models import WITH_A_KEY
from tools.adopt.running import OWN, Place, Running, Tree, Written, as_tree, list_at, tree_at
from tools.adopt.workload import MASTER, read_database_url, read_variable

REFERENCE = "os.environ/"

CONTAINERS = (
    "",
    "litellm_params",
    "headers",
    "credential_values",
    "litellm_settings",
    "general_settings",
    "router_settings",
)
"""What says nothing of whose secret it is."""


def take_settings(running: Running) -> None:
    """Move what the stack file has keys of its own for out of the configuration, and every secret into a variable."""
    running.config = copy.deepcopy(running.config)
    for name, value in as_tree(running.config.pop("environment_variables", None)).items():
        take_variable(running, str(name), value)
    general, litellm = (as_tree(running.config.get(name)) for name in ("general_settings", "litellm_settings"))
    take_key(running, general)
    take_database(running, general)
    for settings, setting, key in (
        (general, "database_connection_pool_limit", "databaseConnectionPoolLimit"),
        (general, "store_model_in_db", "storeModelInDb"),
        (litellm, "request_timeout", "requestTimeout"),
    ):
        if isinstance(settings.get(setting), int):
            running.gateway[key] = settings.pop(setting)
    if running.config.pop("include", None):
        running.leave(
            "include", "names files that were not read: write what they hold into the file of gateway.configFile"
        )
    for section in sorted(set(running.config) - SECTIONS):
        del running.config[section]
        running.leave(section, "is no section that LiteLLM reads")
    hide_secrets(running)
    drop_repeated_models(running)
    for name in [name for name, section in running.config.items() if section in ({}, [], None)]:
        del running.config[name]


def take_variable(running: Running, name: str, value: Any) -> None:
    """An entry of `environment_variables`, which may take its value from another variable."""
    other = value.removeprefix(REFERENCE) if isinstance(value, str) and value.startswith(REFERENCE) else None
    if other is None:
        read_variable(running, name, value, "environment_variables")
    elif name not in running.environment:
        running.secrets.setdefault(name, running.secrets.get(other) or running.supplier_of(other))


def take_key(running: Running, general: Tree) -> None:
    """The master key, whatever its variable is called today."""
    given = general.pop("master_key", None)
    if isinstance(given, str) and given.startswith(REFERENCE):
        called = given.removeprefix(REFERENCE)
        there = running.secrets.pop(called, None) or running.supplier_of(called)
        running.secrets.setdefault(MASTER[0], there)
    elif given:
        running.secrets.setdefault(MASTER[0], Written(str(given), "general_settings.master_key"))
    for other in MASTER[1:]:
        if other in running.secrets:
            running.secrets.setdefault(MASTER[0], running.secrets.pop(other))


def take_database(running: Running, general: Tree) -> None:
    given = general.pop("database_url", None)
    if isinstance(given, str) and not given.startswith(REFERENCE):
        read_database_url(running, given, "general_settings.database_url")
    elif isinstance(given, str):
        variable = given.removeprefix(REFERENCE)
        running.secrets.setdefault("DATABASE_URL", running.secrets.pop(variable, None) or running.supplier_of(variable))


def hide_secrets(running: Running) -> None:
    """Put the name of a variable in the place of every secret that is written down; equal values share one."""
    written = {name: place for name, place in running.secrets.items() if isinstance(place, Written) and name not in OWN}
    known = {place.value: name for name, place in written.items()}

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
        name = known.get(value) or unused(variable_of(path, provider), running.secrets)
        known[value] = name
        running.secrets.setdefault(name, Written(value, path))
        return REFERENCE + name

    running.config = {key: hidden(section, key, (key,), "") for key, section in running.config.items()}


def drop_repeated_models(running: Running) -> None:
    """Two equal deployments are one here."""
    entries = list_at(running.config, "model_list")
    first: dict[str, int] = {}
    for index, entry in enumerate(entries):
        same = first.setdefault(json.dumps(entry, sort_keys=True, default=str), index)
        if same != index:
            running.leave(f"model_list[{index}]", f"repeats model_list[{same}] exactly: written once")
    if entries:
        running.config["model_list"] = [entries[index] for index in first.values()]


def missing_keys(config: Tree, supplied: Collection[str]) -> Iterator[str]:
    """A variable for each deployment without a key, of those that LiteLLM would take it of."""
    for entry in list_at(config, "model_list"):
        params = tree_at(entry, "litellm_params")
        variables = [] if WITH_A_KEY & set(params) else [*KEY_VARIABLES.get(provider_of(params), ())]
        # Providers have other names for the same: TOGETHER_API_KEY, TOGETHERAI_API_KEY.
        starts = tuple(variable[:5] for variable in variables)
        if starts and not any(name.startswith(starts) for name in supplied):
            yield variables[0]


def called(name: str, around: tuple[str, ...]) -> tuple[str, ...]:
    """What is below a setting with the name of a secret is called like both."""
    return name, *(each for each in around if names_a_secret(each))


def provider_of(params: Tree) -> str:
    """LiteLLM's prefix of a model, by its parameters; `openai` where a model has none."""
    model = params.get("model")
    if not isinstance(model, str):
        return ""
    return model.partition("/")[0] if "/" in model else "openai"


def variable_of(path: str, provider: str) -> str:
    """A name for a secret: `OPENAI_API_KEY` for the key of a model, otherwise like its setting and what that belongs to."""
    *_, above, setting = ["", *path.split(".")]
    owner = provider or ("" if above in CONTAINERS or above.endswith("]") else above)
    named = setting if not owner or setting.startswith(owner) else f"{owner}_{setting}"
    return re.sub(r"\W+", "_", re.sub(r"\[\d+\]", "", named)).strip("_").upper()


def unused(name: str, taken: dict[str, Place]) -> str:
    return next(each for each in numbered(name) if each not in taken)


def numbered(name: str) -> Iterator[str]:
    yield name
    number = 2
    while True:
        yield f"{name}_{number}"
        number += 1
