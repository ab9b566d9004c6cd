"""What an environment has in its secret store: marked before it is written, found and deleted without any state."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

from components.secrets.references import RemoteReference
from infra.cluster import ClusterError, read_cluster
from infra.config.stack import StackConfig
from infra.secrets.store import Store
from infra.target import resolve_store
from tools.ephemeral.mark import Mark
from tools.problem import Problem


@dataclass(frozen=True)
class Swept:
    """What became of what was found."""

    removed: tuple[str, ...] = ()
    foreign: tuple[str, ...] = ()
    """In the place where the environment's things would be, and not its own: left alone."""


class Keeper(Protocol):
    """The store, as somebody sees it who looks after environments."""

    def claim(self, mark: Mark, documents: Sequence[str]) -> None:
        """Mark documents that are about to be written, so that none is ever without a mark.

        Raises:
            Problem: when there is one of somebody else.
        """
        ...

    def marks(self, cluster: str, name: str | None = None) -> set[Mark]:
        """The marks of everything that environments of this cluster have in the store, or that of one name."""
        ...

    def sweep(self, mark: Mark) -> Swept:
        """Delete whatever carries this mark."""
        ...

    def read(self, reference: RemoteReference) -> str:
        """One value."""
        ...


def open_keeper(config: StackConfig) -> tuple[Keeper, Store]:
    """The keeper of the store that a configuration names; also the names that a stack has there."""
    try:
        cluster = read_cluster(config.context or None)
    except ClusterError as error:
        raise Problem(str(error)) from None
    store, problems = resolve_store(config, "ephemeral", cluster, offline=False)
    module = import_module(f"tools.ephemeral.{config.secrets.kind}_keeper")
    return module.open_keeper(config, store, problems), store
