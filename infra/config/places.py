"""Places of a stack file: what belongs there by the schema, and how a message names one."""

import difflib
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Union, cast, get_args, get_origin

from pydantic import BaseModel, SecretStr

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
    known = {name for kind in at(above) for name, _ in children(kind)}
    misspelt = key.isalpha() and (not above or nearest(key, above) is not None)
    if key in known or misspelt or has_the_form_of_a_name(key):
        return key
    return UNNAMED


def nearest(key: str, above: Place) -> str | None:
    """The known key that somebody may have meant."""
    known = [str(name) for kind in at(above) for name, _ in children(kind) if name != ANY_KEY]
    close = difflib.get_close_matches(key, [*known, *KNOWN], n=1, cutoff=0.7)
    return close[0] if close else None


def keys_of(place: Place) -> list[str]:
    """The keys that a place may have; empty where they are free."""
    return sorted({str(name) for kind in at(place) for name, _ in children(kind)} - {ANY_KEY, "0"})


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


KNOWN = tuple(sorted({str(key) for place, _ in places() for key in place if isinstance(key, str)} - {ANY_KEY}))
"""Every key that some section has."""

SECRET_PLACES = tuple(place for place, kind in places() if kind is SecretStr)
"""Where secrets belong: `providerKeys.*`."""
