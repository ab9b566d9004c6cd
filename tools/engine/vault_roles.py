# hvac is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Who logs in by an auth method of Vault, besides a stack that is about to go."""

from collections.abc import Mapping
from typing import Any

import hvac
import hvac.exceptions
import requests

TIMEOUT_SECONDS = 10


def of_others(provider: Mapping[str, Any], path: str, own: str) -> list[str] | None:
    """The roles of an auth method but for one's `own`; None when that may not be known.

    Args:
        provider: how the stack reached Vault: `address`, `namespace`, `caCertFile`.
        path: path of the auth method.
        own: the role of the stack.
    """
    client: Any = hvac.Client(
        url=provider["address"],
        namespace=provider.get("namespace"),
        verify=provider.get("caCertFile") or True,
        timeout=TIMEOUT_SECONDS,
    )
    try:
        roles: list[str] = client.auth.kubernetes.list_roles(mount_point=path)["keys"]
    except hvac.exceptions.InvalidPath:
        return []
    except (hvac.exceptions.VaultError, requests.RequestException):
        return None
    return sorted({*roles} - {own})
