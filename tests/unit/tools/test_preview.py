"""`make preview`: the engine is asked for data, and the report is made here."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.unit.tools.engine.fakes import CLUSTER, Machine
from tools import cli
from tools.engine.operations import Workplace
from tools.process import Finished

URN = "urn:pulumi:dev::litellm::kubernetes:apps/v1:Deployment::litellm-deployment"


def state(**inputs: object) -> dict[str, object]:
    return {"urn": URN, "type": "kubernetes:apps/v1:Deployment", "inputs": inputs}


DIGEST = {"steps": [{"op": "update", "urn": URN, "oldState": state(replicas=1), "newState": state(replicas=2)}]}


@pytest.fixture
def here(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    def workplace() -> Workplace:
        return machine.place(**CLUSTER)

    machine.runner.answers["pulumi preview"] = Finished(0, json.dumps(DIGEST))
    monkeypatch.setattr(cli, "PROJECT", machine.project)
    monkeypatch.setattr(cli, "workplace", workplace)
    return machine


def preview(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["preview", *arguments], env={"STACK": "", "OVERLAY": ""})


def test_the_engine_is_asked_for_everything_that_the_policy_needs(here: Machine) -> None:
    assert preview("--refresh").exit_code == 0
    assert "--json --show-sames --refresh --non-interactive" in here.runner.only("pulumi preview").line


def test_the_changes_are_shown(here: Machine) -> None:
    printed = preview().stdout
    assert "~ litellm-deployment Deployment" in printed
    assert "1 to change" in printed


def test_a_comment_is_written_to_a_file(here: Machine, tmp_path: Path) -> None:
    path = tmp_path / "comment.md"
    result = preview("--format", "markdown", "--output", str(path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert path.read_text().startswith(
        "<!-- litellm-preview:dev -->\n### Preview of `dev`\n\n**1 to change, 0 unchanged"
    )


def test_nothing_but_json_is_on_standard_output(here: Machine) -> None:
    """Such as that the stack was created, or where its state is."""
    here.runner.answers["pulumi stack output"] = Finished(6, errors="error: no stack named 'dev' found")
    result = preview("--json")
    assert json.loads(result.stdout)["offline"] is False
    assert "creating stack dev" in result.stderr


def test_a_preview_that_failed_says_why_and_fails(here: Machine) -> None:
    diagnostics = [{"severity": "error", "message": "error: Vault answers 403\n"}]
    here.runner.answers["pulumi preview"] = Finished(255, json.dumps({"steps": [], "diagnostics": diagnostics}))
    result = preview()
    assert result.exit_code == 1
    assert result.stderr.count("Vault answers 403") == 1


def test_an_engine_that_says_nothing_is_a_failure_too(here: Machine) -> None:
    here.runner.answers["pulumi preview"] = Finished(1, "", "error: could not decrypt: wrong passphrase")
    result = preview()
    assert result.exit_code == 1
    assert "wrong passphrase" in result.stderr


def test_a_violation_stops_the_preview(here: Machine) -> None:
    insecure = {"template": {"spec": {"hostNetwork": True}}}
    step = {"op": "create", "urn": URN, "newState": state(spec=insecure)}
    here.runner.answers["pulumi preview"] = Finished(0, json.dumps({"steps": [step]}))
    result = preview()
    assert result.exit_code == 3
    assert "policy, mandatory: restricted-pods" in result.stdout


def test_the_display_of_the_engine_itself_can_be_asked_for(here: Machine) -> None:
    assert preview("--policy-pack", "policy").exit_code == 0
    assert "--json" not in here.runner.only("pulumi preview").line
