"""The targets of a stack that a `destroy` can go without. Read by the command line, so without any client."""

from enum import StrEnum


class Part(StrEnum):
    """What is gone for good, or shall stay where it is."""

    store = "store"
    operator = "operator"
    cluster = "cluster"
