"""Whose turn it is, by the documents of a stack whose state was lost."""

from typing import Any

import hvac.exceptions
import pytest

from infra.secrets import vault_adopted
from infra.secrets.vault import VaultStore
from tests.unit.infra.stacks import target


class FakeVault:
    def __init__(self, documents: dict[str, Any]) -> None:
        self.documents = documents
        self.secrets = self.kv = self.v2 = self

    def read_secret_version(self, path: str, mount_point: str, raise_on_deleted_version: bool) -> Any:
        if path not in self.documents:
            raise hvac.exceptions.InvalidPath
        return {"data": {"data": self.documents[path]}}


@pytest.mark.parametrize(
    ("documents", "number"),
    [
        ({"dev/database": {"username": "litellm_clone", "password": "of nobody"}}, 1),
        ({"dev/database": {"username": "litellm"}}, 0),
        ({"dev/database": None}, 0),
        ({}, 0),
    ],
    ids=["second user", "first user", "deleted", "none"],
)
def test_the_document_says_who_logs_in(monkeypatch: pytest.MonkeyPatch, documents: dict[str, Any], number: int):
    monkeypatch.setattr(vault_adopted, "open_client", lambda _: FakeVault(documents))
    stack = target(secrets={"vault": {"adopt": True}})
    assert isinstance(stack.store, VaultStore)
    assert vault_adopted.turns_there(stack.store, stack.config).database.number == number
