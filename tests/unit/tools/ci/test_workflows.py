"""What every workflow keeps to; what tools of the field say is in `test_lint.py`."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from tests import programs
from tests.program.stacks import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))

MAY_WRITE = {
    ("preview.yml", "preview"): {"id-token"},
    ("comment.yml", "comment"): {"pull-requests"},
    ("up.yml", "preview"): {"id-token"},
    ("up.yml", "up"): {"id-token"},
    ("drift.yml", "preview"): {"id-token"},
    ("drift.yml", "report"): {"issues"},
    ("ephemeral.yml", "up"): {"id-token"},
    ("ephemeral.yml", "down"): {"id-token"},
    ("ephemeral.yml", "reap"): {"id-token"},
    ("ephemeral.yml", "comment"): {"pull-requests"},
}
"""All that any job may write; `id-token` is the right to prove who it is."""

OWN_REPOSITORY = "github.event.pull_request.head.repo.full_name == github.repository"
DECIDED = re.compile(r"needs\.decide\.outputs\.action == '(up|down|reap)'")


def load(path: Path) -> dict[str, Any]:
    # BaseLoader: `on` stays a text.
    return yaml.load(path.read_text(), yaml.BaseLoader)


JOBS = [
    pytest.param(path, name, job, id=f"{path.stem}-{name}")
    for path in WORKFLOWS
    for name, job in load(path)["jobs"].items()
]


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in load(path)["jobs"].items():
            yield from ((f"{path.name} {name}", step) for step in job["steps"])
    for path in ACTIONS:
        yield from ((f"{path.parent.name}", step) for step in load(path)["runs"]["steps"])


def test_there_are_workflows_for_everything():
    assert [path.stem for path in WORKFLOWS] == ["check", "comment", "drift", "ephemeral", "preview", "up"]


@pytest.mark.parametrize(("schema", "paths"), [("github-workflows", WORKFLOWS), ("github-actions", ACTIONS)])
def test_fits_its_schema(schema: str, paths: list[Path]):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_line_of_pulumi_is_the_pinned_one():
    """A runner may have one of any version, and what is downloaded has no checksum but ours."""
    [script] = [step["run"] for where, step in steps() if where == "connect" and "pulumi" in step.get("run", "")]
    assert script.startswith(".venv/bin/python -m tools.download pulumi .cache/pulumi/bin")
    assert not [step["uses"] for _, step in steps() if step.get("uses", "").startswith("pulumi/")]


def test_every_action_is_pinned_to_a_commit_with_its_version():
    """A tag can be moved to other code."""
    for path in [*WORKFLOWS, *ACTIONS]:
        for line in path.read_text().splitlines():
            used = re.search(r"uses: (?P<action>\S+)(?P<comment>.*)", line)
            if used and not used["action"].startswith("./"):
                assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", used["action"]), f"{path.name}: {line}"
                assert re.fullmatch(r" # v\d+\.\d+\.\d+", used["comment"]), f"{path.name}: {line}"


def test_one_version_of_each_action():
    used = {
        match for path in [*WORKFLOWS, *ACTIONS] for match in re.findall(r"uses: ([\w./-]+)@(\w+)", path.read_text())
    }
    assert len({action for action, _ in used}) == len(used)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_no_right_that_its_jobs_do_not_ask_for(path: Path):
    assert load(path)["permissions"] == {}


@pytest.mark.parametrize(("path", "name", "job"), JOBS)
def test_a_job_has_the_least_rights(path: Path, name: str, job: dict[str, Any]):
    writes = {right for right, level in job["permissions"].items() if level == "write"}
    assert writes == MAY_WRITE.get((path.name, name), set())


@pytest.mark.parametrize(("path", "name", "job"), JOBS)
def test_a_job_ends(path: Path, name: str, job: dict[str, Any]):
    assert 0 < int(job["timeout-minutes"]) <= 90


@pytest.mark.parametrize(("path", "name", "job"), JOBS)
def test_a_job_has_a_concurrency_group(path: Path, name: str, job: dict[str, Any]):
    assert "concurrency" in job or "concurrency" in load(path)


@pytest.mark.parametrize(("path", "name", "job"), JOBS)
def test_a_job_runs_on_a_named_image(path: Path, name: str, job: dict[str, Any]):
    assert re.fullmatch(r"ubuntu-\d\d\.\d\d", job["runs-on"])


def test_what_changes_a_stack_is_never_cut_off():
    up = load(ROOT / ".github/workflows/up.yml")["concurrency"]
    environment = load(ROOT / ".github/workflows/ephemeral.yml")["jobs"]
    groups = [up, environment["up"]["concurrency"], environment["down"]["concurrency"]]
    assert [group["cancel-in-progress"] for group in groups] == ["false", "false", "false"]
    assert groups[1]["group"] == groups[2]["group"], "an environment is not removed while it is being made"


def test_no_expression_is_put_into_a_script():
    """Its text would become part of the script, whatever it says. As an environment variable it stays a value."""
    assert [where for where, step in steps() if "${{" in step.get("run", "")] == []


def test_no_text_of_others_is_put_into_arguments_of_make():
    """make hands ARGS to a shell: only what GitHub or this repository's settings write may be in it."""
    allowed = re.compile(r"matrix\.stack|!inputs\.unplanned && '--plan update-plan\.json' \|\| ''")
    for where, step in steps():
        for expression in re.findall(r"\${{\s*(.+?)\s*}}", step.get("env", {}).get("ARGS", "")):
            assert allowed.fullmatch(expression), f"{where}: {expression}"


