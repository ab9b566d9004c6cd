"""What the Jobs of a database run: scripts for bash, which begin with the login of the admin."""

from pathlib import Path


def script(name: str) -> str:
    """The login of the admin, and one of the scripts behind it."""
    folder = Path(__file__).parent
    return (folder / "login.sh").read_text() + (folder / name).read_text()


BOOTSTRAP = script("bootstrap.sh")
"""Makes a role with one user, and its database. Jobs of stacks that stand have exactly this text."""

ALTERNATING = script("alternating.sh")
"""The same for a role with two users. Its argument is the other one."""

LOCK = script("lock.sh")
"""Ends the login of the user whose turn is over."""
