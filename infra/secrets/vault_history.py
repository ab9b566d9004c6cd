# hvac is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""Has Vault still what the stack has made there? Snapshots are restored, and versions, policies and roles are taken away."""

from collections.abc import Iterator, Mapping
from typing import Any

import hvac.exceptions

from infra.secrets.documents import SALT, made_in_the_store
from infra.secrets.vault import VaultStore
from infra.stack import NamedStack

SALT_VERSION = "salt-version"
"""Custom metadata of a salt key that somebody had to write again: the version that is right."""


def check_history(
    client: Any, above: Any, vault: VaultStore, target: NamedStack, documents: Mapping[str, object]
) -> Iterator[str]:
    """Compare Vault with what the state says that the stack has made; `above` is in the namespace of the login."""
    yield from check_restored(client, vault, target, documents)
    yield from check_salt_version(client, vault, target)
    yield from check_granted(above, target)


def metadata(client: Any, vault: VaultStore, path: str, mount: str | None = None) -> dict[str, Any] | None:
    """What Vault knows of a document, but not its values; None when there is none that this token may look at."""
    try:
        return client.secrets.kv.v2.read_secret_metadata(path=path, mount_point=mount or vault.mount)["data"]
    except (hvac.exceptions.InvalidPath, hvac.exceptions.Forbidden, hvac.exceptions.UnsupportedOperation):
        return None


def check_restored(
    client: Any, vault: VaultStore, target: NamedStack, documents: Mapping[str, object]
) -> Iterator[str]:
    """What the state has written must be there, and not be older: a snapshot that was restored brings old values back."""
    generated = made_in_the_store(target.config)
    again = f"`make recover STACK={target.stack}`, and `make up STACK={target.stack}`"
    for document in documents:
        place = f"{vault.mount}/{vault.prefix}/{document}"
        wrote = target.written.get(place)
        if wrote is None:
            continue
        try:
            kv = client.secrets.kv.v2
            found = kv.read_secret_metadata(path=f"{vault.prefix}/{document}", mount_point=vault.mount)["data"]
        except hvac.exceptions.InvalidPath:
            gone = f"{place} is not in Vault any more, and this stack wrote it"
            if document in generated:
                yield f"{gone}, with values that are nowhere else: bring it back from a backup. {again} has new ones made"
            else:
                yield f"{gone}: {again} writes it again with the same values"
            continue
        except hvac.exceptions.Forbidden:
            continue
        if (current := int(found.get("current_version") or wrote)) < wrote:
            becomes = (
                "goes on with the values" if document in generated else "writes the values of the state over those"
            )
            yield (
                f"{place} in Vault has version {current}, and this stack wrote version {wrote}: Vault was restored from a "
                f"snapshot of before. {again} {becomes} of the snapshot (docs/runbooks/vault-versions.md)"
            )


def check_salt_version(client: Any, vault: VaultStore, target: NamedStack) -> Iterator[str]:
    """A salt key that this stack has made is never written again; who has to, says which version is right."""
    salt = target.config.keys.salt.existing
    path, mount = (salt.document, salt.mount or vault.mount) if salt else (f"{vault.prefix}/{SALT}", vault.mount)
    if f"{mount}/{path}" not in target.written:
        return
    found = metadata(client, vault, path, mount) or {}
    current, said = int(found.get("current_version") or 1), (found.get("custom_metadata") or {}).get(SALT_VERSION)
    if current == 1 or said == str(current):
        return
    first: Mapping[str, Any] = (found.get("versions") or {}).get("1") or {}
    way_back = "its first version is gone (max_versions): bring the key back from a backup"
    if first and not first.get("destroyed"):
        way_back = f"`vault kv rollback -mount={mount} -version=1 {path}` brings the first one back"
    yield (
        f"{mount}/{path} in Vault, the salt key, was written over since this stack made it (version {current}). With another "
        f"salt key every credential in LiteLLM's database is unreadable: {way_back}. Then say which version is right: "
        f"`vault kv metadata patch -mount={mount} -custom-metadata={SALT_VERSION}=VERSION {path}` "
        "(docs/runbooks/vault-versions.md)"
    )


def check_granted(client: Any, target: NamedStack) -> Iterator[str]:
    """Policy and role that the stack has made must be there: without them the operator reads nothing any more."""
    for path in target.granted:
        try:
            client.adapter.get(url=f"/v1/{path}")
        except hvac.exceptions.InvalidPath:
            yield (
                f"{path} is not in Vault any more, with which External Secrets Operator reads the documents: `make recover "
                f"STACK={target.stack}`, and `make up STACK={target.stack}` makes it again"
            )
        except (hvac.exceptions.Forbidden, hvac.exceptions.UnsupportedOperation):
            continue