def test_scripts_print_no_secret():
    """A masked value is found again in another form; the surest way is not to print it."""
    for where, step in steps():
        script = step.get("run", "")
        assert "set -x" not in script, where
        assert not re.search(r"\b(printenv|env)\s*($|\||>)", script, re.MULTILINE), where
        assert not re.search(r"echo .*(TOKEN|PASSPHRASE|SECRET|CONTENT)", script), where


def test_scripts_are_a_few_lines():
    assert [where for where, step in steps() if step.get("run", "").count("\n") > 8] == []


def test_scripts_are_valid_bash():
    bash = programs.needed("bash")
    for where, step in steps():
        done = subprocess.run([bash, "-n"], input=step.get("run", ""), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{where}: {done.stderr}"


def test_no_checkout_leaves_a_token_behind():
    for where, step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step.get("with", {}).get("persist-credentials") == "false", where


def test_nothing_runs_with_the_secrets_of_the_target_of_a_pull_request():
    assert [path.name for path in WORKFLOWS if "pull_request_target" in load(path)["on"]] == []


@pytest.mark.parametrize(("path", "name", "job"), JOBS)
def test_code_of_a_fork_never_meets_a_credential(path: Path, name: str, job: dict[str, Any]):
    """In workflows that somebody outside can start, a job with credentials is for this repository's own code only."""
    if not {"pull_request", "issue_comment", "workflow_run"} & set(load(path)["on"]):
        return
    credentials = "secrets." in str(job) or "write" in job["permissions"].values() or "environment" in job
    if credentials and name == "comment":
        refs = [step["with"].get("ref") for step in job["steps"] if "checkout@" in step.get("uses", "")]
        expected = None if path.stem == "comment" else "${{ github.event.repository.default_branch }}"
        assert refs == [expected], "it runs the main branch"
    elif credentials:
        assert OWN_REPOSITORY in job["if"] or DECIDED.search(job["if"])


def test_the_decision_about_an_environment_is_that_of_the_main_branch():
    job = load(ROOT / ".github/workflows/ephemeral.yml")["jobs"]["decide"]
    assert job["steps"][0]["with"]["ref"] == "${{ github.event.repository.default_branch }}"
    assert "secrets." not in str(job)


def test_downloads_do_not_land_in_the_code():
    """What a fork's run left may have the name of a file of ours."""
    job = load(ROOT / ".github/workflows/comment.yml")["jobs"]["comment"]
    [download] = [step for step in job["steps"] if "download-artifact" in step.get("uses", "")]
    assert download["with"]["path"].startswith("${{ runner.temp }}/")


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_make_target_is_there():
    used = {target for _, step in steps() for target in re.findall(r"\bmake ([a-z][a-z-]*)", step.get("run", ""))}
    assert {"test", "setup", "preview", "up", "env-up", "env-down", "env-reap", "env-plan"} == used
    if not (ROOT / "tools" / "ephemeral").exists():
        pytest.skip("environments are not part of this checkout")
    assert used <= make_targets()


PULUMI = {"--refresh", "--save-plan", "--plan"}
"""Options that `preview` and `up` pass on to Pulumi."""


def test_every_option_is_there():
    from tools.cli import app

    commands = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
    known = {name: {option for one in command.params for option in one.opts} for name, command in commands.items()}
    if "--format" not in known["plan"]:
        pytest.skip("documents of plan and preview are not part of this checkout")
    for where, step in steps():
        for command, line in re.findall(r"tools\.cli (\w+) (.*)", step.get("run", "")):
            assert set(re.findall(r"(?<!\S)--[a-z-]+", line)) <= known[command], where
        for command in re.findall(r"make (preview|up)\b", step.get("run", "")):
            options = set(re.findall(r"(?<!\S)--[a-z-]+", step.get("env", {}).get("ARGS", "")))
            assert options <= known[command] | PULUMI, where


def test_every_module_is_there():
    used = {module for _, step in steps() for module in re.findall(r"python3? -m ([\w.]+)", step.get("run", ""))}
    assert {
        "tools.ci.comment",
        "tools.ci.deployed",
        "tools.ci.drift",
        "tools.ci.environments",
        "tools.ci.touched",
        "tools.cli",
        "tools.download",
    } == used
    for module in used:
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module


def test_what_writes_to_a_pull_request_needs_no_installed_package():
    """These jobs install nothing."""
    imports = "; ".join(
        f"import tools.ci.{name}" for name in ("comment", "deployed", "drift", "environments", "touched")
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {imports}"], check=False
    )
    assert done.returncode == 0
