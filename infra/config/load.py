"""From what Pulumi hands to the program to a `StackConfig`, or to every problem at once."""

import contextlib
import difflib
import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from infra.config.base import ALLOWED
from infra.config.certificates import with_certificates
from infra.config.encrypted import is_encrypted, wrongly_encrypted
from infra.config.gateway.beside import with_files
from infra.config.gateway.expected import with_sizes
from infra.config.gateway.litellm_names import SECTIONS
from infra.config.gateway.settings import ELSEWHERE
from infra.config.places import Place, at, keys_of, nearest, places_of, shown, takes_a_secret
from infra.config.project_files import PROJECT
from infra.config.rules import cross_checks
from infra.config.shared import USED, sections_of_shared
from infra.config.stack import StackConfig
from infra.config.stores import references_are_of_the_store
from infra.config.sweep import plain_secrets
from infra.config.words import UNNAMED

NAMESPACE = "litellm"

SCALARS = (str, int, float, bool)
CERTIFICATES = PROJECT
"""Where paths of such files begin."""

WITH_CERTIFICATES = {"database", "redis", "gateway"}
"""Sections that may name a file with certificates."""

MUST = "must be "
NO_OBJECT = "must be an object: indent its keys below it"
EMPTY_TEXT = "must be ''"
"""What a key says that may be left empty: nobody wants to hear of it."""

OF_A_KEY = "[key]"
"""How pydantic says that an error is of a key of a map, and not of its value."""

SCALAR = ("literal_error", "bool_type", "bool_parsing", "string_type")
LARGEST_NUMBER = 10**15
"""A number with more digits is a mistake, or something else than a number."""


@dataclass(frozen=True)
class ConfigProblem:
    """One thing that is wrong with the configuration."""

    path: str
    """Where: `gateway.models[0].apiKey`."""

    message: str
    """What is wrong, what is allowed and how to mend it."""

    got: str = ""
    """The type of what was found there, or a number where one belongs; empty when there is nothing, or when it is a secret."""

    project: str = f"{NAMESPACE}:"
    """What stands in front of the path: the keys of this project, or nothing."""

    def __str__(self) -> str:
        return f"{self.project}{self.path}: {self.message}" + (f" (got {self.got})" if self.got else "")


class ConfigError(Exception):
    """Everything that is wrong with a stack's configuration."""

    def __init__(self, file: str, problems: Iterable[ConfigProblem]) -> None:
        # Two of the program's own paths may lead to one place in the file.
        self.problems = tuple(dict.fromkeys(problems))
        count = "one problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = "".join(f"\n  - {problem}" for problem in self.problems)
        super().__init__(f"{count} in {file}; nothing was changed:{lines}")


def load(
    values: Mapping[str, str],
    stack: str,
    secret_keys: Iterable[str] = (),
    written: Mapping[str, Any] | None = None,
) -> StackConfig:
    """Read the configuration of `stack`, as Pulumi gives it: `litellm:<key>` -> text, JSON for objects.

    Args:
        values: the configuration, decrypted.
        stack: name of the stack.
        secret_keys: the keys of `values` with an encrypted value in them.
        written: `config` of the stack file as it is written, where that is known: it says what in a key is encrypted.

    Raises:
        ConfigError: with every problem of the file.
    """
    data: dict[str, Any] = {}
    problems = [ConfigProblem(name_of(name), foreign(name), project="") for name in sorted(values) if is_foreign(name)]
    secret = ours(dict.fromkeys(secret_keys))
    file = ours(written or {})
    for key, text in sorted({**DECLARED, **ours(values)}.items()):
        try:
            data[key] = parse(key, text, file.get(key))
        except (ValueError, RecursionError):
            problems.append(ConfigProblem(shown((key,)), OF_ITS_TYPE.get(key, NO_OBJECT)))
    problems += [ConfigProblem(*found) for found in wrongly_encrypted(data, secret, None if written is None else file)]
    if not data.get("shared"):
        # The default of Pulumi.yaml, which a stack without it has as well.
        data.pop("shared", None)
    else:
        problems += [ConfigProblem(*found) for found in sections_of_shared(data, DEFAULTS)]
        data = {key: value for key, value in data.items() if key in USED} | {"ingress": {"enabled": False}}
    data["gateway"], unreadable = with_files(data.get("gateway", {}))
    problems += [ConfigProblem(*found) for found in unreadable]
    for section in WITH_CERTIFICATES & data.keys():
        data[section], unreadable = with_certificates(data[section], section, CERTIFICATES)
        problems += [ConfigProblem(*found) for found in unreadable]
    data = with_sizes(data)
    config, more = validate(data, {*secret, *SECRET_KEYS}, ours(values).keys() - data.keys())
    problems += more
    problems += [ConfigProblem(*found) for found in plain_secrets({key: data[key] for key in data.keys() - secret})]
    if problems or config is None:
        raise ConfigError(f"Pulumi.{stack}.yaml", problems)
    return config


