"""Environments of pull requests: what an event asks for, and the comment that says where the environment is.

    python3 -m tools.ci.environments decide             # GITHUB_EVENT_NAME, GITHUB_EVENT_PATH -> GITHUB_OUTPUT
    python3 -m tools.ci.environments comment ACTION NUMBER [RESULT]

The label `preview` on a pull request is the wish for an environment, and `/preview` sets it. Whoever may set it has the
right to write. A fork's code never runs with credentials: a fork gets the offline plan.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tools.ci.comment import put
from tools.ci.github import Comments, GitHub

LABEL = "preview"
MARKER = "<!-- litellm-environment -->"
NO_CREDENTIALS = ("dependabot[bot]",)
"""Whose runs GitHub gives no secrets, also on a branch of the repository."""

Action = Literal["up", "down", "plan", "refuse", "reap", "none"]


@dataclass(frozen=True)
class Decision:
    """What to do, for which pull request, with which commit."""

    action: Action
    number: int = 0
    commit: str = ""
    why: str = ""

    def outputs(self) -> str:
        return f"action={self.action}\nnumber={self.number}\ncommit={self.commit}\n"


def decide(name: str, event: Mapping[str, Any], github: GitHub) -> Decision:
    """What an event asks for."""
    match name:
        case "pull_request":
            return of_pull_request(event, github)
        case "issue_comment":
            return of_comment(event, github)
        case _:
            return Decision("reap", why=f"event {name}")


def of_pull_request(event: Mapping[str, Any], github: GitHub) -> Decision:
    change, action = event["pull_request"], event["action"]
    number, commit = change["number"], change["head"]["sha"]
    ours = not is_fork(change, github) and event["sender"]["login"] not in NO_CREDENTIALS
    wanted = LABEL in {label["name"] for label in change["labels"]}
    ended = action == "unlabeled" and event["label"]["name"] == LABEL
    if ended or (action == "closed" and wanted):
        return Decision("down", number, commit, action) if ours else Decision("none", why="a fork has no environment")
    if not wanted or action in ("closed", "unlabeled") or (action == "labeled" and event["label"]["name"] != LABEL):
        return Decision("none", why=f"{action}, and no wish for an environment")
    return Decision("up" if ours else "plan", number, commit, action)


def of_comment(event: Mapping[str, Any], github: GitHub) -> Decision:
    words = event["comment"]["body"].partition("\n")[0].split()
    issue = event["issue"]
    if event["action"] != "created" or "pull_request" not in issue or issue["state"] != "open":
        return Decision("none", why="no new comment on an open pull request")
    if words not in (["/preview"], ["/preview", "down"]):
        return Decision("none", why="no command")
    user = event["comment"]["user"]["login"]
    if not github.may_write(user):
        return Decision("none", why=f"{user} may not write to this repository")
    change = github.pull_request(issue["number"])
    number, commit = change["number"], change["head"]["sha"]
    if is_fork(change, github):
        return Decision("refuse", number, commit, "a fork gets the offline plan only")
    return Decision("down" if words[1:] else "up", number, commit, f"asked for by {user}")


def is_fork(change: Mapping[str, Any], github: GitHub) -> bool:
    """Whether the code is somebody else's; also when their repository is gone."""
    home = change["head"]["repo"]
    return home is None or home["full_name"] != github.repository


def text(action: str, result: Mapping[str, Any] | None) -> str:
    """The comment for what was done."""
    lines = [MARKER]
    error = (result or {}).get("error")
    if action == "refuse":
        lines.append(
            "This pull request comes from a fork: it gets the offline plan only (see the comment of the preview)."
        )
    elif error or result is None:
        what = "could not be made" if action == "up" else "could not be removed"
        lines.append(f"**The environment {what}.** See the log of the run: {run_of(os.environ)}")
        if error:
            lines += ["", *(f"    {line}" for line in str(error.get("message", "")).splitlines())]
    elif action == "up":
        lines += [
            f"**{result['url']}** runs this branch, in namespace `{result['namespace']}`, until {result['expires']}.",
            "",
            "```sh",
            str(result.get("curl", "")).replace("```", ""),
            "```",
            "",
            "A push updates it and begins its time anew; `/preview down`, or closing the pull request, removes it.",
        ]
    else:
        lines.append("The environment was removed. `/preview` makes a new one.")
    return "\n".join(lines) + "\n"


def run_of(environment: Mapping[str, str]) -> str:
    return environment.get("RUN_URL", "")


def result_of(path: Path) -> dict[str, Any] | None:
    """What `make env-up` or `env-down` printed; None when it did not get that far."""
    try:
        found: Any = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None  # pyright: ignore[reportUnknownVariableType]


def comment(github: GitHub, action: str, number: int, result: Mapping[str, Any] | None) -> None:
    """Say where the environment is, and keep the label in step, so that later pushes update it and closing removes it."""
    print(put(Comments(github, number), text(action, result)))
    if action == "up":
        github.api.call("POST", github.path(f"issues/{number}/labels"), {"labels": [LABEL]})
    elif action == "down" and LABEL in {label["name"] for label in github.pull_request(number)["labels"]}:
        github.api.call("DELETE", github.path(f"issues/{number}/labels/{LABEL}"))


def main(verb: str, *arguments: str) -> int:
    github = GitHub.of(os.environ)
    if verb == "decide":
        event = json.loads(Path(os.environ["GITHUB_EVENT_PATH"]).read_text())
        decision = decide(os.environ["GITHUB_EVENT_NAME"], event, github)
        print(f"{decision.action}: {decision.why}")
        with Path(os.environ["GITHUB_OUTPUT"]).open("a") as outputs:
            outputs.write(decision.outputs())
        return 0
    action, number, *result = arguments
    comment(github, action, int(number), result_of(Path(result[0])) if result else None)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
