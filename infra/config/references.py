"""References to documents that are in the secret store already."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import StringConstraints

from infra.config.base import DOCUMENT_NAME, STORE_PATH, VAULT_NAME, Section
from infra.config.detector import looks_secret

StorePath = Annotated[str, StringConstraints(pattern=STORE_PATH, max_length=512)]
"""A path below the store's mount: `dev/api-keys`. No leading or trailing `/`."""

VaultName = Annotated[str, StringConstraints(pattern=VAULT_NAME, max_length=512)]
"""How something of Vault is called: a mount, a role, a policy. May be a path, without leading or trailing `/`."""


DocumentName = Annotated[str, StringConstraints(pattern=DOCUMENT_NAME, max_length=2048)]
"""A document of any store; `infra.config.stores` knows what each takes."""

PropertyName = Annotated[str, StringConstraints(min_length=1, max_length=253)]
"""How a property of a document is called."""

API_PREFIXES = ("data/", "metadata/")
"""What Vault's API has between the mount and the path of a document."""

PLAIN_PATH = re.compile(r"[a-z]+([_-][a-z]+)*(/[a-z]+([_-][a-z]+)*)*")


class DocumentReference(Section):
    """A document that is in the store already. It is referenced, never read by the program."""

    document: DocumentName
    """The document. In Vault its path below the mount, without `data/`: `shared/providers`. In AWS the secret's name or ARN:
    `/ops/litellm-prod-secrets`. In a store of another backend what its provider in External Secrets Operator calls `key`."""

    mount: VaultName | None = None
    """Vault: path of the KV version 2 engine that has the document, where that is another one than `secrets.vault.mount.path`.
    The policy that the stack writes covers the document there, and the stack gets a SecretStore of that engine."""


class PropertyReference(DocumentReference):
    """One property of a document that is in the store already. It is referenced, never read by the program."""

    property: Annotated[str, StringConstraints(min_length=1, max_length=253)] | None = None
    """Name of the property in the document: `openai-key`; below others with dots: `openai.keys.production`. Required in Vault.
    In AWS and other stores the whole secret is taken without one: for a secret that is plain text, and no JSON."""


def spelled(document: str) -> str:
    """How to write a path that somebody copied out of Vault's API, without repeating what may be no path."""
    rest = document
    for prefix in API_PREFIXES:
        rest = rest.removeprefix(prefix)
    return f"write {rest}" if PLAIN_PATH.fullmatch(rest) and not looks_secret(rest) else "leave that out"


def steps(name: str) -> list[str]:
    """The names on the way to a property, as External Secrets Operator takes them: `openai.keys` is two. `\\.` is a dot."""
    return [part.replace("\\.", ".") for part in re.split(r"(?<!\\)\.", name)]


def within(document: Any, name: str) -> Any:
    """What a property is in a document: one of that very name first, otherwise the one below others.

    Raises:
        KeyError, TypeError: when there is none.
    """
    if isinstance(document, Mapping) and name in document:
        return cast("Mapping[str, Any]", document)[name]
    found = cast("Any", document)
    for step in steps(name):
        is_entry = isinstance(found, list) and step.isdigit()
        found = cast("Any", found)[int(step) if is_entry else step]
    return found
