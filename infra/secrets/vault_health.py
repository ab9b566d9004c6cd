# hvac is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Does a Vault answer, and is it unsealed? Asked before an `up`, before a `destroy`, and before anything is read."""

from typing import Any

import hvac.exceptions
import requests

from infra.reason import reason
from infra.urls import without_secrets


def unusable(client: Any, address: str) -> str:
    """Why nothing can be done with this Vault now; empty when it works. No token is needed to ask."""
    where = f"Vault at {without_secrets(address)}"
    try:
        health: Any = client.sys.read_health_status(method="GET")
        state: Any = health if isinstance(health, dict) else health.json()
    except (requests.RequestException, hvac.exceptions.VaultError, ValueError) as error:
        return unreachable(where, error)
    if not state.get("initialized", True) or state.get("sealed"):
        return f"{where} is {'sealed' if state.get('initialized') else 'not initialized'}: unseal it first"
    return ""


def unreachable(where: str, error: Exception) -> str:
    return f"{where} cannot be reached: {reason(error)}. Is VAULT_ADDR right? `vault status` must work first"


def mounted(client: Any, path: str) -> dict[str, Any] | None:
    """The engine that answers at a path (`litellm`, `auth/kubernetes`); None when there is none that this token may use."""
    try:
        return client.adapter.get(url=f"/v1/sys/internal/ui/mounts/{path}")["data"]
    except hvac.exceptions.Forbidden:
        return None
