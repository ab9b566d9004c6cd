"""Which stacks a change can touch, as a JSON list for a matrix.

    python3 -m tools.ci.touched --base REV [--only '["dev", "prod"]']        # since this branch left REV
    python3 -m tools.ci.touched --deployed REV [--only '["dev", "prod"]']    # what differs from REV, also an older one

A stack file touches its stack, and everything that is part of the program touches all of them. So does a revision that this
checkout does not have: that of before a branch's first push, or of before a forced one, or none at all.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]

NO_STACK = (
    ".github/",
    ".ci/",
    "bench/",
    "docs/",
    "examples/",
    "tools/local/",
    "tests/",
    "tools/ci/",
    "tools/reference/",
    "renovate.json",
)
"""Folders, and a file, that are no part of what a stack consists of."""

NOTHING = "0"
"""A revision that no repository has."""


def touched(paths: Iterable[str], stacks: Iterable[str]) -> list[str]:
    """The stacks that a change of these files can touch."""
    known = set(stacks)
    found: set[str] = set()
    for path in paths:
        stack = path.removeprefix("Pulumi.").removesuffix(".yaml")
        if path == f"Pulumi.{stack}.yaml":
            found |= {stack} & known
        elif not path.startswith(NO_STACK) and not path.endswith(".md"):
            return sorted(known)
    return sorted(found)


def changed(revisions: str, project: Path) -> list[str] | None:
    """Files that differ between revisions as `git diff` takes them, both names of a renamed one; None when one is not there."""
    command = ["git", "diff", "--name-only", "--no-renames", "-z", "--end-of-options", revisions, "--"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        print(f"all stacks, because git cannot compare {revisions}: {done.stderr.strip()}", file=sys.stderr)
        return None
    return [path for path in done.stdout.split("\0") if path]


def stacks_of(project: Path) -> set[str]:
    return {path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in project.glob("Pulumi.*.yaml")}


def main(arguments: Sequence[str], project: Path = PROJECT) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    since = parser.add_mutually_exclusive_group(required=True)
    since.add_argument("--base", help="where this branch came from")
    since.add_argument("--deployed", help="what is to be compared with this commit itself")
    parser.add_argument("--only", default="", help="JSON list: leave out all other stacks")
    options = parser.parse_args(arguments)
    stacks = stacks_of(project)
    if options.only:
        stacks &= set(json.loads(options.only))
    revisions = f"{options.base}...HEAD" if options.deployed is None else f"{options.deployed or NOTHING}..HEAD"
    files = changed(revisions, project)
    print(json.dumps(sorted(stacks) if files is None else touched(files, stacks)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
