# hvac is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Can a stack delete what it has in Vault? Asked before anything goes."""

from collections.abc import Collection, Mapping
from typing import Any

import hvac
import hvac.exceptions
import requests

from infra.secrets.vault_health import mounted, unreachable, unusable

TIMEOUT_SECONDS = 10


def look(provider: Mapping[str, Any], mounts: Collection[str], paths: Collection[str]) -> tuple[str, frozenset[str]]:
    """Why a stack cannot delete what it has there, empty when it can; and which of its mounts are gone.

    Args:
        provider: how the stack reached Vault: `address`, `namespace`, `caCertFile`.
        mounts: where it has something: `litellm`, `auth/kubernetes-dev`.
        paths: what it is going to delete.
    """
    address = str(provider["address"])
    client: Any = hvac.Client(
        url=address,
        namespace=provider.get("namespace"),
        verify=provider.get("caCertFile") or True,
        timeout=TIMEOUT_SECONDS,
    )
    if why := unusable(client, address):
        return why, frozenset()
    if not client.token:
        return "no Vault token: run `vault login`, or set VAULT_TOKEN", frozenset()
    try:
        client.auth.token.lookup_self()
        lacking = [mount for mount in sorted(mounts) if mounted(client, mount) is None]
        there = everything(client) if lacking else frozenset[str]()
        if unknown := lacking if there is None else [mount for mount in lacking if mount in there]:
            return f"this token may use nothing at {', '.join(unknown)} in Vault at {address}", frozenset()
        return refused(client, address, [path for path in paths if not path.startswith(below(lacking))]), frozenset(
            lacking
        )
    except hvac.exceptions.Forbidden:
        return f"Vault at {address} refuses the token: `vault token lookup` must work first", frozenset()
    except (requests.RequestException, hvac.exceptions.VaultError, ValueError) as error:
        return unreachable(f"Vault at {address}", error), frozenset()


def below(mounts: Collection[str]) -> tuple[str, ...]:
    return tuple(f"{mount}/" for mount in mounts)


def everything(client: Any) -> frozenset[str] | None:
    """All engines and auth methods; None when this token may not list them."""
    try:
        engines, methods = client.sys.list_mounted_secrets_engines()["data"], client.sys.list_auth_methods()["data"]
    except hvac.exceptions.Forbidden:
        return None
    return frozenset([*(path.rstrip("/") for path in engines), *(f"auth/{path.rstrip('/')}" for path in methods)])


def refused(client: Any, address: str, paths: Collection[str]) -> str:
    """What this token may not delete. One that may not ask what it may do is believed."""
    try:
        may: dict[str, Any] = client.sys.get_capabilities(paths=[*paths])["data"] if paths else {}
    except (hvac.exceptions.Forbidden, hvac.exceptions.InvalidRequest):
        return ""
    lacking = [path for path in sorted(paths) if not {"root", "delete"} & {*may.get(path, ("delete",))}]
    return f"this token may not delete {', '.join(lacking)} in Vault at {address}" if lacking else ""
