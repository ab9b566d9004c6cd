"""The ServiceAccount that pods log in to the store with, where they read it themselves."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.labels import labels
from components.objects import name_after


class ReaderAccountArgs(TypedDict):
    """Arguments of `ReaderAccount`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the pods."""

    name: str
    """Required: name of the ServiceAccount."""

    annotations: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Optional: its annotations. Defaults to none."""

    token_review: NotRequired[bool]
    """Optional: grant `system:auth-delegator`, for a Vault that reviews a token with that same token. Defaults to false."""


class ReaderAccount(pulumi.ComponentResource):
    """A ServiceAccount that the store knows.

    **Type:** `litellm:index:ReaderAccount`. **Produces:** `v1 ServiceAccount`, and with `token_review` a
    `ClusterRoleBinding`.

    Pods get a token of it for the store only, in a volume of what fetches: `automountServiceAccountToken` stays false.
    """

    name: pulumi.Output[str]
    """Name of the ServiceAccount, once it may be used."""

    def __init__(self, name: str, args: ReaderAccountArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:ReaderAccount", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        account: pulumi.Resource = kubernetes.core.v1.ServiceAccount(
            f"{name}-account",
            metadata={
                "name": args["name"],
                "namespace": args["namespace"],
                "labels": labels(name),
                "annotations": args.get("annotations", {}),
            },
            automount_service_account_token=False,
            opts=child,
        )
        if args.get("token_review"):
            account = kubernetes.rbac.v1.ClusterRoleBinding(
                f"{name}-token-review",
                metadata={
                    "name": pulumi.Output.concat(args["namespace"], f"-{name}-token-review"),
                    "labels": labels(name),
                },
                role_ref={
                    "api_group": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "name": "system:auth-delegator",
                },
                subjects=[{"kind": "ServiceAccount", "name": args["name"], "namespace": args["namespace"]}],
                opts=pulumi.ResourceOptions(parent=self, depends_on=[account]),
            )
        self.name = name_after(args["name"], account)
        self.register_outputs({"name": self.name})
