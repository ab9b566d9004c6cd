"""What is said of every key of the configuration when what stands there is wrong: made from the schema, not from cases."""

import re
from typing import Any, Literal, get_args, get_origin

import pytest

from infra.config.gateway.litellm_names import SECTIONS
from infra.config.gateway.settings import ELSEWHERE
from infra.config.load import ConfigProblem
from infra.config.places import keys_of
from tests.unit.infra.config.schema_places import A_KEY, A_REGION, Spot, problems, spots

GIVEN = "zz quartz zz"
"""A text that fits nowhere, and that no message may repeat."""

WRONG_TYPES: dict[str, Any] = {
    "text": GIVEN,
    "empty": "",
    "long": "q" * 5000,
    "number": -987654,
    "fraction": 0.31337,
    "true": True,
    "null": None,
    "list": [GIVEN],
    "list of lists": [[GIVEN]],
    "map": {GIVEN: GIVEN},
}

PROGRAMMERS_WORDS = re.compile(
    r"literal\[|constrained|function-|tagged|union|nullable|pydantic|pathlib|<class|Input |Tuple|dictionary|valid string"
    r"|valid integer|valid boolean|\bstr\b|\bint\b|\bbool\b|\bNone\b|\bTrue\b|\bFalse\b|Value error|type=|\^\[|\$$|must be ''",
)
"""Names of Python and pydantic, and patterns: nobody who writes YAML knows them."""

FREE = {A_KEY, A_REGION}
SPOTS = spots()
BY_SECTION = sorted({str(spot.place[0]) for spot in SPOTS})
EXAMPLES = re.compile(r'such as "?([^\s,"(]+?(?:\([^)]*\))?)"?(?=[,:]?(?:\s|$))')
HINT = re.compile(r"did you mean '?(.*?)'?\?")


def of(section: str) -> list[Spot]:
    return [spot for spot in SPOTS if spot.place[0] == section]


def said_of(spot: Spot, value: Any) -> list[ConfigProblem]:
    return problems(spot.around(value))


def about(spot: Spot, found: list[ConfigProblem]) -> list[str]:
    return [each.message for each in found if each.path == spot.path]


def in_plain_words(problem: ConfigProblem) -> bool:
    text = str(problem)
    return not PROGRAMMERS_WORDS.search(problem.message) and "quartz" not in text and "q" * 20 not in text


def test_every_section_is_walked():
    assert len(SPOTS) > 400
    assert {"gateway", "database", "redis", "secrets", "ingress", "keys"} <= set(BY_SECTION)


@pytest.mark.parametrize("section", BY_SECTION)
def test_a_wrong_value_is_said_in_words_of_the_file_and_never_repeated(section: str):
    wrong = {
        f"{spot} = {kind}: {problem}"
        for spot in of(section)
        for kind, value in WRONG_TYPES.items()
        for problem in said_of(spot, value)
        if not in_plain_words(problem)
    }
    assert wrong == set()


@pytest.mark.parametrize("section", BY_SECTION)
def test_a_text_has_no_number_in_its_message(section: str):
    """A password of digits is a number in YAML."""
    shown = {
        str(spot)
        for spot in of(section)
        if not {int, float} & set(spot.kinds)
        for problem in said_of(spot, -987654)
        if "987654" in str(problem)
    }
    assert shown == set()


@pytest.mark.parametrize("section", BY_SECTION)
def test_a_place_has_one_sentence_about_its_value(section: str):
    """Where several types are allowed, pydantic says of each why it is not that one."""
    twice = {
        f"{spot} = {kind}: {messages}"
        for spot in of(section)
        for kind, value in WRONG_TYPES.items()
        for messages in [about(spot, said_of(spot, value))]
        if len(messages) > 1
    }
    assert twice == set()


def misspelt(key: str) -> list[str]:
    snake = re.sub(r"(?<!^)([A-Z])", lambda found: f"_{found[1].lower()}", key)
    return [each for each in (f"{key[:-2]}{key[-1]}{key[-2]}", f"{key}s", key.upper(), snake) if each != key]


