"""One SecretStore per namespace: External Secrets Operator reads with the namespace's own identity, or not at all."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.labels import labels
from components.objects import REPLACED_AS_A_WHOLE, given_name, name_after

API_VERSION = "external-secrets.io/v1"
WAIT_UNTIL_READY = {"pulumi.com/waitFor": "condition=Ready"}
"""Custom resources count as created at once, unless Pulumi is told what ready means."""


class ReaderArgs(TypedDict):
    """The identity that reads the store: a ServiceAccount whose tokens the operator may ask for."""

    name: pulumi.Input[str]
    """Required: name of the ServiceAccount; it is created."""

    operator_namespace: pulumi.Input[str]
    """Required: namespace of External Secrets Operator."""

    operator_service_account: pulumi.Input[str]
    """Required: ServiceAccount of the operator's controller."""

    token_review: NotRequired[bool]
    """Optional: grant `system:auth-delegator`, for a Vault that reviews a token with that same token. Defaults to false."""

    annotations: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Optional: annotations of the ServiceAccount. Defaults to none."""


class SecretStoreArgs(TypedDict):
    """Arguments of `SecretStore`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the store."""

    provider: pulumi.Input[Mapping[str, Any]]
    """Required: ESO provider block of the store."""

    reader: NotRequired[ReaderArgs | None]
    """Optional: the identity that reads the store. Defaults to none: the provider block brings its own."""


class SecretStore(pulumi.ComponentResource):
    """An ESO SecretStore, awaited until Ready, and the ServiceAccount it reads with.

    **Type:** `litellm:index:SecretStore`. **Produces:** `ServiceAccount`, `Role` and `RoleBinding` (token requests for
    that ServiceAccount only), `ClusterRoleBinding` (only with `token_review`), `external-secrets.io/v1 SecretStore`.
    """

    store: pulumi.Output[str]
    """Name of the SecretStore."""

    def __init__(self, name: str, args: SecretStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:SecretStore", name, None, opts)
        reader = args.get("reader")
        identity = self._identity(name, args["namespace"], reader) if reader else []
        store = kubernetes.apiextensions.CustomResource(
            f"{name}-store",
            api_version=API_VERSION,
            kind="SecretStore",
            metadata={
                "namespace": args["namespace"],
                "labels": labels(name),
                "annotations": WAIT_UNTIL_READY,
            },
            spec={"provider": args["provider"]},
            # The operator validates the store with the reader's token: the rights must be there before, and until after.
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=identity,
                # The condition of a store that was changed would still be that of before the change.
                replace_on_changes=REPLACED_AS_A_WHOLE,
                custom_timeouts=pulumi.CustomTimeouts(create="2m", update="2m"),
            ),
        )
        self.store = given_name(store)
        self.register_outputs({"store": self.store})

    def _identity(self, name: str, namespace: pulumi.Input[str], reader: ReaderArgs) -> list[pulumi.Resource]:
        account = kubernetes.core.v1.ServiceAccount(
            f"{name}-reader",
            metadata={
                "name": reader["name"],
                "namespace": namespace,
                "labels": labels(name),
                "annotations": reader.get("annotations", {}),
            },
            automount_service_account_token=False,
            opts=pulumi.ResourceOptions(parent=self),
        )
        token_requests = kubernetes.rbac.v1.Role(
            f"{name}-token-requests",
            metadata={"name": f"{name}-token-requests", "namespace": namespace, "labels": labels(name)},
            rules=[
                {
                    "api_groups": [""],
                    "resources": ["serviceaccounts/token"],
                    "resource_names": [reader["name"]],
                    "verbs": ["create"],
                }
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        binding = kubernetes.rbac.v1.RoleBinding(
            f"{name}-token-requests-binding",
            metadata={"name": f"{name}-token-requests", "namespace": namespace, "labels": labels(name)},
            role_ref={
                "api_group": "rbac.authorization.k8s.io",
                "kind": "Role",
                "name": name_after(f"{name}-token-requests", token_requests),
            },
            subjects=[
                {
                    "kind": "ServiceAccount",
                    "name": reader["operator_service_account"],
                    "namespace": reader["operator_namespace"],
                }
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        reviews = [self._token_review(name, namespace, reader)] if reader.get("token_review") else []
        return [account, binding, *reviews]

    def _token_review(self, name: str, namespace: pulumi.Input[str], reader: ReaderArgs) -> pulumi.Resource:
        return kubernetes.rbac.v1.ClusterRoleBinding(
            f"{name}-token-review",
            metadata={"name": pulumi.Output.concat(namespace, f"-{name}-token-review"), "labels": labels(name)},
            role_ref={
                "api_group": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "system:auth-delegator",
            },
            subjects=[{"kind": "ServiceAccount", "name": reader["name"], "namespace": namespace}],
            opts=pulumi.ResourceOptions(parent=self),
        )
