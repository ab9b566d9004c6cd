"""docs/ci.md says what the workflows need."""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml

from tests.program.stacks import ROOT
from tests.unit.tools.ci.test_workflows import WORKFLOWS

PAGE = (ROOT / "docs" / "ci.md").read_text()


def block(language: str, beginning: str = "") -> str:
    return next(text for text in re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL) if beginning in text)


GITLAB = block("yaml")


def test_every_workflow_is_described():
    assert sorted(re.findall(r"^\| `([a-z]+\.yml)`", PAGE, re.MULTILINE)) == [path.name for path in WORKFLOWS]


def test_every_setting_is_described():
    used = {name for path in WORKFLOWS for name in re.findall(r"\b(?:vars|secrets)\.([A-Z_]+)", path.read_text())}
    assert len(used) > 8
    assert {name for name in used if f"`{name}`" not in PAGE} == set()


def test_the_trust_policy_names_one_environment_of_one_repository():
    policy = json.loads(block("json"))
    [statement] = policy["Statement"]
    assert list(statement["Condition"]) == ["StringEquals"]
    values = statement["Condition"]["StringEquals"].values()
    assert sorted(values) == ["repo:example/litellm:environment:prod", "sts.amazonaws.com"]


def test_the_role_of_vault_is_bound_to_repository_environment_and_audience():
    role = json.loads(re.split(r"<<'JSON'\n|JSON\n```", block("sh", "jwt/role") + "```")[1].removesuffix("JSON\n"))
    assert role["bound_audiences"]
    assert {"repository", "environment", "ref"} <= set(role["bound_claims"])
    assert role["token_ttl"] == "30m"


def test_the_pipeline_for_gitlab_fits_its_schema(tmp_path: Path):
    file = tmp_path / "gitlab-ci.yml"
    file.write_text(GITLAB)
    schema = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    command = [sys.executable, "-m", "check_jsonschema", *schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_pipeline_for_gitlab_uses_what_there_is():
    modules = set(re.findall(r"python3? -m ([\w.]+)", GITLAB))
    assert all((ROOT / f"{module.replace('.', '/')}.py").exists() for module in modules)
    assert modules >= {"tools.ci.comment", "tools.ci.vault_login", "tools.cli"}


def test_the_pipeline_for_gitlab_gives_credentials_to_its_own_code_only():
    jobs = {name: job for name, job in yaml.safe_load(GITLAB).items() if isinstance(job, dict) and "stage" in job}
    connected = {name: job for name, job in jobs.items() if job.get("extends") == ".connected"}
    assert len(connected) == 7
    for name, job in connected.items():
        assert "environment" in job, name
        [rule] = job["rules"]
        condition = rule["if"]
        own = "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in condition
        assert own or "$CI_DEFAULT_BRANCH" in condition or '"schedule"' in condition, name


def test_the_pipeline_for_gitlab_leaves_no_push_out():
    """Rules about changed files compare with the push before, whatever became of that."""
    assert "changes:" not in GITLAB


def test_the_pipeline_for_gitlab_writes_no_note_for_a_fork():
    """Somebody may start a fork's pipeline in the project itself, with its token."""
    jobs = {name: job for name, job in yaml.safe_load(GITLAB).items() if "tools.ci.comment" in str(job)}
    own = "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID"
    assert jobs.keys() == {"plan", "preview"}
    assert all(own in str(job["after_script"]) or own in str(job["rules"]) for job in jobs.values())
