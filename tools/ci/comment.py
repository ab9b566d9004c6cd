"""Put documents under a pull request: one comment each, found again by its first line and edited in place.

    python3 -m tools.ci.comment FOLDER

The documents come from `make plan` and `make preview` with `--format markdown --output FILE`. Those of a fork were made by
code that nobody has reviewed: they may be a plan only, and they notify nobody.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

from tools.ci.github import Comments, GitHub
from tools.ci.gitlab import Notes

MARKER = re.compile(r"<!-- litellm-(?P<what>plan|preview)(:[A-Za-z0-9._-]+)? -->")
LONGEST = 65_000
"""GitHub takes 65,536 characters; GitLab more."""

MOST_DOCUMENTS = 20


class Conversation(Protocol):
    """Where comments are."""

    def own(self) -> Iterator[tuple[int, str]]:
        """The comments that we wrote, with their keys."""
        ...

    def add(self, body: str) -> None: ...

    def edit(self, key: int, body: str) -> None: ...


def put(conversation: Conversation, body: str) -> str:
    """Write a comment, or edit the one that has the same first line. Returns what was done."""
    marker = body.partition("\n")[0].strip()
    for key, text in conversation.own():
        if text.partition("\n")[0].strip() == marker:
            if text.strip() == body.strip():
                return "unchanged"
            conversation.edit(key, body)
            return "edited"
    conversation.add(body)
    return "added"


def documents(folder: Path, *, trusted: bool) -> Iterator[str]:
    """The comments in a folder, in the order of their names."""
    for path in sorted(folder.glob("*.md"))[:MOST_DOCUMENTS]:
        text = path.read_text(errors="replace")
        marker = MARKER.fullmatch(text.partition("\n")[0].strip())
        if not marker or not (trusted or marker["what"] == "plan"):
            print(f"{path.name}: left out, its first line is no marker of a {'plan or preview' if trusted else 'plan'}")
            continue
        yield shortened(text if trusted else harmless(text))


def harmless(text: str) -> str:
    """Text in which `@name` is nobody: a zero-width space keeps it from notifying people."""
    return re.sub(r"@(?=\w)", "@\u200b", text)


def shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return text[:LONGEST].rpartition("\n")[0] + "\n\n… cut off here: the whole is in the summary of the run.\n"


def of_the_run(environment: Mapping[str, str]) -> tuple[Conversation | None, bool]:
    """The conversation that belongs to a finished run, and whether its code is this repository's own."""
    if "CI_MERGE_REQUEST_IID" in environment:
        return Notes.of(environment), True
    github = GitHub.of(environment)
    repository = environment["HEAD_REPOSITORY"]
    number = github.pull_request_of(repository, environment["HEAD_BRANCH"], environment["HEAD_SHA"])
    return (Comments(github, number) if number else None), repository == github.repository


def main(folder: str) -> int:
    conversation, trusted = of_the_run(os.environ)
    if conversation is None:
        print("no open pull request has this commit as its newest: nothing to comment on")
        return 0
    for body in documents(Path(folder), trusted=trusted):
        print(f"{body.partition(chr(10))[0]} {put(conversation, body)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
