import gc
import json
from contextlib import nullcontext

import pytest

from tools.engine.stack_file import Stack
from tools.offline import plan

SECRETS = {"providerKeys": {"OPENAI_API_KEY": {"secure": "v1:encrypted"}}}


@pytest.fixture
def stack() -> Stack:
    config = {"ingress": {"host": "litellm.example.com"}, "protect": False, **SECRETS}
    return Stack("try", {"config": {f"litellm:{key}": value for key, value in config.items()}})


def test_the_plan_needs_no_key_to_encrypted_values(stack: Stack):
    assert plan.record(stack).named("documents-providers")


def test_no_secret_is_in_the_plan_for_machines(stack: Stack):
    text = json.dumps(plan.document("try", plan.record(stack)))
    assert "v1:encrypted" not in text
    assert plan.MASK in text


def test_defaults_of_the_project_file_count(stack: Stack):
    assert plan.values(stack)["litellm:namespace"] == ""


@pytest.mark.parametrize("fails", [False, True])
def test_no_garbage_is_collected_in_the_middle_of_a_program(stack: Stack, fails: bool, monkeypatch: pytest.MonkeyPatch):
    """It made the time of a plan grow faster than the stack."""
    during: list[bool] = []

    def deploy(_: object) -> dict[str, str]:
        during.append(gc.isenabled())
        return {"a": 1 / 0} if fails else {}  # pyright: ignore[reportReturnType]

    monkeypatch.setattr("infra.environment.deploy", deploy)
    with pytest.raises(ZeroDivisionError) if fails else nullcontext():
        plan.record(stack)
    assert (during, gc.isenabled()) == ([False], True)
