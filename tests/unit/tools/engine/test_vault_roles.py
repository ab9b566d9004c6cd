"""Who else logs in by an auth method. What may not be known is never taken for nobody: the auth method would be deleted."""

from typing import Any

import hvac
import hvac.exceptions
import pytest
import requests

from tools.engine import vault_roles

PROVIDER = {"address": "https://v"}


class FakeVault:
    """Roles by the path of their auth method, or an error."""

    def __init__(self) -> None:
        self.roles: dict[str, list[str]] = {}
        self.error: Exception | None = None
        self.reached: list[dict[str, Any]] = []
        self.auth = self.kubernetes = self

    def open(self, **settings: Any) -> "FakeVault":
        self.reached.append(settings)
        return self

    def list_roles(self, mount_point: str) -> dict[str, Any]:
        if self.error:
            raise self.error
        if mount_point not in self.roles:
            raise hvac.exceptions.InvalidPath
        return {"keys": self.roles[mount_point]}


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> FakeVault:
    fake = FakeVault()
    monkeypatch.setattr(hvac, "Client", fake.open)
    return fake


def test_the_roles_of_others_are_all_but_ones_own(vault: FakeVault):
    vault.roles = {"kubernetes": ["team-b", "litellm-dev", "team-a"], "other": ["elsewhere"]}
    assert vault_roles.of_others(PROVIDER, "kubernetes", "litellm-dev") == ["team-a", "team-b"]


def test_a_method_with_ones_own_role_alone_has_no_others(vault: FakeVault):
    vault.roles = {"kubernetes": ["litellm-dev"]}
    assert vault_roles.of_others(PROVIDER, "kubernetes", "litellm-dev") == []


def test_a_method_without_roles_has_no_others(vault: FakeVault):
    assert vault_roles.of_others(PROVIDER, "kubernetes", "litellm-dev") == []


@pytest.mark.parametrize(
    "error",
    [hvac.exceptions.Forbidden(), hvac.exceptions.VaultDown(), requests.ConnectionError(), requests.Timeout()],
    ids=["forbidden", "sealed", "unreachable", "too slow"],
)
def test_what_may_not_be_known_is_not_nobody(vault: FakeVault, error: Exception):
    vault.error = error
    assert vault_roles.of_others(PROVIDER, "kubernetes", "litellm-dev") is None


@pytest.mark.parametrize(
    ("more", "settings"),
    [
        ({}, {"namespace": None, "verify": True}),
        ({"namespace": "team", "caCertFile": "ca.pem"}, {"namespace": "team", "verify": "ca.pem"}),
    ],
    ids=["defaults", "own"],
)
def test_vault_is_reached_as_the_stack_reached_it(vault: FakeVault, more: dict[str, str], settings: dict[str, Any]):
    vault_roles.of_others(PROVIDER | more, "kubernetes", "litellm-dev")
    assert vault.reached == [{"url": "https://v", "timeout": vault_roles.TIMEOUT_SECONDS} | settings]
