"""Objects that only a controller of others understands: the list of their kinds, and what annotations say."""

from pathlib import Path

import pytest

from tests.program.foreign import KINDS, foreign, kind_of
from tests.program.stacks import FILES, name_of
from tests.program.test_rendering import rendering_of


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_kind_of_others_that_a_stack_has_is_held_to_its_schema(path: Path):
    kinds = {kind_of(each.content) for each in rendering_of(path).objects}
    assert {kind for kind in kinds if "." in kind} <= set(KINDS)


def test_there_is_an_object_of_each_kind():
    """Of which tests/e2e/test_seed_objects.py asks the API server."""
    assert sorted(foreign()) == sorted(KINDS)
