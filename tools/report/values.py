"""Values and differences as text."""

import difflib
import json
from collections.abc import Iterator
from typing import Any

from tools.report.model import ABSENT, Difference

LONGEST = 160
"""Characters of a value on one line; what is longer is cut."""

CONTEXT_LINES = 2


def lines(difference: Difference) -> Iterator[str]:
    """A difference in the form of `diff`: what goes with `-`, what comes with `+`, after the path of the property."""
    before, after = as_lines(difference.before), as_lines(difference.after)
    if len(before) > 1 or len(after) > 1:
        yield f"  {difference.path}:"
        yield from changed_lines(before, after)
        return
    for sign, side, value in (("-", before, difference.before), ("+", after, difference.after)):
        if value is not ABSENT:
            yield f"{sign} {difference.path}: {shortened(side[0])}"


def changed_lines(before: list[str], after: list[str]) -> Iterator[str]:
    """The lines that differ, with some around them."""
    for line in list(difflib.unified_diff(before, after, n=CONTEXT_LINES, lineterm=""))[2:]:
        yield "  …" if line.startswith("@@") else f"{line[0]}   {line[1:]}"


def as_lines(value: Any) -> list[str]:
    """A text with several lines as these, an object in a text line by line, everything else on one line."""
    if value is ABSENT:
        return []
    if isinstance(value, str):
        text = indented(value) if value.startswith(("{", "[")) else value
        return text.splitlines() or [""]
    return [json.dumps(value, ensure_ascii=False, sort_keys=True)]


def indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False, sort_keys=True)
    except ValueError:
        return text


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
