"""How the rules about several sections are called."""

import inspect

import pytest

from infra.config.rules import RULES


@pytest.mark.parametrize("number", range(len(RULES)), ids=lambda number: RULES[number][0].__name__)
def test_a_rule_gets_the_sections_that_its_parameters_are_called_after(number: int):
    rule, sections = RULES[number]
    assert tuple(inspect.signature(rule).parameters) == sections
