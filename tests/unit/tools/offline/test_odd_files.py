"""No stack file ends in a traceback, and no message repeats what stands in it: a thousand files that are wrong somewhere.

Each file is made from its number alone; another thousand are made with ODD_FILES_FROM=1000, and so on.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.config.load import ConfigError
from infra.config.places import ANY_KEY, places
from tests.program.stacks import FILES, stack_of
from tools.engine.stack_file import Stack, merge
from tools.offline.plan import configuration
from tools.problem import Problem

FIRST = int(os.environ.get("ODD_FILES_FROM", "0"))
COUNT = 1000

CANARY = "Hunter2xCanary"
PLACES = [place for place, _ in places()]
BASES = [stack_of(path).config for path in FILES]
HOST = "litellm:ingress"

ODD_VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 10**30, 1.5, "", CANARY, f"{CANARY}/x", [], {}, [None], [[]], {"secure": "v1:x"}, {"secure": 1},
    {CANARY: None}, {"kind": CANARY}, {"kind": ["x"]}, {"kind": {}}, [CANARY], {"document": CANARY, "property": 5}, "\x00",
    "é" * 300,
)  # fmt: skip
"""What somebody may write in the place of something else."""

ODD_TEXTS = (
    "2024-10-21", "2024-10-21T10:00:00Z", "!!binary aGVsbG8=", "!!set {a, b}", "!!omap [a: 1]", "!!python/name:os.system x",
    "&a [*a]", "*nowhere", "<<: 1", "{<<: 1}", "010", "0o17", "0x1F", "1_000", ".inf", ".nan", "9" * 5000, "1e999",
    "- " * 400, "[" * 400, "{a: " * 400, '"\\ud800"', '"\\x00"', "\x07", "\udcff", "\t", "'", '"', "|", ">-", "%", "@", "`",
    "? ", ": ", "---", "...", "!", "!!str", "&", "*", "#", ",", "}", "]", "yes", "~", "\ufeff", "\u2028", CANARY,
    f"{CANARY}: ", f"*{CANARY}", f"!{CANARY} x",
)  # fmt: skip
"""What somebody may paste into YAML."""


def odd_file(number: int) -> str:
    dice = random.Random(number)
    config = dice.choice(BASES)
    config = {key: config[key] for key in dice.sample(sorted(config), min(2, len(config)))} | {HOST: config[HOST]}
    for _ in range(dice.randint(1, 3)):
        config = merge(config, odd_setting(dice))
    flow = dice.choice([None, True, False])
    text = yaml.safe_dump({"config": config}, allow_unicode=dice.random() < 0.5, default_flow_style=flow)
    for _ in range(dice.choice([0, 0, 1, 2])):
        text = pasted(text, dice)
    return text


def odd_setting(dice: random.Random) -> dict[str, Any]:
    """An odd value at a place of the schema, whatever was above it."""
    first, *below = dice.choice(PLACES)
    value = dice.choice(ODD_VALUES)
    if below and dice.random() < 0.2:
        value = {CANARY: value}
    for part in reversed(below):
        value = [value] if part == 0 else {dice.choice(["SOME_KEY", CANARY]) if part == ANY_KEY else part: value}
    return {f"litellm:{first}": value}


def pasted(text: str, dice: random.Random) -> str:
    at = dice.randrange(len(text) + 1)
    return text[:at] + dice.choice(ODD_TEXTS) + text[at + dice.choice([0, 0, 1, 20]) :]


def outcome(path: Path, text: str, read: Callable[[Stack], object]) -> str:
    """What is said of a file; nothing when it is right."""
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    try:
        read(Stack.read(path.parent, "odd"))
    except (Problem, ConfigError) as error:
        return str(error)
    return ""


@pytest.fixture
def said(tmp_path: Path) -> dict[int, str]:
    """What is said of each file."""
    found: dict[int, str] = {}
    for number in range(FIRST, FIRST + COUNT):
        try:
            found[number] = outcome(tmp_path / "Pulumi.odd.yaml", odd_file(number), configuration)
        except Exception as error:
            error.add_note(f"file {number}: see odd_file({number})")
            raise
    return found


def test_a_thousand_odd_files_end_in_a_message_that_repeats_nothing(said: dict[int, str]):
    assert not {number: text for number, text in said.items() if shown_canary(text)}
    wrong = [text for text in said.values() if text]
    assert len(wrong) > COUNT / 2, "files that are right prove nothing"


def shown_canary(text: str) -> bool:
    """Paths of texts that look like secrets have their keys in them: `allowPlaintext` takes such a path."""
    lines = [line for line in text.lower().splitlines() if "looks like a secret" not in line]
    return CANARY.lower() in "\n".join(lines)
