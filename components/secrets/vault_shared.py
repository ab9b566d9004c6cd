"""What the stacks of a cluster have in common in Vault: one Kubernetes auth method, and its policies and roles."""

from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_vault as vault

ACCESSOR = "ACCESSOR"
"""Word in a policy in whose place the accessor of the auth method is put."""


class SharedRole(TypedDict):
    """A role of the auth method."""

    namespaces: Sequence[str]
    """Required: Kubernetes namespaces, also as patterns."""

    policies: Sequence[str]
    """Required: names of policies."""


class VaultSharedAccessArgs(TypedDict):
    """Arguments of `VaultSharedAccess`."""

    path: pulumi.Input[str]
    """Required: path of the auth method below `auth/`."""

    create: bool
    """Required: whether to enable and configure the auth method, or to use one that is there."""

    kubernetes_host: pulumi.Input[str]
    """Required: URL of the Kubernetes API as Vault reaches it."""

    kubernetes_ca_cert: NotRequired[pulumi.Input[str] | None]
    """Optional: PEM of the Kubernetes API's CA. Defaults to the CA in Vault's own pod."""

    reviewer_token: NotRequired[pulumi.Input[str] | None]
    """Optional: the token with which Vault calls the TokenReview API; a secret. Defaults to that of Vault's own pod."""

    service_account: pulumi.Input[str]
    """Required: name of the ServiceAccounts that may log in."""

    audience: pulumi.Input[str]
    """Required: audience that their tokens must carry."""

    policies: Mapping[str, str]
    """Required: policies (HCL) by name."""

    roles: Mapping[str, SharedRole]
    """Required: roles by name."""

    token_ttl_seconds: NotRequired[pulumi.Input[int]]
    """Optional: lifetime of the Vault token in seconds. Defaults to 600."""


class VaultSharedAccess(pulumi.ComponentResource):
    """A Kubernetes auth method that reviews tokens by itself, with roles for many namespaces and the policies they grant.

    **Type:** `litellm:index:VaultSharedAccess`. **Produces:** `vault.AuthBackend`, `vault.kubernetes.AuthBackendConfig`
    (both only with `create`), `vault.Policy` and `vault.kubernetes.AuthBackendRole` for each.
    """

    path: pulumi.Output[str]
    """Path of the auth method."""

    def __init__(self, name: str, args: VaultSharedAccessArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:VaultSharedAccess", name, None, opts)
        self.path, accessor = self._enabled(name, args) if args["create"] else self._found(args)
        names = {
            policy: vault.Policy(
                f"{name}-{policy}",
                name=policy,
                policy=accessor.apply(lambda known, text=text: text.replace(ACCESSOR, str(known))),
                opts=pulumi.ResourceOptions(parent=self),
            ).name
            for policy, text in sorted(args["policies"].items())
        }
        for role, admitted in sorted(args["roles"].items()):
            vault.kubernetes.AuthBackendRole(
                f"{name}-role-{role}",
                backend=self.path,
                role_name=role,
                bound_service_account_names=[args["service_account"]],
                bound_service_account_namespaces=list(admitted["namespaces"]),
                audience=args["audience"],
                token_policies=[names[policy] for policy in admitted["policies"]],
                token_ttl=args.get("token_ttl_seconds", 600),
                token_max_ttl=args.get("token_ttl_seconds", 600),
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({"path": self.path})

    def _enabled(self, name: str, args: VaultSharedAccessArgs) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        backend = vault.AuthBackend(
            f"{name}-backend", type="kubernetes", path=args["path"], opts=pulumi.ResourceOptions(parent=self)
        )
        config = vault.kubernetes.AuthBackendConfig(
            f"{name}-config",
            backend=backend.path,
            kubernetes_host=args["kubernetes_host"],
            kubernetes_ca_cert=args.get("kubernetes_ca_cert"),
            token_reviewer_jwt=args.get("reviewer_token"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return config.backend.apply(str), backend.accessor

    def _found(self, args: VaultSharedAccessArgs) -> tuple[pulumi.Output[str], pulumi.Output[str]]:
        path = pulumi.Output.from_input(args["path"])
        found = vault.get_auth_backend_output(path=path, opts=pulumi.InvokeOptions(parent=self))
        return path, found.accessor
