"""A stack file as Pulumi reads it: Go's YAML, with what it makes of numbers, words, keys and merges.

What Pulumi turns into another text than the one in the file (a date), or no other tool would read the same way, is refused
with its line. Messages say where, never what stands there.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from math import isinf
from pathlib import Path
from typing import Any, cast

import yaml

STR, MAP, SEQ = "tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"
PLAIN = "plain"
"""Of words without quotes: what they mean depends on how they look."""

PROJECT = "litellm"
STACK_FILE = "LITELLM_STACK_FILE"
"""Environment variable with the file that Pulumi was given with `--config-file`."""

LONGEST_INTEGER = 70
"""Characters of 64 bits in any base, with room for zeros in front."""

LARGEST_DOCUMENT = 100_000
"""Values in one file, aliases written out: Pulumi refuses a file whose aliases multiply."""

WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?")
SURROGATE = re.compile("[\ud800-\udfff]")


class StackFileError(Exception):
    """The file cannot be read as a stack file; the text says why, and repeats nothing of it."""


class OddError(yaml.MarkedYAMLError):
    """YAML that is refused here."""

    def __init__(self, problem: str, node: yaml.Node) -> None:
        super().__init__(problem=problem, problem_mark=node.start_mark)


def plain(text: str) -> Any:
    """What a word without quotes means to Pulumi."""
    if text in WORDS:
        return WORDS[text]
    if text[0].isdigit() or text[0] in "+-.":
        return number("" if text.startswith("._") else text.replace("_", ""), text)
    return text


def number(digits: str, text: str) -> Any:
    """An integer of 64 bits, or a number with a fraction as JSON has it, or the text itself."""
    if len(digits) <= LONGEST_INTEGER and (found := INTEGER.fullmatch(digits)):
        sign, *bases = found.groups()
        value = next(int(part, base) for part, base in zip(bases, (16, 2, 8, 10), strict=True) if part)
        signed = -value if sign == "-" else value
        if -(2**63) <= signed < 2**63 or (signed < 2**64 and not sign):
            return signed
    if FLOAT.fullmatch(digits) and not isinf(value := float(digits)):
        return as_json(value)
    return text


def as_json(value: float) -> int | float:
    """JSON knows one kind of number, and writes 3.0 as 3."""
    return int(f"{Decimal(repr(value)):f}".partition(".")[0]) if value.is_integer() and abs(value) < 1e21 else value


class Composer(yaml.SafeLoader):
    """PyYAML without its rules for words, which are those of YAML 1.1."""

    ESCAPE_REPLACEMENTS = {  # noqa: RUF012 # pyright: ignore[reportGeneralTypeIssues] - PyYAML's own class attribute
        escape: character for escape, character in yaml.SafeLoader.ESCAPE_REPLACEMENTS.items() if escape != "/"
    }

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:  # noqa: ARG002 - PyYAML's own signature
        is_plain = kind is yaml.ScalarNode and implicit[0]
        return PLAIN if is_plain else {yaml.ScalarNode: STR, yaml.MappingNode: MAP, yaml.SequenceNode: SEQ}[kind]


@dataclass
class Reading:
    """From nodes to values."""

    values: int = 0
    """How many there are so far, aliases written out."""

    around: list[yaml.Node] = field(default_factory=list[yaml.Node])
    """The lists and maps around the value that is read."""

    def value(self, node: yaml.Node) -> Any:
        self.values += 1
        if self.values > LARGEST_DOCUMENT:
            raise OddError("too many values: aliases (*…) multiply what they stand for", node)
        if any(node is one for one in self.around):
            raise OddError("an anchor (&…) that contains itself", node)
        self.around.append(node)
        value = self.inside(node)
        self.around.pop()
        return value

    def inside(self, node: yaml.Node) -> Any:
        if isinstance(node, yaml.MappingNode) and node.tag == MAP:
            return self.mapping(node)
        if isinstance(node, yaml.SequenceNode) and node.tag == SEQ:
            return [self.value(entry) for entry in node.value]
        if isinstance(node, yaml.ScalarNode) and node.tag in (PLAIN, STR):
            return scalar(node)
        raise OddError("a tag (!…), which a stack file does not need: remove it", node)

    def mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        given: dict[str, Any] = {}
        names: set[str] = set()
        for key, value in node.value:
            name = key_of(key)
            if name in names:
                raise OddError("a key that occurs twice in its map", key)
            names.add(name)
            if name == "<<":
                merged = self.merged(value)
            else:
                given[name] = self.value(value)
        return merged | given

    def merged(self, node: yaml.Node) -> dict[str, Any]:
        """Several maps: the first one that has a key wins."""
        parts: list[Any] = [
            self.value(part) for part in (node.value if isinstance(node, yaml.SequenceNode) else [node])
        ]
        if not all(isinstance(part, dict) for part in parts):
            raise OddError("a merge (<<) of something else than maps", node)
        return {name: value for part in reversed(parts) for name, value in part.items()}


def key_of(node: yaml.Node) -> str:
    key: Any = scalar(node) if isinstance(node, yaml.ScalarNode) and node.tag in (PLAIN, STR) else None
    if key is None:
        raise OddError("a key that is no text and no number", node)
    return str(key).lower() if isinstance(key, bool) else str(key)


def scalar(node: yaml.ScalarNode) -> Any:
    text = str(node.value)
    if SURROGATE.search(text):
        raise OddError("half of a surrogate pair, which is no character: write the character itself", node)
    if node.tag == STR:
        return text
    if DATE.fullmatch(text):
        raise OddError("a date without quotes, which Pulumi writes in another form: put it in quotes", node)
    if NOT_FINITE.fullmatch(text):
        raise OddError("a number that is not finite: put it in quotes if it is a text", node)
    return plain(text)


def parse(content: str) -> Any:
    """The value of a YAML text.

    Raises:
        StackFileError: where it is none, or one that Pulumi would read otherwise.
    """
    try:
        node = yaml.compose(content, Composer)
        return None if node is None else Reading().value(node)
    except yaml.MarkedYAMLError as error:
        what = "cannot be read" if isinstance(error, OddError) else "is not valid YAML"
        raise StackFileError(f"{what}{line(error)}: {words(error)}") from None
    except yaml.YAMLError:
        raise StackFileError("is not valid YAML: it has a character that no text has") from None
    except RecursionError:
        raise StackFileError("is not valid YAML: its lists and maps are nested too deeply") from None


def line(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""


def words(error: yaml.MarkedYAMLError) -> str:
    """What PyYAML says, without what it quotes from the file."""
    if isinstance(error, OddError):
        return str(error.problem)
    if type(error).__name__ == "ComposerError":
        return "an alias (*…) of an anchor (&…) that is not there, or more than one document"
    return re.sub(r""" ?('[^<:][^']*'|"[^"]*")""", "", error.problem or "it cannot be read")


