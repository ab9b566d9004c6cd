# hvac is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""The look at a real Vault before anything is written to it. Values are never read: only metadata, and names of properties."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, cast

import hvac
import hvac.exceptions
import requests

from components.secrets.vault_documents import OWNER
from infra.config.references import PropertyReference, steps, within
from infra.secrets.documents import SALT, SALT_KEY
from infra.secrets.vault import VaultStore
from infra.secrets.vault_health import mounted, unreachable, unusable
from infra.secrets.vault_history import check_history, metadata
from infra.stack import NamedStack

TIMEOUT_SECONDS = 10

OTHER_METHODS = {"jwt": ("jwt", "jwtAuth"), "approle": ("approle", "appRole")}
"""Methods that a stack never enables: as Vault calls them, and the section that names their path."""

SYNTAX = set("@#|*?[]{}")
"""What External Secrets Operator takes for more than a name, when no property is called so."""


def open_client(vault: VaultStore, namespace: str | None = None) -> Any:
    """A client with the token of the environment, in the stack's namespace of Vault or in another one."""
    return hvac.Client(
        url=vault.address,
        namespace=namespace or vault.config.namespace,
        verify=vault.ca_cert_file or True,
        timeout=TIMEOUT_SECONDS,
    )


def check(vault: VaultStore, target: NamedStack, documents: Mapping[str, object]) -> Iterator[str]:
    """Look at a real Vault before `documents` are written to it; every problem is a sentence."""
    namespace = vault.config.namespace
    client = open_client(vault)
    try:
        if why := unusable(client, vault.address):
            yield why
            return
        if not client.token:
            yield "no Vault token: run `vault login`, or set VAULT_TOKEN"
            return
        client.auth.token.lookup_self()
        above = open_client(vault, vault.config.auth_namespace)
        yield from check_auth(above, vault)
        yield from check_role(above, vault, target)
        unfit = list(check_engine(client, vault))
        yield from unfit
        if not unfit:
            yield from check_engine_settings(client, vault)
            yield from check_documents(client, vault, target, documents)
            yield from check_history(client, above, vault, target, documents)
            yield from check_references(client, vault, target)
    except hvac.exceptions.Forbidden:
        yield (
            f"Vault at {vault.address} refuses the token: is VAULT_TOKEN for this Vault"
            f"{f' and its namespace {namespace}' if namespace else ''}, and has it not expired? "
            "`vault token lookup` must work first"
        )
    except (requests.RequestException, hvac.exceptions.VaultError, ValueError) as error:
        yield unreachable(f"Vault at {vault.address}", error)


def check_engine(client: Any, vault: VaultStore) -> Iterator[str]:
    """An engine that is there must be one for documents with versions, also where `up` may make one."""
    found = mounted(client, vault.mount)
    if found is None:
        yield from check_room(client, vault)
    elif found["path"] != f"{vault.mount}/":
        yield inside_another(vault, found["path"])
    elif not is_kv2(found):
        yield f"the secrets engine at {vault.mount}/ is not KV version 2: choose another litellm:secrets.vault.mount.path"


def is_kv2(engine: Mapping[str, Any]) -> bool:
    return engine["type"] == "kv" and (engine.get("options") or {}).get("version") == "2"


def check_room(client: Any, vault: VaultStore) -> Iterator[str]:
    """Whether `up` can mount the engine."""
    unusable = f"Vault has no secrets engine at {vault.mount}/ that this token may use: set litellm:secrets.vault.mount"
    if not vault.config.mount.create:
        yield unusable
        return
    try:
        engines: dict[str, Any] = client.sys.list_mounted_secrets_engines()["data"]
    except hvac.exceptions.Forbidden:
        yield (
            f"this token may use no secrets engine at {vault.mount}/, and may not look at `sys/mounts` whether there is one: "
            "give it the right to (docs/runbooks/vault.md), or name an engine that is there in litellm:secrets.vault.mount"
        )
        return
    own = f"{vault.mount}/"
    if own in engines:
        yield unusable
    elif near := next((path for path in engines if path.startswith(own) or own.startswith(path)), None):
        yield inside_another(vault, near)


def inside_another(vault: VaultStore, engine: str) -> str:
    return (
        f"Vault has a secrets engine at {engine}, and cannot have another at {vault.mount}/: set "
        "litellm:secrets.vault.mount.path to a path that neither begins another's nor lies inside it, or to that engine"
    )


