import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.config.base import DNS_LABEL
from tools.ephemeral.names import LENGTH, name_of
from tools.problem import Problem

PRINTABLE = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=120)


def usable(text: str) -> bool:
    return re.search("[a-z0-9]", text.lower()) is not None


@given(PRINTABLE.filter(usable))
def test_every_name_fits_everywhere(text: str):
    name = name_of(text)
    assert re.fullmatch(DNS_LABEL, name.safe)
    assert len(name.safe) <= LENGTH
    assert re.fullmatch(DNS_LABEL, name.namespace)
    assert len(name.database.encode()) <= 63


@given(PRINTABLE.filter(usable), PRINTABLE.filter(usable))
def test_two_names_are_two_environments(one: str, other: str):
    if one != other and name_of(other).safe != other and name_of(one).safe != one:
        assert name_of(one).safe != name_of(other).safe


@given(PRINTABLE.filter(usable))
def test_a_safe_name_stays_as_it_is(text: str):
    """So that `down` takes the name that `list` shows."""
    safe = name_of(text).safe
    assert name_of(safe).safe == safe


def test_a_good_name_is_not_decorated():
    assert name_of("pr-123").safe == "pr-123"


@pytest.mark.parametrize("text", ["Feature/New_Router", "feature-new-router-", "PR-123", "pr_123", "x" * 41, "a--b"])
def test_a_changed_name_ends_in_a_hash(text: str):
    assert re.search("-[0-9a-f]{6}$", name_of(text).safe)


def test_names_that_look_alike_stay_apart():
    assert len({name_of(text).safe for text in ("a/b", "a_b", "a b", "A-B", "a-b")}) == 5


@pytest.mark.parametrize("text", ["", "---", "///", "日本"])
def test_nothing_to_make_a_name_of_is_refused(text: str):
    with pytest.raises(Problem, match="is no name for an environment"):
        name_of(text)
