"""Vault's Agent Injector must be there before pods that need it are made."""

from typing import Any, cast

import pytest

from infra.kubernetes_api import KubernetesApi, RefusedError
from infra.preflight import check_injector


class Cluster:
    def __init__(self, *hooks: str, refuses: int = 0) -> None:
        self.hooks, self.refuses = hooks, refuses

    def get(self, path: str) -> dict[str, Any]:
        if self.refuses:
            raise RefusedError(self.refuses, "no")
        assert path.endswith("/mutatingwebhookconfigurations")
        return {"items": [{"webhooks": [{"name": name} for name in self.hooks]}, {}]}


def found(*hooks: str, refuses: int = 0) -> list[str]:
    return [*check_injector(cast("KubernetesApi", Cluster(*hooks, refuses=refuses)))]


def test_a_missing_injector_is_named() -> None:
    (problem,) = found("istio.example.com")
    assert "Vault's Agent Injector is not in this cluster" in problem


def test_one_that_is_there_is_no_problem() -> None:
    assert not found("istio.example.com", "vault.hashicorp.com")


@pytest.mark.parametrize("status", [403, 404])
def test_what_may_not_be_looked_at_is_left_to_the_pods(status: int) -> None:
    assert not found(refuses=status)