def read(path: Path) -> dict[str, Any]:
    """A stack file, or an overlay, as a map.

    Raises:
        StackFileError: where it is none.
        OSError: where it cannot be opened.
    """
    try:
        content = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise StackFileError("is not text in UTF-8") from None
    value: Any = parse(content)
    if value is not None and not isinstance(value, Mapping):
        raise StackFileError("must be a map of keys, not a list or a single value")
    return dict(cast("Mapping[str, Any]", value or {}))


def settings(document: Mapping[str, Any]) -> dict[str, Any]:
    """`config` of a stack file, each key with its project in front, as Pulumi has it: `gateway` is `litellm:gateway`.

    Raises:
        StackFileError: where it is no map of keys, or says one twice.
    """
    config: Any = document.get("config") or {}
    if not isinstance(config, Mapping):
        raise StackFileError("must have a map of settings such as `litellm:gateway` below `config`")
    found: dict[str, Any] = {}
    for key, value in cast("Mapping[str, Any]", config).items():
        parts = key.split(":")
        name = [PROJECT, *parts] if len(parts) == 1 else [parts[0], *parts[2:]] if parts[1:-1] == ["config"] else parts
        if len(name) != 2 or not all(name) or key.isdigit():
            raise StackFileError("has a key below `config` that is none: write `litellm:gateway`, and so on")
        if (full := ":".join(name)) in found:
            raise StackFileError("has a key below `config` twice, with and without its project")
        found[full] = value
    return found


def of_stack(stack: str, environment: Mapping[str, str] = os.environ) -> dict[str, Any] | None:
    """`config` of the file of a stack, as it is written; None when nobody knows the file.

    Pulumi does not say which file it read: without `--config-file`, it is that of the stack in this folder.

    Raises:
        StackFileError: where it cannot be read as a stack file; the text begins with its name.
    """
    path = Path(environment.get(STACK_FILE) or f"Pulumi.{stack}.yaml")
    try:
        return settings(read(path))
    except OSError:
        return None
    except StackFileError as error:
        raise StackFileError(f"{path.name} {error}") from None
