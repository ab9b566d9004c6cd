"""Files of LiteLLM in its pods, and LiteLLM finding them there."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.config.gateway import beside
from infra.config.load import load
from tests.litellm_env import load as load_with_litellm
from tools.offline.mock_engine import Recording, run

CALLBACK = """
from litellm.integrations.custom_logger import CustomLogger

from helpers.names import NAME


class Handler(CustomLogger):
    name = NAME


handler = Handler()
"""
FILES = {"custom_callbacks.py": CALLBACK, "helpers/names.py": "NAME = 'handler'\n"}
DOCUMENT = {"document": "shared/google", "property": "service-account"}


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    from infra.environment import deploy
    from infra.target import resolve_offline

    monkeypatch.setattr(beside.with_files, "__defaults__", (tmp_path,))
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    gateway = {
        "models": [{"provider": "mock", "name": "mock"}],
        "files": {name: name for name in FILES},
        "secretFiles": {"vertex.json": DOCUMENT},
        "litellmSettings": {"callbacks": ["custom_callbacks.handler"]},
    }
    sections = {"ingress": {"host": "litellm.example.com"}, "gateway": gateway}
    config = load({f"litellm:{key}": json.dumps(value) for key, value in sections.items()}, "dev")
    return run(lambda: deploy(resolve_offline(config, "dev")), preview=True, stack="dev")


def inputs(stack: Recording, kind: str, name: str) -> Any:
    return next(each.inputs for each in stack.resources if each.type.endswith(f":{kind}") and name in each.name)


def test_files_are_an_immutable_config_map_beside_the_configuration(stack: Recording):
    files = inputs(stack, "ConfigMap", "litellm-files")
    assert files["immutable"]
    assert files["data"] == {"custom_callbacks.py": CALLBACK, "helpers__names.py": FILES["helpers/names.py"]}
    pod = inputs(stack, "Deployment", "litellm-deployment")["spec"]["template"]["spec"]
    sources = next(volume["projected"]["sources"] for volume in pod["volumes"] if volume["name"] == "config")
    assert sources[1]["configMap"] == {
        "name": files["metadata"]["name"],
        "items": [
            {"key": "custom_callbacks.py", "path": "custom_callbacks.py"},
            {"key": "helpers__names.py", "path": "helpers/names.py"},
        ],
    }
    mounts = {mount["name"]: mount for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts["config"] == {"name": "config", "mountPath": "/etc/litellm", "readOnly": True}


def test_a_secret_file_comes_out_of_the_store(stack: Recording):
    spec = inputs(stack, "ExternalSecret", "litellm-files")["spec"]
    assert spec["target"]["template"]["data"] == {"vertex.json": "{{ .FILE_0 }}"}
    assert spec["data"][0]["remoteRef"] == {"key": DOCUMENT["document"], "property": DOCUMENT["property"]}
    pod = inputs(stack, "Deployment", "litellm-deployment")["spec"]["template"]["spec"]
    mount = next(mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == "secret-files")
    assert (mount["mountPath"], mount["readOnly"]) == ("/etc/litellm-secrets", True)


def test_litellm_imports_the_files_from_where_they_are(stack: Recording, tmp_path: Path):
    """As the pods have them: all in the folder of config.yaml, which is on the path of Python."""
    folder = tmp_path / "pod"
    folder.mkdir()
    (folder / "config.yaml").write_text(inputs(stack, "ConfigMap", "litellm-config")["data"]["config.yaml"])
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    said = load_with_litellm([folder / "config.yaml"], PYTHONPATH=str(folder))[0]
    assert said.exit_code == 0, said.output
    assert yaml.safe_load((folder / "config.yaml").read_text())["litellm_settings"]["callbacks"]
    (folder / "helpers" / "names.py").unlink()
    assert load_with_litellm([folder / "config.yaml"], PYTHONPATH=str(folder))[0].exit_code != 0
