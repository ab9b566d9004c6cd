"""From what Pulumi hands to the program to a `StackConfig`, or to every problem at once."""

import contextlib
import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, cast, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from infra.config.base import ALLOWED
from infra.config.rules import cross_checks, documents_are_of_the_store
from infra.config.stack import StackConfig
from infra.config.sweep import plain_secrets

NAMESPACE = "litellm"

SECRET_KEYS = ("providerKeys",)
SCALARS = (str, int, float, bool)
NO_OBJECT = "must be an object: indent its keys below it"


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
                problems.append(ConfigProblem(key, "must be true or false" if key in SWITCHES else NO_OBJECT))
    if data.get("providerKeys") and f"{NAMESPACE}:providerKeys" not in set(secret_keys):
        problems.append(ConfigProblem("providerKeys", UNENCRYPTED))
    config, more = validate(data, secret)
    problems += more
    problems += [ConfigProblem(*found) for found in plain_secrets({key: data[key] for key in data.keys() - secret})]
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
    names = documents_are_of_the_store(config.references(), config.secrets.kind)
    found = from_rules({name: getattr(config, name) for name in StackConfig.model_fields})
    return config, found + [ConfigProblem(where, message) for where, message in names]


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
    location = tuple(part for part in details["loc"] if part != "[key]")
    where, value = locate(location, data)
    if details["type"] == "extra_forbidden":
        return ConfigProblem(where, f"unknown key{nearest(where.rpartition('.')[2])}")
    hidden = str(location[0]) in set(secret) or details["type"] == "missing" or looks_secret(value)
    got = json.dumps(value) if isinstance(value, SCALARS) and not hidden else ""
    return ConfigProblem(where, in_words(details), got)


def in_words(details: ErrorDetails) -> str:
    """What is allowed, for somebody who knows YAML and not Python."""
    words = WORDS.get(details["type"])
    if words:
        return words(details.get("ctx", {}))
    message = details["msg"].removeprefix("Value error, ")
    allowed = message.removeprefix("Input should be ")
    return message if allowed == message else f"must be {allowed}"


def locate(loc: tuple[int | str, ...], data: Any) -> tuple[str, Any]:
    """The path as the user wrote it, and the value there. Names of union members, which pydantic adds, are left out."""
    path = ""
    value: Any = data
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
            value = cast("list[Any]", value)[part] if isinstance(value, (list, tuple)) else None
        elif isinstance(value, dict) and part not in value and is_union_tag(part, cast("dict[str, Any]", value)):
            continue
        else:
            path += f".{part}" if path else part
            value = cast("dict[str, Any]", value).get(part) if isinstance(value, dict) else None
    return path, cast("Any", value)


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
WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "missing": lambda _: "is required",
    "model_type": lambda _: NO_OBJECT,
    "dict_type": lambda _: NO_OBJECT,
    "tuple_type": lambda _: "must be a list: put `- ` before each entry",
    "string_pattern_mismatch": lambda context: f"must be {ALLOWED.get(context['pattern'], context['pattern'])}",
    "union_tag_invalid": lambda context: (
        f"{context['discriminator'].strip(QUOTE)} must be one of {context['expected_tags']}"
    ),
    "union_tag_not_found": lambda context: f"needs {context['discriminator'].strip(QUOTE)}, which says what kind it is",
}
QUOTE = "'"
UNENCRYPTED = (
    "is plain text in the stack file, so these keys must count as leaked: revoke them, and set new ones with "
    "`pulumi config set --secret --path litellm:providerKeys.NAME`"
)
TEXTS = ("namespace", "context")
SWITCHES = ("protect",)
NESTED_KEYS = tuple(sorted(set(nested_keys(StackConfig))))
