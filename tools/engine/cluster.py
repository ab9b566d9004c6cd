"""The Kubernetes API, as far as the commands need it."""

from typing import Any, Protocol


class Cluster(Protocol):
    """A cluster; `infra.kubernetes_api` has the real one, and says what these do."""

    def get(self, path: str, accept: str = ...) -> dict[str, Any]: ...

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]: ...

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]: ...

    def patch_json(self, path: str, operations: list[dict[str, Any]]) -> dict[str, Any]: ...

    def delete(self, path: str) -> None: ...
