# hvac is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Values in Vault."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import hvac
import hvac.exceptions
import requests

from components.secrets.references import RemoteReference
from infra.config.load import ConfigProblem
from infra.config.references import within
from infra.reason import reason
from infra.secrets.vault import VaultStore
from infra.secrets.vault_health import unusable
from infra.urls import without_secrets
from tools.client.stored import Read, Stored
from tools.problem import Problem

TIMEOUT_SECONDS = 15


def read(store: VaultStore, problems: Sequence[ConfigProblem], reference: RemoteReference) -> str:
    """One value.

    Raises:
        Problem: when Vault cannot be asked, refuses, or has no such value.
    """
    client = connect(store, problems)
    with explained(client):
        return value(client, store.mount, reference)


def value(client: Any, mount: str, reference: RemoteReference) -> str:
    key, name = str(reference["key"]), str(reference.get("property", ""))
    mount = reference.get("mount", mount)
    try:
        found = client.secrets.kv.v2.read_secret_version(path=key, mount_point=mount, raise_on_deleted_version=True)
        return str(within(found["data"]["data"], name))
    except (hvac.exceptions.InvalidPath, KeyError, TypeError):
        raise Problem(
            f"there is no {mount}/{key}#{name} in Vault at {without_secrets(client.url)}: `make up` writes it"
        ) from None


def reader(store: VaultStore, problems: Sequence[ConfigProblem]) -> Read:
    """Reads whole documents.

    Raises:
        Problem: when Vault does not answer, or is sealed. So it is asked once, and not for each document.
    """
    client = connect(store, problems)
    if why := unusable(client, store.address):
        raise Problem(why)

    def read_document(key: str, mount: str | None) -> Stored | None:
        with explained(client):
            return document(client, mount or store.mount, key)

    return read_document


def document(client: Any, mount: str, key: str) -> Stored | None:
    try:
        found = client.secrets.kv.v2.read_secret_version(path=key, mount_point=mount, raise_on_deleted_version=True)
    except hvac.exceptions.InvalidPath:
        return None
    metadata = found["data"]["metadata"]
    return Stored(found["data"]["data"], str(metadata["version"]), datetime.fromisoformat(metadata["created_time"]))


def connect(store: VaultStore, problems: Sequence[ConfigProblem]) -> Any:
    """A client with the token of this machine; `problems` is what the configuration leaves open."""
    # Whether pods reach Vault matters for an `up` only, which looks for itself.
    if blocking := [problem for problem in problems if problem.path.endswith("vault.address")]:
        raise Problem(str(blocking[0]))
    client = hvac.Client(
        url=store.address,
        namespace=store.config.namespace,
        verify=store.ca_cert_file or True,
        timeout=TIMEOUT_SECONDS,
    )
    if not client.token:
        raise Problem("no Vault token: run `vault login`, or set VAULT_TOKEN")
    return client


@contextmanager
def explained(client: Any, rights: str = "to read this document") -> Generator[None]:
    """Errors of Vault as problems; `rights` are those that the token needs."""
    where = f"Vault at {without_secrets(client.url)}"
    try:
        yield
    except hvac.exceptions.Forbidden as error:
        raise Problem(
            f"{where} refuses: {reason(error)}. Has VAULT_TOKEN expired, or not the rights {rights}?"
        ) from None
    except (requests.RequestException, hvac.exceptions.VaultError) as error:
        raise Problem(f"{where} cannot be used: {reason(error)}") from None
