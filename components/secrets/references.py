"""What the rest of the program knows of a store: where one value is, as External Secrets Operator addresses it."""

from typing import NotRequired, TypedDict

import pulumi


class RemoteReference(TypedDict):
    """One property of one document in the secret store, or the whole document."""

    key: pulumi.Input[str]
    """Required: path of the document (Vault: below the mount, without `data/`)."""

    property: NotRequired[pulumi.Input[str]]
    """Optional: name of the property in the document. Defaults to the whole document."""

    mount: NotRequired[str]
    """Optional: where the document is, when that is not where the store looks: the path of another engine of Vault."""

    store: NotRequired[str]
    """Optional: which other store has it, as `stores` of `SyncedSecret` calls that. Defaults to the stack's own."""


def spelled(mount: str, path: str) -> str:
    """A path below a mount of Vault, so that External Secrets Operator finds it.

    The operator takes the mount off the front of a key, and then `data/`: a path that begins like its mount would be read
    one folder too high.
    """
    return f"{mount}/data/{path}" if mount and path.startswith(f"{mount}/") else path


def unspelled(mount: str, key: str) -> str:
    """The path below its mount, from the key of an ExternalSecret: what `spelled` made, or anybody else."""
    return key.removeprefix(f"{mount}/").removeprefix("data/") if mount and key.startswith(f"{mount}/") else key
