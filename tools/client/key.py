"""The master key of a stack, read by the program's own client of its store."""

from collections.abc import Mapping
from importlib import import_module

from tools.engine.stack_file import Stack
from tools.offline.plan import checked
from tools.process import environment


def master_key(stack: Stack, variables: Mapping[str, str]) -> str:
    """Read it; `variables` are laid over the environment, in which the clients look for addresses and credentials.

    Raises:
        Problem: when the configuration is wrong, or the store cannot be asked, refuses, or has no such key.
    """
    from infra.secrets.documents import Contents  # noqa: PLC0415 - a wrong stack file need not wait for Pulumi's SDK
    from infra.servers import Servers  # noqa: PLC0415
    from infra.target import OFFLINE_CLUSTER, resolve_store  # noqa: PLC0415

    config = checked(stack)
    with environment(variables):
        store, problems = resolve_store(config, stack.name, OFFLINE_CLUSTER, offline=False)
        reference = Contents(config, Servers(("", 0), None), store.locate).master_key()
        return import_module(f"tools.client.{config.secrets.kind}").read(store, problems, reference)
