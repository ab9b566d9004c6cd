"""The offline plan: the real program under Pulumi's mock engine, with no cluster, no Vault and no Pulumi CLI.

It records what a stack consists of; `tools/report/` shows it. It knows nothing of what exists already, so it cannot say what
would change: that is `make preview`.
"""

import gc
import json
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from components.objects import short_hash
from infra.config.encrypted import is_encrypted
from infra.config.load import SCALARS, ConfigError, load
from infra.config.stack import StackConfig
from infra.target import resolve_offline
from tools.engine.stack_file import Stack, is_plain_map, project_file
from tools.offline.mock_engine import Recording, Registered, run
from tools.problem import Problem

PROJECT = Path(__file__).resolve().parents[2]
MASK = "[secret]"


def record(stack: Stack, *, preview: bool = True) -> Recording:
    """Run the program of a stack offline: what a provider would compute is unknown, or with `preview` false made up.

    Raises:
        ConfigError: with every problem of the configuration.
    """
    # The program's modules are the slow part of a start; a wrong configuration should not have to wait for them.
    config = configuration(stack)
    from infra.environment import deploy  # noqa: PLC0415

    target = resolve_offline(config, stack.name)
    with uncollected():
        return run(lambda: deploy(target), preview=preview, stack=stack.name)


@contextmanager
def uncollected() -> Generator[None]:
    """Nothing that a program makes goes before its end, and a collector that looks at all of it again and again takes more time
    for each resource as there are more: with 500 keys two thirds of the whole."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def configuration(stack: Stack) -> StackConfig:
    """The checked configuration of a stack file.

    Raises:
        ConfigError: with every problem of the configuration.
    """
    return load(values(stack), stack.name, secret_keys(stack), stack.config)


def checked(stack: Stack) -> StackConfig:
    """The same for somebody who can act on it.

    Raises:
        Problem: with every problem of the configuration.
    """
    try:
        return configuration(stack)
    except ConfigError as error:
        raise Problem(str(error)) from None


def values(stack: Stack) -> dict[str, str]:
    """The configuration as Pulumi gives it to the program: text, JSON for objects, with the defaults of Pulumi.yaml.

    An encrypted value is replaced by a mask: the plan has no key to read it with, and must not need one.
    """
    declared: dict[str, dict[str, Any]] = project_file(PROJECT)["config"]
    defaults = {f"litellm:{key}": entry["default"] for key, entry in declared.items() if "default" in entry}
    return {key: as_text(masked(value)) for key, value in (defaults | stack.config).items()}


def secret_keys(stack: Stack) -> list[str]:
    """Keys of the configuration with an encrypted value in them."""
    return [key for key, value in stack.config.items() if masked(value) != value]


def as_text(value: Any) -> str:
    """Pulumi's text for a value: null is none, and a number is written as JSON would."""
    return value if isinstance(value, str) else "" if value is None else json.dumps(value)


def masked(value: Any) -> Any:
    if isinstance(value, list):
        return [masked(item) for item in cast("list[Any]", value)]
    if is_plain_map(value):
        return {key: masked(item) for key, item in value.items()}
    # Another ciphertext is another mask: what depends on the value is then seen to change.
    return f"{MASK[:-1]} {short_hash(json.dumps(value, sort_keys=True))}]" if is_encrypted(value) else value


def document(stack: str, recording: Recording) -> dict[str, Any]:
    """The plan for machines: no secret in it."""
    return {
        "stack": stack,
        "offline": True,
        "resources": [
            {
                "urn": resource.urn,
                "type": resource.type,
                "name": resource.name,
                "parent": resource.parent,
                "protect": resource.protect,
                "retainOnDelete": resource.retain_on_delete,
                "dependencies": list(resource.dependencies),
                "inputs": without_secrets(resource),
            }
            for resource in recording.resources
        ],
    }


def without_secrets(resource: Registered) -> dict[str, Any]:
    return {key: hide(value, key, set(resource.secret_paths)) for key, value in sorted(resource.inputs.items())}


def hide(value: Any, path: str, secret: set[str]) -> Any:
    if path in secret:
        return MASK
    if isinstance(value, dict):
        return {key: hide(item, f"{path}.{key}", secret) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [hide(item, f"{path}[{index}]", secret) for index, item in enumerate(cast("list[Any]", value))]
    return value if isinstance(value, SCALARS) or value is None else "[unknown]"
