"""What pipelines read and write at GitHub."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from tools.ci.api import Api, ApiError

BOT = "github-actions[bot]"
"""Who a workflow's own token writes as."""


@dataclass(frozen=True)
class GitHub:
    """One repository."""

    api: Api
    repository: str
    """`owner/name`."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "GitHub":
        """The repository of the workflow that runs, with its token."""
        base = environment.get("GITHUB_API_URL", "https://api.github.com")
        headers = {"Authorization": f"Bearer {environment['GITHUB_TOKEN']}", "X-GitHub-Api-Version": "2022-11-28"}
        return cls(Api(base, headers), environment["GITHUB_REPOSITORY"])

    def path(self, rest: str) -> str:
        return f"repos/{self.repository}/{rest}"

    def may_write(self, user: str) -> bool:
        """Whether a user may push to the repository."""
        try:
            answer = self.api.call("GET", self.path(f"collaborators/{quote(user, safe='')}/permission"))
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return answer["permission"] in ("admin", "write")

    def pull_request(self, number: int) -> dict[str, Any]:
        return self.api.call("GET", self.path(f"pulls/{number}"))

    def pull_request_of(self, head_repository: str, branch: str, commit: str) -> int | None:
        """The open pull request whose newest commit this is; None when it moved on or was closed.

        GitHub does not say it of a fork's workflow run.
        """
        query = urlencode({"state": "open", "head": f"{head_repository.partition('/')[0]}:{branch}", "per_page": 100})
        for one in self.api.pages(self.path(f"pulls?{query}")):
            head = one["head"]
            if head["sha"] == commit and head["repo"] and head["repo"]["full_name"] == head_repository:
                return one["number"]
        return None

    def deployed(self, environment: str) -> str | None:
        """The commit of an environment's newest deployment; None when that did not succeed, or there is none."""
        query = urlencode({"environment": environment, "per_page": 1})
        for newest in self.api.call("GET", self.path(f"deployments?{query}")):
            statuses = self.api.call("GET", self.path(f"deployments/{newest['id']}/statuses?per_page=1"))
            if [status["state"] for status in statuses] == ["success"]:
                return newest["sha"]
        return None

    def open_issue(self, label: str, marker: str) -> int | None:
        """The open issue of ours that begins with a marker."""
        query = urlencode({"state": "open", "labels": label, "creator": BOT, "per_page": 100})
        for one in self.api.pages(self.path(f"issues?{query}")):
            if (one["body"] or "").startswith(marker):
                return one["number"]
        return None


@dataclass(frozen=True)
class Comments:
    """The comments of a pull request or an issue."""

    github: GitHub
    number: int

    def own(self) -> Iterator[tuple[int, str]]:
        for one in self.github.api.pages(self.github.path(f"issues/{self.number}/comments?per_page=100")):
            if one["user"]["login"] == BOT:
                yield one["id"], one["body"]

    def add(self, body: str) -> None:
        self.github.api.call("POST", self.github.path(f"issues/{self.number}/comments"), {"body": body})

    def edit(self, key: int, body: str) -> None:
        self.github.api.call("PATCH", self.github.path(f"issues/comments/{key}"), {"body": body})
