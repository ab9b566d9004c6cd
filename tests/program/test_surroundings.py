"""What LiteLLM's own variables need around its pods, in the whole program."""

import json
from typing import Any

import pytest

from infra.config.load import ConfigError, load
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


def pod(recording: Recording) -> dict[str, Any]:
    return next(
        each.inputs["spec"]["template"]["spec"] for each in recording.resources if each.name == "litellm-deployment"
    )


def metrics_folder(**gateway: Any) -> str | None:
    """What LiteLLM is told, which must be a folder that the pod has for this alone, and may write to."""
    spec = pod(planned({"resources": {"memory": "8Gi"}, **gateway}))
    container = spec["containers"][0]
    folder = next((each["value"] for each in container["env"] if each["name"] == "PROMETHEUS_MULTIPROC_DIR"), None)
    mounts = {each["mountPath"]: each for each in container["volumeMounts"]}
    volumes = {each["name"]: each for each in spec["volumes"]}
    assert ("metrics" in volumes) == (folder in mounts)
    if folder in mounts:
        assert "emptyDir" in volumes[mounts[folder]["name"]]
        assert not mounts[folder].get("readOnly")
    return folder


@pytest.mark.parametrize(
    "settings",
    [{"callbacks": ["otel", "prometheus"]}, {"success_callback": "prometheus"}, {"failure_callback": ["prometheus"]}],
)
def test_several_workers_answer_prometheus_for_each_other(settings: dict[str, Any]):
    assert metrics_folder(workers=2, litellmSettings=settings) == "/run/litellm-metrics"


@pytest.mark.parametrize(
    "gateway",
    [
        {"litellmSettings": {"callbacks": ["prometheus"]}},
        {"workers": 2, "litellmSettings": {"callbacks": ["otel"]}},
        {"workers": 2, "litellmSettings": {"callbacks": "prometheus_like"}},
    ],
)
def test_who_has_nothing_to_share_has_no_folder_for_it(gateway: dict[str, Any]):
    assert metrics_folder(**gateway) is None


def test_a_folder_of_the_users_own_is_used():
    own = {"PROMETHEUS_MULTIPROC_DIR": "/tmp/mine"}
    gateway = {"workers": 2, "litellmSettings": {"callbacks": ["prometheus"]}, "environment": own}
    assert metrics_folder(**gateway) == "/tmp/mine"


def test_a_folder_that_pods_cannot_write_to_is_refused():
    with pytest.raises(ConfigError, match="cannot write to"):
        planned({"environment": {"PROMETHEUS_MULTIPROC_DIR": "/var/metrics"}})
