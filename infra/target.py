"""Where a stack is deployed to: its configuration, with what the machine's environment says."""

from dataclasses import dataclass

from infra.cluster import Cluster, ClusterError, read_cluster
from infra.config.load import ConfigError, ConfigProblem
from infra.config.stack import StackConfig
from infra.secrets.store import Store, resolve_store

READER = "secret-reader"
"""ServiceAccount in the gateway's namespace that reads the store. No pod runs with it."""

TEMPLATE = "makes this a template of environments, and no stack: run `make env-up NAME=…`"

OFFLINE_CLUSTER = Cluster(context="offline", server="https://kubernetes.invalid", ca_certificate="")


@dataclass(frozen=True)
class Target:
    """A stack and the place it goes to."""

    stack: str
    config: StackConfig
    namespace: str
    store: Store

    @property
    def owner(self) -> str:
        """Marks the documents of this stack in the store."""
        return self.config.ephemeral.mark or f"litellm/{self.stack}"


def resolve(config: StackConfig, stack: str) -> Target:
    """Fill in what the configuration leaves to the environment, such as `KUBECONFIG` and `VAULT_ADDR`.

    Raises:
        ConfigError: when the environment does not say where to deploy to, or names a store that pods cannot reach.
    """
    problems: list[ConfigProblem] = []
    cluster = OFFLINE_CLUSTER
    if config.ephemeral.wanted and not config.ephemeral.name:
        problems.append(ConfigProblem("ephemeral.domain", TEMPLATE))
    try:
        cluster = read_cluster(config.context or None)
    except ClusterError as error:
        problems.append(ConfigProblem("context", str(error)))
    store, missing = resolve_store(config, stack, cluster, offline=False)
    if problems or missing:
        raise ConfigError(f"Pulumi.{stack}.yaml", [*problems, *missing])
    return named(config, stack, store)


def resolve_offline(config: StackConfig, stack: str) -> Target:
    """The same without looking at the machine: the plan is the same everywhere."""
    store, _ = resolve_store(config, stack, OFFLINE_CLUSTER, offline=True)
    return named(config, stack, store)


def resolve_rendered(config: StackConfig, stack: str) -> Target:
    """The store as `resolve` finds it, for objects that are written to files: no cluster is looked at.

    Raises:
        ConfigError: when nothing says where the store is.
    """
    store, missing = resolve_store(config, stack, OFFLINE_CLUSTER, offline=False)
    if missing:
        raise ConfigError(f"Pulumi.{stack}.yaml", missing)
    return named(config, stack, store)


def named(config: StackConfig, stack: str, store: Store) -> Target:
    return Target(stack=stack, config=config, namespace=config.namespace or f"litellm-{stack}", store=store)
