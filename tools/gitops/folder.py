"""A folder of rendered files: written again as a whole, without touching what somebody else put there."""

import re
from collections.abc import Mapping
from pathlib import Path

from tools.problem import Problem

HEADER = "# Written by `make render STACK={stack}`; what is edited here is lost with the next one.\n"
WRITTEN = re.compile(r"# Written by `make render STACK=(\S+)`; ")


def check(folder: Path, stack: str) -> None:
    """Refuse a folder that is not ours to write to, before anything is computed.

    Raises:
        Problem: for a file, a folder with other things only, or one of another stack.
    """
    if not folder.exists():
        if folder.is_symlink():
            raise Problem(f"OUT={folder} is a link that leads nowhere: choose a folder")
        return
    if not folder.is_dir():
        raise Problem(f"OUT={folder} is not a folder: choose an empty or a new one")
    owners = {owner for path in folder.iterdir() if (owner := written_for(path))}
    if others := sorted(owners - {stack}):
        raise Problem(f"OUT={folder} was written for stack {others[0]}: choose another folder for stack {stack}")
    if not owners and any(folder.iterdir()):
        raise Problem(
            f"OUT={folder} is not empty, and `make render` did not write what is in it: choose an empty or a new folder"
        )


def write(folder: Path, stack: str, files: Mapping[str, str]) -> None:
    """Make `files` the only ones of this stack in the folder; those of others stay.

    Raises:
        Problem: when a file of somebody else has the name of one of ours.
    """
    check(folder, stack)
    if taken := sorted(name for name in files if exists(folder / name) and not written_for(folder / name)):
        raise Problem(f"{folder / taken[0]} is in the way, and `make render` did not write it: move it")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        replace(folder / name, HEADER.format(stack=stack) + text)
    for path in folder.iterdir():
        if path.name not in files and written_for(path) == stack:
            path.unlink()


def read(folder: Path, stack: str) -> dict[str, str]:
    """The files of this stack that are there already."""
    if not folder.is_dir():
        return {}
    ours = [path for path in sorted(folder.iterdir()) if written_for(path) == stack]
    return {path.name: path.read_text(errors="replace") for path in ours}


def written_for(path: Path) -> str | None:
    """The stack that a file was rendered for; None when somebody else wrote it."""
    if path.suffix != ".yaml" or path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        found = WRITTEN.match(file.readline(500).decode(errors="replace"))
    return found[1] if found else None


def exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def replace(path: Path, text: str) -> None:
    """Write a file whole or not at all; one that is as it should be is left alone."""
    if path.is_file() and path.read_bytes() == text.encode():
        return
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(text.encode())
    temporary.replace(path)
