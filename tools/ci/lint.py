"""Judge the workflows with the tools of their field: zizmor (security) and actionlint (syntax, types of expressions).

    python -m tools.ci.lint

zizmor comes with `make`. No package of Python brings actionlint: it is used where it is on PATH or in `.cache/actionlint`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

# Another persona, or what GitHub's API answers today, would judge otherwise.
ZIZMOR = (str(Path(sys.executable).with_name("zizmor")), "--offline", "--persona=regular", "--quiet", ".github")

# Without the programs that it would start where they happen to be.
ACTIONLINT_OPTIONS = ("-shellcheck=", "-pyflakes=")

SKIPPED = (
    "actionlint skipped: it is not on PATH, and comes with no package of Python. "
    "To have it: .venv/bin/python -m tools.download actionlint .cache/actionlint"
)


def commands(project: Path, environment: Mapping[str, str]) -> list[tuple[str, ...]]:
    """What is to be run; without actionlint where there is none."""
    path = os.pathsep.join((environment.get("PATH", os.defpath), str(project / ".cache" / "actionlint")))
    actionlint = shutil.which("actionlint", path=path)
    return [ZIZMOR, *([(actionlint, *ACTIONLINT_OPTIONS)] if actionlint else [])]


def main(project: Path = PROJECT) -> int:
    found = commands(project, os.environ)
    if len(found) == 1:
        print(SKIPPED)
    # zizmor says by its exit code how bad the worst finding is.
    codes = [subprocess.run(command, cwd=project, check=False).returncode for command in found]  # noqa: S603
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
