"""Results, for people and for machines."""

import json
import os
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

IN_A_FILE = 200
"""Characters of a line of a table that no terminal shows."""


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """How many times as much as the other side, by the medians of what was measured in turns."""
    return median(ours) / median(theirs)


def spread(values: Sequence[float]) -> str:
    """The median, and from where to where the values went."""
    middle = f"{median(values):.1f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.1f}-{max(values):.1f})"


def verdict(value: float, target: float) -> str:
    return f"[green]{value:.2f}[/]" if value <= target else f"[red]{value:.2f}[/]"


def machine() -> dict[str, Any]:
    """What a reader of the numbers has to know of where they come from."""
    return {"cores": os.cpu_count(), "load": round(os.getloadavg()[0], 2)}


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], caption: str) -> None:
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index else "left")
    for row in rows:
        table.add_row(*row)
    console = Console()
    # In a file there is room for every word.
    (console if console.is_terminal else Console(width=IN_A_FILE)).print(table)


def show_json(content: Mapping[str, Any]) -> None:
    print(json.dumps(content, indent=2))
