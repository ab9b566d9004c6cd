# kubernetes is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""The few requests to the Kubernetes API that are made here, without the typed classes, which take long to import."""

import json
from typing import Any, Protocol
from urllib.parse import urlencode

import kubernetes.config
import urllib3.exceptions

from infra.cluster import kubeconfig_path
from infra.reason import reason
from tools.problem import Problem

TIMEOUT_SECONDS = 15
MERGE_PATCH = "application/merge-patch+json"
MANAGER = "litellm-ephemeral"
"""Field manager: what it writes, Pulumi leaves alone."""

Object = dict[str, Any]


class Conflict(Exception):  # noqa: N818
    """The object is there already, or somebody else changed it first."""


class Kube(Protocol):
    """A cluster."""

    def get(self, path: str, **query: str) -> Object | None:
        """An object or a list; None when there is none."""
        ...

    def create(self, path: str, body: Object) -> Object:
        """Create an object.

        Raises:
            Conflict: when there is one.
        """
        ...

    def patch(self, path: str, body: Object) -> Object | None:
        """Change an object (JSON merge patch); None when there is none.

        Raises:
            Conflict: when `metadata.resourceVersion` is given and is not the current one.
        """
        ...

    def delete(self, path: str, body: Object | None = None, **query: str) -> None:
        """Delete an object, or with a query all that match; none is fine, too."""
        ...


class RealKube:
    """The cluster of the kubeconfig."""

    def __init__(self, context: str | None) -> None:
        try:
            self.client: Any = kubernetes.config.new_client_from_config(str(kubeconfig_path()), context=context)
        except (kubernetes.config.ConfigException, OSError) as error:
            raise Problem(f"no cluster: {reason(error)}. Set KUBECONFIG to the file of the shared cluster") from None
        self.client.configuration.retries = False

    def get(self, path: str, **query: str) -> Object | None:
        return self._request("GET", path, None, query)

    def create(self, path: str, body: Object) -> Object:
        made = self._request("POST", path, body, {"fieldManager": MANAGER})
        if made is None:
            raise Problem(f"the Kubernetes API has nothing at {path}: is its namespace gone?")
        return made

    def patch(self, path: str, body: Object) -> Object | None:
        return self._request("PATCH", path, body, {"fieldManager": MANAGER}, MERGE_PATCH)

    def delete(self, path: str, body: Object | None = None, **query: str) -> None:
        self._request("DELETE", path, body, query)

    def _request(
        self, method: str, path: str, body: Object | None, query: dict[str, str], content: str = "application/json"
    ) -> Object | None:
        headers = {"Accept": "application/json", "Content-Type": content}
        target = f"{path}?{urlencode(query)}" if query else path
        request = self.client.param_serialize(
            method, target, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        try:
            response = self.client.call_api(*request, _request_timeout=TIMEOUT_SECONDS)
            content_read = response.read()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Problem(
                f"the Kubernetes API cannot be reached with {kubeconfig_path()}: {reason(error)}. `kubectl version` must work "
                "first"
            ) from None
        if response.status == 404:
            return None
        if response.status == 409:
            raise Conflict(path)
        if not 200 <= response.status < 300:
            raise Problem(
                f"the Kubernetes API refuses to {method.lower()} {path}: {message_of(content_read, response)}"
            )
        return json.loads(content_read)


def message_of(content: bytes, response: Any) -> str:
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return f"{response.status} {response.reason}"


def cluster_id(kube: Kube) -> str:
    """What tells this cluster from every other one."""
    system = kube.get("/api/v1/namespaces/kube-system")
    if system is None:
        raise Problem(
            "this cluster has no namespace kube-system that may be read: environments could not be told apart"
        )
    return str(system["metadata"]["uid"])[:8]
