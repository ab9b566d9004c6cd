"""Write the configuration reference and the schema of stack files, or with --check say which of them is out of date."""

import json
import sys
from pathlib import Path

from tools.reference.page import configuration_page
from tools.reference.schema import stack_schema

DOCS = Path(__file__).resolve().parents[2] / "docs"


def files() -> dict[Path, str]:
    """Every generated file and what it must say."""
    return {
        DOCS / "configuration.md": configuration_page(),
        DOCS / "stack.schema.json": json.dumps(stack_schema(), indent=2, ensure_ascii=False) + "\n",
    }


def outdated() -> list[Path]:
    return [path for path, content in files().items() if not path.exists() or path.read_text() != content]


def main() -> None:
    for path, content in files().items():
        path.write_text(content)


if __name__ == "__main__":
    sys.exit(main())
