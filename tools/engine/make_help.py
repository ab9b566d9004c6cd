"""What `make` without a target says: the targets with what stands behind `##`. Needs nothing but Python 3.8."""

import re
import sys
from pathlib import Path

TARGET = re.compile(r"^([a-z0-9-]+):.*?## (.*)$", re.MULTILINE)


def main() -> None:
    print("make TARGET [STACK=dev] [OVERLAY=file.yaml] [ARGS='more options']")
    for makefile in sys.argv[1:]:
        for name, text in TARGET.findall(Path(makefile).read_text(encoding="utf-8")):
            print(f"  {name:<16}{text}")


if __name__ == "__main__":
    main()
