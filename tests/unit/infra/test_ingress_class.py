"""A new stack names the class of its Ingress; one that is up keeps what it has."""

from typing import Any

import pulumi
import pytest

from infra import ingress_class
from infra.ingress_class import check
from tests.unit.infra.stacks import target

NAMESPACE = {
    "urn:pulumi:dev::litellm::kubernetes:core/v1:Namespace::namespace": {"type": "kubernetes:core/v1:Namespace"}
}
STACK = {"urn:pulumi:dev::litellm::pulumi:pulumi:Stack::litellm-dev": {"type": "pulumi:pulumi:Stack"}}


def problems(monkeypatch: pytest.MonkeyPatch, state: dict[str, Any], **ingress: Any) -> tuple[list[str], list[str]]:
    """What stops the stack, and what it is warned of."""
    warned: list[str] = []
    monkeypatch.setattr(ingress_class, "state", lambda: state)
    monkeypatch.setattr(pulumi.log, "warn", warned.append)
    return list(check(target(ingress={"host": "a.example.com", **ingress}))), warned


@pytest.mark.parametrize("state", [{}, STACK])
def test_a_new_stack_names_its_class(monkeypatch: pytest.MonkeyPatch, state: dict[str, Any]):
    (problem,), warned = problems(monkeypatch, state)
    assert "litellm:ingress.className is missing" in problem
    assert not warned


def test_a_stack_that_is_up_keeps_the_class_that_it_has(monkeypatch: pytest.MonkeyPatch):
    found, (warning,) = problems(monkeypatch, STACK | NAMESPACE)
    assert not found
    assert "Write className: nginx" in warning


def test_a_class_that_is_named_is_not_looked_for(monkeypatch: pytest.MonkeyPatch):
    assert problems(monkeypatch, {}, className="traefik") == ([], [])
