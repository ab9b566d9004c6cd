"""Where the values of `providerKeys` come from. The configuration knows their names; of what runs offline the values are masks.

Two types, so that a mask never reaches a store: the target of a real engine reads what that engine has decrypted, whoever
loaded the configuration, and from what.
"""

from typing import Protocol

import pulumi

from infra.config.load import NAMESPACE
from infra.config.stack import StackConfig


class ProviderKeys(Protocol):
    """Values of `providerKeys`."""

    def value(self, variable: str) -> pulumi.Output[str]:
        """One value, as a secret."""
        ...


class EngineKeys:
    """What the engine has decrypted for the program that it runs. Can be read in such a program only."""

    def value(self, variable: str) -> pulumi.Output[str]:
        given = pulumi.Config(NAMESPACE).require_secret_object("providerKeys")
        return given.apply(lambda values: str(values[variable]))


class OfflineKeys:
    """What a configuration has that was read without any key: masks. For the mock engine, which has no store."""

    def __init__(self, config: StackConfig) -> None:
        self._masks = config.provider_keys

    def value(self, variable: str) -> pulumi.Output[str]:
        return pulumi.Output.secret(self._masks[variable].get_secret_value())
