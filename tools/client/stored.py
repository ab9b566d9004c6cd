"""A document as its store has it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Stored:
    """What a document holds, and since when."""

    values: Any = field(repr=False)
    """Its properties; nothing where the document has none."""

    version: str
    """What the store calls this version."""

    written: datetime | None
    """When this version was written; None where the store does not say."""

    text: str = field(default="", repr=False)
    """The document as a whole, as the store has it, where that can be asked for."""


Read = Callable[[str, str | None], Stored | None]
"""Reads a document by its name, and by its engine where that is another than the stack's; None when there is none.

Raises:
    Problem: when it may not be read.
"""
