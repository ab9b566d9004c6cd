# hvac is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""What environments have in Vault: documents with a mark in their metadata, a policy with a mark in its first line, a role.

A role can carry no mark. It is deleted when it binds exactly our namespace to exactly our policy, and before the policy, so
that it is never there without one.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

import hvac.exceptions

from components.secrets.references import RemoteReference
from components.secrets.vault_documents import OWNER, policy_mark
from infra.config.load import ConfigProblem
from infra.config.stack import StackConfig
from infra.secrets.vault import VaultStore
from tools.client.vault import connect, explained, value
from tools.ephemeral.mark import Mark, parse_mark
from tools.ephemeral.names import STACK_PREFIX, VAULT_FOLDER, Name, folder
from tools.ephemeral.stores import Swept
from tools.problem import Problem

POLICY_PREFIX = f"litellm-{STACK_PREFIX}"


class VaultKeeper:
    """Vault, as somebody sees it who looks after environments."""

    def __init__(self, client: Any, mount: str, auth_path: str, *, own_roles: bool = True) -> None:
        self.client = client
        self.mount = mount
        self.auth_path = auth_path
        self.own_roles = own_roles
        """Whether each environment has a role and a policy, or an administrator made one of each for all."""

    def claim(self, mark: Mark, documents: Sequence[str]) -> None:
        with self._explained():
            for document in documents:
                path = f"{self._folder(mark.name)}/{document}"
                owner = self._owner(path)
                if owner not in (None, str(mark)):
                    raise Problem(
                        f"{self.mount}/{path} in Vault belongs to {owner or 'somebody who left no mark'}, and not to this "
                        f"environment: `env-reap` clears what is left of an older one; otherwise use another name"
                    )
                if owner is None:
                    # Metadata may be there before the first version: so no document is ever without its mark.
                    self.client.secrets.kv.v2.update_metadata(
                        path=path, mount_point=self.mount, custom_metadata={OWNER: str(mark)}
                    )

    def marks(self, cluster: str, name: str | None = None) -> set[Mark]:
        with self._explained():
            documents = self._documents(name) if name else self._all_documents()
            texts = [*map(self._owner, documents), *map(self._policy_owner, self._policies(name))]
        found = (parse_mark(text) for text in texts)
        return {mark for mark in found if mark is not None and mark.cluster == cluster}

    def sweep(self, mark: Mark) -> Swept:
        name = Name(mark.name, mark.name)
        policy = role = name.namespace
        with self._explained():
            access = (
                [self._sweep_role(role, policy, name.namespace, mark), self._sweep_policy(policy, mark)]
                if self.own_roles
                else []
            )
            steps = (
                *access,
                *(self._sweep_document(path, mark) for path in self._documents(mark.name)),
            )
        return Swept(
            tuple(what for what, ours in steps if what and ours),
            tuple(what for what, ours in steps if what and not ours),
        )

    def read(self, reference: RemoteReference) -> str:
        with self._explained():
            return value(self.client, self.mount, reference)

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self.client, "in docs/rights.md")

    def _sweep_role(self, role: str, policy: str, namespace: str, mark: Mark) -> tuple[str, bool]:
        found = self._role(role)
        if found is None:
            return "", False
        bound = found.get("bound_service_account_namespaces"), found.get("token_policies")
        ours = bound == ([namespace], [policy]) and self._policy_owner(policy) == str(mark)
        if ours:
            self.client.auth.kubernetes.delete_role(name=role, mount_point=self.auth_path)
        return f"role {role} of auth/{self.auth_path}", ours

    def _sweep_policy(self, policy: str, mark: Mark) -> tuple[str, bool]:
        owner = self._policy_owner(policy)
        if owner is None:
            return "", False
        if owner == str(mark):
            self.client.sys.delete_policy(name=policy)
        return f"policy {policy}", owner == str(mark)

    def _sweep_document(self, path: str, mark: Mark) -> tuple[str, bool]:
        ours = self._owner(path) == str(mark)
        if ours:
            self.client.secrets.kv.v2.delete_metadata_and_all_versions(path=path, mount_point=self.mount)
        return f"{self.mount}/{path}", ours

    def _role(self, role: str) -> dict[str, Any] | None:
        try:
            return self.client.auth.kubernetes.read_role(name=role, mount_point=self.auth_path)
        except (hvac.exceptions.InvalidPath, hvac.exceptions.UnsupportedOperation):
            return None

    def _policy_owner(self, policy: str) -> str | None:
        """The owner in the first line of a policy: empty when it has none; None without such a policy."""
        try:
            text = str(self.client.sys.read_policy(name=policy)["data"]["rules"])
        except hvac.exceptions.InvalidPath:
            return None
        first = text.partition("\n")[0]
        start = policy_mark("").rstrip("\n")
        return first.removeprefix(start) if first.startswith(start) else ""

    def _owner(self, path: str) -> str | None:
        """The owner in the metadata of a document: empty when it has none; None without such a document."""
        try:
            found = self.client.secrets.kv.v2.read_secret_metadata(path=path, mount_point=self.mount)
        except hvac.exceptions.InvalidPath:
            return None
        return str((found["data"].get("custom_metadata") or {}).get(OWNER, ""))

    def _policies(self, name: str | None) -> Iterable[str]:
        if not self.own_roles:
            return []
        if name:
            return [Name(name, name).namespace]
        with suppress(hvac.exceptions.Forbidden):  # then the documents have to do
            listed = self.client.sys.list_policies()["data"]["policies"]
            return [policy for policy in listed if policy.startswith(POLICY_PREFIX)]
        return []

    def _all_documents(self) -> Iterable[str]:
        for place in self._list(VAULT_FOLDER):
            if place.endswith("/"):
                yield from self._documents_in(f"{VAULT_FOLDER}/{place.rstrip('/')}")

    def _documents(self, name: str) -> list[str]:
        return self._documents_in(self._folder(name))

    def _documents_in(self, place: str) -> list[str]:
        """All documents of a folder, also of those in it: `keys/` has one for each virtual key."""
        found = [f"{place}/{each}" for each in self._list(place)]
        below = [document for each in found if each.endswith("/") for document in self._documents_in(each.rstrip("/"))]
        return [each for each in found if not each.endswith("/")] + below

    def _folder(self, name: str) -> str:
        return f"{VAULT_FOLDER}/{folder(Name(name, name), own_role=self.own_roles)}"

    def _list(self, path: str) -> list[str]:
        try:
            return self.client.secrets.kv.v2.list_secrets(path=path, mount_point=self.mount)["data"]["keys"]
        except hvac.exceptions.InvalidPath:
            return []


def open_keeper(_config: StackConfig, store: VaultStore, problems: Sequence[ConfigProblem]) -> VaultKeeper:
    return VaultKeeper(
        connect(store, problems), store.mount, store.auth_path, own_roles=store.config.kubernetes_auth.create_role
    )
