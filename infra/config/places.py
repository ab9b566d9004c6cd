"""Places of a stack file: what belongs there by the schema, and how a message names one."""

import difflib
import types
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from infra.config.stack import StackConfig
from infra.config.words import UNNAMED, has_the_form_of_a_name

Place = tuple[str | int, ...]
"""Keys, and numbers of entries, from the top of the configuration: `("gateway", "models", 0, "apiKey")`."""

ANY_KEY = "*"
"""Stands for every key of a map whose keys are free."""


def places(annotation: Any = StackConfig, above: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every value that the schema knows, with its type; in lists entry 0, in maps with free keys `ANY_KEY`."""
    for kind in alternatives(annotation):
        below = dict(children(kind))
        if not below:
            yield above, kind
        for key, inner in below.items():
            yield from places(inner, (*above, key))


def at(place: Place) -> list[Any]:
    """The types that a place may have; none where the schema knows no such place."""
    kinds = alternatives(StackConfig)
    for part in place:
        kinds = [inner for kind in kinds for found in below(kind, part) for inner in alternatives(found)]
    return kinds


def below(kind: Any, part: str | int) -> list[Any]:
    known = dict(children(kind))
    general = 0 if isinstance(part, int) else ANY_KEY
    return [known[key] for key in (part, general) if key in known][:1]


def children(kind: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        for name, field in kind.model_fields.items():
            yield field.alias or name, field.annotation
    elif get_origin(kind) is dict:
        yield ANY_KEY, get_args(kind)[1]
    elif get_origin(kind) in (tuple, list):
        yield 0, get_args(kind)[0]


def alternatives(annotation: Any) -> list[Any]:
    """The members of a union, without what only checks them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return alternatives(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return [kind for member in get_args(annotation) for kind in alternatives(member)]
    return [annotation]


def takes_a_secret(place: Place) -> bool:
    """Whether everything at a place, or below it, is a secret by its type."""
    kinds = [inner for kind in at(place) for _, inner in places(kind) if inner is not types.NoneType]
    return bool(kinds) and all(kind is SecretStr for kind in kinds)


def may_hold_secrets(key: str) -> bool:
    """Whether something below a key of the configuration is a secret by its type."""
    return any(place[0] == key for place in SECRET_PLACES)


def shown(place: Place) -> str:
    """A place as a message names it: `gateway.models[0].apiKey`."""
    words = (
        f"[{part}]" if isinstance(part, int) else f".{shown_key(part, place[:index])}"
        for index, part in enumerate(place)
    )
    return "".join(words).removeprefix(".")


def shown_key(key: str, above: Place = ()) -> str:
    """A key, unless it may be a value that slipped in there: a flow map such as `{password: {…}}` makes keys of values."""
    if key in {name for kind in at(above) for name, _ in children(kind)} or has_the_form_of_a_name(key):
        return key
    misspelt = key.isalpha() and (not above or nearest(key, [*keys_of(above), *KNOWN]) is not None)
    return key if misspelt else UNNAMED


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The known key that somebody may have meant."""
    close = difflib.get_close_matches(key, list(known), n=1, cutoff=0.7)
    return close[0] if close else None


def places_of(key: str, found_at: str = "") -> str:
    """Where the schema has this key, or a similar one: `litellm:ingress.host`; empty when nowhere, or `found_at`."""
    close = difflib.get_close_matches(key, KNOWN, n=1, cutoff=0.8)
    paths = paths_by_key()[close[0]] if close else []
    # One that stands where it belongs is of another kind: somewhere else it would mean something else.
    return "" if found_at in paths else " or ".join(f"litellm:{path}" for path in paths[:3])


@cache
def paths_by_key() -> dict[str, list[str]]:
    """Where each key of the schema is."""
    found: dict[str, dict[str, None]] = {}
    for place, _ in places():
        for index, part in enumerate(place):
            path = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in place[: index + 1])
            found.setdefault(str(part), {})[path.removeprefix(".")] = None
    return {key: sorted(paths, key=lambda path: path.count(".")) for key, paths in found.items()}


def keys_of(place: Place, data: Any = None) -> list[str]:
    """The keys that a place may have; empty where they are free. `data` is the configuration, as far as it is known: where one
    of several sections is allowed, it may say which."""
    given = inside(data, place)
    kinds = [kind for kind in at(place) if fits(kind, given)] or at(place)
    return sorted({str(name) for kind in kinds for name, _ in children(kind)} - {ANY_KEY, "0"})


def inside(data: Any, place: Place) -> Any:
    for part in place:
        if isinstance(data, Mapping):
            data = cast("Mapping[Any, Any]", data).get(part)
        elif isinstance(data, list) and isinstance(part, int):
            data = cast("list[Any]", data)[part]
        else:
            return None
    return data


def fits(kind: Any, given: Any) -> bool:
    """Whether a section is the one that is meant: `kind: rds` is said in it."""
    if not isinstance(given, Mapping) or not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return True
    said = cast("Mapping[str, Any]", given)
    return all(
        said.get(field.alias or name, field.default) in get_args(field.annotation) for name, field in tags_of(kind)
    )


def tags_of(kind: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Fields with one word for their only value: they say which of several sections this is."""
    for name, field in kind.model_fields.items():
        if get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1:
            yield name, field


def values(data: Any, above: Place = ()) -> Iterator[tuple[Place, Any]]:
    """Every value of a configuration that is no map and no list, and where it stands."""
    if isinstance(data, Mapping):
        for key, item in cast("Mapping[Any, Any]", data).items():
            yield from values(item, (*above, str(key)))
    elif isinstance(data, list | tuple):
        for index, item in enumerate(cast("list[Any]", data)):
            yield from values(item, (*above, index))
    else:
        yield above, data


ALL = tuple(places())

KNOWN = tuple(sorted({str(key) for place, _ in ALL for key in place if isinstance(key, str)} - {ANY_KEY}))
"""Every key that some section has."""

SECRET_PLACES = tuple(place for place, kind in ALL if kind is SecretStr)
"""Where secrets belong: `providerKeys.*`."""
