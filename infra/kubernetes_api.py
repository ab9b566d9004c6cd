# kubernetes is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Single requests to the Kubernetes API. The typed classes of the client cost a third of a second to import."""

import json
from pathlib import Path
from typing import Any

import kubernetes.client
import kubernetes.config
import urllib3.exceptions

TIMEOUT_SECONDS = 10

METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Without what is in an object, such as the values of a Secret."""

MERGE_PATCH = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
MANAGER = "litellm-tools"
"""Field manager: what it writes, Pulumi leaves alone."""

UNREACHABLE = (urllib3.exceptions.HTTPError, kubernetes.config.ConfigException, OSError)
"""What a read raises when there is no answer at all."""


class RefusedError(Exception):
    """The API answered with an error."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(f"{status} {why}")
        self.status = status


class KubernetesApi:
    """The cluster of one context of a kubeconfig."""

    def __init__(self, kubeconfig: Path, context: str | None) -> None:
        self.client = kubernetes.config.new_client_from_config(str(kubeconfig), context=context or None)
        self.client.configuration.retries = False

    def get(self, path: str, accept: str = "application/json") -> dict[str, Any]:
        """One object, or a list of them, in the form of the media type `accept`.

        Raises:
            RefusedError: when the API answers with an error.
            UNREACHABLE: when it does not answer.
        """
        return self._request("GET", path, {"Accept": accept})

    def text(self, path: str) -> str:
        """What is no object, such as a log; errors as with `get`."""
        return self._answer("GET", path, {"Accept": "*/*"}).decode(errors="replace")

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Create an object; errors as with `get`."""
        return self._request("POST", f"{path}?fieldManager={MANAGER}", {"Content-Type": "application/json"}, body)

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Change an object (JSON merge patch) and return its metadata; errors as with `get`."""
        headers = {"Content-Type": MERGE_PATCH, "Accept": METADATA}
        return self._request("PATCH", f"{path}?fieldManager={MANAGER}", headers, body)

    def patch_json(self, path: str, operations: list[dict[str, Any]]) -> dict[str, Any]:
        """Change an object (JSON patch) and return its metadata; errors as with `get`."""
        headers = {"Content-Type": JSON_PATCH, "Accept": METADATA}
        return self._request("PATCH", f"{path}?fieldManager={MANAGER}", headers, operations)

    def delete(self, path: str) -> None:
        """Delete an object; errors as with `get`."""
        self._request("DELETE", path, {})

    def _request(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | list[dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        return json.loads(self._answer(method, path, headers, body))

    def _answer(
        self, method: str, path: str, headers: dict[str, str], body: dict[str, Any] | list[dict[str, Any]] | None = None
    ) -> bytes:
        more = {"body": body} if body is not None else {}
        request = self.client.param_serialize(
            method, path, header_params={"Accept": "application/json"} | headers, auth_settings=["BearerToken"], **more
        )
        try:
            response = self.client.call_api(*request, _request_timeout=TIMEOUT_SECONDS)
        except kubernetes.client.ApiException as error:
            raise RefusedError(error.status or 0, error.reason or "") from None
        body_read = response.read()
        if not 200 <= response.status < 300:
            raise RefusedError(response.status, response.reason)
        return body_read