def check_engine_settings(client: Any, vault: VaultStore) -> Iterator[str]:
    """An engine must keep what is written to it, and take it without check-and-set."""
    try:
        settings: dict[str, Any] = client.adapter.get(url=f"/v1/{vault.mount}/config")["data"]
    except hvac.exceptions.InvalidPath:
        return
    except hvac.exceptions.Forbidden:
        # A salt key that stands shows by itself whether it will go.
        if metadata(client, vault, f"{vault.prefix}/{SALT}") is None:
            yield (
                f"this token may not read {vault.mount}/config, which says whether the secrets engine deletes what is "
                f'written to it: `path "{vault.mount}/config" {{ capabilities = ["read"] }}`'
            )
        return
    engine = f"the secrets engine at {vault.mount}/"
    if settings.get("cas_required"):
        yield (
            f"{engine} wants check-and-set with every write (cas_required), which Vault's provider cannot do: `vault write "
            f"{vault.mount}/config cas_required=false`, or choose another litellm:secrets.vault.mount.path"
        )
    if lifetime(settings):
        yield (
            f"{engine} deletes what is written to it after a time (delete_version_after), the salt key as well: `vault write "
            f"{vault.mount}/config delete_version_after=0s`, or choose another litellm:secrets.vault.mount.path"
        )


def lifetime(settings: Mapping[str, Any]) -> bool:
    return settings.get("delete_version_after", "0s") != "0s"


def check_auth(client: Any, vault: VaultStore) -> Iterator[str]:
    """An auth method that exists must be one that reviews tokens by itself: our reader has no right to."""
    if vault.config.auth in OTHER_METHODS:
        yield from check_method(client, vault, *OTHER_METHODS[vault.config.auth])
    if vault.config.auth != "kubernetes":
        return
    if vault.config.kubernetes_auth.create:
        method = mounted(client, f"auth/{vault.auth_path}")
        if method is not None and method["type"] != "kubernetes":
            yield (
                f"the auth method at auth/{vault.auth_path}/ is not for Kubernetes: choose another "
                "litellm:secrets.vault.kubernetesAuth.path"
            )
        return
    try:
        found: Any = client.adapter.get(url=f"/v1/auth/{vault.auth_path}/config")["data"]
    except hvac.exceptions.Forbidden:
        return
    except (hvac.exceptions.InvalidPath, hvac.exceptions.InvalidRequest, hvac.exceptions.UnsupportedOperation):
        yield (
            f"Vault has no configured Kubernetes auth method at auth/{vault.auth_path}/: enable and configure it, or name "
            "another one in litellm:secrets.vault.kubernetesAuth.path"
        )
        return
    if found.get("disable_local_ca_jwt") and found.get("token_reviewer_jwt_set") is False:
        yield (
            f"the auth method at auth/{vault.auth_path}/ has every login review its own token, which it may not: give it "
            "a token_reviewer_jwt, or name another one in litellm:secrets.vault.kubernetesAuth.path"
        )


def check_method(client: Any, vault: VaultStore, kind: str, key: str) -> Iterator[str]:
    """A method that an administrator enabled. A token that may use nothing of it cannot tell whether it is there."""
    found = mounted(client, f"auth/{vault.auth_path}")
    if found is None and vault.config.writes_policy:
        yield (
            f"Vault has no auth method at auth/{vault.auth_path}/ that this token may use: enable and configure it "
            f"(docs/stores.md), or name another one in litellm:secrets.vault.{key}.path"
        )
    elif found is not None and found["type"] != kind:
        yield f"the auth method at auth/{vault.auth_path}/ is not {kind}: name another one in litellm:secrets.vault.{key}.path"


def check_role(client: Any, vault: VaultStore, target: NamedStack) -> Iterator[str]:
    """A role that an administrator made must be for the reader of this namespace."""
    if vault.config.writes_policy or vault.config.auth == "approle":
        return
    role = f"role {vault.role} of auth/{vault.auth_path}/ in Vault"
    try:
        found: dict[str, Any] = client.adapter.get(url=f"/v1/auth/{vault.auth_path}/role/{vault.role}")["data"]
    except hvac.exceptions.Forbidden:
        return
    except hvac.exceptions.InvalidPath:
        yield f"there is no {role}: an administrator makes it once (docs/rights.md)"
        return
    bound = {"bound_service_account_names": target.reader, "bound_service_account_namespaces": target.namespace}
    if vault.config.auth == "jwt":
        subject = f"system:serviceaccount:{target.namespace}:{target.reader}"
        # A role without it admits every subject, or says by its claims which.
        bound = {"bound_subject": subject} if found.get("bound_subject") else {}
    for setting, wanted in bound.items():
        patterns = found.get(setting) or ()
        if not any(fnmatchcase(wanted, pattern) for pattern in ([patterns] if isinstance(patterns, str) else patterns)):
            yield f"{role} does not admit {wanted} ({setting}): have it added, or choose another one"


def check_adopted(client: Any, vault: VaultStore, document: str, properties: Any) -> Iterator[str]:
    """What the stack takes over must be there."""
    path = f"{vault.prefix}/{document}"
    lacking = sorted(set(properties) - subkeys(client, vault, path))
    if lacking:
        values = " ".join(f"{name}=-" for name in lacking)
        yield (
            f"litellm:secrets.vault.adopt: the document {vault.mount}/{path} has no {', '.join(lacking)}: write it with `vault "
            f"kv patch -mount={vault.mount} {path} {values}` (`put`, where there is no document), or remove adopt"
        )


