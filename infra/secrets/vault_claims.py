# hvac is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""What a stack is about to make in Vault must not be there already as somebody else's.

The provider writes over whatever it finds. Only the engine knows whether the state has a document, so these checks are asked by
it: before a resource is created, and before a document is written again. Values are never read.
"""

import re
from collections.abc import Mapping
from typing import Any

import hvac
import hvac.exceptions
import pulumi

from components.secrets.vault_documents import OWNER
from infra.secrets.claims import Check, Claims, TakenError, known
from infra.secrets.vault import VaultStore
from infra.secrets.vault_check import open_client
from infra.secrets.vault_health import mounted
from infra.stack import NamedStack

GENERATED = "pulumi-python:dynamic/litellm:VaultGenerated"
"""Documents whose values are made in Vault's client."""

UNKNOWN = hvac.exceptions.InvalidPath, hvac.exceptions.Forbidden, hvac.exceptions.UnsupportedOperation

ROLE_SETTINGS = {
    "boundServiceAccountNames": "bound_service_account_names",
    "boundServiceAccountNamespaces": "bound_service_account_namespaces",
    "boundSubject": "bound_subject",
    "boundAudiences": "bound_audiences",
    "tokenPolicies": "token_policies",
}
"""Who may log in, and what for: as the provider calls it, and as Vault does."""


def claims(store: VaultStore, target: NamedStack) -> Claims:
    """The checks of everything that a stack makes in Vault."""
    vault = VaultClaims(open_client(store), store, target, open_client(store, store.config.auth_namespace))
    creations: dict[str, Check] = {
        "vault:kv/secretV2:SecretV2": vault.claim_document,
        GENERATED: vault.claim_generated,
        "vault:index/policy:Policy": vault.policy_is_free,
        "vault:index/authBackend:AuthBackend": vault.auth_method_is_free,
        "vault:kubernetes/authBackendRole:AuthBackendRole": vault.role_is_free,
        "vault:jwt/authBackendRole:AuthBackendRole": vault.role_is_free,
    }
    updates: dict[str, Check] = {
        "vault:kv/secretV2:SecretV2": vault.document_is_ours,
        GENERATED: vault.generated_is_ours,
    }
    return Claims(creations, updates, vault.there)


