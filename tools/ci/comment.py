"""Put documents under a pull request: one comment each, found again by its first line and edited in place.

    python3 -m tools.ci.comment FOLDER

The documents come from `make plan` and `make preview` with `--format markdown --output FILE`. Those of a fork were made by
code that nobody has reviewed: they may be one plan only, below a line that says so, and are shown as they were written, so that
nothing in them notifies anybody or looks like a word of this repository.
"""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tools.ci.github import Comments, GitHub
from tools.ci.gitlab import Notes

MARKER = re.compile(r"<!-- litellm-(plan|preview)(:[A-Za-z0-9._-]+)? -->")
PLAN = re.compile(r"<!-- litellm-plan -->")
LONGEST = 64_000
"""GitHub takes 65,536 characters; GitLab more."""

MOST_DOCUMENTS = 20
LONGEST_FENCE = 100


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


@dataclass(frozen=True)
class Stranger:
    """Another repository whose code made a document."""

    repository: str
    commit: str

    def quoted(self, text: str) -> str:
        """The document under a line that says whose it is, in a fence that it cannot end: no link, no image, no mention."""
        marker, _, rest = text.partition("\n")
        rest = re.sub(f"`{{{LONGEST_FENCE},}}", "`" * LONGEST_FENCE, rest)
        fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", rest)), default=2))
        return (
            f"{marker.strip()}\n"
            f"**Made by the code of `{plain(self.repository)}` at `{plain(self.commit)}`, which nobody of this repository has "
            "reviewed.** Below is what that code wrote; no check of this repository stands behind it.\n\n"
            f"{fence}text\n{rest.rstrip()}\n{fence}\n"
        )


def plain(name: str) -> str:
    """A name of GitHub's with nothing that Markdown would read."""
    return re.sub(r"[^A-Za-z0-9._/-]", "", name)


def documents(folder: Path, stranger: Stranger | None = None) -> Iterator[str]:
    """The comments in a folder, in the order of their names; of a stranger, the plan."""
    allowed, expected = (PLAN, "the plan") if stranger else (MARKER, "a plan or preview")
    for path in sorted(folder.glob("*.md"))[:MOST_DOCUMENTS]:
        text = path.read_text(errors="replace")
        if not allowed.fullmatch(text.partition("\n")[0].strip()):
            print(f"{path.name}: left out, its first line is no marker of {expected}")
            continue
        yield stranger.quoted(shortened(text)) if stranger else shortened(text)
        if stranger:
            return


def shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return text[:LONGEST].rpartition("\n")[0] + "\n\n… cut off here: the whole is in the summary of the run.\n"


def of_the_run(environment: Mapping[str, str]) -> tuple[Conversation | None, Stranger | None]:
    """The conversation that belongs to a finished run, and whose code it ran, when that is not this repository's own."""
    if "CI_MERGE_REQUEST_IID" in environment:
        return Notes.of(environment), None
    github = GitHub.of(environment)
    repository, commit = environment["HEAD_REPOSITORY"], environment["HEAD_SHA"]
    number = github.pull_request_of(repository, environment["HEAD_BRANCH"], commit)
    stranger = None if repository == github.repository else Stranger(repository, commit)
    return (Comments(github, number) if number else None), stranger


def main(folder: str) -> int:
    conversation, stranger = of_the_run(os.environ)
    if conversation is None:
        print("no open pull request has this commit as its newest: nothing to comment on")
        return 0
    for body in documents(Path(folder), stranger):
        print(f"{body.partition(chr(10))[0]} {put(conversation, body)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
