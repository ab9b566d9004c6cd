"""LiteLLM itself loads the configuration files that we make (`litellm --config FILE --validate_config`)."""

from pathlib import Path
from typing import Any

import pytest

from components.gateway.proxy_config import coordination_redis, proxy_config
from infra.config.gateway.settings import GatewayConfig
from tests.litellm_env import load, load_texts, load_with_command
from tests.litellm_warnings import EXPECTED, unexpected, warnings
from tests.program.conftest import recording_of
from tests.program.stacks import FILES as STACK_FILES
from tests.program.stacks import ROOT, name_of

IN_CLUSTER = "http://vllm.models.svc.cluster.local:8000/v1"

MODELS: list[dict[str, Any]] = [
    {"provider": "openai", "name": "gpt", "model": "gpt-4o", "params": {"rpm": 100, "tpm": 100000, "weight": 2}},
    {"provider": "openai", "name": "openai/*", "model": "*"},
    {
        "provider": "azure",
        "name": "gpt",
        "model": "gpt-4o-eu",
        "apiBase": "https://example.openai.azure.com",
        "apiVersion": "2024-10-21",
        "info": {"base_model": "azure/gpt-4o"},
    },
    {"provider": "anthropic", "name": "claude", "model": "claude-sonnet-4-6"},
    {
        "provider": "bedrock",
        "name": "claude",
        "model": "anthropic.claude-sonnet-4-20250514-v1:0",
        "region": "eu-central-1",
    },
    {
        "provider": "openrouter",
        "name": "gemini",
        "model": "google/gemini-pro",
        "apiBase": "https://openrouter.ai/api/v1",
    },
    {
        "provider": "vllm",
        "name": "llama",
        "model": "meta-llama/Llama-3.1-8B-Instruct",
        "apiBase": IN_CLUSTER,
        "apiKey": "VLLM_API_KEY",
        "params": {"guardrails": ["message_trimming"]},
    },
    {"provider": "vllm", "name": "keyless", "model": "openai/gpt-oss-20b", "apiBase": IN_CLUSTER},
    {"provider": "openai-compatible", "name": "local", "model": "llama3", "apiBase": "http://ollama:11434/v1"},
    {"provider": "mock", "name": "mock", "response": "Hello: 'there', #1"},
]


def rendered(redis: dict[str, str] | None = None, **values: Any) -> str:
    gateway = GatewayConfig.model_validate({"models": MODELS, **values})
    return proxy_config(
        models=gateway.model_list,
        request_timeout=gateway.request_timeout,
        database_connection_pool_limit=gateway.database_connection_pool_limit,
        store_model_in_db=gateway.store_model_in_db,
        redis=redis,
        litellm_settings=gateway.litellm_settings,
        router_settings=gateway.router_settings,
        general_settings=gateway.general_settings,
    )


FILES = {
    "every provider": rendered(),
    "no models": rendered(models=[]),
    "shared Redis": rendered(coordination_redis()),
    "shared Redis over TLS": rendered(coordination_redis(tls=True, username=True)),
    "settings": rendered(
        coordination_redis(),
        storeModelInDb=False,
        litellmSettings={
            "drop_params": True,
            "num_retries": 2,
            "cache": True,
            "cache_params": {"type": "redis", "ttl": 60},
        },
        routerSettings={"routing_strategy": "least-busy", "fallbacks": [{"gpt": ["claude"]}]},
        generalSettings={"alerting_threshold": 300, "database_connection_timeout": 30},
    ),
}


BESIDE: dict[str, str] = {}
"""Files that the pods have beside config.yaml, by their path."""

for path in STACK_FILES:
    maps = [each.inputs for each in recording_of(path).of("kubernetes:core/v1:ConfigMap")]
    FILES[f"stack {name_of(path)}"] = next(
        each["data"]["config.yaml"] for each in maps if "config.yaml" in each["data"]
    )
    for files in (each["data"] for each in maps if each["metadata"].get("name", "").startswith("litellm-files")):
        BESIDE |= {key.replace("__", "/"): text for key, text in files.items()}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("configs")
    for file, text in BESIDE.items():
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)
    return load_texts(FILES, folder)


@pytest.mark.parametrize("name", FILES)
def test_litellm_loads_what_we_render(loaded: Any, name: str) -> None:
    assert loaded[name].exit_code == 0, loaded[name].output


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("stack ")])
def test_litellm_warns_of_nothing_that_is_not_explained(loaded: Any, name: str) -> None:
    """As far as it goes without a database; tests/e2e/keyed/test_smoke.py reads the log of a gateway that has one."""
    assert unexpected(loaded[name].output) == []


def test_what_litellm_warns_of_is_in_the_documentation(loaded: Any) -> None:
    said = {message for each in loaded.values() for message in warnings(each.output)}
    text = (ROOT / "docs" / "litellm.md").read_text()
    for expected in EXPECTED:
        assert any(message.startswith(expected) for message in said), f"LiteLLM says it no more: {expected}"
        assert f"`{expected}`" in text


@pytest.mark.parametrize("name", FILES)
def test_litellm_drops_none_of_the_models(loaded: Any, name: str) -> None:
    """It leaves out a model that it cannot use, and still says that the file is fine."""
    assert loaded[name].models == FILES[name].count("model_name:"), loaded[name].output


BROKEN = {
    "no model list entry is complete": "model_list:\n- model_name: a\n",
    "no YAML": 'model_list: "\n',
    "unknown routing strategy": "model_list: []\nrouter_settings: {routing_strategy: no-such}\n",
    "Redis without a host": "model_list: []\ngeneral_settings: {coordination_redis: {port: 1}}\n",
}


def test_litellm_refuses_broken_files(tmp_path: Path) -> None:
    """Or the tests above would prove nothing."""
    said = load_texts(BROKEN, tmp_path)
    assert {name: each.exit_code for name, each in said.items()} == dict.fromkeys(BROKEN, 1)


def test_a_model_that_litellm_cannot_use_is_missing_from_its_count(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("model_list:\n- {model_name: a, litellm_params: {model: no-such-provider/x, api_key: none}}\n")
    (said,) = load([file])
    assert (said.exit_code, said.models) == (0, 0)


def test_the_command_says_the_same_as_many_files_in_one_process(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(FILES["every provider"])
    bad.write_text(BROKEN["no model list entry is complete"])
    for file, several in zip((good, bad), load([good, bad]), strict=True):
        alone = load_with_command(file)
        assert (alone.exit_code, alone.models) == (several.exit_code, several.models)
