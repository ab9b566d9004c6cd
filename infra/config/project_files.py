"""Files beside the stack file that its keys name."""

from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
"""Where stack files are."""

LARGEST_BYTES = 1_000_000
"""Kubernetes takes no ConfigMap above 1 MiB, with everything in it."""

Finding = tuple[str, str]
"""A place in the configuration, and what is wrong there."""


class UnusableError(Exception):
    """A file cannot be used; the message says why, and nothing of what is in it."""


def text_of(path: str, folder: Path) -> str:
    """The text of a file of the project.

    Raises:
        UnusableError: when there is none, or one that does not fit into a ConfigMap.
    """
    try:
        file = (folder / path).resolve()
    except (OSError, ValueError):
        # A loop of links, a name that no file can have.
        file = Path("/")
    if Path(path).is_absolute() or not file.is_relative_to(folder.resolve()):
        raise UnusableError(
            "must be the path of a file of this project, from the folder of the stack files: litellm/config.yaml"
        )
    try:
        content = file.read_bytes()
        if len(content) > LARGEST_BYTES:
            raise UnusableError(f"has {len(content)} bytes, and a ConfigMap takes {LARGEST_BYTES}: split or shorten it")
        return content.decode()
    except OSError as error:
        raise UnusableError(
            f"cannot be read ({error.strerror}): give its path from the folder of the stack files"
        ) from None
    except UnicodeDecodeError:
        raise UnusableError("is no text: only files in UTF-8 can be given") from None
