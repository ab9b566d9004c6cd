"""How serious each rule is for a stack: `levels.yaml`."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, cast, get_args

import yaml

Level = Literal["mandatory", "advisory", "disabled"]
LEVELS: tuple[Level, ...] = get_args(Level)
ADVISORY = ("retired-controller",)
"""Rules that warn where `levels.yaml` does not name them: what they find is nothing that a stack could mend by itself."""

FILE = Path(__file__).with_name("levels.yaml")


class LevelsError(Exception):
    """`levels.yaml` says something that there is not."""


def levels_for(stack: str, rules: Iterable[str], file: Path = FILE) -> dict[str, Level]:
    """The level of every rule: that of the first entry which names both the stack and the rule, otherwise mandatory, or for
    what is in `ADVISORY` advisory.

    Raises:
        LevelsError: for what the file must not say.
    """
    entries = read(file, tuple(rules))
    return {rule: level_of(rule, stack, entries) for rule in rules}


def level_of(rule: str, stack: str, entries: Iterable[Mapping[str, Any]]) -> Level:
    for entry in entries:
        if rule in entry["levels"] and any(fnmatchcase(stack, pattern) for pattern in entry["stacks"]):
            return entry["levels"][rule]
    return "advisory" if rule in ADVISORY else "mandatory"


def read(file: Path, rules: tuple[str, ...]) -> list[dict[str, Any]]:
    try:
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8")) or []
    except OSError as error:
        raise LevelsError(f"cannot read {file}: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        raise LevelsError(f"{file} is not valid YAML{f' (line {mark.line + 1})' if mark else ''}") from None
    if not isinstance(content, list):
        raise LevelsError(f"{file} must be a list of entries with `stacks` and `levels`")
    return [entry(index, item, file, rules) for index, item in enumerate(cast("list[Any]", content))]


def entry(index: int, item: Any, file: Path, rules: tuple[str, ...]) -> dict[str, Any]:
    where = f"{file.name}, entry {index + 1}"
    given = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
    stacks, levels = given.get("stacks"), given.get("levels")
    if set(given) != {"stacks", "levels"} or not isinstance(stacks, list) or not isinstance(levels, dict):
        raise LevelsError(f"{where}: must have `stacks`, a list of names, and `levels`, a level for each rule")
    for rule, level in cast("dict[str, Any]", levels).items():
        if rule not in rules:
            raise LevelsError(f"{where}: there is no rule {rule!r}. Rules: {', '.join(sorted(rules))}")
        if level not in LEVELS:
            raise LevelsError(f"{where}: {rule} must be {', '.join(LEVELS)} (got {level!r})")
    return given
