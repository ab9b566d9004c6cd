"""A SecretStore over Secrets that are in the namespace already: they flow into pods the way documents of a store do."""

from collections.abc import Sequence
from typing import TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.labels import labels
from components.objects import name_after
from components.sync.store import SecretStore

READER = "kubernetes-secret-reader"

CLUSTER_CA = {"type": "ConfigMap", "name": "kube-root-ca.crt", "key": "ca.crt"}
"""What Kubernetes puts into every namespace: the authority of its own API server."""


class NamespaceStoreArgs(TypedDict):
    """Arguments of `NamespaceStore`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the store and of the Secrets."""

    secrets: Sequence[pulumi.Input[str]]
    """Required: names of the Secrets that may be read; no others."""

    operator_namespace: pulumi.Input[str]
    """Required: namespace of External Secrets Operator."""

    operator_service_account: pulumi.Input[str]
    """Required: ServiceAccount of the operator's controller."""


class NamespaceStore(pulumi.ComponentResource):
    """An ESO SecretStore of the provider `kubernetes`, with an identity that may read the named Secrets.

    **Type:** `litellm:index:NamespaceStore`. **Produces:** `Role`, `RoleBinding`, and a `SecretStore` with its ServiceAccount.

    Whoever registers it must hold `get` on these Secrets: Kubernetes lets nobody grant what they do not have.
    """

    store: pulumi.Output[str]
    """Name of the SecretStore."""

    def __init__(self, name: str, args: NamespaceStoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:NamespaceStore", name, None, opts)
        metadata = {"namespace": args["namespace"], "labels": labels(name)}
        role = kubernetes.rbac.v1.Role(
            f"{name}-read",
            metadata={"name": f"{name}-read", **metadata},  # pyright: ignore[reportArgumentType]
            rules=[
                {
                    "api_groups": [""],
                    "resources": ["secrets"],
                    "resource_names": list(args["secrets"]),
                    "verbs": ["get"],
                }
            ],
            opts=pulumi.ResourceOptions(parent=self),
        )
        binding = kubernetes.rbac.v1.RoleBinding(
            f"{name}-read-binding",
            metadata={"name": f"{name}-read", **metadata},  # pyright: ignore[reportArgumentType]
            role_ref={
                "api_group": "rbac.authorization.k8s.io",
                "kind": "Role",
                "name": name_after(f"{name}-read", role),
            },
            subjects=[{"kind": "ServiceAccount", "name": READER, "namespace": args["namespace"]}],
            opts=pulumi.ResourceOptions(parent=self),
        )
        provider = {
            "kubernetes": {
                "remoteNamespace": args["namespace"],
                "server": {"caProvider": CLUSTER_CA},
                "auth": {"serviceAccount": {"name": READER}},
            }
        }
        store = SecretStore(
            name,
            {
                "namespace": args["namespace"],
                "provider": provider,
                "reader": {
                    "name": READER,
                    "operator_namespace": args["operator_namespace"],
                    "operator_service_account": args["operator_service_account"],
                },
            },
            pulumi.ResourceOptions(parent=self, depends_on=[binding]),
        )
        self.store = store.store
        self.register_outputs({"store": self.store})
