"""A long-lived Vault token for External Secrets Operator. Kubernetes auth is the better way; this one must be asked for."""

from collections.abc import Sequence
from typing import Any, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes
import pulumi_vault as vault

from components.objects import name_after

TOKEN_KEY = "token"  # noqa: S105 - the name of a key


class VaultTokenAuthArgs(TypedDict):
    """Arguments of `VaultTokenAuth`."""

    namespace: pulumi.Input[str]
    """Required: Kubernetes namespace of the Secret that holds the token."""

    policies: Sequence[pulumi.Input[str]]
    """Required: Vault policies of the token."""

    period: pulumi.Input[str]
    """Required: the token expires when it is not renewed for this long, such as `768h`."""


class VaultTokenAuth(pulumi.ComponentResource):
    """A periodic, renewable orphan token, kept in a Kubernetes Secret.

    **Type:** `litellm:index:VaultTokenAuth`. **Produces:** `vault.Token`, `kubernetes.core.v1.Secret`.

    External Secrets Operator does not renew a token: every `pulumi up` does, so one must run within each period.
    """

    eso_auth: pulumi.Output[dict[str, Any]]
    """The `auth` block of ESO's Vault provider."""

    def __init__(self, name: str, args: VaultTokenAuthArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:VaultTokenAuth", name, None, opts)
        token = vault.Token(
            f"{name}-token",
            policies=list(args["policies"]),
            period=args["period"],
            renewable=True,
            no_parent=True,
            no_default_policy=False,
            display_name=name,
            opts=pulumi.ResourceOptions(parent=self),
        )
        secret = kubernetes.core.v1.Secret(
            f"{name}-secret",
            metadata={"name": name, "namespace": args["namespace"]},
            string_data={TOKEN_KEY: token.client_token},
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.eso_auth = pulumi.Output.from_input(
            {"tokenSecretRef": {"name": name_after(name, secret), "key": TOKEN_KEY}}
        )
        self.register_outputs({"eso_auth": self.eso_auth})