def subkeys(client: Any, vault: VaultStore, path: str) -> set[str]:
    """The names of a document's properties; none without such a document."""
    try:
        return set(client.adapter.get(url=f"/v1/{vault.mount}/subkeys/{path}")["data"]["subkeys"])
    except hvac.exceptions.InvalidPath:
        return set()


def check_documents(
    client: Any, vault: VaultStore, target: NamedStack, documents: Mapping[str, object]
) -> Iterator[str]:
    for document, properties in documents.items():
        path = f"{vault.prefix}/{document}"
        found = metadata(client, vault, path) or {}
        owner = str((found.get("custom_metadata") or {}).get(OWNER, ""))
        # Which state of this stack made it, the engine asks before it writes (vault_claims.py).
        if found and owner != target.owner and not owner.startswith(f"{target.owner}/"):
            yield (
                f"{vault.mount}/{path} in Vault was written by {owner or 'somebody else'}, and this stack would "
                "overwrite it: choose another litellm:secrets.vault.prefix, or move that document away"
            )
        else:
            yield from check_document_settings(vault.mount, path, found)
        if vault.config.adopt:
            yield from check_adopted(client, vault, document, properties)
    salt = target.config.keys.salt.existing
    if vault.config.adopt and not salt:
        yield from check_adopted(client, vault, SALT, (SALT_KEY,))
    path, mount = (salt.document, salt.mount) if salt else (f"{vault.prefix}/{SALT}", None)
    if found := metadata(client, vault, path, mount):
        yield from check_document_settings(mount or vault.mount, path, found)


def check_document_settings(mount: str, path: str, found: Mapping[str, Any]) -> Iterator[str]:
    """A document must take another version, and must not go by itself."""
    document, change = f"{mount}/{path} in Vault", f"vault kv metadata patch -mount={mount}"
    if found.get("cas_required"):
        yield (
            f"{document} wants check-and-set with every write (cas_required), which Vault's provider cannot do: `{change} "
            f"-cas-required=false {path}`"
        )
    if lifetime(found):
        yield (
            f"{document} deletes its versions after a time (delete_version_after): `{change} -delete-version-after=0s {path}`"
        )
    current = str(found.get("current_version", ""))
    version: Mapping[str, Any] = (found.get("versions") or {}).get(current, {})
    if version.get("destroyed"):
        yield f"the value of {document} was destroyed: write it again from a backup"
    elif version.get("deletion_time"):
        yield (
            f"{document} goes, or went, at {version['deletion_time']}: keep it with `vault kv undelete -mount={mount} "
            f"-versions={current} {path}`"
        )


def check_references(client: Any, vault: VaultStore, target: NamedStack) -> Iterator[str]:
    for mount in vault.elsewhere(target):
        found = mounted(client, mount)
        if found and (found["path"] != f"{mount}/" or not is_kv2(found)):
            yield f"there is no secrets engine of KV version 2 at {mount}/ in Vault, which a mount of a reference names"
    for where, reference in target.config.references():
        yield from check_reference(client, vault, where, reference)


def check_reference(client: Any, vault: VaultStore, where: str, reference: PropertyReference) -> Iterator[str]:
    mount, name = reference.mount or vault.mount, reference.property or ""
    document = f"{mount}/{reference.document}"
    try:
        found: Any = client.adapter.get(url=f"/v1/{mount}/subkeys/{reference.document}")["data"]["subkeys"]
    except hvac.exceptions.InvalidPath:
        engine, api, path = reference.document.partition("/data/")
        meant = f". If {engine}/ is a secrets engine: write mount {engine} and document {path}" if api else ""
        yield f"litellm:{where}: there is no document {document} in Vault{meant}"
        return
    except hvac.exceptions.Forbidden:
        return
    if not may_have(found, name):
        names = ", ".join(sorted(flattened(found))) or "none"
        yield f"litellm:{where}: the document {document} has no property {name!r}; it has {names}"


def may_have(subkeys: Any, name: str) -> bool:
    """Whether a document may have a property, by the names in it. What is below a list, Vault does not say."""
    if set(name) & SYNTAX:
        return True
    try:
        within(subkeys, name)
    except KeyError:
        return False
    except TypeError:
        return steps(name)[-1].isdigit()
    return True


def flattened(subkeys: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """The names of all properties, those below others with dots."""
    for name, below in subkeys.items():
        if isinstance(below, Mapping) and below:
            yield from flattened(cast("Mapping[str, Any]", below), f"{above}{name}.")
        else:
            yield f"{above}{name}"