class VaultClaims:
    """Vault, as a stack sees it that is about to write to it."""

    def __init__(self, client: Any, store: VaultStore, target: NamedStack, above: Any = None) -> None:
        self.client = client
        self.above = above or client
        """In the namespace of the login."""
        self.store = store
        self.target = target

    def claim_document(self, news: Mapping[str, Any], _olds: Mapping[str, Any]) -> None:
        """A document that the state does not know: absent, or ours since an `up` that was killed.

        An absent one is taken with check-and-set before the provider writes its values: of two that try, one wins.
        """
        path, mark = str(news["name"]), mark_of(news)
        found = self._metadata(path)
        versions = found is not None and bool(found.get("current_version"))
        owner = marked(found)
        if owner not in (None, mark) or (versions and owner is None):
            if self.store.config.adopt and owner and self._is_of_this_stack(owner):
                return
            raise self._taken(path, owner)
        if not versions and mark is not None and not pulumi.runtime.is_dry_run():
            self._take(path, mark)

    def document_is_ours(self, _news: Mapping[str, Any], olds: Mapping[str, Any]) -> None:
        """A document that is written again: another state may have taken it over since."""
        path = str(olds["name"])
        owner = marked(self._metadata(path))
        if owner not in (None, mark_of(olds)):
            raise self._taken(path, owner)

    def claim_generated(self, news: Mapping[str, Any], olds: Mapping[str, Any]) -> None:
        """A document of Vault's client that the state does not know."""
        self.claim_document(as_document(news), olds)

    def generated_is_ours(self, news: Mapping[str, Any], olds: Mapping[str, Any]) -> None:
        """A document of Vault's client that is looked at again."""
        self.document_is_ours(as_document(news), as_document(olds))

    def policy_is_free(self, news: Mapping[str, Any], _olds: Mapping[str, Any]) -> None:
        """A policy that the state does not know: absent, or what it would become."""
        name = str(news["name"])
        try:
            text = str(self.above.sys.read_policy(name=name)["data"]["rules"])
        except (hvac.exceptions.InvalidPath, hvac.exceptions.Forbidden):
            return
        wanted = known(news.get("policy"))
        if wanted is not None and str(wanted).strip() != text.strip():
            raise TakenError(
                f"Vault has a policy {name} already, which grants something else, and the state of stack {self.target.stack} "
                "does not know it: choose another litellm:secrets.vault.policy"
            )

    def auth_method_is_free(self, news: Mapping[str, Any], _olds: Mapping[str, Any]) -> None:
        """An auth method that the state does not know: an `up` was killed, a stack left it, or another cluster has it."""
        path = str(news["path"])
        if mounted(self.above, f"auth/{path}") is not None:
            raise TakenError(
                f"Vault has an auth method at auth/{path}/ already, and the state of stack {self.target.stack} does not know "
                f"it. Look at `vault read auth/{path}/config`: when it is for this cluster, use it (litellm:secrets.vault."
                "kubernetesAuth.create false, and path); when it is for another one, choose another kubernetesAuth.path"
            )

    def there(self, kind: str, inputs: Mapping[str, Any]) -> str | None:
        """The auth method of this cluster, where the stack takes over what its lost state had made. All else in Vault is
        written again as it is."""
        if not self.store.config.adopt or kind != "vault:index/authBackend:AuthBackend":
            return None
        path = str(inputs["path"])
        try:
            found: dict[str, Any] = self.above.adapter.get(url=f"/v1/auth/{path}/config")["data"]
        except (*UNKNOWN, hvac.exceptions.InvalidRequest):
            return None
        ours = (self.store.kubernetes_host, (self.store.kubernetes_ca_cert or "").strip())
        theirs = (found.get("kubernetes_host"), str(found.get("kubernetes_ca_cert") or "").strip())
        return path if ours == theirs else None

    def role_is_free(self, news: Mapping[str, Any], _olds: Mapping[str, Any]) -> None:
        """A role that the state does not know: absent, or what it would become."""
        name, auth = str(news["roleName"]), self.store.auth_path
        section = "jwtAuth" if self.store.config.auth == "jwt" else "kubernetesAuth"
        try:
            role: dict[str, Any] = self.above.adapter.get(url=f"/v1/auth/{auth}/role/{name}")["data"]
        except UNKNOWN:
            return
        wanted = {theirs: known(news.get(ours)) for ours, theirs in ROLE_SETTINGS.items()}
        if any(value is not None and value != role.get(key) for key, value in wanted.items()):
            raise TakenError(
                f"Vault has a role {name} at auth/{auth}/ already, for somebody else, and the state of stack "
                f"{self.target.stack} does not know it: choose another litellm:secrets.vault.{section}.role"
            )

    def _take(self, path: str, mark: str) -> None:
        kv = self.client.secrets.kv.v2
        # Metadata may be there before the first version: so no document is ever without its mark.
        kv.update_metadata(path=path, mount_point=self.store.mount, custom_metadata={OWNER: mark})
        try:
            kv.create_or_update_secret(path=path, mount_point=self.store.mount, cas=0, secret={})
        except hvac.exceptions.InvalidRequest as error:
            if "check-and-set" not in str(error):
                raise
            # With our mark on what is theirs, our next `up` would take it for its own, and write over it.
            kv.update_metadata(path=path, mount_point=self.store.mount, custom_metadata={})
            raise self._taken(path, "somebody who was faster") from None

    def _metadata(self, path: str) -> dict[str, Any] | None:
        try:
            return self.client.secrets.kv.v2.read_secret_metadata(path=path, mount_point=self.store.mount)["data"]
        except (hvac.exceptions.InvalidPath, hvac.exceptions.UnsupportedOperation):
            return None

    def _is_of_this_stack(self, owner: str) -> bool:
        return re.fullmatch(rf"{re.escape(self.target.owner)}(/[0-9a-f]{{8}}){{0,2}}", owner) is not None

    def _taken(self, path: str, owner: str | None) -> TakenError:
        stack, place = self.target.stack, f"{self.store.mount}/{path}"
        where = re.fullmatch(rf"{re.escape(self.target.owner)}/([0-9a-f]{{8}})/[0-9a-f]{{8}}", owner or "")
        whose = "somebody else"
        if where:
            here = (
                "this cluster"
                if where[1] == self.store.cluster
                else f"cluster {where[1]}, and this is {self.store.cluster}"
            )
            whose = f"another state of stack {stack}, in {here}"
        elif owner == self.target.owner:
            whose = f"a stack {stack}"
        return TakenError(
            f"{place} is in Vault already, of {whose}; the state of this stack does not know it, and it was not "
            f"overwritten. If the state of stack {stack} was lost: bring it back, or set litellm:secrets.vault.adopt to true, "
            "and this one takes over the documents with the values that they have. If this is another stack: choose another "
            "litellm:secrets.vault.prefix"
        )


def as_document(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a document with generated values, as Vault's provider has those of the others."""
    return {"name": inputs["path"], "customMetadata": {"data": {OWNER: known(inputs.get("owner"))}}}


def mark_of(inputs: Mapping[str, Any]) -> str | None:
    """The mark that a document has among its inputs; None as long as it is not known, and then nothing can carry it."""
    custom: Any = known(inputs.get("customMetadata")) or {}
    data: Any = known(custom.get("data")) or {}
    return known(data.get(OWNER))


def marked(found: Mapping[str, Any] | None) -> str | None:
    return ((found or {}).get("custom_metadata") or {}).get(OWNER)
