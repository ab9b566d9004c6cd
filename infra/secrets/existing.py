"""A store of External Secrets Operator that is there already, of any backend. Nothing is written to it."""

from dataclasses import dataclass

import pulumi

from components.secrets.references import RemoteReference
from infra.cluster import Cluster
from infra.config.load import ConfigProblem
from infra.config.secrets import ExistingStore as ExistingStoreConfig
from infra.config.stack import StackConfig
from infra.secrets.store import OpenStore, StoreReference, Values, place_in
from infra.servers import Servers
from infra.stack import NamedStack


class NoDocuments:
    """Documents of a stack that writes none."""

    def revision_of(self, *documents: str) -> pulumi.Output[str]:
        """Nothing: what changes in the store is the business of whoever changes it."""
        del documents
        return pulumi.Output.from_input("")


@dataclass(frozen=True)
class ExistingStore:
    """The store, as one stack uses it."""

    config: ExistingStoreConfig
    namespace: str
    """Of the gateway: where a SecretStore is, and the Secrets that are made from it."""

    context: str
    """Context of the kubeconfig; empty for the current one."""

    def provider(self) -> None:
        """None: Pulumi does not talk to it."""

    def locate(self, document: str, name: str) -> RemoteReference:
        """Where a document of the stack would be; it has none."""
        return {"key": document, "property": name}

    def place(self, reference: RemoteReference) -> str:
        return f"{self.config.name}/{place_in(reference)}"

    def adopted(self, _document: str, _name: str, _opts: pulumi.InvokeOptions) -> None:
        """None: nothing is generated either."""

    def take_over(self, _target: NamedStack) -> str:
        """Nothing: the store has every value, and the state had none."""
        return ""

    def operator_identity(self, _target: NamedStack, _opts: pulumi.ResourceOptions) -> None:
        """None: the store has one."""

    def open(
        self,
        _target: NamedStack,
        _namespace: pulumi.Input[str],
        values: Values,
        _servers: Servers,
        _operator_identity: None,
        _opts: pulumi.ResourceOptions,
    ) -> OpenStore:
        if values:  # infra.config.stores refuses such a configuration
            raise ValueError(
                f"nothing is written to an existing store, and this stack has {', '.join(values)} to write"
            )
        reference = StoreReference(self.config.kind, self.config.name)
        return OpenStore(provider_block=None, reader=None, documents=NoDocuments(), resources=(), there=reference)


def resolve(
    config: StackConfig, stack: str, _cluster: Cluster, *, offline: bool
) -> tuple[ExistingStore, list[ConfigProblem]]:
    """The store that the configuration names."""
    del offline
    if config.secrets.existing is None:
        raise ValueError("secrets.kind is existing without secrets.existing")  # the model refuses it before
    namespace = config.namespace or f"litellm-{stack}"
    return ExistingStore(config.secrets.existing, namespace, config.context), []
