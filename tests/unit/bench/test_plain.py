"""The plain program of a stack registers what the stack registers, and finds it in its state."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

from bench.plain import SECRET, SECRET_MARK, Plain, plain, snake
from tests.program.stacks import ROOT, stack_of
from tools.offline.mock_engine import Recording, run
from tools.offline.plan import record

STACK = "dev"


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record(stack_of(ROOT / "Pulumi.dev.yaml"), preview=False)


@pytest.fixture(scope="module")
def made(recording: Recording) -> Plain:
    root = {"urn": f"urn:pulumi:{STACK}::litellm::pulumi:pulumi:Stack::litellm-{STACK}", "type": "pulumi:pulumi:Stack"}
    resources = [{**root, "custom": False}] + [
        {
            "urn": each.urn,
            "type": each.type,
            "custom": not each.type.startswith("litellm:"),
            "parent": each.parent or root["urn"],
            "inputs": dict(each.inputs),
        }
        for each in recording.resources
    ]
    return plain({"version": 3, "deployment": {"resources": resources}}, "floor")


def registered(made: Plain, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    made.write(folder / "plain", Path(".venv"))
    monkeypatch.chdir(folder / "plain")
    return run(lambda: runpy.run_path("__main__.py") and None, project="plain", stack="floor")


def test_the_same_resources_are_registered_with_the_same_inputs(
    recording: Recording, made: Plain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def seen(resources: Any) -> dict[tuple[str, str], Any]:
        custom = [each for each in resources if not each.type.startswith("litellm:")]
        return {(each.type, each.name): {k: v for k, v in each.inputs.items() if k != "__provider"} for each in custom}

    assert seen(registered(made, tmp_path, monkeypatch).resources) == seen(recording.resources)


def test_its_state_knows_no_component(made: Plain):
    resources = made.deployment["deployment"]["resources"]
    urns = {each["urn"] for each in resources}
    assert not [each for each in resources if each["type"].startswith("litellm:")]
    assert {each["parent"] for each in resources if "parent" in each} <= urns


def test_a_secret_stays_one_and_is_in_no_statement():
    inputs = {"length": 3, "seed": {SECRET: SECRET_MARK, "plaintext": json.dumps("hidden")}}
    root = {"urn": "urn:pulumi:dev::litellm::pulumi:pulumi:Stack::litellm-dev", "type": "pulumi:pulumi:Stack"}
    password = {"type": "random:index/randomPassword:RandomPassword", "custom": True, "inputs": inputs}
    made = plain(
        {
            "version": 3,
            "deployment": {"resources": [root, {"urn": f"{root['urn'][:28]}{password['type']}::one", **password}]},
        },
        "floor",
    )
    assert made.values[1] == {"length": 3, "seed": {"secret": "hidden"}}
    assert "hidden" not in made.program


@pytest.mark.parametrize(("name", "called"), [("disableCRDHooks", "disable_crd_hooks"), ("dataJson", "data_json")])
def test_keywords_are_called_as_the_sdk_calls_them(name: str, called: str):
    assert snake(name) == called
