"""The rights of docs/rights/: as they are documented, and tested, so the shared stack puts them into effect."""

import re
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "rights"


def rights(file: str, words: Mapping[str, str]) -> str:
    """The text of a file, with names in the place of its words in capitals."""
    text = (FOLDER / file).read_text(encoding="utf-8")
    for word, name in words.items():
        text = re.sub(rf"\b{word}\b", name, text)
    return text
