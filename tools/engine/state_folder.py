"""The state of a backend that is a folder, after an engine or a machine that went away while it was written.

Pulumi puts a new state in the place of the old one at once. What it keeps beside each file (`.attrs`: a content type and a
checksum, which nobody needs) it writes in place, though: an empty one makes the whole state unreadable (`failed to load
checkpoint: EOF`). And a machine without power may leave an empty state, of which there is the one before (`.bak`).
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = ".pulumi"
STATE = "stacks/{project}/{stack}.json"
BESIDE = (
    "meta.yaml.attrs",
    f"{STATE}*.attrs",
    "locks/organization/{project}/{stack}/*.attrs",
    "history/{project}/{stack}/*.attrs",
    "backups/{project}/{stack}/*.attrs",
)


def mend(folder: Path, project: str, stack: str) -> list[str]:
    """Take away what was cut off beside the files of a stack, and put the state before in the place of one that was.

    Args:
        folder: the backend.
        project: that of the stack, in Pulumi's sense: others may have a stack of the same name there.
        stack: its name; `*` for all of the project.

    Returns:
        The files that were mended, below the folder.
    """
    root = folder / FOLDER
    names = {"project": project, "stack": stack}
    beside = [path for pattern in BESIDE for path in sorted(root.glob(pattern.format(**names)))]
    mended = [*without_cut_off(beside), *put_back(sorted(root.glob(STATE.format(**names))))]
    return [str(path.relative_to(folder)) for path in mended]


def without_cut_off(beside: Sequence[Path]) -> Iterator[Path]:
    for path in filter(is_cut_off, beside):
        path.unlink(missing_ok=True)
        yield path


def put_back(states: Sequence[Path]) -> Iterator[Path]:
    for path in filter(is_cut_off, states):
        before = path.with_name(f"{path.name}.bak")
        if before.exists() and not is_cut_off(before):
            new = path.with_name(f"{path.name}.new")
            shutil.copyfile(before, new)
            new.replace(path)
            yield path


def is_cut_off(path: Path) -> bool:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        return True
    except FileNotFoundError:
        return False
    return False
