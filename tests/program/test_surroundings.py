"""What LiteLLM's own variables need around its pods, in the whole program."""

import json
from typing import Any

import pytest

from infra.config.load import load
from infra.environment import deploy
from infra.target import resolve_offline
from tools.offline.mock_engine import Recording, run

INGRESS = "kubernetes:networking.k8s.io/v1:Ingress"


def planned(gateway: dict[str, Any], **ingress: Any) -> Recording:
    sections = {
        "ingress": {"host": "litellm.example.com", **ingress},
        "gateway": {"models": [{"provider": "mock", "name": "mock"}], **gateway},
    }
    config = load({f"litellm:{key}": json.dumps(value) for key, value in sections.items()}, "dev")
    return run(lambda: deploy(resolve_offline(config, "dev")), preview=False, stack="dev")


def paths(recording: Recording) -> list[str]:
    (ingress,) = recording.of(INGRESS)
    return [path["path"] for rule in ingress.inputs["spec"]["rules"] for path in rule["http"]["paths"]]


@pytest.mark.parametrize(
    ("variable", "path"), [({"SERVER_ROOT_PATH": "/llm"}, "/llm"), ({"SERVER_ROOT_PATH": "/"}, "/"), ({}, "/")]
)
def test_the_ingress_has_the_path_that_litellm_is_told(variable: dict[str, str], path: str):
    assert path == paths(planned({"environment": variable}))[0]


def test_the_url_of_the_stack_has_the_path():
    below = {"environment": {"SERVER_ROOT_PATH": "/llm"}}
    assert planned(below).outputs["url"] == "http://litellm.example.com/llm"
    assert planned(below, enabled=False).outputs["url"].endswith(".svc:4000/llm")
