"""Documents in Vault whose values are made in Vault's client: they are never in Pulumi's state, not even encrypted.

Every write is a check-and-set on the version that was read before. Whoever else writes meanwhile is not overwritten: what is
there by then is looked at again. A document that is there already stays as it is.

The token is the one of the environment (`VAULT_TOKEN`, or the file that `vault login` writes): it is no input.
"""

from collections.abc import Mapping
from typing import Any

import hvac.exceptions
import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from components.secrets.generation import GeneratedValue, changed, settled
from components.secrets.plain_errors import plain_errors
from components.secrets.vault_once import Properties, VaultConnection, VaultRefusalError, connect

plain_errors()

OWNER = "managed-by"
"""Custom metadata that says which stack a document belongs to."""

SETTINGS = ("mount", "path", "given", "owner", "connection")

ATTEMPTS = 5
"""How often a document is looked at again that somebody else keeps writing."""


class GeneratedProvider(ResourceProvider):
    """A document with values of Vault's client: made when absent, taken over when there, rotated by its counters."""

    def create(self, props: Properties) -> CreateResult:
        client = connect(props)
        mark(client, props)
        return CreateResult(place(props), props | {"version": settle(client, props, {})})

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        return DiffResult(changes=changed(_olds, _news, SETTINGS))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        client = connect(_news)
        if _olds["owner"] != _news["owner"] or place(_olds) != place(_news):
            mark(client, _news)
        made = _news | {"version": settle(client, _news, _olds)}
        if place(_olds) != place(_news):
            remove(client, _olds)
        return UpdateResult(made)

    def read(self, id_: str, props: Properties) -> ReadResult:
        """What Vault has now, without its values."""
        found = metadata(connect(props), props)
        if found is None:
            return ReadResult(None, props)
        current = str(found["current_version"])
        versions: Mapping[str, Mapping[str, Any]] = found.get("versions") or {}
        version = versions.get(current, {})
        if version.get("destroyed") or version.get("deletion_time"):
            raise VaultRefusalError(deleted(props, current))
        # One that others wrote reaches the pods as all of theirs do: it is no difference between the stack and what there is.
        # An older one is, as after a restore.
        return ReadResult(id_, props | {"version": min(current, props["version"], key=int)})

    def delete(self, _id: str, _props: Properties) -> None:
        remove(connect(_props), _props)


def place(props: Properties) -> str:
    return f"{props['mount']}/{props['path']}"


def metadata(client: Any, props: Properties) -> dict[str, Any] | None:
    """What Vault knows of a document; None when it never was, or when nothing of it is left."""
    try:
        return client.secrets.kv.v2.read_secret_metadata(path=props["path"], mount_point=props["mount"])["data"]
    except hvac.exceptions.InvalidPath:
        return None


def marks(found: Mapping[str, Any] | None) -> dict[str, str]:
    return dict((found or {}).get("custom_metadata") or {})


def mark(client: Any, props: Properties) -> None:
    """Say whose the document is. Metadata may be there before the first version: so no document is ever without its mark."""
    there = marks(metadata(client, props))
    if there.get(OWNER) != props["owner"]:
        custom = there | {OWNER: props["owner"]}
        client.secrets.kv.v2.update_metadata(path=props["path"], mount_point=props["mount"], custom_metadata=custom)


def remove(client: Any, props: Properties) -> None:
    """Delete a document that is this stack's. Another one may have taken it over since."""
    if marks(metadata(client, props)).get(OWNER) == props["owner"]:
        client.secrets.kv.v2.delete_metadata_and_all_versions(path=props["path"], mount_point=props["mount"])


def current(client: Any, props: Properties) -> tuple[dict[str, Any], int]:
    """The properties of a document and its version; nothing and 0 where there is none."""
    try:
        found = client.secrets.kv.v2.read_secret_version(
            path=props["path"], mount_point=props["mount"], raise_on_deleted_version=False
        )["data"]
    except hvac.exceptions.InvalidPath:
        return {}, 0
    version = int(found["metadata"]["version"])
    if found["data"] is None:
        raise VaultRefusalError(deleted(props, str(version)))
    return found["data"], version


def settle(client: Any, props: Properties, before: Properties) -> str:
    """Bring a document to what is wanted, and return its version. Nothing is written where nothing is missing."""
    for _ in range(ATTEMPTS):
        found, version = current(client, props)
        # A document that moves takes its values along.
        source = found if found or not before else current(client, before)[0]
        if before and not source:
            raise VaultRefusalError(lost(before))
        wanted = settled(source, props["generated"], props["given"], before)
        if wanted == found:
            return str(version)
        try:
            written = client.secrets.kv.v2.create_or_update_secret(
                path=props["path"], mount_point=props["mount"], cas=version, secret=wanted
            )
        except hvac.exceptions.InvalidRequest as error:
            if "check-and-set" not in str(error):
                raise
            continue
        return str(written["data"]["version"])
    raise VaultRefusalError(
        f"{place(props)} in Vault is written by somebody else all the time, and was left alone. Run `up` again"
    )


def lost(props: Properties) -> str:
    return (
        f"{place(props)} is not in Vault any more, and its values are nowhere else: bring it back from a backup. To have new "
        "values made: `make recover` before the next `make up`"
    )


def deleted(props: Properties, version: str) -> str:
    """Its values are nowhere else. Only a person knows whether they were to go."""
    mount, path = props["mount"], props["path"]
    return (
        f"{mount}/{path} was deleted in Vault (version {version}), and its values are nowhere else. Bring it back with `vault "
        f"kv undelete -mount={mount} -versions={version} {path}`, or from a backup. To have new values made: `vault kv "
        f"metadata delete -mount={mount} {path}`, and `make recover` before the next `make up`"
    )


class VaultGenerated(Resource, module="litellm", name="VaultGenerated"):
    """A KV version 2 document, some of whose values are made in Vault's client."""

    version: pulumi.Output[str]
    """Version of the document, as of the last `up`."""

    def __init__(
        self,
        name: str,
        mount: pulumi.Input[str],
        path: pulumi.Input[str],
        generated: Mapping[str, GeneratedValue],
        given: Mapping[str, pulumi.Input[str]],
        owner: pulumi.Input[str],
        connection: VaultConnection,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "mount": mount,
            "path": path,
            "generated": generated,
            "given": given,
            "owner": owner,
            "connection": connection,
            "version": None,
        }
        super().__init__(GeneratedProvider(), name, props, opts)
