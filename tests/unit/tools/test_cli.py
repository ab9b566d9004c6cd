"""The command line itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.unit.tools.engine.fakes import CLUSTER, NO_STACK, Machine
from tools import cli
from tools.client import key, question
from tools.credentials import command
from tools.engine import operations
from tools.engine.operations import Workplace
from tools.problem import Problem, Unavailable
from tools.process import Finished


@pytest.fixture
def here(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    def workplace() -> Workplace:
        return machine.place(**CLUSTER)

    monkeypatch.setattr(cli, "PROJECT", machine.project)
    monkeypatch.setattr(cli, "workplace", workplace)
    for name in ("STACK", "OVERLAY"):
        monkeypatch.delenv(name, raising=False)
    return machine


def invoke(*arguments: str, **variables: str) -> Result:
    return CliRunner().invoke(cli.app, arguments, env=variables)


def fail_with(monkeypatch: pytest.MonkeyPatch, operation: str, problem: Exception) -> None:
    def refuse(*_: object) -> int:
        raise problem

    monkeypatch.setattr(operations, operation, refuse)


def test_dev_is_the_default_stack(here: Machine) -> None:
    assert invoke("up").exit_code == 0
    assert "--stack dev" in here.runner.only("pulumi up").line


def test_the_environment_names_the_stack(here: Machine) -> None:
    here.write("Pulumi.test.yaml", "config:\n  litellm:protect: false\n")
    assert invoke("up", STACK="test").exit_code == 0
    assert "--stack test" in here.runner.only("pulumi up").line


def test_overlays_of_the_command_line_lie_over_those_of_the_environment() -> None:
    found = cli.all_overlays([Path("c.yaml")], {"OVERLAY": "a.yaml, b.yaml,"})
    assert found == [Path("a.yaml"), Path("b.yaml"), Path("c.yaml")]


def test_options_of_pulumi_are_passed_on(here: Machine) -> None:
    assert invoke("preview", "--diff", "--parallel", "4").exit_code == 0
    assert here.runner.only("pulumi preview").line.endswith("--diff --parallel 4 --non-interactive")


def test_an_error_is_one_message_without_a_traceback(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, "up", Problem("what is wrong: what to do [here]"))
    result = invoke("up")
    assert result.exit_code == 1
    assert result.stderr == "error: what is wrong: what to do [here]\n"


def test_a_file_that_cannot_be_written_is_a_message_too(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, "up", PermissionError(13, "Permission denied", ".state/passphrase"))
    result = invoke("up")
    assert (result.exit_code, result.stderr) == (1, "error: .state/passphrase: Permission denied\n")


def test_a_preview_without_the_real_engine_is_the_offline_plan(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(stack: str, overlays: list[Path], *_: object, notices: list[str]) -> int:
        print(f"plan of {stack} with {len(overlays)} overlays")
        assert notices[0].startswith("no preview: no Pulumi CLI")
        return 0

    fail_with(monkeypatch, "ask_preview", Unavailable("no Pulumi CLI"))
    monkeypatch.setattr(cli, "offline_plan", plan)
    result = invoke("preview", "--overlay", "a.yaml")
    assert result.exit_code == 0
    assert "no preview: no Pulumi CLI" in result.stderr
    assert result.stdout == "plan of dev with 1 overlays\n"


def test_up_without_the_real_engine_fails(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, "up", Unavailable("no Pulumi CLI"))
    result = invoke("up")
    assert result.exit_code == 1
    assert "error: no Pulumi CLI.\nWhat works now: `make plan STACK=dev`" in result.stderr


def test_the_key_and_nothing_else_is_on_standard_output(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key, "master_key", lambda stack, variables: f"key of {stack.name}")
    assert invoke("key", STACK="prod").stdout == "key of prod\n"


@pytest.fixture
def gateway(here: Machine, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What a gateway is asked."""
    asked: list[tuple[str, ...]] = []

    def ask(*question: str) -> Iterator[str]:
        asked.append(question)
        yield from ("Hello ", "there.")

    here.runner.answers["pulumi stack output"] = Finished(0, '{"url": "https://llm.example.com"}')
    gateway = "litellm:gateway: {models: [{name: mock, provider: mock, model: mock, response: Hello}], replicas: 1}"
    here.write(
        "Pulumi.dev.yaml", f"config:\n  litellm:protect: false\n  litellm:ingress: {{enabled: false}}\n  {gateway}\n"
    )
    monkeypatch.setattr(question, "master_key", lambda *_: "a key")
    monkeypatch.setattr(question, "ask", ask)
    for name in ("MODEL", "PROMPT"):
        monkeypatch.delenv(name, raising=False)
    return asked


def test_a_try_asks_the_first_model_of_the_stack(gateway: list[tuple[str, ...]]) -> None:
    result = invoke("try")
    assert result.stdout == "Hello there.\n"
    assert "a key" not in result.stderr
    assert gateway == [("https://llm.example.com", "a key", "mock", "Hello")]


def test_a_try_takes_model_and_prompt_from_the_environment(gateway: list[tuple[str, ...]]) -> None:
    invoke("try", MODEL="other", PROMPT="Why?")
    assert gateway[0][2:] == ("other", "Why?")


def test_secrets_end_with_the_code_of_their_report(here: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def show(_place: Workplace, stack: str, _overlays: list[Path], *, machine: bool) -> tuple[int, str]:
        asked.append(machine)
        return 3, f"of {stack}"

    monkeypatch.setattr(command, "show", show)
    result = invoke("secrets", "--json")
    assert (result.exit_code, result.stdout, asked) == (3, "of dev\n", [True])
    assert invoke("secrets", STACK="prod").stdout == "of prod\n"


def test_a_stack_that_is_not_deployed_cannot_be_tried(here: Machine) -> None:
    here.runner.answers["pulumi stack output"] = NO_STACK
    result = invoke("try")
    assert result.exit_code == 1
    assert "`make up STACK=dev` makes one" in result.stderr


def test_an_unknown_stack_fails_with_the_known_ones(here: Machine) -> None:
    result = invoke("plan", "--stack", "nope")
    assert result.exit_code == 1
    assert "Stacks here: dev, prod" in result.stderr
