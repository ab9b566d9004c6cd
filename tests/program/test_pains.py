"""docs/pains.md: every known pain has its row, and names tests that are there."""

import ast
import re

import pytest

from tests.program.stacks import ROOT

PAGE = (ROOT / "docs" / "pains.md").read_text()
ROWS = re.findall(r"^\| (\d+) \|(.*)\|(.*)\|(.*)\|$", PAGE, re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::([\w:]+)`")
PAINS = 25


def collected(file: str) -> set[str]:
    """What pytest would collect of a file: functions, and methods of classes, by its names for them."""
    body = ast.parse((ROOT / file).read_text()).body
    named = [("", node) for node in body]
    named += [(f"{each.name}::", node) for each in body if isinstance(each, ast.ClassDef) for node in each.body]
    found = {f"{of}{node.name}" for of, node in named if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    return {name for name in found if name.rpartition("::")[2].startswith("test_")}


def test_every_pain_has_its_row():
    assert [number for number, *_ in ROWS] == [str(number) for number in range(1, PAINS + 1)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_row_says_what_is_done_and_names_its_tests(row: tuple[str, str, str, str]):
    _, pain, done, named = row
    assert pain.strip()
    assert done.strip()
    assert TEST.findall(named)
    assert TEST.sub("", named).strip() == "", "this column names tests, and nothing else"


@pytest.mark.parametrize(("file", "test"), sorted(set(TEST.findall(PAGE))))
def test_a_test_that_is_named_is_there(file: str, test: str):
    assert test in collected(file)


def test_not_only_a_cluster_shows_it():
    """What needs one is run less often than what does not."""
    assert [number for number, _, _, named in ROWS if all("/e2e/" in file for file, _ in TEST.findall(named))] == []


def test_a_test_that_is_none_is_missed():
    here = "tests/program/test_pains.py"
    assert "test_every_pain_has_its_row" in collected(here)
    assert not {"test_nothing", "collected"} & collected(here)
