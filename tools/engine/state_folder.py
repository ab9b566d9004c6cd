"""The state of a backend that is a folder, after an engine or a machine that went away while it was written.

Pulumi puts a new state in the place of the old one at once. What it keeps beside each file (`.attrs`: a content type and a
checksum, which nobody needs) it writes in place, though: an empty one makes the whole state unreadable (`failed to load
checkpoint: EOF`). And a machine without power may leave an empty state, of which there is the one before (`.bak`).
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

FOLDER = ".pulumi"
BESIDE = (
    "meta.yaml.attrs",
    "stacks/**/{stack}.json*.attrs",
    "locks/**/{stack}/*.attrs",
    "history/**/{stack}/*.attrs",
    "backups/**/{stack}/*.attrs",
)


def mend(folder: Path, stack: str) -> list[str]:
    """Take away what was cut off beside the files of a stack, and put the state before in the place of one that was.

    Args:
        folder: the backend.
        stack: its name; `*` for all.

    Returns:
        The files that were mended, below the folder.
    """
    root = folder / FOLDER
    return [str(path.relative_to(folder)) for path in (*without_cut_off(root, stack), *put_back(root, stack))]


def without_cut_off(root: Path, stack: str) -> Iterator[Path]:
    for pattern in BESIDE:
        for path in sorted(root.glob(pattern.format(stack=stack))):
            if is_cut_off(path):
                path.unlink(missing_ok=True)
                yield path


def put_back(root: Path, stack: str) -> Iterator[Path]:
    for path in sorted(root.glob(f"stacks/**/{stack}.json")):
        before = path.with_name(f"{path.name}.bak")
        if is_cut_off(path) and before.exists() and not is_cut_off(before):
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
