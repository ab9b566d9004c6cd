"""Every text of a stack file is looked at: what seems to be a secret there would be one in plain text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, cast, get_args, get_origin

from pydantic import BaseModel, SecretStr

from infra.config.detector import looks_secret
from infra.config.plaintext import joined, literal_secrets
from infra.config.stack import StackConfig

ALLOW = "allowPlaintext"

ELSEWHERE = ("providerKeys", ALLOW)
"""Not looked at here: a plain key in the first is known by its place, and the other has paths and reasons."""

VARIABLE = "apiKey"
"""Of a model: the name of a variable. A key in its place is refused in words of its own."""

BELONGS = {
    "gateway.environment": "give it to the gateway with providerKeys (a stack secret) or secretEnvironment (a document of the "
    "store), and remove it here",
    **dict.fromkeys(
        ("gateway.extraContainers", "gateway.extraInitContainers"),
        "put it into a Secret of the namespace, and read it with valueFrom.secretKeyRef",
    ),
    "gateway": "supply it as an environment variable (providerKeys or secretEnvironment) and write os.environ/NAME here",
}
"""How a secret gets to where it is wanted, by the longest path that fits."""

NOWHERE = "no secret is needed there, so remove it"


def plain_secrets(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Places of secrets in plain text, and what to do. The messages never repeat a value."""
    given = data.get(ALLOW)
    reasons = dict(cast("Mapping[str, Any]", given)) if isinstance(given, Mapping) else dict[str, Any]()
    allowed = set(reasons)
    looked_at = {key: value for key, value in data.items() if key not in ELSEWHERE}
    found = {path for key, value in looked_at.items() for path in secrets_below(key, value)}
    for path in sorted(found - allowed):
        yield (
            path,
            f"looks like a secret, and would be one in plain text: {remedy(path)}. If it was a real one, revoke it; if it is "
            f"none, say why: {ALLOW}: {{the path in front of this message: reason}}",
        )
    if any(looks_secret(reason) for reason in map(str, reasons.values())):
        yield ALLOW, "has a reason that looks like a secret: if it was a real one, revoke it"
    if allowed - {path for key, value in looked_at.items() for path in texts(value, key)}:
        yield ALLOW, "has a path at which there is no text: write it as messages do, or remove the entry"


def remedy(path: str) -> str:
    return next((BELONGS[place] for place in sorted(BELONGS, key=len, reverse=True) if path.startswith(place)), NOWHERE)


def secrets_below(path: str, value: Any) -> Iterator[str]:
    """A key of the schema says what its text is, so only the form tells; in a map with free keys names tell, too."""
    if is_free_map().fullmatch(re.sub(r"\[\d+\]", "[]", path)) or isinstance(value, str):
        yield from literal_secrets(value, path)
    else:
        for below, item in entries(value, path):
            if not below.endswith(f".{VARIABLE}"):
                yield from secrets_below(below, item)


def texts(value: Any, path: str) -> Iterator[str]:
    """Paths of all texts."""
    if isinstance(value, str):
        yield path
    for below, item in entries(value, path):
        yield from texts(item, below)


def entries(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """What is in a map or a list, and its path."""
    if isinstance(value, Mapping):
        yield from ((joined(path, str(key)), item) for key, item in cast("Mapping[Any, Any]", value).items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from ((f"{path}[{index}]", item) for index, item in enumerate(cast("Sequence[Any]", value)))


@cache
def is_free_map() -> re.Pattern[str]:
    """The paths of `free_maps`, with any name in place of `*`."""
    return re.compile("|".join(re.escape(path).replace(re.escape(".*"), r"\..+") for path in sorted(free_maps())))


@cache
def free_maps() -> frozenset[str]:
    """Paths of the maps whose keys are the user's own, `[]` for any entry of a list, `*` for a name: `gateway.models[].params`,
    `access.teams.*.metadata`."""
    return frozenset(maps_in(StackConfig, ""))


def maps_in(annotation: Any, path: str) -> Iterator[str]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield from maps_in(field.annotation, joined(path, field.alias or name))
    elif origin is dict:
        if not (isinstance(arguments[1], type) and issubclass(arguments[1], BaseModel | SecretStr)):
            yield path
        yield from maps_in(arguments[1], f"{path}.*")
    elif origin is tuple:
        yield from maps_in(arguments[0], f"{path}[]")
    else:
        for argument in arguments:
            yield from maps_in(argument, path)
