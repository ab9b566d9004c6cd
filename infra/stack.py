"""One stack as stores and roles know it: its configuration and the names it goes by, but not where it is deployed to."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.config.stack import StackConfig
from infra.turns import ONE_USER_EACH, Turns

READER = "secret-reader"
"""ServiceAccount in the gateway's namespace that reads the store. No pod runs with it."""

IN_PODS = {"vault-agent": "vault-agent", "init-container": "secret-fetcher"}
"""ServiceAccount in the gateway's namespace that pods run with, where they read the store themselves, by delivery."""


@dataclass(frozen=True)
class NamedStack:
    """A configuration with its names."""

    stack: str
    config: StackConfig
    namespace: str

    has_operator: bool | None = field(default=None, kw_only=True)
    """Whether the state has External Secrets Operator; None where nobody looked."""

    has_state: bool = field(default=True, kw_only=True)
    """Whether the state knows of anything that the stack has; also True where nobody looked."""

    own_salt: str | None = field(default=None, kw_only=True)
    """Name of the salt key's document, where the state says that this stack has made it; None before that is known."""

    written: Mapping[str, int] = field(default_factory=dict[str, int], kw_only=True)
    """Documents that the state says this stack has written, by their place in the store, and the version that it wrote."""

    granted: tuple[str, ...] = field(default=(), kw_only=True)
    """Policies and roles that the state says this stack has made: in Vault by their paths in its API, in AWS by their names."""

    turns: Turns = field(default=ONE_USER_EACH, kw_only=True)
    """Whose turn it is to log in, where the state was looked at; otherwise there is one user."""

    @property
    def instance(self) -> str:
        """Marks what belongs to this stack in the cluster."""
        return f"litellm-{self.stack}"

    @property
    def reader(self) -> str:
        """The ServiceAccount that the store knows: of the operator's reader, or of pods that read by themselves."""
        return IN_PODS.get(self.config.secrets.delivery, READER)

    @property
    def owner(self) -> str:
        """Marks the documents of this stack in the store."""
        return self.config.ephemeral.mark or f"litellm/{self.stack}"
