# hvac is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""What the Vault of the local cluster has for everybody: an auth method that reviews tokens by itself, for `make env-up`."""

import time
from typing import Any

import hvac
import hvac.exceptions
import requests

from infra.reason import reason
from tools.problem import Problem

METHOD = "kubernetes"
"""As in Pulumi.ephemeral.yaml."""

ANSWER_SECONDS = 30
"""How long the way to Vault through the node's port may take to open."""


def share(address: str, token: str) -> None:
    """Make the auth method, or bring it up to date.

    Raises:
        Problem: when Vault does not answer, or refuses.
    """
    client: Any = hvac.Client(url=address, token=token, timeout=10)
    until = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            if f"{METHOD}/" not in client.sys.list_auth_methods()["data"]:
                client.sys.enable_auth_method("kubernetes", path=METHOD)
            # Vault reviews with the ServiceAccount of its own pod (vault.yaml).
            client.adapter.post(f"/v1/auth/{METHOD}/config", json={"kubernetes_host": "https://kubernetes.default.svc"})
        except (requests.RequestException, hvac.exceptions.VaultError) as error:
            if isinstance(error, hvac.exceptions.VaultError) or time.monotonic() > until:
                raise Problem(
                    f"the local cluster: Vault at {address}: {reason(error)}. See tools/local/README.md"
                ) from None
            time.sleep(0.5)
        else:
            return
