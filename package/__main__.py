"""The components for programs in other languages. See docs/package.md."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pulumi.provider import main

from package.provider import Package

if __name__ == "__main__":
    main(Package(), sys.argv[1:])
