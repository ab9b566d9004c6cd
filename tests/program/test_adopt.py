"""From configurations in the style of public ones to a stack file: nothing is lost or shown, and LiteLLM sees the same."""

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.config.gateway import beside
from tests import litellm_env
from tools.adopt import command, live, sources
from tools.adopt.running import Written
from tools.adopt.stack import adopt
from tools.adopt.stores import SecretsManager, Store, Vault
from tools.engine.stack_file import Stack
from tools.offline.mock_engine import Recording
from tools.offline.plan import record
from tools.problem import Problem

GATEWAYS = Path(__file__).parent / "gateways"
FILES = sorted(GATEWAYS.glob("*.yaml"))
FIXTURE = re.compile(r"[\w%/-]*fixture[\w%/-]*")
"""What every value has that must not get out."""

VAULT = Vault()
AWS = SecretsManager.of("eu-west-1", "gateways")

OURS = ("master_key", "database_url", "database_connection_pool_limit", "store_model_in_db", "request_timeout")
"""Settings that the stack file says in words of its own."""


def name_of(path: Path) -> str:
    return path.name.removesuffix(".yaml")


def no_cluster() -> live.Get:
    raise AssertionError("a file needs no cluster")


def adopted(
    source: Path | str, folder: Path, get: Callable[[], live.Get] = no_cluster, store: Store = VAULT
) -> tuple[int, str]:
    said: list[str] = []
    code = command.main(folder, str(source), "mine", store, get, list, said.append)
    return code, "\n".join(said)