@pytest.mark.parametrize("section", BY_SECTION)
def test_a_hint_names_a_key_that_is_right_there_and_never_the_one_that_was_written(section: str):
    wrong: set[str] = set()
    for spot in of(section):
        *above, key = spot.place
        if not above or not isinstance(key, str) or key in FREE:
            continue
        for written in misspelt(key):
            *_, last = spot.place
            whole = spot.around(GIVEN)
            renamed(whole, spot.place, written)
            for problem in problems(whole):
                hint = HINT.search(problem.message)
                if hint and problem.path.endswith(f".{written}") and "here" not in problem.message:
                    there = keys_of(tuple(above), whole)
                    if hint[1] == written or hint[1] not in there:
                        wrong.add(f"{spot} as {written}: {problem}")
                if hint and hint[1] in (written, last if last == written else None):
                    wrong.add(f"{spot} as {written}: {problem}")
    assert wrong == set()


def renamed(data: Any, place: tuple[str | int, ...], written: str) -> None:
    for part in place[:-1]:
        data = data[part]
    data[written] = data.pop(place[-1])


@pytest.mark.parametrize("section", BY_SECTION)
def test_a_key_of_another_section_is_hinted_at_with_its_place(section: str):
    """`host` is a key, and so close to itself that a hint would be the key that was written."""
    keys = {str(spot.place[-1]) for spot in SPOTS if isinstance(spot.place[-1], str)} - FREE
    wrong: set[str] = set()
    for spot in of(section):
        *above, last = spot.place
        if not above or not isinstance(last, str) or last in FREE:
            continue
        for written in sorted(keys - set(keys_of(tuple(above))))[:: max(1, len(keys) // 12)]:
            whole = spot.around(GIVEN)
            renamed(whole, spot.place, written)
            wrong |= {
                str(problem)
                for problem in problems(whole)
                for hint in [HINT.search(problem.message)]
                if hint and hint[1] == written
            }
    assert wrong == set()


@pytest.mark.parametrize("section", BY_SECTION)
def test_an_example_in_a_message_fits_the_place(section: str):
    misfits: set[str] = set()
    for spot in of(section):
        for value in (GIVEN, -987654, "", [GIVEN]):
            for message in about(spot, said_of(spot, value)):
                for found in EXAMPLES.finditer(message):
                    if message in about(spot, said_of(spot, found[1])):
                        misfits.add(f"{spot}: {message} -> {found[1]}")
    assert misfits == set()


@pytest.mark.parametrize("section", BY_SECTION)
def test_a_closed_list_is_named_with_all_its_members(section: str):
    incomplete = {
        f"{spot}: {message}"
        for spot in of(section)
        for kind in spot.kinds
        if get_origin(kind) is Literal and len(get_args(kind)) > 1
        for message in [" ".join(about(spot, said_of(spot, GIVEN)))]
        if not all(str(member) in message for member in get_args(kind))
    }
    assert incomplete == set()


@pytest.mark.parametrize("section", BY_SECTION)
def test_a_number_out_of_its_range_is_named_with_the_limit(section: str):
    silent: set[str] = set()
    for spot in of(section):
        limits = {
            name: getattr(check, name) for check in spot.metadata for name in ("ge", "le") if hasattr(check, name)
        }
        for name, limit in limits.items():
            beyond = limit - 1 if name == "ge" else limit + 1
            said = " ".join(about(spot, said_of(spot, beyond)))
            if str(limit) not in said or str(beyond) not in " ".join(map(str, said_of(spot, beyond))):
                silent.add(f"{spot}: {beyond}: {said}")
    assert silent == set()


@pytest.mark.parametrize("section", sorted(SECTIONS))
@pytest.mark.parametrize("above", ["", "gateway"])
def test_a_section_of_litellm_in_the_wrong_place_is_sent_to_the_right_one(section: str, above: str):
    said = [
        problem.message
        for problem in problems({above: {section: {}}} if above else {section: {}})
        if problem.path == ".".join(filter(None, (above, section)))
    ]
    assert said == [
        f"is a section of LiteLLM's config.yaml: write it in {ELSEWHERE.get(section, f'gateway.config.{section}')}"
    ]


def test_a_key_that_is_right_elsewhere_is_hinted_at_with_the_nearest_places():
    assert "litellm:ingress.host?" in " ".join(map(str, problems({"gateway": {"host": "x"}})))


@pytest.mark.parametrize("written", ["litellm_setting", "model_lists", "router_setting"])
def test_a_hint_for_a_section_is_no_section_that_would_be_refused_next(written: str):
    (said,) = (problem.message for problem in problems({"gateway": {"config": {written: {}}}}))
    assert not any(f"did you mean {name}?" in said for name in ELSEWHERE)
