"""Every place of the configuration's schema, and a stack file in which anything can be put there."""

import json
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from infra.config.load import TEXTS, ConfigError, ConfigProblem, load
from infra.config.places import Place, shown
from infra.config.stack import StackConfig

RIGHT: dict[str, Any] = {"ingress": {"host": "litellm.example.com"}}

A_KEY, A_REGION, A_NAME = "EXAMPLE", "eu-west-1", "a_name"
"""Keys of maps whose keys are free."""

Around = Callable[[Any], Any]


@dataclass(frozen=True)
class Spot:
    """One place of the schema."""

    place: Place
    """Where it is."""

    kinds: tuple[Any, ...]
    """What may stand there: the members of a union, without what only checks them."""

    owner: type[BaseModel]
    """The section whose key it is, or whose entry."""

    metadata: tuple[Any, ...]
    """What checks it: limits, patterns."""

    around: Around
    """A configuration with a value at this place and as little as possible elsewhere."""

    @property
    def path(self) -> str:
        return shown(self.place)

    def __str__(self) -> str:
        return f"{self.path}@{self.owner.__name__}"


def spots() -> list[Spot]:
    found = list(in_section(StackConfig, (), lambda value: value))
    return list({str(spot): spot for spot in found}.values())


def in_section(section: type[BaseModel], above: Place, around: Around) -> Iterator[Spot]:
    tags = {
        alias(name, field): get_args(field.annotation)[0]
        for name, field in section.model_fields.items()
        if is_tag(field)
    }
    for name, field in section.model_fields.items():
        key = alias(name, field)
        yield from at((*above, key), field.annotation, tuple(field.metadata), section, inside(around, tags, key))


def alias(name: str, field: FieldInfo) -> str:
    return field.alias or name


def is_tag(field: FieldInfo) -> bool:
    """Whether a field says which member of a union its section is."""
    return get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1


def inside(around: Around, tags: Mapping[str, Any], key: str) -> Around:
    return lambda value: around({**tags, key: value})


def at(
    place: Place, annotation: Any, metadata: tuple[Any, ...], owner: type[BaseModel], around: Around
) -> Iterator[Spot]:
    members = list(alternatives(annotation, metadata))
    kinds = tuple(kind for kind, _ in members)
    yield Spot(place, kinds, owner, tuple(check for _, checks in members for check in checks), around)
    for kind, _ in members:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from in_section(kind, place, around)
        elif get_origin(kind) is tuple:
            yield from at((*place, 0), get_args(kind)[0], (), owner, lambda value: around([value]))
        elif get_origin(kind) is dict and get_args(kind)[1] is not Any:
            key = key_for(get_args(kind)[0])
            yield from at((*place, key), get_args(kind)[1], (), owner, entry(around, key))


def key_for(annotation: Any) -> str:
    """A key that a map takes."""
    for key in (A_KEY, A_REGION, A_NAME):
        with suppress(ValidationError):
            return TypeAdapter(annotation).validate_python(key)
    raise LookupError(f"no key for {annotation}")


def entry(around: Around, key: str) -> Around:
    return lambda value: around({key: value})


def alternatives(annotation: Any, metadata: tuple[Any, ...] = ()) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    origin = get_origin(annotation)
    if origin is Annotated:
        kind, *checks = get_args(annotation)
        yield from alternatives(kind, (*metadata, *checks))
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from alternatives(member, metadata)
    else:
        yield annotation, metadata


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = {key for key in below if isinstance(below[key], dict) and isinstance(above.get(key), dict)}
    return {**below, **above, **{key: merged(below[key], above[key]) for key in both}}


def problems(sections: Mapping[str, Any]) -> list[ConfigProblem]:
    """Everything that is said of a stack file with these sections."""
    whole = merged(RIGHT, sections)
    file = {f"litellm:{key}": value for key, value in whole.items()}
    texts = {
        name: value if isinstance(value, str) and name.partition(":")[2] in TEXTS else json.dumps(value)
        for name, value in file.items()
    }
    try:
        load(texts, "dev", ["litellm:providerKeys"], file)
    except ConfigError as error:
        return list(error.problems)
    return []