def planned(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Recording:
    monkeypatch.setattr(beside.with_files, "__defaults__", (folder,))
    return record(Stack.read(folder, "mine"))


def config_of(recording: Recording) -> str:
    (found,) = [each for each in recording.of("kubernetes:core/v1:ConfigMap") if "config.yaml" in each.inputs["data"]]
    return found.inputs["data"]["config.yaml"]


def original(path: Path) -> Mapping[str, Any]:
    """The configuration of LiteLLM in a fixture."""
    document = yaml.safe_load(path.read_text())
    if document.get("kind") == "ConfigMap":
        return yaml.safe_load(document["data"]["config.yaml"])
    chart = document.get("proxy_config") or document.get("gateway", {}).get("config", {}).get("proxy_config")
    return chart or document


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_no_value_of_a_secret_is_written_or_said(path: Path, tmp_path: Path):
    _, said = adopted(path, tmp_path)
    texts = [said, *(file.read_text() for file in tmp_path.rglob("*") if file.is_file())]
    hidden = {value for value in FIXTURE.findall(path.read_text()) if len(value) > 12 and not value.startswith("vs_")}
    assert [value for value in hidden if any(value in text for text in texts)] == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_what_was_adopted_plans(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    adopted(path, tmp_path)
    assert planned(tmp_path, monkeypatch).resources


Seen = dict[str, dict[str, Any]]
"""By fixture: what LiteLLM makes of it `before` and `after`, with the values that it has, and what it says to that."""


def asked_of_litellm() -> Seen:
    folder = litellm_env.CACHE / "adopted"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    files: list[Path] = []
    variables: dict[str, str] = {}
    with pytest.MonkeyPatch.context() as monkeypatch:
        for path in FILES:
            work = folder / path.stem
            work.mkdir()
            running = sources.read(str(path), no_cluster)
            adopt(running, "mine", VAULT)
            variables |= {name: place.value for name, place in running.secrets.items() if isinstance(place, Written)}
            adopted(path, work)
            (work / "before.yaml").write_text(yaml.safe_dump(dict(original(path))))
            (work / "after.yaml").write_text(config_of(planned(work, monkeypatch)))
            for name, text in running.files.items():
                (work / name).write_text(text)
            files += [work / "before.yaml", work / "after.yaml"]
    known = {name: value for name, value in variables.items() if value} | {"PATH": os.environ["PATH"]}
    script = [str(litellm_env.interpreter()), str(litellm_env.TESTS / "litellm_settings.py"), *map(str, files)]
    done = litellm_env.run(script, litellm_env.environment([file.read_text() for file in files]) | known)
    assert done.returncode == 0, done.stderr[-3000:]
    answers = json.loads(done.stdout.splitlines()[-1])
    loaded = litellm_env.load(files[1::2], **known)
    return {
        path.name: {"before": before, "after": after, "loads": [said.exit_code, said.models, said.output]}
        for path, before, after, said in zip(FILES, answers[::2], answers[1::2], loaded, strict=True)
    }


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    folder = tmp_path_factory.getbasetemp()
    return litellm_env.once(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder, asked_of_litellm)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_litellm_loads_what_was_adopted(seen: Seen, path: Path):
    """`litellm --validate_config` drops a model that it cannot use, and still says that the file is fine."""
    code, models, output = seen[path.name]["loads"]
    assert (code, models) == (0, len(seen[path.name]["before"]["models"])), output


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_litellm_sees_the_same_models(seen: Seen, path: Path):
    both = [seen[path.name][which]["models"] for which in ("before", "after")]
    in_order = [sorted(json.dumps(model, sort_keys=True) for model in models) for models in both]
    assert in_order[0] == in_order[1]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_litellm_sees_every_setting_that_was_there(seen: Seen, path: Path):
    before, after = seen[path.name]["before"], seen[path.name]["after"]
    lost = {
        f"{section}.{name}"
        for section, settings in before["settings"].items()
        if isinstance(settings, dict) and section != "environment_variables"
        for name, value in settings.items()
        if name not in OURS and (after["settings"].get(section) or {}).get(name) != value
    }
    lists = {
        name
        for name, value in before["settings"].items()
        if isinstance(value, list) and after["settings"].get(name) != value
    }
    assert lost | lists == set()


def test_thousands_of_models_are_adopted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    models = [
        {
            "model_name": f"model-{number % 500}",
            "litellm_params": {"model": f"openai/gpt-{number}", "api_key": "os.environ/OPENAI_API_KEY"},
        }
        for number in range(3000)
    ]
    source = tmp_path / "config.yaml"
    source.write_text(json.dumps({"model_list": models}))
    folder = tmp_path / "project"
    folder.mkdir()
    adopted(source, folder)
    assert len(yaml.safe_load(config_of(planned(folder, monkeypatch)))["model_list"]) == 3000


def test_what_cannot_be_said_is_listed_with_its_reason(tmp_path: Path):
    code, said = adopted(GATEWAYS / "helm-external.values.yaml", tmp_path)
    assert code == command.LEFT
    for where in ("imagePullSecrets", "Secret provider-keys"):
        assert where in said


def test_each_secret_comes_with_the_command_that_stores_it(tmp_path: Path):
    _, said = adopted(GATEWAYS / "helm-external.values.yaml", tmp_path)
    assert (
        "kubectl get secret redis -o jsonpath='{.data.password}' | base64 -d | vault kv patch -mount=litellm shared/mine"
        in said
    )
    assert "vault kv patch -mount=litellm shared/mine LITELLM_MASTER_KEY=-" in said
    assert said.count("vault kv put ") == 1, "only the first makes the document"


def test_where_there_is_no_salt_key_the_master_key_stays_the_salt(tmp_path: Path):
    """LiteLLM encrypts with it then: another one would make every stored credential unreadable."""
    adopted(GATEWAYS / "written-keys.yaml", tmp_path)
    keys = yaml.safe_load((tmp_path / "Pulumi.mine.yaml").read_text())["config"]["litellm:keys"]
    assert keys["salt"] == keys["master"]


def test_a_stack_that_is_there_is_not_overwritten(tmp_path: Path):
    (tmp_path / "Pulumi.mine.yaml").write_text("config: {}\n")
    with pytest.raises(Problem, match=r"Pulumi\.mine\.yaml is there already"):
        adopted(GATEWAYS / "gemini.yaml", tmp_path)
    assert (tmp_path / "Pulumi.mine.yaml").read_text() == "config: {}\n"


@pytest.mark.parametrize("text", ["", "just text", "[1]", "a: b", "kind: ConfigMap\ndata: {x: y}", "{", "a: &a [*a]"])
def test_what_is_no_gateway_is_refused_in_a_sentence(tmp_path: Path, text: str):
    source = tmp_path / "source.yaml"
    source.write_text(text)
    with pytest.raises(Problem):
        adopted(source, tmp_path)
    assert not (tmp_path / "Pulumi.mine.yaml").exists()


@pytest.mark.parametrize(
    "text",
    [
        "proxy_config: {}\nnumWorkers: many",
        "proxy_config: {}\nresources: {limits: {memory: lots}}",
        "proxy_config: {}\nautoscaling: {enabled: true, minReplicas: some}",
        "proxy_config: {}\nenvVars: {REDIS_PORT: none}",
        "masterKey: {}\ndatabase: {writer: {host: pg, port: high}}",
    ],
)
def test_a_value_of_another_type_is_refused_in_a_sentence(tmp_path: Path, text: str):
    source = tmp_path / "values.yaml"
    source.write_text(text)
    with pytest.raises(Problem, match="a value of another type"):
        adopted(source, tmp_path)
    assert not (tmp_path / "Pulumi.mine.yaml").exists()


CONFIG = "model_list:\n- {model_name: m, litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY}}\n"
CLUSTER: dict[str, Any] = {
    "/apis/apps/v1/namespaces/ai/deployments/llm": {
        "spec": {
            "replicas": 2,
            "template": {
                "metadata": {"labels": {"app": "llm"}},
                "spec": {
                    "nodeSelector": {"pool": "gateways"},
                    "volumes": [{"name": "config", "configMap": {"name": "llm-config"}}],
                    "containers": [
                        {
                            "name": "litellm",
                            "image": "ghcr.io/berriai/litellm-non_root:v1.105.0",
                            "args": ["--config", "/etc/config.yaml", "--num_workers", "2"],
                            "volumeMounts": [{"name": "config", "mountPath": "/etc"}],
                            "env": [
                                {
                                    "name": "OPENAI_API_KEY",
                                    "valueFrom": {"secretKeyRef": {"name": "keys", "key": "openai"}},
                                },
                                {"name": "LITELLM_LOG", "value": "INFO"},
                            ],
                            "resources": {"requests": {"cpu": "1", "memory": "8Gi"}, "limits": {"memory": "8Gi"}},
                        }
                    ],
                },
            },
        }
    },
    "/api/v1/namespaces/ai/configmaps/llm-config": {"data": {"config.yaml": CONFIG, "helper.py": "NAME = 1\n"}},
    "/api/v1/namespaces/ai/services": {"items": [{"metadata": {"name": "llm"}, "spec": {"selector": {"app": "llm"}}}]},
    "/apis/autoscaling/v2/namespaces/ai/horizontalpodautoscalers": {"items": []},
    "/apis/networking.k8s.io/v1/namespaces/ai/ingresses": {
        "items": [
            {
                "metadata": {"name": "llm", "annotations": {}},
                "spec": {
                    "ingressClassName": "traefik",
                    "rules": [
                        {"host": "llm.example.com", "http": {"paths": [{"backend": {"service": {"name": "llm"}}}]}}
                    ],
                },
            }
        ]
    },
}


def test_what_runs_in_a_cluster_is_adopted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    _, said = adopted("cluster:ai/llm", tmp_path, lambda: CLUSTER.__getitem__)
    config = yaml.safe_load((tmp_path / "Pulumi.mine.yaml").read_text())["config"]
    gateway = config["litellm:gateway"]
    assert (gateway["replicas"], gateway["workers"]) == (2, 2)
    assert gateway["placement"] == {"nodeSelector": {"pool": "gateways"}}
    assert gateway["files"] == {"helper.py": "litellm/mine/helper.py"}
    assert config["litellm:ingress"] == {"host": "llm.example.com", "className": "traefik"}
    assert "kubectl get secret keys -n ai " in said
    assert "gpt-4o" in config_of(planned(tmp_path, monkeypatch))
