"""Writes the files of a pod out of secrets that were fetched: runs in the pod, with Python alone.

    render.py PLAN FOLDER

The plan has, for each file, the parts of its text: a text as it is, or where a value is and what is done to it. FOLDER has the
secrets, a file for each, and is empty afterwards.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

FUNCTIONS: Mapping[str, Callable[[str], str]] = {
    "url": lambda value: quote(value, safe=""),
    "sha256": lambda value: hashlib.sha256(value.encode()).hexdigest(),
    "host": lambda value: f"[{value}]" if ":" in value else value,
}
"""What may be done to a value: percent-encoded for a URL, hashed, or in brackets where it is an IPv6 address."""


class MissingError(Exception):
    """A secret lacks what is asked of it. The message has names, and no value."""


def value_of(secret: str, name: str, place: str) -> str:
    """A property of a secret: one of that very name, otherwise one below others (`openai.key`); no name is the whole secret."""
    if not name:
        return secret
    try:
        content: Any = json.loads(secret)
    except ValueError:
        raise MissingError(f"secret {place} is not JSON, so that it has no property {name}") from None
    found = of(content, name)
    for step in name.split(".") if found is None else ():
        found = content = of(content, step)
    if found is None or found == "":
        raise MissingError(f"secret {place} has no property {name}")
    return found if isinstance(found, str) else json.dumps(found)


def of(content: Any, name: str) -> Any:
    """A property of an object; None where it has none, or is something else."""
    return cast("dict[str, Any]", content).get(name) if isinstance(content, dict) else None


def text_of(parts: Sequence[Any], secrets: Sequence[str], places: Sequence[str]) -> str:
    """The text of one file."""
    return "".join(part if isinstance(part, str) else filled(part, secrets, places) for part in parts)


def filled(part: Mapping[str, Any], secrets: Sequence[str], places: Sequence[str]) -> str:
    number: int = part["document"]
    value = value_of(secrets[number], str(part["property"]), places[number])
    return FUNCTIONS[part["function"]](value) if part["function"] else value


def main(plan: Path, folder: Path) -> None:
    content = json.loads(plan.read_text())
    fetched = [folder / str(number) for number in range(len(content["documents"]))]
    # The CLI ends what it prints with a line break.
    secrets = [each.read_text().removesuffix("\n") for each in fetched]
    for each in content["files"]:
        file = Path(each["path"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text_of(each["parts"], secrets, content["documents"]))
        file.chmod(int(each["mode"], 8))
    for each in fetched:
        each.unlink()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    except MissingError as error:
        sys.exit(f"render: {error}")
