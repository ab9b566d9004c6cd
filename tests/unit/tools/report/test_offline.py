"""The offline plan of the project's own stacks."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.program.stacks import ROOT
from tools import cli


def plan(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["plan", *arguments], env={"STACK": "", "OVERLAY": ""})


@pytest.fixture
def bad_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / "Pulumi.bad.yaml").write_text("config:\n  litellm:gateway: {replicas: 0}\n")
    monkeypatch.setattr(cli, "PROJECT", tmp_path)
    return tmp_path


def test_the_tree_shows_names_parents_and_protection():
    result = plan()
    assert result.exit_code == 0
    assert "salt-key VaultSaltKey protected, retained" in result.stdout
    assert "litellm-deployment Deployment" in result.stdout
    assert "knows nothing of what exists" in " ".join(result.stdout.split())


def test_a_protected_stack_is_marked_in_the_plan():
    assert "namespace Namespace litellm-prod protected" in plan("--stack", "prod").stdout


def test_the_policy_is_part_of_the_plan():
    assert "policy: every rule is kept" in plan("--stack", "prod").stdout
    assert "policy, advisory: tls" in plan("--stack", "dev").stdout


def test_the_plan_for_machines_is_json():
    document = json.loads(plan("--stack", "prod", "--json").stdout)
    assert document["offline"] is True
    (stack,) = document["stacks"]
    assert {"urn", "type", "name", "parent", "protect", "inputs"} <= set(stack["resources"][0])


def test_a_violation_stops_the_plan(tmp_path: Path):
    overlay = tmp_path / "open.yaml"
    overlay.write_text("config:\n  litellm:networkPolicy: {enabled: false}\n")
    result = plan("--stack", "prod", "--overlay", str(overlay))
    assert result.exit_code == 3
    assert "policy, mandatory: network-policy" in result.stdout
    assert "error: stack prod violates 1 mandatory rule(s)" in result.stderr


def test_what_follows_from_a_load_is_shown_with_its_rule(tmp_path: Path):
    overlay = tmp_path / "load.yaml"
    overlay.write_text("config: {'litellm:gateway': {load: {requestsPerSecond: 200}}}\n")
    said = " ".join(plan("--overlay", str(overlay)).stdout.split())
    assert "gateway.autoscaling.max: 20 - the same for 2 times the load" in said
    assert "gateway.resources.cpu: 1 - one CPU for each worker" in said
    assert "the stack file says something about it, which wins" in said


def test_without_a_load_nothing_follows():
    assert "gateway.load" not in plan().stdout


def test_a_wrong_configuration_is_a_message_and_a_code(bad_project: Path):
    result = plan("--stack", "bad")
    assert result.exit_code == 1
    assert "litellm:gateway.replicas" in result.stderr


def test_a_wrong_configuration_is_in_the_comment_too(bad_project: Path):
    comment = bad_project / "comment.md"
    assert plan("--stack", "bad", "--format", "markdown", "--output", str(comment)).exit_code == 1
    assert "litellm:gateway.replicas" in comment.read_text()


def test_wrong_levels_are_a_message(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    from policy import levels

    file = tmp_path / "levels.yaml"
    file.write_text("- stacks: [dev]\n  levels: {tsl: advisory}\n")
    monkeypatch.setattr(levels.levels_for, "__defaults__", (file,))
    result = plan()
    assert result.exit_code == 1
    assert "there is no rule 'tsl'" in result.stderr
