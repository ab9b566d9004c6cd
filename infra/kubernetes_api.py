# kubernetes is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Single reads of the Kubernetes API. The typed classes of the client cost a third of a second to import."""

import json
from pathlib import Path
from typing import Any

import kubernetes.client
import kubernetes.config
import urllib3.exceptions

TIMEOUT_SECONDS = 10

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
        request = self.client.param_serialize(
            "GET", path, header_params={"Accept": accept}, auth_settings=["BearerToken"]
        )
        try:
            response = self.client.call_api(*request, _request_timeout=TIMEOUT_SECONDS)
        except kubernetes.client.ApiException as error:
            raise RefusedError(error.status or 0, error.reason or "") from None
        body = response.read()
        if not 200 <= response.status < 300:
            raise RefusedError(response.status, response.reason)
        return json.loads(body)
