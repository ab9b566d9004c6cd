"""The sections that give the gateway variables: one may not give what another section, or the program itself, gives it."""

from collections.abc import Collection, Iterator
from typing import Any

SOURCES = ("gateway", "provider_keys", "provider_documents", "secret_environment")
"""Sections that `given_too` looks into, as the fields of a stack are called."""


def given_too(
    names: Collection[str], gateway: Any, provider_keys: Any, provider_documents: Any, secret_environment: Any
) -> Iterator[tuple[str, str]]:
    """Where the stack file gives one of these variables, and which: `("gateway.environment.HTTPS_PROXY", "HTTPS_PROXY")`."""
    sources = {
        "providerKeys": provider_keys,
        "providerDocuments": provider_documents,
        "secretEnvironment": secret_environment,
        "gateway.environment": gateway.environment,
    }
    for section, given in sources.items():
        for variable in sorted(set(names) & set(given)):
            yield f"{section}.{variable}", variable