def ours(config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of this project, without its name in front."""
    pairs = ((name.partition(":"), value) for name, value in config.items())
    return {key: value for (namespace, _, key), value in pairs if namespace == NAMESPACE}


def is_foreign(name: str) -> bool:
    """Whether a key is neither of this project nor of Pulumi itself (`pulumi:tags`)."""
    return name.partition(":")[0] not in (NAMESPACE, "pulumi")


def name_of(name: str) -> str:
    return name if re.fullmatch(r"[a-z-]+:[A-Za-z]+", name) else UNNAMED


def foreign(name: str) -> str:
    namespace, _, key = name.partition(":")
    meant = HONOURED.get(name) or (
        f"{NAMESPACE}:{key}" if difflib.get_close_matches(namespace, [NAMESPACE], cutoff=0.7) else None
    )
    return (
        "has no effect: this program makes its own providers, and reads keys that begin with litellm: only"
        f"{f'; use {meant}' if meant and name_of(name) != UNNAMED else ''}"
    )


def parse(key: str, text: str, written: object) -> Any:
    """Pulumi gives every value as text: JSON, but for what is text itself. `written` is the value in the file, where known."""
    if not has_its_type(key, written):
        raise ValueError("Pulumi refuses it before it starts the program")
    if key in TEXTS or key not in KEYS:
        return text
    value: Any = json.loads(text)
    if key in SWITCHES and not isinstance(value, bool):
        raise ValueError("pydantic would take 1 and 0, and Pulumi does not")
    return value


def has_its_type(key: str, written: object) -> bool:
    """Whether the file has a map where an object belongs, and a word where a text does: as text, both look alike."""
    if written is None or is_encrypted(written) or key not in KEYS or key in SWITCHES:
        return True
    return isinstance(written, dict | list) != (key in TEXTS)


def validate(
    data: Mapping[str, Any], secret: Iterable[str], unreadable: Collection[str] = ()
) -> tuple[StackConfig | None, list[ConfigProblem]]:
    """The configuration, or None, and every problem, also of what spans several sections. `unreadable` are keys that somebody
    gave, and of which that has been said already."""
    try:
        config = StackConfig.model_validate(data)
    except ValidationError as error:
        valid = dict(sections_that_are_valid(data))
        wrong = [each for each in error.errors() if not (each["type"] == "missing" and each["loc"][0] in unreadable)]
        return None, [*in_one_sentence(wrong, data, secret), *from_rules(valid)]
    names = references_are_of_the_store(config.references(), config.secrets.kind)
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


def in_one_sentence(
    errors: Iterable[ErrorDetails], data: Mapping[str, Any], secret: Iterable[str]
) -> Iterator[ConfigProblem]:
    """One problem for each place: where several types are allowed, pydantic says of each why it is not that one."""
    found: dict[tuple[Place, bool], list[ErrorDetails]] = {}
    values: dict[Place, Any] = {}
    for details in errors:
        place, value = locate(tuple(part for part in details["loc"] if part != OF_A_KEY), data)
        found.setdefault((place, OF_A_KEY in details["loc"]), []).append(details)
        values[place] = value
    for (place, _), about in found.items():
        inside = any(other[: len(place)] == place and other != place for other, _ in found)
        # Who wrote an object meant one, and not the word that would also be allowed there.
        if not (inside and isinstance(values[place], Mapping) and all(each["type"] in SCALAR for each in about)):
            yield problem(place, values[place], about, data, secret)


def problem(
    place: Place, value: Any, about: Sequence[ErrorDetails], data: Mapping[str, Any], secret: Iterable[str]
) -> ConfigProblem:
    if any(details["type"] == "extra_forbidden" for details in about):
        return unknown(place, data)
    hidden = str(place[0]) in secret or all(details["type"] == "missing" for details in about)
    said = joined([in_words(details) for details in about])
    return ConfigProblem(shown(place), said, "" if hidden else sort_of(value, place))


def joined(messages: Sequence[str]) -> str:
    """What is allowed, when each of these is: `must be true or false, or 'auto'`."""
    kept = list(dict.fromkeys(message for message in messages if message != EMPTY_TEXT)) or list(messages)[:1]
    alternatives = [message for message in kept if message.startswith(MUST)]
    others = [message for message in kept if not message.startswith(MUST)]
    ordered = sorted(alternatives, key=lambda message: message == NO_OBJECT)
    allowed = MUST + ", or ".join(message.removeprefix(MUST) for message in ordered)
    return "; ".join([*([allowed] if ordered else []), *others])


def unknown(place: Place, data: Mapping[str, Any]) -> ConfigProblem:
    *above, key = place
    there = keys_of(tuple(above), data)
    if str(key) in SECTIONS and above in ([], ["gateway"]):
        right = ELSEWHERE.get(str(key), f"gateway.config.{key}")
        return ConfigProblem(".".join(map(str, place)), f"is a section of LiteLLM's config.yaml: write it in {right}")
    if (where := shown(place)).endswith(UNNAMED):
        return ConfigProblem(
            shown(tuple(above)), f"has a key that it does not know, and that may be a secret: it has {', '.join(there)}"
        )
    meant = nearest(str(key), there)
    if meant:
        return ConfigProblem(where, f"unknown key; did you mean {meant!r}?")
    elsewhere = places_of(str(key), where)
    hint = f"; did you mean {elsewhere}?" if elsewhere else f": it has {', '.join(there)}"
    return ConfigProblem(where, f"unknown key here{hint}")


def sort_of(value: object, place: Place) -> str:
    """What was found, in a word: never a text that somebody gave, and a number only where a number belongs."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int | float):
        wanted = bool({int, float} & set(at(place)))
        return f"{value}" if wanted and abs(value) < LARGEST_NUMBER else "a number"
    return "text" if isinstance(value, str) else "a list" if isinstance(value, list | tuple) else "an object"


def in_words(details: ErrorDetails) -> str:
    """What is allowed, for somebody who knows YAML and not Python."""
    words = WORDS.get(details["type"])
    if words:
        return words(details.get("ctx", {}))
    message = details["msg"].removeprefix("Value error, ")
    allowed = message.removeprefix("Input should be ")
    return message if allowed == message else f"must be {allowed}"


def locate(loc: tuple[int | str, ...], data: Any) -> tuple[Place, Any]:
    """The place as the user wrote it, and the value there. Names of union members, which pydantic adds, are left out."""
    place: Place = ()
    value: Any = data
    for part in loc:
        if isinstance(part, int) and isinstance(value, (list, tuple)):
            value = cast("list[Any]", value)[part]
        elif isinstance(part, str) and isinstance(value, dict):
            given = cast("dict[str, Any]", value)
            if part not in given and is_union_tag(part, given):
                continue
            value = given.get(part)
        else:
            continue
        place = (*place, part)
    return place, cast("Any", value)


def is_union_tag(part: str, value: Mapping[str, Any]) -> bool:
    """Pydantic names the chosen member of a union in the path: by its discriminator, such as `kind`, or its class."""
    return part in value.values() or part[:1].isupper() or "-" in part or "[" in part


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def counted(number: int, one: str, many: str) -> str:
    return f"one {one}" if number == 1 else f"{number} {many}"


KEYS = tuple(field.alias or name for name, field in StackConfig.model_fields.items())
WORDS: dict[str, Callable[[dict[str, Any]], str]] = {
    "missing": lambda _: "is required",
    "model_type": lambda _: NO_OBJECT,
    "dict_type": lambda _: NO_OBJECT,
    "model_attributes_type": lambda _: NO_OBJECT,
    "tuple_type": lambda _: "must be a list: put `- ` before each entry",
    "string_type": lambda _: "must be text: put it in quotes",
    "string_unicode": lambda _: "must be text: put it in quotes",
    **dict.fromkeys(("bool_type", "bool_parsing"), lambda _: "must be true or false"),
    **dict.fromkeys(
        ("int_type", "int_parsing", "int_parsing_size", "int_from_float"), lambda _: "must be a whole number"
    ),
    **dict.fromkeys(("float_type", "float_parsing", "finite_number"), lambda _: "must be a number"),
    "path_type": lambda _: "must be the path of a file",
    "too_short": lambda context: f"must have {counted(context['min_length'], 'entry', 'entries')} or more",
    "too_long": lambda context: f"must have at most {counted(context['max_length'], 'entry', 'entries')}",
    "string_too_short": lambda context: (
        f"must have {counted(context['min_length'], 'character', 'characters')} or more"
    ),
    "string_too_long": lambda context: f"must have at most {counted(context['max_length'], 'character', 'characters')}",
    "string_pattern_mismatch": lambda context: f"must be {ALLOWED.get(context['pattern'], context['pattern'])}",
    "union_tag_invalid": lambda context: (
        f"{context['discriminator'].strip(QUOTE)} must be one of {context['expected_tags']}"
    ),
    "union_tag_not_found": lambda context: f"needs {context['discriminator'].strip(QUOTE)}, which says what kind it is",
}
QUOTE = "'"
HONOURED = {
    "kubernetes:context": "litellm:context",
    "kubernetes:namespace": "litellm:namespace",
    "kubernetes:kubeconfig": "the environment variable KUBECONFIG, and litellm:context",
    "aws:region": "litellm:secrets.aws.region",
    "aws:profile": "the environment variable AWS_PROFILE",
    "aws:allowedAccountIds": "litellm:secrets.aws.accountId",
    "aws:assumeRole": "litellm:secrets.aws.assumeRole",
    "aws:defaultTags": "litellm:secrets.aws.defaultTags",
    "vault:address": "litellm:secrets.vault.address",
    "vault:namespace": "litellm:secrets.vault.namespace",
    "vault:token": "the environment variable VAULT_TOKEN",
}
"""Settings of providers, and what takes their place here."""
TEXTS = tuple(key for key in KEYS if all(kind is str or get_origin(kind) is Literal for kind in at((key,))))
SWITCHES = tuple(key for key in KEYS if at((key,)) == [bool])
OF_ITS_TYPE = dict.fromkeys(TEXTS, "must be text") | dict.fromkeys(SWITCHES, "must be true or false")
DECLARED = {"ingress": "{}"}
"""Defaults of Pulumi.yaml for what the models ask for: the engine fills them in."""

DEFAULTS = {field.alias or name: field.default for name, field in StackConfig.model_fields.items()}
SECRET_KEYS = tuple(key for key in KEYS if takes_a_secret((key,)))
"""Keys with nothing but secrets below them."""
