import json
from pathlib import Path

import pytest

from infra import plan
from infra.commands.stack_file import Stack

SECRETS = {"providerKeys": {"OPENAI_API_KEY": {"secure": "v1:encrypted"}}}


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
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


def test_the_tree_shows_names_parents_and_protection(stack: Stack, capsys: pytest.CaptureFixture[str]):
    assert plan.main("dev") == 0
    printed = capsys.readouterr().out
    assert "salt-key VaultSaltKey protected, retained" in printed
    assert "litellm-deployment Deployment" in printed
    assert "knows nothing of what exists" in " ".join(printed.split())


def test_the_plan_for_machines_is_json(capsys: pytest.CaptureFixture[str]):
    assert plan.main("prod", as_json=True) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["offline"] is True
    assert {"urn", "type", "name", "parent", "protect", "inputs"} <= set(document["resources"][0])


def test_a_wrong_configuration_is_a_message_and_a_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    project = Path(plan.__file__).resolve().parent.parent
    (tmp_path / "Pulumi.yaml").write_text((project / "Pulumi.yaml").read_text())
    (tmp_path / "Pulumi.bad.yaml").write_text("config:\n  litellm:gateway: {replicas: 0}\n")
    monkeypatch.setattr(plan, "PROJECT", tmp_path)
    assert plan.main("bad") == 1
    assert "litellm:gateway.replicas" in capsys.readouterr().err


def test_a_protected_stack_is_marked_in_the_plan(capsys: pytest.CaptureFixture[str]):
    plan.main("prod")
    assert "namespace Namespace litellm-prod protected" in capsys.readouterr().out
