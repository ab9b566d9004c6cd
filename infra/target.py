"""Where a stack is deployed to: its configuration, with what the machine's environment says."""

from dataclasses import dataclass, replace
from importlib import import_module

from infra.aws.authorities import NOT_READ, AuthoritiesError, of_rds
from infra.cluster import Cluster, ClusterError, read_cluster
from infra.config.database.common import TokenSection
from infra.config.load import ConfigError, ConfigProblem
from infra.config.stack import StackConfig
from infra.provider_keys import EngineKeys, OfflineKeys, ProviderKeys
from infra.secrets.store import Store
from infra.stack import NamedStack
from infra.turns import turns

TEMPLATE = "makes this a template of environments, and no stack: run `make env-up NAME=…`"

OFFLINE_CLUSTER = Cluster(context="offline", server="https://kubernetes.invalid", ca_certificate="")


@dataclass(frozen=True)
class Target(NamedStack):
    """A stack and the place it goes to."""

    store: Store
    provider_keys: ProviderKeys

    rds_authorities: str = NOT_READ
    """The authorities of Amazon RDS in PEM, where they were looked at; otherwise what stands for them."""


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
    return named(config, stack, store, EngineKeys())


def resolve_offline(config: StackConfig, stack: str) -> Target:
    """The same without looking at the machine: the plan is the same everywhere.

    Raises:
        ConfigError: when the store could not do what the configuration asks of it.
    """
    store, problems = resolve_store(config, stack, OFFLINE_CLUSTER, offline=True)
    if problems:
        raise ConfigError(f"Pulumi.{stack}.yaml", problems)
    return replace(named(config, stack, store, OfflineKeys(config)), turns=turns(config, {}))


def resolve_rendered(config: StackConfig, stack: str) -> Target:
    """The store as `resolve` finds it, for objects that are written to files: no cluster is looked at.

    Raises:
        ConfigError: when nothing says where the store is.
    """
    store, missing = resolve_store(config, stack, OFFLINE_CLUSTER, offline=False)
    if missing:
        raise ConfigError(f"Pulumi.{stack}.yaml", missing)
    return with_authorities(named(config, stack, store, OfflineKeys(config)))


def with_authorities(target: Target) -> Target:
    """The target with the authorities of Amazon RDS, where the stack needs them: for objects that are used.

    Raises:
        ConfigError: when they cannot be had.
    """
    authorities, problem = authorities_of(target.config)
    if problem:
        raise ConfigError(f"Pulumi.{target.stack}.yaml", problem)
    return replace(target, rds_authorities=authorities)


def authorities_of(config: StackConfig) -> tuple[str, list[ConfigProblem]]:
    """The authorities of Amazon RDS where the stack needs them, and why they cannot be had."""
    if not isinstance(config.database, TokenSection) or not config.database.takes_authorities_of_rds:
        return NOT_READ, []
    try:
        return of_rds(), []
    except AuthoritiesError as error:
        return NOT_READ, [ConfigProblem("database.sslmode", str(error))]


def resolve_store(
    config: StackConfig, stack: str, cluster: Cluster, *, offline: bool
) -> tuple[Store, list[ConfigProblem]]:
    """The store of a stack, and what is missing in the machine's environment to reach it.

    Its module is imported only when a stack has that store: neither SDK nor provider of the other is ever loaded.
    """
    module = import_module(f"infra.secrets.{config.secrets.kind}")
    return module.resolve(config, stack, cluster, offline=offline)


def named(config: StackConfig, stack: str, store: Store, provider_keys: ProviderKeys) -> Target:
    namespace = config.namespace or f"litellm-{stack}"
    return Target(stack=stack, config=config, namespace=namespace, store=store, provider_keys=provider_keys)
