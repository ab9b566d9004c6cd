"""Vault's JWT auth method: who may read an environment's documents, where Vault does not reach the Kubernetes API."""

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_vault as vault


class VaultJwtAuthArgs(TypedDict):
    """Arguments of `VaultJwtAuth`."""

    path: pulumi.Input[str]
    """Required: path of the auth method below `auth/`; it trusts the cluster's signing keys already."""

    role: pulumi.Input[str]
    """Required: name of the role."""

    service_account: pulumi.Input[str]
    """Required: the one ServiceAccount that may log in."""

    namespace: pulumi.Input[str]
    """Required: the one Kubernetes namespace it may log in from."""

    audience: pulumi.Input[str]
    """Required: audience that the ServiceAccount's token must carry."""

    policies: Sequence[pulumi.Input[str]]
    """Required: Vault policies of the token that a login yields. Without effect when the role is there already."""

    create_role: NotRequired[bool]
    """Optional: whether to write the role, or to use one that is there. Defaults to true."""

    token_ttl_seconds: NotRequired[pulumi.Input[int]]
    """Optional: lifetime of the Vault token in seconds. Defaults to 600."""


class VaultJwtAuth(pulumi.ComponentResource):
    """A role of Vault's JWT auth method for one ServiceAccount.

    **Type:** `litellm:index:VaultJwtAuth`. **Produces:** `vault.jwt.AuthBackendRole` (with `create_role`).
    """

    eso_auth: pulumi.Output[dict[str, Any]]
    """The `auth` block of ESO's Vault provider."""

    def __init__(self, name: str, args: VaultJwtAuthArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:VaultJwtAuth", name, None, opts)
        role = self._admit(name, args) if args.get("create_role", True) else args["role"]
        self.eso_auth = pulumi.Output.from_input(
            {
                "jwt": {
                    "path": args["path"],
                    "role": role,
                    "kubernetesServiceAccountToken": {
                        "serviceAccountRef": {"name": args["service_account"]},
                        "audiences": [args["audience"]],
                    },
                }
            }
        )
        self.register_outputs({"eso_auth": self.eso_auth})

    def _admit(self, name: str, args: VaultJwtAuthArgs) -> pulumi.Output[str]:
        return vault.jwt.AuthBackendRole(
            f"{name}-role",
            backend=args["path"],
            role_name=args["role"],
            role_type="jwt",
            user_claim="sub",
            bound_subject=pulumi.Output.concat(
                "system:serviceaccount:", args["namespace"], ":", args["service_account"]
            ),
            bound_audiences=[args["audience"]],
            token_policies=list(args["policies"]),
            token_ttl=args.get("token_ttl_seconds", 600),
            token_max_ttl=args.get("token_ttl_seconds", 600),
            opts=pulumi.ResourceOptions(parent=self),
        ).role_name
