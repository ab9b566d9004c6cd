# hvac is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""The look at a real Vault before anything is written to it. Values are never read: only metadata, and names of properties."""

from collections.abc import Iterator, Mapping
from typing import Any

import hvac
import hvac.exceptions
import requests

from infra.reason import reason
from infra.secrets.vault import VaultStore
from infra.stack import READER, NamedStack

TIMEOUT_SECONDS = 10


def check(vault: VaultStore, target: NamedStack, documents: Mapping[str, object]) -> Iterator[str]:
    """Look at a real Vault before `documents` are written to it; every problem is a sentence."""
    namespace = vault.config.namespace
    client: Any = hvac.Client(
        url=vault.address, namespace=namespace, verify=vault.ca_cert_file or True, timeout=TIMEOUT_SECONDS
    )
    try:
        health: Any = client.sys.read_health_status(method="GET")
        state: Any = health if isinstance(health, dict) else health.json()
        if not state.get("initialized", True) or state.get("sealed"):
            yield f"Vault at {vault.address} is {'sealed' if state.get('initialized') else 'not initialized'}: unseal it first"
            return
        if not client.token:
            yield "no Vault token: run `vault login`, or set VAULT_TOKEN"
            return
        client.auth.token.lookup_self()
        yield from check_mount(client, vault)
        yield from check_auth(client, vault)
        yield from check_foreign_documents(client, vault, target, documents)
        yield from check_references(client, vault, target)
    except hvac.exceptions.Forbidden:
        yield (
            f"Vault at {vault.address} refuses the token: is VAULT_TOKEN for this Vault"
            f"{f' and its namespace {namespace}' if namespace else ''}, and has it not expired? "
            "`vault token lookup` must work first"
        )
    except (requests.RequestException, hvac.exceptions.VaultError, ValueError) as error:
        yield (
            f"Vault at {vault.address} cannot be reached: {reason(error)}. Is VAULT_ADDR right? "
            "`vault status` must work first"
        )


def check_mount(client: Any, vault: VaultStore) -> Iterator[str]:
    mount = vault.config.mount
    if mount.create:
        return
    try:
        found: Any = client.adapter.get(url=f"/v1/sys/internal/ui/mounts/{mount.path}")["data"]
    except hvac.exceptions.Forbidden:
        yield f"Vault has no secrets engine at {mount.path}/ that this token may use: set litellm:secrets.vault.mount"
        return
    if found["type"] != "kv" or (found.get("options") or {}).get("version") != "2":
        yield f"the secrets engine at {mount.path}/ is not KV version 2: choose another litellm:secrets.vault.mount.path"


def check_auth(client: Any, vault: VaultStore) -> Iterator[str]:
    """An auth method that exists must be one that reviews tokens by itself: our reader has no right to."""
    if vault.config.auth != "kubernetes" or vault.config.kubernetes_auth.create:
        return
    try:
        found: Any = client.adapter.get(url=f"/v1/auth/{vault.auth_path}/config")["data"]
    except hvac.exceptions.Forbidden:
        return
    except (hvac.exceptions.InvalidPath, hvac.exceptions.InvalidRequest, hvac.exceptions.UnsupportedOperation):
        yield (
            f"Vault has no configured Kubernetes auth method at auth/{vault.auth_path}/: enable and configure it, or name "
            "another one in litellm:secrets.vault.kubernetesAuth.path"
        )
        return
    if found.get("disable_local_ca_jwt") and found.get("token_reviewer_jwt_set") is False:
        yield (
            f"the auth method at auth/{vault.auth_path}/ has every login review its own token, which {READER} may not: give it "
            "a token_reviewer_jwt, or name another one in litellm:secrets.vault.kubernetesAuth.path"
        )


def check_foreign_documents(
    client: Any, vault: VaultStore, target: NamedStack, documents: Mapping[str, object]
) -> Iterator[str]:
    for document in documents:
        path = f"{vault.prefix}/{document}"
        try:
            metadata: dict[str, Any] = client.secrets.kv.v2.read_secret_metadata(path=path, mount_point=vault.mount)[
                "data"
            ]
        except (hvac.exceptions.InvalidPath, hvac.exceptions.Forbidden, hvac.exceptions.UnsupportedOperation):
            continue
        owner = (metadata.get("custom_metadata") or {}).get("managed-by")
        if owner != target.owner:
            yield (
                f"{vault.mount}/{path} in Vault was written by {owner or 'somebody else'}, and this stack would "
                "overwrite it: choose another litellm:secrets.vault.prefix, or move that document away"
            )


def check_references(client: Any, vault: VaultStore, target: NamedStack) -> Iterator[str]:
    for where, reference in target.config.references():
        path = f"/v1/{vault.mount}/subkeys/{reference.document}"
        try:
            found: Any = client.adapter.get(url=path)["data"]["subkeys"]
        except hvac.exceptions.InvalidPath:
            yield f"litellm:{where}: there is no document {vault.mount}/{reference.document} in Vault"
            continue
        except hvac.exceptions.Forbidden:
            continue
        if reference.property not in found:
            yield (
                f"litellm:{where}: the document {vault.mount}/{reference.document} has no property "
                f"{reference.property!r}; it has {', '.join(sorted(found)) or 'none'}"
            )
