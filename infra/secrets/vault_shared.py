"""What the stacks of a cluster share in Vault: the secrets engine, the auth method, and the policies of docs/rights/."""

import re
from collections.abc import Mapping
from typing import Any

import pulumi

from components.secrets.vault_once import VaultMount
from components.secrets.vault_shared import SharedRole, VaultSharedAccess, VaultSharedAccessArgs
from infra.config.shared import SharedConfig
from infra.rights import rights
from infra.secrets.vault import VaultStore
from infra.stack import READER

ENVIRONMENTS, PATTERN, ENVIRONMENTS_PATTERN = "environments", "litellm-*", "litellm-env-*"


def share(
    store: VaultStore, shared: SharedConfig, reviewer_token: pulumi.Input[str] | None, opts: pulumi.ResourceOptions
) -> None:
    """Register all of it."""
    if store.config.mount.create:
        kept = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True))
        VaultMount("vault-mount", path=store.mount, connection=store.connection, opts=kept)
    auth = store.config.kubernetes_auth
    reader, own = f"{shared.role}-reader", f"{shared.role}-{ENVIRONMENTS}"
    roles: dict[str, SharedRole] = {
        shared.role: {"namespaces": [PATTERN], "policies": [reader]},
        own: {"namespaces": [ENVIRONMENTS_PATTERN], "policies": [reader]},
    }
    args: VaultSharedAccessArgs = {
        "path": store.auth_path,
        "create": auth.create,
        "kubernetes_host": store.kubernetes_host,
        "kubernetes_ca_cert": store.kubernetes_ca_cert,
        "reviewer_token": reviewer_token,
        "service_account": READER,
        "audience": auth.audience,
        "policies": policies(store, shared),
        "roles": roles,
        "token_ttl_seconds": auth.token_ttl_seconds,
    }
    VaultSharedAccess("vault-shared", args, opts)


def settings(store: VaultStore, shared: SharedConfig) -> dict[str, Any]:
    """`litellm:secrets` of a gateway stack that uses it; its documents are below the name of its namespace."""
    method = {"path": store.auth_path, "create": False, "createRole": False, "role": shared.role}
    return {"vault": {"mount": {"path": store.mount, "create": False}, "kubernetesAuth": method}}


def policies(store: VaultStore, shared: SharedConfig) -> dict[str, str]:
    """Every policy by name."""
    found = {
        f"{shared.role}-reader": policy(store, shared, "vault-reader.hcl"),
        f"{shared.role}-{ENVIRONMENTS}": policy(store, shared, "vault-environments.hcl"),
    }
    for given in shared.stacks:
        stack = given.name
        words = {"NAMESPACE": given.namespace or f"litellm-{stack}", "STACK": stack}
        for what in ("up", "preview", "drift"):
            found[f"{shared.role}-{what}-{stack}"] = policy(store, shared, f"vault-{what}.hcl", words)
    return found


def policy(store: VaultStore, shared: SharedConfig, file: str, words: Mapping[str, str] | None = None) -> str:
    """A documented policy for these places."""
    text = rights(file, words or {})
    text = re.sub(r"auth/kubernetes/role/litellm\b", f"auth/kubernetes/role/{shared.role}", text)
    return text.replace('"litellm/', f'"{store.mount}/').replace("auth/kubernetes/", f"auth/{store.auth_path}/")
