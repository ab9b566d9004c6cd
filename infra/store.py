"""The secret store of a stack: which one it is, is decided here, and nothing after it knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi

from components.secrets.vault_auth import VaultKubernetesAuth, VaultKubernetesAuthArgs
from components.secrets.vault_documents import VaultDocuments
from components.secrets.vault_once import VaultConnection, VaultMount, VaultSaltKey
from components.secrets.vault_token import VaultTokenAuth
from components.sync.store import ReaderArgs
from infra.documents import SALT
from infra.target import Target

READER = "secret-reader"
"""ServiceAccount in the gateway's namespace that reads the store. No pod runs with it."""


@dataclass(frozen=True)
class Store:
    """What the rest of a stack sees of its secret store."""

    provider: pulumi.Output[dict[str, Any]]
    """ESO provider block."""

    reader: ReaderArgs | None
    """The identity that the operator reads with; None when the provider block brings its own."""

    documents: VaultDocuments

    resources: tuple[pulumi.Resource, ...]
    """What must be there before anything is read."""


def vault_store(
    target: Target,
    namespace: pulumi.Input[str],
    documents: Mapping[str, Mapping[str, pulumi.Input[str]]],
    opts: pulumi.ResourceOptions,
) -> Store:
    """Documents, salt key, policy and identity in Vault."""
    vault, config = target.vault, target.config
    connection: VaultConnection = {
        "address": vault.address,
        "namespace": vault.namespace,
        "ca_cert_file": vault.ca_cert_file,
    }
    mount: pulumi.Input[str] = vault.mount
    if config.secrets.vault.mount.create:
        mount = VaultMount("vault-mount", path=vault.mount, connection=connection, opts=opts).path
    salt: list[pulumi.Resource] = []
    readable = {reference.document for _, reference in config.references()}
    if not config.keys.salt.existing:
        readable.add(f"{vault.prefix}/{SALT}")
        salt.append(
            VaultSaltKey(
                "salt-key",
                mount=mount,
                path=f"{vault.prefix}/{SALT}",
                length=config.keys.salt.length,
                connection=connection,
                opts=pulumi.ResourceOptions.merge(
                    opts,
                    pulumi.ResourceOptions(protect=config.keys.salt.retain, retain_on_delete=config.keys.salt.retain),
                ),
            )
        )
    written = VaultDocuments(
        "documents",
        {
            "mount": mount,
            "prefix": vault.prefix,
            "documents": documents,
            "owner": target.owner,
            "policy": vault.policy,
            "also_readable": sorted(readable),
        },
        opts,
    )
    log_in = LOGINS[config.secrets.vault.auth]
    auth, reader = log_in(target, namespace, written.policy, opts)
    block: dict[str, pulumi.Input[Any]] = {
        "server": vault.cluster_address,
        "path": mount,
        "version": "v2",
        "auth": auth.eso_auth,
    }
    if vault.namespace:
        block["namespace"] = vault.namespace
    if vault.ca_bundle:
        block["caBundle"] = vault.ca_bundle
    return Store(
        provider=pulumi.Output.from_input({"vault": block}),
        reader=reader,
        documents=written,
        resources=(written, auth, *salt),
    )


def kubernetes_login(
    target: Target, namespace: pulumi.Input[str], policy: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> tuple[VaultKubernetesAuth, ReaderArgs]:
    vault, operator, auth = target.vault, target.config.external_secrets, target.config.secrets.vault.kubernetes_auth
    args: VaultKubernetesAuthArgs = {
        "path": vault.auth_path,
        "create": auth.create,
        "role": vault.role,
        "service_account": READER,
        "namespace": namespace,
        "audience": auth.audience,
        "extra_audiences": auth.extra_audiences,
        "policies": [policy],
        "token_ttl_seconds": auth.token_ttl_seconds,
        "kubernetes_host": vault.kubernetes_host,
        "use_client_token": auth.reviewer == "client",
    }
    if vault.kubernetes_ca_cert:
        args["kubernetes_ca_cert"] = vault.kubernetes_ca_cert
    login = VaultKubernetesAuth("vault-auth", args, opts)
    return login, {
        "name": READER,
        "operator_namespace": operator.namespace,
        "operator_service_account": operator.service_account,
        "token_review": auth.create and auth.reviewer == "client",
    }


def token_login(
    target: Target, namespace: pulumi.Input[str], policy: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> tuple[VaultTokenAuth, None]:
    period = target.config.secrets.vault.token_auth.period
    return VaultTokenAuth("vault-token", {"namespace": namespace, "policies": [policy], "period": period}, opts), None


LOGINS = {"kubernetes": kubernetes_login, "token": token_login}
