"""`make render`, as a user calls it."""

import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from tools import cli

PROJECT = cli.PROJECT
STACK = """\
config:
  litellm:secrets: {vault: {address: "https://vault.example.com:8200"}}
  litellm:ingress: {host: litellm.example.com}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a small stack in it."""
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(PROJECT / "Pulumi.yaml", folder)
    (folder / "Pulumi.small.yaml").write_text(STACK)
    monkeypatch.setattr(cli, "PROJECT", folder)
    for name in ("STACK", "OVERLAY", "OUT", "VAULT_ADDR"):
        monkeypatch.delenv(name, raising=False)
    return folder


def render(out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["render", "--stack", "small", "--out", str(out), *arguments])


def test_the_folder_has_the_objects_a_kustomization_and_an_application(project: Path, tmp_path: Path):
    done = render(tmp_path / "out", "--repo", "https://git.example.com/gateway.git")
    assert done.exit_code == 0, done.output
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"kustomization.yaml", "application.yaml", "4-gateway-litellm-deployment.yaml"} <= names
    application = yaml.safe_load((tmp_path / "out" / "application.yaml").read_text())
    assert application["spec"]["source"]["repoURL"] == "https://git.example.com/gateway.git"
    assert f"{len(names) - 2} objects of stack small" in done.output


def test_a_user_is_told_what_is_left_to_do(project: Path, tmp_path: Path):
    done = render(tmp_path / "out")
    assert "does not name your repository yet" in done.output
    assert "set litellm:gitops to true in Pulumi.small.yaml" in done.output


def test_a_stack_that_leaves_its_objects_to_argocd_is_told_nothing(project: Path, tmp_path: Path):
    (project / "Pulumi.small.yaml").write_text(STACK + "  litellm:gitops: true\n")
    done = render(tmp_path / "out", "--repo", "https://git.example.com/gateway.git")
    assert len(done.output.splitlines()) == 1


def test_a_folder_of_somebody_else_is_refused_before_the_program_runs(project: Path, tmp_path: Path):
    (project / "Pulumi.small.yaml").write_text("config: {}\n")
    done = render(tmp_path)
    assert done.exit_code == 1
    assert "is not empty" in done.output


def test_a_wrong_configuration_writes_nothing(project: Path, tmp_path: Path):
    (project / "Pulumi.small.yaml").write_text(STACK + "  litellm:gateway: {replicas: 0}\n")
    done = render(tmp_path / "out")
    assert done.exit_code == 1
    assert "litellm:gateway.replicas" in done.output
    assert not (tmp_path / "out").exists()


def test_a_stack_that_does_not_say_where_vault_is_is_refused(project: Path, tmp_path: Path):
    (project / "Pulumi.small.yaml").write_text("config:\n  litellm:ingress: {host: litellm.example.com}\n")
    done = render(tmp_path / "out")
    assert done.exit_code == 1
    assert "litellm:secrets.vault.address: not set, and VAULT_ADDR is not set either" in done.output


def test_a_model_that_is_taken_away_takes_its_file_along(project: Path, tmp_path: Path):
    render(tmp_path / "out")
    (before,) = (tmp_path / "out").glob("4-gateway-litellm-config-*.yaml")
    models = "  litellm:gateway: {models: [{name: mock, provider: mock, response: Hello}]}\n"
    (project / "Pulumi.small.yaml").write_text(STACK + models)
    assert render(tmp_path / "out").exit_code == 0
    (after,) = (tmp_path / "out").glob("4-gateway-litellm-config-*.yaml")
    assert after != before


def test_values_without_a_certificate_are_refused(project: Path, tmp_path: Path):
    done = render(tmp_path / "out", "--values", "-")
    assert done.exit_code == 1
    assert "--values is for --sealed-secrets" in done.output


def test_a_missing_certificate_is_one_message(project: Path, tmp_path: Path):
    done = render(tmp_path / "out", "--sealed-secrets", str(tmp_path / "cert.pem"))
    assert done.exit_code == 1
    assert "cannot read the certificate" in done.output
    assert "Traceback" not in done.output
