"""What each kind of store takes: names of documents, and what must be referred to where nothing is written."""

from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from infra.config.aws.types import SecretReference
from infra.config.references import API_PREFIXES, PropertyReference, StorePath, spelled

Finding = tuple[str, str]

NAMES: dict[str, Any] = {"vault": StorePath, "aws": SecretReference}
OTHERWISE = {
    "vault": "no path below the mount: write shared/providers, without / in front and without data/",
    "aws": "no secret: write its name, or its whole ARN with the six random characters at the end",
}


def references_are_of_the_store(references: Iterable[tuple[str, PropertyReference]], kind: str) -> Iterator[Finding]:
    """What each store takes as a document, and as a property of one."""
    for where, reference in references:
        if kind in NAMES and not is_valid(NAMES[kind], reference.document):
            yield where, f"is {OTHERWISE[kind]}"
        if kind == "vault":
            yield from of_vault(where, reference)
        if kind != "vault" and reference.mount:
            yield f"{where}.mount", f"is a path in Vault, and secrets.kind is {kind}: remove it"


def existing_store_is_only_read(
    secrets: Any, keys: Any, provider_keys: Any, database: Any, redis: Any, ui: Any
) -> Iterator[Finding]:
    """Nothing is written to a store of somebody else, so whatever a stack would write there must be there."""
    if secrets.kind != "existing":
        return
    why = "nothing is written to a store that is there (secrets.kind existing)"
    for key, what in (("master", "master key"), ("salt", "salt key")):
        if getattr(keys, key).existing is None:
            yield (
                f"keys.{key}.existing",
                f"is required, as {why}: put LiteLLM's {what} there (sk- and 48 random letters and digits), and name its place",
            )
    if ui.generates:
        yield "ui.password.existing", f"is required, as {why}: put a password there, and name its place"
    if provider_keys:
        yield "providerKeys", f"cannot be kept, as {why}: put them there, and name their places in secretEnvironment"
    if database.kind == "in-cluster":
        yield (
            "database.kind",
            f"is in-cluster, whose passwords are generated, and {why}: use kind existing, with credentials of the store or of "
            "a kubernetesSecret",
        )
    elif database.kind == "existing" and database.credentials == "generated" and not database.iam_authentication:
        yield (
            "database.credentials",
            f"are generated, and {why}: name the document or the kubernetesSecret of a role that is there",
        )
    if redis.kind == "in-cluster":
        yield (
            "redis.kind",
            f"is in-cluster, whose password is generated, and {why}: use kind existing, with its password from the store, or "
            "none with one replica",
        )


def is_valid(kind: Any, value: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


def of_vault(where: str, reference: PropertyReference) -> Iterator[Finding]:
    if prefix := next((each for each in API_PREFIXES if reference.document.startswith(each)), None):
        yield (
            f"{where}.document",
            f"begins with {prefix}, which is a part of Vault's API and not of the path: {spelled(reference.document)}",
        )
    if reference.mount and f"{reference.mount}/".endswith(tuple(f"/{each}" for each in API_PREFIXES)):
        yield (
            f"{where}.mount",
            "ends like a path of Vault's API: write the path of the secrets engine alone, as `vault secrets list` shows it",
        )
    if reference.property is None:
        yield f"{where}.property", "is required: a document in Vault has properties, each with a name"
