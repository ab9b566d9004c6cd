"""Where a stack is deployed to: its configuration with every default filled in from the machine's environment."""

import base64
import os
from dataclasses import dataclass
from pathlib import Path

from infra.cluster import Cluster, ClusterError, read_cluster
from infra.config.load import ConfigError, ConfigProblem
from infra.config.secrets import VaultConfig, is_loopback
from infra.config.stack import StackConfig

IN_CLUSTER_API = "https://kubernetes.default.svc"


@dataclass(frozen=True)
class VaultTarget:
    """Vault, with the names that this stack uses there."""

    address: str
    cluster_address: str
    namespace: str | None
    ca_cert_file: str | None
    ca_bundle: str | None
    """Vault's CA for External Secrets Operator: PEM in base64."""

    mount: str
    prefix: str
    policy: str
    role: str
    auth_path: str
    kubernetes_host: str
    kubernetes_ca_cert: str | None

    def connection(self) -> dict[str, str | None]:
        return {"address": self.address, "namespace": self.namespace, "ca_cert_file": self.ca_cert_file}


@dataclass(frozen=True)
class Target:
    """A stack and the place it goes to."""

    stack: str
    config: StackConfig
    namespace: str
    vault: VaultTarget

    @property
    def owner(self) -> str:
        """Marks the documents of this stack in the store."""
        return f"litellm/{self.stack}"


OFFLINE_CLUSTER = Cluster(context="offline", server="https://kubernetes.invalid", ca_certificate="")
OFFLINE_VAULT = "https://vault.invalid:8200"


def resolve(config: StackConfig, stack: str) -> Target:
    """Fill in what the configuration leaves to the environment: `KUBECONFIG` and `VAULT_ADDR`.

    Raises:
        ConfigError: when the environment does not say where to deploy to, or names a Vault that pods cannot reach.
    """
    problems: list[ConfigProblem] = []
    cluster = OFFLINE_CLUSTER
    try:
        cluster = read_cluster(config.context)
    except ClusterError as error:
        problems.append(ConfigProblem("context", str(error)))
    vault = config.secrets.vault
    address = vault.address or os.environ.get("VAULT_ADDR", "").rstrip("/")
    if not address:
        problems.append(
            ConfigProblem("secrets.vault.address", "not set, and VAULT_ADDR is not set either: name your Vault in one")
        )
    if is_loopback(address) and not vault.cluster_address:
        message = "VAULT_ADDR is this machine's loopback, which pods cannot reach: set the address that pods use"
        problems.append(ConfigProblem("secrets.vault.clusterAddress", message, address))
    problems += [
        ConfigProblem(path, "no such file", str(file))
        for path, file in (
            ("secrets.vault.caCertFile", vault.ca_cert_file),
            ("secrets.vault.kubernetesAuth.caCertFile", vault.kubernetes_auth.ca_cert_file),
        )
        if file and not file.is_file()
    ]
    if problems:
        raise ConfigError(f"Pulumi.{stack}.yaml", problems)
    return target(config, stack, cluster, address)


def resolve_offline(config: StackConfig, stack: str) -> Target:
    """The same without looking at the machine: the plan is the same everywhere."""
    return target(config, stack, OFFLINE_CLUSTER, config.secrets.vault.address or OFFLINE_VAULT)


def target(config: StackConfig, stack: str, cluster: Cluster, address: str) -> Target:
    return Target(
        stack=stack,
        config=config,
        namespace=config.namespace or f"litellm-{stack}",
        vault=vault_target(config.secrets.vault, stack, cluster, address),
    )


def vault_target(vault: VaultConfig, stack: str, cluster: Cluster, address: str) -> VaultTarget:
    auth = vault.kubernetes_auth
    in_cluster = auth.reviewer == "vault"
    ca = read_if_there(auth.ca_cert_file) or (None if in_cluster else cluster.ca_certificate or None)
    vault_ca = read_if_there(vault.ca_cert_file)
    return VaultTarget(
        address=address,
        cluster_address=vault.cluster_address or address,
        namespace=vault.namespace,
        ca_cert_file=str(vault.ca_cert_file) if vault.ca_cert_file else None,
        ca_bundle=base64.b64encode(vault_ca.encode()).decode() if vault_ca else None,
        mount=vault.mount.path,
        prefix=vault.prefix or stack,
        policy=f"litellm-{stack}",
        role=auth.role or f"litellm-{stack}",
        auth_path=auth.path or (f"kubernetes-{stack}" if auth.create else "kubernetes"),
        kubernetes_host=auth.host or (IN_CLUSTER_API if in_cluster else cluster.server),
        kubernetes_ca_cert=ca,
    )


def read_if_there(file: Path | None) -> str | None:
    return file.read_text() if file and file.is_file() else None
