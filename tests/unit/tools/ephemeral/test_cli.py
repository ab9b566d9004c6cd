"""Exit codes, JSON, and a command that runs against an environment."""

import json
import signal
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.target import resolve_offline
from tests.unit.tools.ephemeral.fakes import World
from tools.ephemeral import cli, environments
from tools.ephemeral.cli import app
from tools.ephemeral.hook import run_command, variables
from tools.problem import Problem

runner = CliRunner()


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    for name in ("NAME", "TTL", "OWNER", "BUDGET", "TEMPLATE", "OVERLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environments, "resolve", resolve_offline)
    monkeypatch.setattr(environments, "look", lambda target: target)
    monkeypatch.setattr(cli, "open_place", lambda *_: made.place())
    return made


def run(*arguments: str, code: int = 0, **environment: str) -> Any:
    done = runner.invoke(app, [*arguments], env=environment)
    assert done.exit_code == code, done.output
    return json.loads(done.stdout) if "--json" in arguments else done.output


def test_up_says_where_it_answers_and_until_when(world: World):
    made = run("up", "pr-1", "--ttl", "2h", "--owner", "ann", "--json")
    assert made["url"] == "http://env-pr-1.example.com"
    assert made["expires"] == "2026-11-21T14:00:00Z"
    assert made["state"] == "ready"
    assert "curl" in made


def test_the_key_of_an_environment_and_nothing_else_is_printed(world: World):
    world.record("pr-1")
    assert runner.invoke(app, ["key", "pr-1"]).stdout == "sk-read-from-the-store\n"


def test_names_and_owner_come_from_the_environment_too(world: World):
    """So no shell has to quote what somebody called a branch."""
    made = run("up", "--json", NAME="feature/$(reboot)", OWNER="ann", TTL="1h")
    assert made["given"] == "feature/$(reboot)"
    assert made["owner"] == "ann"


def test_a_name_of_somebody_else_is_exit_code_3(world: World):
    world.record("pr-1", owner="bob@example.com")
    error = run("up", "pr-1", "--owner", "ann", "--json", code=3)["error"]
    assert (error["kind"], error["owner"]) == ("taken", "bob@example.com")


def test_a_problem_is_exit_code_1(world: World):
    assert run("url", "pr-1", "--json", code=1)["error"]["kind"] == "problem"


def test_down_twice_is_fine(world: World):
    world.record("pr-1", owner="ann")
    assert run("down", "pr-1", "--owner", "ann", "--json")["removed"] is True
    assert run("down", "pr-1", "--owner", "ann", "--json")["removed"] is False


def test_list_shows_all(world: World):
    world.record("pr-1")
    assert "no environments" not in run("list")
    assert [one["name"] for one in run("list", "--json")["environments"]] == ["pr-1"]


def test_the_plan_needs_nothing_but_the_project():
    assert "litellm-env-pr-1" in run("plan", "pr-1")


EXIT_7 = [sys.executable, "-c", "import os, sys; sys.exit(7 if os.environ['OPENAI_API_KEY'] else 1)"]


def test_run_returns_the_exit_code_and_removes_what_it_made(world: World):
    run("run", "pr-1", "--owner", "ann", "--", *EXIT_7, code=7)
    assert world.kube.namespaces() == {"kube-system"}
    assert not world.engine.stacks


def test_run_leaves_an_environment_that_was_there_before(world: World):
    world.record("pr-1", owner="ann")
    run("run", "pr-1", "--owner", "ann", "--", *EXIT_7, code=7)
    assert "litellm-env-pr-1" in world.kube.namespaces()


def test_without_an_environment_the_command_does_not_run_and_nothing_is_left(world: World):
    world.engine.fails = [
        environments.automation.CommandError(environments.automation.CommandResult("", "error: no", 1))
    ]
    run("run", "pr-1", "--owner", "ann", "--", *EXIT_7, code=125)
    assert world.kube.namespaces() == {"kube-system"}


def test_a_command_that_does_not_exist_is_127_and_nothing_is_left(world: World):
    run("run", "pr-1", "--owner", "ann", "--", "no-such-command-here", code=127)
    assert world.kube.namespaces() == {"kube-system"}


def test_clients_of_openai_and_of_litellm_find_their_variables():
    assert variables("http://x", "sk-1", "mock") == {
        "OPENAI_BASE_URL": "http://x/v1",
        "OPENAI_API_BASE": "http://x/v1",
        "OPENAI_API_KEY": "sk-1",
        "LITELLM_BASE_URL": "http://x",
        "LITELLM_API_KEY": "sk-1",
        "LITELLM_MODEL": "mock",
    }


def test_a_signal_that_ends_the_command_is_its_exit_code():
    assert run_command([sys.executable, "-c", "import os; os.kill(os.getpid(), 15)"], {}) == 128 + signal.SIGTERM


def test_a_signal_to_us_is_the_commands_too():
    script = "import os, signal, time; os.kill(os.getppid(), signal.SIGTERM); time.sleep(30)"
    assert run_command([sys.executable, "-c", script], {}) == 128 + signal.SIGTERM


def test_a_missing_command_is_a_problem():
    with pytest.raises(Problem, match="no such command"):
        run_command(["no-such-command-here"], {})
