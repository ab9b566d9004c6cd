"""What the Vault of the local cluster has for everybody."""

from types import SimpleNamespace
from typing import Any

import hvac
import hvac.exceptions
import pytest
import requests

from tools.local import vault
from tools.problem import Problem


class FakeVault:
    """Enough of hvac's client for an auth method."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = [*errors]
        self.methods = {"token/"}
        self.config: dict[str, Any] = {}
        self.sys = self
        self.adapter = SimpleNamespace(post=self.post)

    def list_auth_methods(self) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        return {"data": dict.fromkeys(self.methods)}

    def enable_auth_method(self, kind: str, path: str) -> None:
        assert f"{path}/" not in self.methods
        self.methods.add(f"{path}/")

    def post(self, url: str, json: dict[str, Any]) -> None:
        self.config[url] = json


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault.time, "sleep", lambda _: None)


def share(monkeypatch: pytest.MonkeyPatch, fake: FakeVault) -> None:
    monkeypatch.setattr(hvac, "Client", lambda **_: fake)
    vault.share("http://127.0.0.1:18200", "of-nobody")


def test_the_auth_method_is_made_once_and_configured_each_time(monkeypatch: pytest.MonkeyPatch):
    fake = FakeVault()
    share(monkeypatch, fake)
    share(monkeypatch, fake)
    assert fake.methods == {"token/", "kubernetes/"}
    assert fake.config["/v1/auth/kubernetes/config"] == {"kubernetes_host": "https://kubernetes.default.svc"}


def test_a_port_that_opens_a_moment_later_is_waited_for(monkeypatch: pytest.MonkeyPatch):
    fake = FakeVault(requests.ConnectionError("refused"), requests.ConnectionError("refused"))
    share(monkeypatch, fake)
    assert "kubernetes/" in fake.methods


def test_a_port_that_never_opens_is_a_problem(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(vault, "ANSWER_SECONDS", -1)
    with pytest.raises(Problem, match=r"Vault at http://127\.0\.0\.1:18200"):
        share(monkeypatch, FakeVault(requests.ConnectionError("refused")))


def test_a_refusal_is_said_at_once(monkeypatch: pytest.MonkeyPatch):
    fake = FakeVault(hvac.exceptions.Forbidden("permission denied"))
    with pytest.raises(Problem, match="permission denied"):
        share(monkeypatch, fake)
    assert fake.methods == {"token/"}
