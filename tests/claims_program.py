"""What a stack has in Vault, and nothing else, as a program for the real engine: it needs no cluster."""

import os
from dataclasses import replace

import pulumi
import pulumi_random as random

from infra.environment import Environment
from infra.secrets.vault import VaultStore
from infra.servers import Servers
from infra.stack import NamedStack
from infra.watch import watch
from tests.unit.infra.stacks import target

SALT = {"document": "shared/keys", "property": "value"}


def main() -> None:
    """Variables: VAULT_ADDR; CLUSTER, MASTER_ROTATION, ADOPT; EARLIER for marks without identity, and nobody who asks."""
    address, earlier = os.environ["VAULT_ADDR"], "EARLIER" in os.environ
    vault = {"mount": {"create": False}, "kubernetesAuth": {"create": False}, "adopt": "ADOPT" in os.environ}
    master = {"rotation": int(os.environ.get("MASTER_ROTATION", "0"))}
    stack = target(secrets={"vault": vault}, keys={"salt": {"existing": SALT}, "master": master})
    assert isinstance(stack.store, VaultStore)
    store: VaultStore = (Earlier if earlier else VaultStore)(
        **{**vars(stack.store), "address": address, "cluster": os.environ.get("CLUSTER", "a" * 8)}
    )
    stack = replace(stack, store=store)
    if not earlier:
        watch(stack)
    providers = [random.Provider("random"), store.provider()]
    part = Environment.__new__(Environment)
    part.target, part.config, part.providers = stack, stack.config, providers
    values = part._values()  # pyright: ignore[reportPrivateUsage]
    nowhere = Servers(database=("postgres", 5432), redis=None)
    store.open(stack, "litellm-dev", values, nowhere, None, pulumi.ResourceOptions(providers=providers))


class Earlier(VaultStore):
    """The store of a release whose marks had no identity."""

    def _mark(self, target: NamedStack, opts: pulumi.ResourceOptions) -> pulumi.Input[str]:
        return target.owner
