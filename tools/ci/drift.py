"""One issue about drift: opened or edited while there is some, closed when there is none.

    python3 -m tools.ci.drift FOLDER '["prod"]'

FOLDER has a `drift-STACK.json` for each stack, which `make preview` wrote with `--refresh --format json --output`.
Values are left out: an issue has more readers than a stack.
"""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.ci.github import Comments, GitHub

LABEL = "drift"
TITLE = "Drift: what runs is not what the main branch says"
MARKER = "<!-- litellm-drift -->"
NO_CHANGE = ("same", "read", "refresh")
MOST_CHANGES = 100


@dataclass(frozen=True)
class Report:
    """What the preview of one stack found."""

    stack: str
    changes: tuple[str, ...] = ()
    unknown: str = ""
    """Why it is not known whether there is drift."""


def read(folder: Path, stack: str) -> Report:
    """A preview that could not ask the real engine says nothing about drift."""
    try:
        document = json.loads((folder / f"drift-{stack}.json").read_text())
    except (OSError, ValueError):
        return Report(stack, unknown="the preview left no document")
    found = next((one for one in document["stacks"] if one["stack"] == stack), None)
    if document.get("offline") or found is None:
        return Report(stack, unknown="cluster, store or state could not be reached")
    if found.get("problems"):
        return Report(stack, unknown="the preview failed")
    return Report(stack, tuple(line(change) for change in found.get("changes", ()) if change["op"] not in NO_CHANGE))


def line(change: dict[str, Any]) -> str:
    paths = ", ".join(f"`{difference['path']}`" for difference in change.get("diff", ()))
    return f"- {change['op']} `{change['name']}` ({change['type']})" + (f": {paths}" if paths else "")


def body(reports: Sequence[Report], run: str) -> str:
    lines = [
        MARKER,
        f"Found by the [newest nightly preview]({run}), which brings this text up to date and closes the issue when it is "
        "over. Somebody changed what runs by hand, or a change of the main branch was never deployed. `make up` makes it "
        "what the branch says again.",
    ]
    for report in reports:
        lines += ["", f"## {report.stack}", ""]
        if report.unknown:
            lines.append(f"Not known: {report.unknown}.")
        elif not report.changes:
            lines.append("No drift.")
        lines += report.changes[:MOST_CHANGES]
        if len(report.changes) > MOST_CHANGES:
            lines.append(f"- and {len(report.changes) - MOST_CHANGES} more")
    return "\n".join(lines) + "\n"


def report(github: GitHub, reports: Sequence[Report], run: str) -> str:
    """Open, edit or close the issue. Returns what was done."""
    issue = github.open_issue(LABEL, MARKER)
    if any(one.changes for one in reports):
        text = {"title": TITLE, "body": body(reports, run)}
        if issue:
            github.api.call("PATCH", github.path(f"issues/{issue}"), text)
            return f"issue {issue} edited"
        made = github.api.call("POST", github.path("issues"), text | {"labels": [LABEL]})
        return f"issue {made['number']} opened"
    if issue and not any(one.unknown for one in reports):
        Comments(github, issue).add(f"No drift any more: {run}")
        closed = {"state": "closed", "state_reason": "completed"}
        github.api.call("PATCH", github.path(f"issues/{issue}"), closed)
        return f"issue {issue} closed"
    return f"issue {issue} left open" if issue else "no drift, no issue"


def main(folder: str, stacks: str) -> int:
    reports = [read(Path(folder), stack) for stack in json.loads(stacks)]
    print(report(GitHub.of(os.environ), reports, os.environ["RUN_URL"]))
    for one in reports:
        found = one.unknown or f"{len(one.changes)} changes"
        print(f"{one.stack}: {found}")
    return 1 if any(one.unknown for one in reports) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
