"""Errors that a user can act on."""


class Problem(Exception):  # noqa: N818 - it is a message for the user, not a fault of the program
    """Stops a command; the text says what is wrong, where, and what to do."""


class Unavailable(Problem):
    """Something that the real engine needs is not on this machine; the offline plan can still be shown."""
