"""What the program knows of its own state, also where nobody runs it but Pulumi."""

from typing import Any

import pytest

from infra import preflight, salt
from infra.own_state import has_operator
from infra.program import program
from infra.target import Target, resolve_offline
from tests.recording import run
from tests.unit.infra.stacks import config
from tests.unit.infra.test_salt import made, state

OPERATOR = (
    "urn:pulumi:dev::litellm::litellm:index:ExternalSecretsOperator$kubernetes:helm.sh/v3:Release::external-secrets-release",
    {"type": "kubernetes:helm.sh/v3:Release", "outputs": {}},
)
OTHER = ("urn:pulumi:dev::litellm::kubernetes:helm.sh/v3:Release::other", OPERATOR[1])


def test_a_state_with_the_release_of_the_operator_has_it():
    assert has_operator(dict([OPERATOR, made("vault")]))


@pytest.mark.parametrize("entries", [[], [OTHER], [made("vault")]])
def test_a_state_without_it_has_not(entries: list[Any]):
    assert not has_operator(state(*entries))


@pytest.mark.parametrize(("entries", "has"), [([OPERATOR], True), ([], False)])
def test_a_plain_pulumi_knows_whether_its_state_has_the_operator(
    monkeypatch: pytest.MonkeyPatch, entries: list[Any], has: bool
):
    monkeypatch.setattr("infra.program.load", lambda *_: config())
    seen: list[Target] = []

    def look(target: Target, *_: object) -> Target:
        seen.append(target)
        return target

    monkeypatch.setattr("infra.program.resolve", resolve_offline)
    monkeypatch.setattr(preflight, "preflight", look)
    monkeypatch.setattr("infra.program.watch", lambda _: None)
    monkeypatch.setattr("infra.environment.deploy", lambda _: {})
    run(program, stack="dev", calls={salt.READ_STATE: {"outputs": state(*entries)}})
    assert [target.has_operator for target in seen] == [has]
