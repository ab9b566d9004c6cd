"""Vault's Kubernetes auth method: who may read an environment's documents."""

from collections.abc import Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_vault as vault


class VaultKubernetesAuthArgs(TypedDict):
    """Arguments of `VaultKubernetesAuth`."""

    path: pulumi.Input[str]
    """Required: path of the auth method below `auth/`."""

    create: bool
    """Required: whether to enable and configure the auth method, or to add a role to one that exists."""

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

    extra_audiences: NotRequired[Sequence[str]]
    """Optional: more audiences to ask for with the same token. Defaults to none."""

    token_ttl_seconds: NotRequired[pulumi.Input[int]]
    """Optional: lifetime of the Vault token in seconds. Defaults to 600."""

    kubernetes_host: NotRequired[pulumi.Input[str]]
    """Optional: URL of the Kubernetes API as Vault reaches it; required to create the auth method."""

    kubernetes_ca_cert: NotRequired[pulumi.Input[str]]
    """Optional: PEM of the Kubernetes API's CA. Defaults to the CA in Vault's own pod."""

    use_client_token: NotRequired[pulumi.Input[bool]]
    """Optional: let each login's own token call the TokenReview API, instead of the one in Vault's pod. Defaults to false."""


class VaultKubernetesAuth(pulumi.ComponentResource):
    """A role of Vault's Kubernetes auth method, and the method itself when asked for.

    **Type:** `litellm:index:VaultKubernetesAuth`. **Produces:** `vault.AuthBackend`,
    `vault.kubernetes.AuthBackendConfig` (both only with `create`), `vault.kubernetes.AuthBackendRole` (with `create_role`).
    """

    eso_auth: pulumi.Output[dict[str, Any]]
    """The `auth` block of ESO's Vault provider."""

    def __init__(self, name: str, args: VaultKubernetesAuthArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:VaultKubernetesAuth", name, None, opts)
        path = self._enable(name, args) if args["create"] else pulumi.Output.from_input(args["path"])
        role = self._admit(name, path, args) if args.get("create_role", True) else args["role"]
        self.eso_auth = pulumi.Output.from_input(
            {
                "kubernetes": {
                    "mountPath": path,
                    "role": role,
                    "serviceAccountRef": {
                        "name": args["service_account"],
                        "audiences": [args["audience"], *args.get("extra_audiences", ())],
                    },
                }
            }
        )
        self.register_outputs({"eso_auth": self.eso_auth})

    def _admit(self, name: str, path: pulumi.Output[str], args: VaultKubernetesAuthArgs) -> pulumi.Output[str]:
        return vault.kubernetes.AuthBackendRole(
            f"{name}-role",
            backend=path,
            role_name=args["role"],
            bound_service_account_names=[args["service_account"]],
            bound_service_account_namespaces=[args["namespace"]],
            audience=args["audience"],
            token_policies=list(args["policies"]),
            token_ttl=args.get("token_ttl_seconds", 600),
            token_max_ttl=args.get("token_ttl_seconds", 600),
            opts=pulumi.ResourceOptions(parent=self),
        ).role_name

    def _enable(self, name: str, args: VaultKubernetesAuthArgs) -> pulumi.Output[str]:
        backend = vault.AuthBackend(
            f"{name}-backend",
            type="kubernetes",
            path=args["path"],
            opts=pulumi.ResourceOptions(parent=self),
        )
        config = vault.kubernetes.AuthBackendConfig(
            f"{name}-config",
            backend=backend.path,
            kubernetes_host=args.get("kubernetes_host", "https://kubernetes.default.svc"),
            kubernetes_ca_cert=args.get("kubernetes_ca_cert"),
            disable_local_ca_jwt=args.get("use_client_token", False),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return config.backend.apply(str)
