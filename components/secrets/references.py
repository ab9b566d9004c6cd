"""What the rest of the program knows of a store: where one value is, as External Secrets Operator addresses it."""

from typing import TypedDict

import pulumi


class RemoteReference(TypedDict):
    """One property of one document in the secret store."""

    key: pulumi.Input[str]
    """Required: path of the document, as the ESO provider takes it (Vault: below the mount, without `data/`)."""

    property: pulumi.Input[str]
    """Required: name of the property in the document."""
