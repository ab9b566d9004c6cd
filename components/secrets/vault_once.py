"""What must be made once in Vault and never again: the KV engine and the salt key.

No resource of the Vault provider can say "create if absent, otherwise use what is there". These two can. The salt key is
made inside Vault's client and written with check-and-set 0, so that it is never in Pulumi's state, not even encrypted,
and a key that exists is never overwritten, whoever runs and however often.

The token is the one of the environment (`VAULT_TOKEN`, or the file that `vault login` writes): it is no input.
"""

import secrets
import string
from typing import Any, NotRequired, TypedDict

import hvac
import hvac.exceptions
import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider

from components.secrets.plain_errors import plain_errors

plain_errors()

ALPHABET = string.ascii_letters + string.digits

Properties = dict[str, Any]


class VaultConnection(TypedDict):
    """How the program reaches Vault. Changing it never changes what is in Vault."""

    address: pulumi.Input[str]
    """Required: URL of Vault."""

    namespace: NotRequired[pulumi.Input[str] | None]
    """Optional: Vault namespace. Defaults to the root namespace."""

    ca_cert_file: NotRequired[pulumi.Input[str] | None]
    """Optional: path of a PEM file with Vault's CA. Defaults to the system's CAs."""


class VaultRefusalError(Exception):
    """Vault holds something that must not be touched; the message says what to do."""


def connect(props: Properties) -> Any:  # hvac has no types
    connection = props["connection"]
    return hvac.Client(
        url=connection["address"],
        namespace=connection.get("namespace"),
        verify=connection.get("ca_cert_file") or True,
        timeout=30,
    )


class MountProvider(ResourceProvider):
    """KV version 2 engine: made when absent, unmounted never."""

    def create(self, props: Properties) -> CreateResult:
        client, path = connect(props), str(props["path"])
        engines: dict[str, Any] = client.sys.list_mounted_secrets_engines()["data"]
        engine: Any = engines.get(f"{path}/")
        if engine is None:
            client.sys.enable_secrets_engine("kv", path=path, options={"version": "2"})
        elif engine["type"] != "kv" or dict(engine.get("options") or {}).get("version") != "2":
            raise VaultRefusalError(
                f"Vault has a secrets engine of another kind at {path}/ ({engine['type']}): choose another "
                "`litellm:secrets.vault.mount.path`, this one must be KV version 2"
            )
        return CreateResult(path, props)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        replaces = ["path"] if _news["path"] != _id else []
        return DiffResult(changes=bool(replaces), replaces=replaces)

    def read(self, id_: str, props: Properties) -> ReadResult:
        engines: dict[str, Any] = connect(props).sys.list_mounted_secrets_engines()["data"]
        return ReadResult(id_ if f"{id_}/" in engines else None, props)

    def delete(self, _id: str, _props: Properties) -> None:
        """Nothing. Others may use the engine, may have made it, and may be about to write to one that is empty."""


class SaltKeyProvider(ResourceProvider):
    """The salt key's document: made when absent, adopted when there, changed never."""

    def create(self, props: Properties) -> CreateResult:
        client = connect(props)
        value = "sk-" + "".join(secrets.choice(ALPHABET) for _ in range(int(props["length"])))
        try:
            client.secrets.kv.v2.create_or_update_secret(
                path=props["path"], mount_point=props["mount"], cas=0, secret={props["property"]: value}
            )
        except hvac.exceptions.InvalidRequest as error:
            if "check-and-set" not in str(error):
                raise
            must_hold_salt(client, props)
            return CreateResult(document_id(props), props | {"adopted": True})
        return CreateResult(document_id(props), props)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        if document_id(_news) != _id:
            raise VaultRefusalError(
                f"the salt key is in {_id}, and this configuration asks for {document_id(_news)}. Another salt key would "
                "make every credential in LiteLLM's database unreadable. Set `litellm:secrets.vault.mount.path` and "
                "`prefix` back, or name the old document in `litellm:keys.salt.existing`"
            )
        return DiffResult(changes=False)

    def read(self, id_: str, props: Properties) -> ReadResult:
        must_hold_salt(connect(props), props)
        return ReadResult(id_, props)

    def delete(self, _id: str, _props: Properties) -> None:
        """Delete a document that this state made. One that was there before may be that of another."""
        if _props.get("adopted"):
            return
        connect(_props).secrets.kv.v2.delete_metadata_and_all_versions(path=_props["path"], mount_point=_props["mount"])


def document_id(props: Properties) -> str:
    return f"{props['mount']}/{props['path']}#{props['property']}"


def must_hold_salt(client: hvac.Client, props: Properties) -> None:
    """Check that the document has the property, without reading its value."""
    path = f"/v1/{props['mount']}/subkeys/{props['path']}"
    try:
        found: dict[str, Any] = client.adapter.get(url=path)["data"]["subkeys"]
    except hvac.exceptions.InvalidPath:
        raise VaultRefusalError(
            f"the salt key's document {document_id(props)} was deleted in Vault. Bring it back with `vault kv undelete` or "
            "from a backup: without it, every credential in LiteLLM's database is unreadable"
        ) from None
    if props["property"] not in found:
        raise VaultRefusalError(
            f"{props['mount']}/{props['path']} exists and has no property {props['property']!r}: choose another "
            "`litellm:secrets.vault.prefix`, or add the salt key to it"
        )


class VaultMount(Resource, module="litellm", name="VaultMount"):
    """A KV version 2 engine, made when it is not there. It outlives the stack."""

    path: pulumi.Output[str]
    """Path of the engine."""

    def __init__(
        self,
        name: str,
        path: pulumi.Input[str],
        connection: VaultConnection,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(MountProvider(), name, {"path": path, "connection": connection}, opts)


class VaultSaltKey(Resource, module="litellm", name="VaultSaltKey"):
    """The document that holds LiteLLM's salt key. Give it `protect` and `retain_on_delete`."""

    path: pulumi.Output[str]
    """Path of the document below the mount."""

    property: pulumi.Output[str]
    """Name of the property that holds the key."""

    def __init__(
        self,
        name: str,
        mount: pulumi.Input[str],
        path: pulumi.Input[str],
        connection: VaultConnection,
        length: pulumi.Input[int] = 48,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {"mount": mount, "path": path, "property": "salt-key", "length": length, "connection": connection}
        super().__init__(SaltKeyProvider(), name, props, opts)
