"""Whatever the user's environment holds, no message of a command repeats it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.tools.engine.fakes import NO_STACK, Machine
from tools.engine import operations
from tools.engine.operations import Workplace
from tools.problem import Problem
from tools.process import Finished

PASSWORD = "-".join(["hunter2", "canary"])
BACKEND = f"s3://key:{PASSWORD}@bucket/states?token={PASSWORD}"
ENVIRONMENT = {
    "KUBECONFIG": "/clusters/one",
    "VAULT_ADDR": "https://vault.example.com",
    "PULUMI_BACKEND_URL": BACKEND,
    "PULUMI_CONFIG_PASSPHRASE": PASSWORD,
    "PULUMI_ACCESS_TOKEN": PASSWORD,
}
COMMANDS: dict[str, Callable[[Workplace], object]] = {
    "preview": lambda place: operations.preview(place, "dev", [], []),
    "up": lambda place: operations.up(place, "dev", [], []),
    "destroy": lambda place: operations.destroy(place, "dev", [], []),
    "recover": lambda place: operations.recover(place, "dev", [], []),
    "config": lambda place: operations.config(place, "dev", []),
}
ANSWERS = {
    "works": Finished(0, '{"deployment": {}}'),
    "no stack": NO_STACK,
    "fails": Finished(1, errors=f"error: cannot open {BACKEND}: AccessDenied"),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_the_address_of_the_backend_is_shown_without_its_credentials(
    machine: Machine, command: Callable[[Workplace], object], answer: Finished
):
    machine.runner.answers = {"pulumi version": machine.runner.answers["pulumi version"], "pulumi": answer}
    said = ""
    try:
        command(machine.place(**ENVIRONMENT))
    except Problem as problem:
        said = str(problem)
    assert PASSWORD not in " ".join([said, *machine.said])


def test_a_backend_that_is_no_url_is_no_traceback(machine: Machine):
    with pytest.raises(Problem) as caught:
        operations.preview(machine.place(KUBECONFIG="x", PULUMI_BACKEND_URL=f"s3://[{PASSWORD}"), "dev", [], [])
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    "text", [f"{PASSWORD}: 1", f"config: {{litellm:gateway: *{PASSWORD}}}", f"- {PASSWORD}", f"{{{PASSWORD}"]
)
def test_a_stack_file_that_cannot_be_read_is_not_quoted(machine: Machine, text: str):
    machine.write("Pulumi.dev.yaml", text)
    with pytest.raises(Problem, match=r"Pulumi\.dev\.yaml") as caught:
        operations.preview(machine.place(**ENVIRONMENT), "dev", [Path("Pulumi.dev.yaml")], [])
    assert PASSWORD not in str(caught.value)
