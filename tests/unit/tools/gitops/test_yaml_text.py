import re
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as some

from tools.gitops.yaml_text import dump

PLAIN = some.none() | some.booleans() | some.integers() | some.text()
VALUES = some.recursive(
    PLAIN, lambda inner: some.lists(inner) | some.dictionaries(some.text(min_size=1), inner), max_leaves=20
)


@given(VALUES)
def test_what_is_written_is_what_is_read(value: Any):
    assert yaml.safe_load(dump(value)) == value


@given(some.dictionaries(some.text(min_size=1), some.integers(), min_size=2))
def test_the_order_of_keys_makes_no_difference(value: dict[str, int]):
    assert dump(value) == dump(dict(reversed(value.items())))


@given(some.from_regex(r"[-+]?[0-9]+e[0-9]+", fullmatch=True))
def test_a_hash_that_looks_like_a_number_is_quoted(text: str):
    """Go reads a bare 12e4 as a number; PyYAML would write it so."""
    assert re.fullmatch(r'revision: "[^"]+"\n', dump({"revision": text}))


def test_long_lines_are_not_broken():
    assert dump({"a": "word " * 500 + "end"}).count("\n") == 1


def test_a_text_of_several_lines_is_a_block():
    assert dump({"config.yaml": "a: 1\nb: 2\n"}) == "config.yaml: |\n  a: 1\n  b: 2\n"


def test_what_occurs_twice_is_written_twice():
    twice = {"a": 1}
    assert "&" not in dump([twice, twice])
