"""What pipelines write at GitLab: the notes of a merge request."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tools.ci.api import Api


@dataclass(frozen=True)
class Notes:
    """The notes of a merge request. A job's own token may not write them: GITLAB_TOKEN is a project access token."""

    api: Api
    path: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Notes":
        """Those of the merge request that this pipeline is for."""
        project, number = environment["CI_PROJECT_ID"], environment["CI_MERGE_REQUEST_IID"]
        api = Api(environment["CI_API_V4_URL"], {"PRIVATE-TOKEN": environment["GITLAB_TOKEN"]})
        return cls(api, f"projects/{project}/merge_requests/{number}/notes")

    def own(self) -> Iterator[tuple[int, str]]:
        me = self.api.call("GET", "user")["id"]
        for one in self.api.pages(f"{self.path}?per_page=100"):
            if not one["system"] and one["author"]["id"] == me:
                yield one["id"], one["body"]

    def add(self, body: str) -> None:
        self.api.call("POST", self.path, {"body": body})

    def edit(self, key: int, body: str) -> None:
        self.api.call("PUT", f"{self.path}/{key}", {"body": body})
