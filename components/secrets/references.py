"""What the rest of the program knows of a store: where one value is, as External Secrets Operator addresses it."""

from typing import NotRequired, TypedDict

import pulumi


class RemoteReference(TypedDict):
    """One property of one document in the secret store, or the whole document."""

    key: pulumi.Input[str]
    """Required: path of the document, as the ESO provider takes it (Vault: below the mount, without `data/`)."""

    property: NotRequired[pulumi.Input[str]]
    """Optional: name of the property in the document. Defaults to the whole document."""

    mount: NotRequired[str]
    """Optional: where the document is, when that is not where the store looks: the path of another engine of Vault."""

    store: NotRequired[str]
    """Optional: which other store has it, as `stores` of `SyncedSecret` calls that. Defaults to the stack's own."""
