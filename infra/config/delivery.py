"""What Vault Agent cannot bring into the pods: where others than our pods read a value, it has to be in a Kubernetes Secret."""

from collections.abc import Iterator
from typing import Any

from infra.config.aws.identity import PodIdentity
from infra.config.aws_pods import may_make_role, needs_role
from infra.config.database.common import SecretLogin
from infra.config.database.kinds import takes_tokens

Finding = tuple[str, str]

BECAUSE = "and with this secrets.delivery no Kubernetes Secret is made"

STORES = {"vault-agent": ("vault",), "init-container": ("vault", "aws")}
"""Which kinds of store pods can read by themselves, by delivery."""


def agents_can_log_in(secrets: Any) -> Iterator[Finding]:
    """Vault, and an auth method that takes the token of a pod."""
    vault, delivery = secrets.vault, secrets.delivery
    for field, where, its in (
        ("vault_agent", "vaultAgent", "vault-agent"),
        ("init_container", "initContainer", "init-container"),
    ):
        if field in secrets.model_fields_set and delivery != its:
            yield f"secrets.{where}", f"is for delivery {its}: set secrets.delivery to it, or remove this"
    if not secrets.by_pods:
        return
    if secrets.kind not in STORES[delivery]:
        yield (
            "secrets.delivery",
            f"is {delivery}, which reads {' or '.join(STORES[delivery])}, and secrets.kind is {secrets.kind}: use "
            "external-secrets",
        )
    elif secrets.kind == "aws":
        yield from pods_are_known(secrets)
    elif vault.auth not in ("kubernetes", "jwt"):
        yield (
            "secrets.vault.auth",
            f"is {vault.auth}, with which External Secrets Operator logs in; agents log in with the token of their pod: use "
            "kubernetes or jwt",
        )
    elif vault.auth == "kubernetes" and vault.kubernetes_auth.extra_audiences:
        yield (
            "secrets.vault.kubernetesAuth.extraAudiences",
            "cannot be had by agents, as the token in a pod's volume has one audience: set reviewer: vault, or let audience be "
            "one that the API server accepts, and remove this",
        )


def pods_are_known(secrets: Any) -> Iterator[Finding]:
    """To AWS: by the token of the pod, or by a key."""
    if isinstance(secrets.aws.identity, PodIdentity):
        yield (
            "secrets.aws.identity",
            "is pod-identity, which gives its role to every container of a pod, and not only to the one that fetches: use "
            "irsa",
        )


def pods_have_one_account(
    secrets: Any, gateway: Any, database: Any, provider_keys: Any, provider_documents: Any, secret_environment: Any
) -> Iterator[Finding]:
    """A pod has one ServiceAccount: that of the store, or one for a role of AWS."""
    supplied = (*provider_keys, *provider_documents, *secret_environment)
    if secrets.by_pods and may_make_role(secrets, gateway) and needs_role(gateway, database, supplied):
        yield (
            "secrets.delivery",
            f"is {secrets.delivery}, with which pods have the ServiceAccount that reads the store, and models of Bedrock "
            "without apiKey need one with a role: use external-secrets",
        )


def agents_reach_everything(
    secrets: Any, database: Any, ingress: Any, monitoring: Any, pods: Any, external_secrets: Any, ephemeral: Any
) -> Iterator[Finding]:
    """Who reads a value that is no pod of this stack."""
    if not secrets.by_pods:
        return
    if secrets.reload != "none":
        yield (
            "secrets.reload",
            f"is {secrets.reload}, which looks at Kubernetes Secrets, and delivery {secrets.delivery} makes none: remove it",
        )
    if external_secrets.install is True:
        yield "externalSecrets.install", f"is true, and delivery {secrets.delivery} needs no operator: remove it"
    if ephemeral.wanted:
        yield (
            "secrets.delivery",
            "must be external-secrets for ephemeral environments, which are told apart by its objects",
        )
    if database.kind == "cloudnative-pg":
        yield (
            "database.kind",
            f"is cloudnative-pg, whose login is a Kubernetes Secret, {BECAUSE}: use existing or in-cluster",
        )
    elif isinstance(getattr(database, "login", None), SecretLogin):
        yield "database.credentials", f"are a Kubernetes Secret, {BECAUSE}: name a document of Vault"
    elif takes_tokens(database):
        yield (
            "database.iamAuthentication",
            "needs pods with the ServiceAccount of their IAM role, and agents need one that Vault knows: use a password",
        )
    if ingress.tls and ingress.tls.certificate:
        yield (
            "ingress.tls.certificate",
            f"is read by the ingress controller, {BECAUSE}: use tls.issuer, or tls.secretName",
        )
    if monitoring.with_key:
        where = "key" if monitoring.key else "accessKey"
        yield (
            f"monitoring.{where}",
            f"is read by the scraper, {BECAUSE}: remove it, and metrics have a port of their own, which NetworkPolicies close",
        )
    if pods.image_pull_document:
        yield (
            "pods.imagePullDocument",
            f"is read by the kubelet, {BECAUSE}: name one that is there in pods.imagePullSecrets",
        )
