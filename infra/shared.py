"""What belongs to a cluster and not to a gateway: the composition of a stack with `shared`."""

import base64
import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
import yaml

from components.labels import INSTANCE, labels
from components.objects import name_after
from components.sync.store import WAIT_UNTIL_READY
from infra.config.aws.identity import IrsaIdentity
from infra.config.shared import SharedConfig
from infra.installation import installed
from infra.providers import providers
from infra.rights import rights
from infra.target import Target

NAME = "litellm-shared"
REVIEWER = "vault-token-reviewer"

RBAC = kubernetes.rbac.v1
MAKERS: Mapping[str, Any] = {
    "Namespace": kubernetes.core.v1.Namespace,
    "ClusterRole": RBAC.ClusterRole,
    "ClusterRoleBinding": RBAC.ClusterRoleBinding,
    "Role": RBAC.Role,
    "RoleBinding": RBAC.RoleBinding,
    "ValidatingAdmissionPolicy": kubernetes.admissionregistration.v1.ValidatingAdmissionPolicy,
    "ValidatingAdmissionPolicyBinding": kubernetes.admissionregistration.v1.ValidatingAdmissionPolicyBinding,
}
"""What the files of docs/rights/ consist of."""


def deploy(target: Target) -> Mapping[str, pulumi.Input[Any]]:
    """Register everything, and return the outputs."""
    if target.config.shared is None:
        raise ValueError("a stack without shared")  # infra.environment asks only for those that have it
    return Shared(target, target.config.shared).outputs


class Shared:
    """Everything of the stack."""

    def __init__(self, target: Target, shared: SharedConfig) -> None:
        self.target, self.shared = target, shared
        self.options = pulumi.ResourceOptions(providers=providers(target))
        identity = target.store.operator_identity(target, self.options)
        self.operator = installed(target, identity, self.options)
        self.namespace = self._namespace()
        self._store()
        self._rights()
        self._gateway()
        self._issuer()
        self.outputs = self._outputs()

    def _namespace(self) -> pulumi.Output[str]:
        made = kubernetes.core.v1.Namespace(
            "namespace",
            metadata={
                "name": self.shared.namespace,
                "labels": labels(NAME)
                | {INSTANCE: self.target.instance, "pod-security.kubernetes.io/enforce": "restricted"},
            },
            opts=self.options,
        )
        return name_after(self.shared.namespace, made)

    def _store(self) -> None:
        if self.target.config.secrets.kind == "vault":
            auth = self.target.config.secrets.vault.kubernetes_auth
            token = self._reviewer() if auth.create and auth.reviewer != "vault" else None
            module = import_module("infra.secrets.vault_shared")
            module.share(self.target.store, self.shared, token, self.options)
        aws = self.target.config.secrets.aws
        if self.shared.oidc_provider and aws and isinstance(aws.identity, IrsaIdentity):
            import_module("infra.aws.oidc").provider(aws.identity, self.options)

    def _reviewer(self) -> pulumi.Output[str]:
        """A token that does not expire, of an account that may ask whether other tokens are genuine, and nothing else."""
        metadata: Any = {"name": REVIEWER, "namespace": self.namespace, "labels": labels(NAME)}
        account = kubernetes.core.v1.ServiceAccount(
            REVIEWER, metadata=metadata, automount_service_account_token=False, opts=self.options
        )
        RBAC.ClusterRoleBinding(
            REVIEWER,
            metadata={"name": f"{self.shared.namespace}-{REVIEWER}", "labels": labels(NAME)},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:auth-delegator"},
            subjects=[{"kind": "ServiceAccount", "name": REVIEWER, "namespace": self.namespace}],
            opts=self.options,
        )
        secret = kubernetes.core.v1.Secret(
            REVIEWER,
            metadata=metadata | {"annotations": {"kubernetes.io/service-account.name": name_after(REVIEWER, account)}},
            type="kubernetes.io/service-account-token",
            opts=self.options,
        )
        return pulumi.Output.secret(secret.data.apply(decoded))

    def _rights(self) -> None:
        files: list[tuple[str, dict[str, str]]] = [
            (
                "kubernetes-up.yaml",
                {
                    "NAMESPACE": given.namespace or f"litellm-{given.name}",
                    "STACK": given.name,
                    "DEPLOYER": given.deployer,
                },
            )
            for given in self.shared.stacks
            if given.deployer
        ]
        if self.shared.environments:
            files.append(("kubernetes-environments.yaml", {"DEPLOYER": self.shared.environments}))
        if self.shared.previewer:
            files.append(("kubernetes-preview.yaml", {"PREVIEWER": self.shared.previewer}))
        # What is the same for all stacks is in the file of each, and made once.
        manifests: dict[tuple[str, str, str], dict[str, Any]] = {}
        for file, words in files:
            for manifest in yaml.safe_load_all(rights(file, words)):
                metadata = manifest["metadata"]
                manifests[manifest["kind"], metadata.get("namespace", ""), metadata["name"]] = manifest
        for key, manifest in manifests.items():
            self._applied("-".join(part.lower() for part in key if part), manifest)

    def _applied(self, name: str, manifest: Mapping[str, Any]) -> None:
        kind = manifest["kind"]
        rest = {snake(key): value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
        # The stack that lives in a namespace takes it over.
        kept = pulumi.ResourceOptions(retain_on_delete=kind == "Namespace")
        MAKERS[kind](f"rights-{name}", **rest, opts=pulumi.ResourceOptions.merge(self.options, kept))

    def _gateway(self) -> None:
        given = self.shared.gateway
        if given is None:
            return
        everybody = {"allowedRoutes": {"namespaces": {"from": "All"}}}
        kubernetes.apiextensions.CustomResource(
            "gateway",
            api_version="gateway.networking.k8s.io/v1",
            kind="Gateway",
            metadata={
                "name": given.name,
                "namespace": self.namespace,
                "labels": labels(NAME),
                "annotations": given.annotations,
            },
            spec={
                "gatewayClassName": given.class_name,
                "listeners": [everybody | listener for listener in given.listeners],
            },
            opts=self.options,
        )

    def _issuer(self) -> None:
        if issuer := self.shared.issuer:
            kubernetes.apiextensions.CustomResource(
                "issuer",
                api_version="cert-manager.io/v1",
                kind="ClusterIssuer",
                metadata={"name": issuer.name, "labels": labels(NAME), "annotations": WAIT_UNTIL_READY},
                spec=issuer.spec,
                opts=self.options,
            )

    def _outputs(self) -> dict[str, pulumi.Input[Any]]:
        """What a gateway stack writes down to use all this."""
        settings: dict[str, Any] = {}
        secrets, gateway = self.target.config.secrets, self.shared.gateway
        if secrets.kind == "vault":
            settings = import_module("infra.secrets.vault_shared").settings(self.target.store, self.shared)
        found: dict[str, pulumi.Input[Any]] = {"shared": {"secrets": settings}}
        return found | ({"gateway": f"{self.shared.namespace}/{gateway.name}"} if gateway else {})


def decoded(data: Mapping[str, str] | None) -> str:
    """The token; Kubernetes fills it in after the Secret was made, and the engine waits for it."""
    return base64.b64decode((data or {}).get("token", "")).decode()


def snake(key: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", key).lower()
