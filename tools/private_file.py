"""Generated credentials that live in a file of their own, readable by their owner only."""

import os
import secrets
import tempfile
from pathlib import Path


def create_once(path: Path) -> Path:
    """Make sure that `path` holds a random value; one that is there is kept.

    The file appears complete or not at all, and of two processes that create it at once both see the same value.
    """
    if path.exists():
        return path
    private_folder(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(temporary)
        except FileExistsError:
            return path
    finally:
        Path(temporary).unlink()
    return path


def private_folder(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
