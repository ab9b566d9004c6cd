"""The contract of a secret store: what the composition asks of one. Vault and AWS keep it, and this file knows neither."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pulumi

from components.secrets.references import RemoteReference
from components.sync.agent import AgentLogin
from components.sync.aws_fetch import AwsLogin
from components.sync.store import ReaderArgs
from infra.servers import Servers
from infra.stack import NamedStack

Values = Mapping[str, Mapping[str, pulumi.Input[str]]]
"""Documents to write: name -> property -> value."""


def place_in(reference: RemoteReference) -> str:
    """One value in its store, for people: `litellm/dev/api-keys#master-key`; a whole document without `#`."""
    return f"{reference['key']}#{reference['property']}" if "property" in reference else str(reference["key"])


class Documents(Protocol):
    """Documents that were written."""

    def revision_of(self, *documents: str) -> pulumi.Output[str]:
        """Changes whenever the content of one of these documents changes."""
        ...


class OperatorIdentity(Protocol):
    """An identity of the operator's own pods."""

    arn: pulumi.Output[str]
    """Its name. Known when pods that start afterwards have it."""


@dataclass(frozen=True)
class StoreReference:
    """A store, as an ExternalSecret names it."""

    kind: str
    name: pulumi.Input[str]


@dataclass(frozen=True)
class OpenStore:
    """What the rest of a stack sees of its store once it is registered."""

    provider_block: pulumi.Output[dict[str, Any]] | None
    """How External Secrets Operator reads the store; None where it has a store that does."""

    reader: ReaderArgs | None
    """The identity that the operator reads with; None when the provider block brings its own."""

    documents: Documents

    resources: tuple[pulumi.Resource, ...]
    """What must be there before anything is read."""

    other_mounts: Mapping[str, pulumi.Output[dict[str, Any]]] = field(default_factory=dict[str, Any])
    """How the operator reads what is in other engines of the store, by mount, with the same identity."""

    readers: Mapping[str, pulumi.Output[str]] = field(default_factory=dict[str, Any])
    """Policies that read the document of one virtual key, by its name: in Vault their names, in AWS their ARNs."""

    agent: AgentLogin | None = None
    """How Vault Agent logs in from the pods themselves; None where it cannot."""

    aws: AwsLogin | None = None
    """How the AWS CLI logs in from the pods themselves; None where it cannot."""

    mount: str = ""
    """The engine of Vault that `provider_block` reads; empty with another store."""

    there: StoreReference | None = None
    """The store that the operator has already."""


class Store(Protocol):
    """A store with the names that one stack uses in it."""

    def provider(self) -> pulumi.ProviderResource | None:
        """The Pulumi provider of the store; None where nothing is written to it."""
        ...

    def locate(self, document: str, name: str) -> RemoteReference:
        """Where a property of one of the stack's own documents is."""
        ...

    def place(self, reference: RemoteReference) -> str:
        """The same for people: `litellm/dev/api-keys#master-key`."""
        ...

    def adopted(self, document: str, name: str, opts: pulumi.InvokeOptions) -> pulumi.Output[str] | None:
        """The value that a document has already, where the configuration takes it over; None where a new one is generated."""
        ...

    def take_over(self, target: NamedStack) -> str:
        """What to do about the stack's values where its state was lost; empty where they are taken over as they are."""
        ...

    def operator_identity(self, target: NamedStack, opts: pulumi.ResourceOptions) -> OperatorIdentity | None:
        """Register what the operator's pods must have when they start; None where they need no identity of their own."""
        ...

    def open(
        self,
        target: NamedStack,
        namespace: pulumi.Input[str],
        values: Values,
        servers: Servers,
        operator_identity: Any,
        opts: pulumi.ResourceOptions,
    ) -> OpenStore:
        """Register documents, salt key, policy and identity, which also reads what the servers' makers wrote.

        `operator_identity` is what the method of that name returned.
        """
        ...
