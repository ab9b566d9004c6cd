"""What `make up` and `make smoke` make of the checks."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.unit.tools.engine.fakes import CLUSTER, Machine
from tools import cli
from tools.engine.operations import Workplace
from tools.problem import Problem
from tools.process import Finished
from tools.smoke import gate, inside, outside
from tools.smoke.results import WHAT_TO_DO, Result

OK = Result("readiness", "ok", 0.1, "ready")
LOST = Result("spend", "failed", 120.0, "no row of the completion")
OUTPUTS = {"namespace": "litellm-dev", "url": "http://litellm.localhost"}
FILE = "config:\n  litellm:protect: false\n  litellm:ingress: {host: litellm.localhost}\n"


class Gate:
    """What the checks find, and how often somebody asked."""

    def __init__(self) -> None:
        self.results = [OK]
        self.asked = 0

    def inside(self, *_: Any) -> list[Result]:
        self.asked += 1
        return self.results

    def outside(self, *_: Any, **__: Any) -> Result:
        return Result("way in", "skipped", 0.0, "cannot be reached from here")


@pytest.fixture
def checks(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Gate:
    made = Gate()
    monkeypatch.setattr(inside, "ask", made.inside)
    monkeypatch.setattr(outside, "ask", made.outside)

    def workplace() -> Workplace:
        return machine.place(**CLUSTER)

    monkeypatch.setattr(cli, "PROJECT", machine.project)
    monkeypatch.setattr(cli, "workplace", workplace)
    for name in ("STACK", "OVERLAY", "SMOKE"):
        monkeypatch.delenv(name, raising=False)
    machine.write("Pulumi.dev.yaml", FILE)
    machine.runner.answers["pulumi stack output"] = Finished(0, json.dumps(OUTPUTS))
    return made


def make(*arguments: str, **variables: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli.app, arguments, env=variables)
    return result.exit_code, result.stderr


def test_up_ends_with_the_gate(machine: Machine, checks: Gate):
    assert make("up") == (0, "")
    assert machine.said[-3:] == [
        "the gate: what the gateway answers",
        "  ok      readiness      0.1 s  ready",
        "  skipped way in         0.0 s  cannot be reached from here",
    ]


def test_a_check_that_failed_fails_up_with_what_to_do(machine: Machine, checks: Gate):
    checks.results = [OK, LOST]
    code, said = make("up")
    assert code == 1
    assert "spend: no row of the completion; nobody counts what is spent" in said
    assert "make smoke STACK=dev" in said


def test_an_up_that_failed_asks_nobody(machine: Machine, checks: Gate):
    machine.runner.answers["pulumi up"] = Finished(255)
    assert make("up")[0] != 0
    assert checks.asked == 0


@pytest.mark.parametrize(("arguments", "variables"), [(["--no-smoke"], {}), ([], {"SMOKE": "false"})])
def test_an_up_may_go_without(checks: Gate, arguments: list[str], variables: dict[str, str]):
    assert make("up", *arguments, **variables) == (0, "")
    assert checks.asked == 0


def test_a_stack_may_go_without(machine: Machine, checks: Gate):
    machine.write("Pulumi.dev.yaml", f"{FILE}  litellm:smoke: {{enabled: false}}\n")
    assert make("up") == (0, "")
    assert checks.asked == 0
    assert make("smoke") == (0, "")
    assert checks.asked == 1


def test_what_argo_cd_makes_is_not_asked_at_once(machine: Machine, checks: Gate):
    machine.runner.answers["pulumi stack output"] = Finished(0, json.dumps({"namespace": "litellm-dev"}))
    assert make("up") == (0, "")
    assert checks.asked == 0


def test_what_argo_cd_made_is_asked_alone(machine: Machine, checks: Gate):
    machine.runner.answers["pulumi stack output"] = Finished(0, json.dumps({"namespace": "litellm-dev"}))
    assert make("smoke") == (0, "")
    assert machine.said[-1] == "  ok      readiness      0.1 s  ready"


def test_without_a_gateway_there_is_nobody_to_ask(machine: Machine, checks: Gate):
    machine.runner.answers["pulumi stack output"] = Finished(0, "{}")
    with pytest.raises(Problem, match="make up STACK=dev"):
        gate.smoke(machine.place(**CLUSTER), "dev", [])


def test_there_is_something_to_do_about_every_check():
    from tools.smoke.checks import CHECKS

    assert set(WHAT_TO_DO) == {*CHECKS, outside.CHECK}
