"""References to documents that are in the secret store already."""

from typing import Annotated

from pydantic import StringConstraints

from infra.config.base import DOCUMENT_NAME, STORE_PATH, Section

StorePath = Annotated[str, StringConstraints(pattern=STORE_PATH, max_length=512)]
"""A path below the store's mount: `dev/api-keys`. No leading or trailing `/`."""


DocumentName = Annotated[str, StringConstraints(pattern=DOCUMENT_NAME, max_length=2048)]
"""A document of either store; `rules.documents_are_of_the_store` knows what each takes."""


class PropertyReference(Section):
    """One property of a document that is in the store already. It is referenced, never read by the program."""

    document: DocumentName
    """The document. In Vault its path below the mount, without `data/`: `shared/providers`. In AWS the secret's name or ARN:
    `/ops/litellm-prod-secrets`."""

    property: Annotated[str, StringConstraints(min_length=1, max_length=253)]
    """Name of the property in the document: `openai-key`."""
