"""From what Pulumi hands to the program to a `StackConfig`, or to every problem at once."""

import contextlib
import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from infra.config.rules import cross_checks
from infra.config.stack import StackConfig

NAMESPACE = "litellm"

SECRET_KEYS = ("providerKeys",)
SCALARS = (str, int, float, bool)


@dataclass(frozen=True)
class ConfigProblem:
    """One thing that is wrong with the configuration."""

    path: str
    """Where: `gateway.models[0].apiKey`."""

    message: str
    """What is wrong, what is allowed and how to mend it."""

    got: str = ""
    """The value found there; empty when there is none, or when it may be a secret."""

    def __str__(self) -> str:
        return f"{NAMESPACE}:{self.path}: {self.message}" + (f" (got {self.got})" if self.got else "")


class ConfigError(Exception):
    """Everything that is wrong with a stack's configuration."""

    def __init__(self, file: str, problems: Iterable[ConfigProblem]) -> None:
        self.problems = tuple(problems)
        count = "one problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = "".join(f"\n  - {problem}" for problem in self.problems)
        super().__init__(f"{count} in {file}; nothing was changed:{lines}")


def load(values: Mapping[str, str], stack: str, secret_keys: Iterable[str] = ()) -> StackConfig:
    """Read the configuration of `stack`, as Pulumi gives it: `litellm:<key>` -> text, JSON for objects.

    Raises:
        ConfigError: with every problem of the file.
    """
    data: dict[str, Any] = {}
    problems: list[ConfigProblem] = []
    secret = {key.removeprefix(f"{NAMESPACE}:") for key in secret_keys} | set(SECRET_KEYS)
    for name, text in sorted(values.items()):
        namespace, _, key = name.partition(":")
        if namespace == NAMESPACE:
            try:
                data[key] = parse(key, text)
            except ValueError:
                problems.append(ConfigProblem(key, "must be an object: indent its keys below it"))
    config, more = validate(data, secret)
    problems += more
    if problems or config is None:
        raise ConfigError(f"Pulumi.{stack}.yaml", problems)
    return config


def parse(key: str, text: str) -> Any:
    """Pulumi gives every value as text: JSON, but for what is text itself."""
    if key in TEXTS or key not in KEYS:
        return text
    return json.loads(text)


def validate(data: Mapping[str, Any], secret: Iterable[str]) -> tuple[StackConfig | None, list[ConfigProblem]]:
    """The configuration, or None, and every problem, also of what spans several sections."""
    try:
        config = StackConfig.model_validate(data)
    except ValidationError as error:
        valid = dict(sections_that_are_valid(data))
        return None, [problem(details, data, secret) for details in error.errors()] + from_rules(valid)
    return config, from_rules({name: getattr(config, name) for name in StackConfig.model_fields})


def sections_that_are_valid(data: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, field in StackConfig.model_fields.items():
        key = field.alias or name
        if key not in data and not field.is_required():
            yield name, field.get_default(call_default_factory=True, validated_data={})
        elif key in data:
            annotated: Any = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            with contextlib.suppress(ValidationError):
                yield name, TypeAdapter(annotated).validate_python(data[key])


def from_rules(sections: Mapping[str, Any]) -> list[ConfigProblem]:
    return [ConfigProblem(path, message) for path, message in cross_checks(sections)]


def problem(details: ErrorDetails, data: Mapping[str, Any], secret: Iterable[str]) -> ConfigProblem:
    where, value = locate(details["loc"], data)
    message = "unknown key" if details["type"] == "extra_forbidden" else details["msg"].removeprefix("Value error, ")
    if details["type"] == "extra_forbidden":
        message += nearest(where.rpartition(".")[2])
    hidden = details["loc"][0] in secret or details["type"] in ("extra_forbidden", "missing")
    got = json.dumps(value) if isinstance(value, SCALARS) and not hidden and not looks_secret(value) else ""
    return ConfigProblem(where, message, got)


def locate(loc: tuple[int | str, ...], data: Any) -> tuple[str, Any]:
    """The path as the user wrote it, and the value there. Names of union members, which pydantic adds, are left out."""
    path, value = "", data
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
            value = value[part] if isinstance(value, list) and part < len(cast("list[Any]", value)) else None
        elif isinstance(value, dict) and part not in value and is_union_tag(part, cast("dict[str, Any]", value)):
            continue
        else:
            path += f".{part}" if path else part
            value = cast("dict[str, Any]", value).get(part) if isinstance(value, dict) else None
    return path, value


def is_union_tag(part: str, value: Mapping[str, Any]) -> bool:
    """Pydantic names the chosen member of a union in the path: by its discriminator, such as `kind`, or its class."""
    return part in value.values() or part[:1].isupper() or "-" in part or "[" in part


def looks_secret(value: object) -> bool:
    """A value that a user put where it does not belong is not repeated in a message."""
    return isinstance(value, str) and (
        value.startswith(("sk-", "hvs.", "ghp_", "AKIA")) or ("://" in value and "@" in value)
    )


def nearest(key: str) -> str:
    close = difflib.get_close_matches(key, [*KEYS, *NESTED_KEYS], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def nested_keys(model: type[BaseModel]) -> Iterator[str]:
    for field in model.model_fields.values():
        yield field.alias or ""
        for inner in models_in(field.annotation):
            yield from nested_keys(inner)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


KEYS = tuple(field.alias or name for name, field in StackConfig.model_fields.items())
TEXTS = ("namespace", "context")
NESTED_KEYS = tuple(sorted(set(nested_keys(StackConfig))))
