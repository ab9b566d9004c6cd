"""What LiteLLM's own config.yaml can say, a stack file can say."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.config.gateway import beside
from infra.workloads import config_file
from tests.unit.infra.config.test_sweep import MOCK, config, refusal

KEYS = {"GEMINI_API_KEY": {"document": "shared/providers", "property": "gemini"}}


def model(**given: Any) -> dict[str, Any]:
    return {"provider": "litellm", "name": "chat", **given}


def entry(given: dict[str, Any], **sections: Any) -> dict[str, Any]:
    """The entry in LiteLLM's `model_list`."""
    return config(gateway={"models": [given]}, **sections).gateway.model_list[0]


def written(**gateway: Any) -> dict[str, Any]:
    """The config.yaml of a stack."""
    return yaml.safe_load(config_file(config(gateway=gateway)))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(beside, "PROJECT", tmp_path)
    monkeypatch.setattr(beside.with_files, "__defaults__", (tmp_path,))
    (tmp_path / "litellm").mkdir()
    return tmp_path


@pytest.mark.parametrize("several", [{"replicas": 2}, {"workers": 2}, {"autoscaling": {"min": 1, "max": 3}}])
def test_a_deleted_key_works_for_ten_seconds_more_where_another_process_may_not_know(several: dict[str, Any]) -> None:
    settings = written(models=[MOCK], allowMemoryBelowFloor=True, **several)["general_settings"]
    assert settings["user_api_key_cache_ttl"] == 10


def test_one_process_knows_at_once() -> None:
    assert "user_api_key_cache_ttl" not in written(models=[MOCK])["general_settings"]
    assert written(models=[MOCK], revocationSeconds=5)["general_settings"]["user_api_key_cache_ttl"] == 5


def test_what_litellms_own_setting_says_wins() -> None:
    own = {"user_api_key_cache_ttl": 120}
    assert written(models=[MOCK], replicas=2, generalSettings=own)["general_settings"]["user_api_key_cache_ttl"] == 120


def test_two_times_of_revocation_contradict_each_other() -> None:
    own = {"user_api_key_cache_ttl": 120}
    message = refusal(gateway={"models": [MOCK], "replicas": 2, "revocationSeconds": 5, "generalSettings": own})
    assert "revocationSeconds is 5, but generalSettings.user_api_key_cache_ttl" in message


def test_any_provider_is_written_as_litellm_writes_it() -> None:
    given = model(model="gemini/gemini-2.5-pro", apiKey="GEMINI_API_KEY", params={"rpm": 10}, info={"mode": "chat"})
    assert entry(given, providerDocuments=KEYS) == {
        "model_name": "chat",
        "litellm_params": {"model": "gemini/gemini-2.5-pro", "api_key": "os.environ/GEMINI_API_KEY", "rpm": 10},
        "model_info": {"mode": "chat"},
    }


@pytest.mark.parametrize("name", ["*", "gpt-4o", "azure_ai/command-r-plus", "groq/llama-3.3-70b", "auto_router/one"])
def test_a_model_may_be_whatever_litellm_routes(name: str) -> None:
    given = entry(
        model(model=name), secretEnvironment=dict.fromkeys(("GROQ_API_KEY", "OPENAI_API_KEY"), KEYS["GEMINI_API_KEY"])
    )
    assert given["litellm_params"] == {"model": name}


def test_an_unknown_prefix_is_refused_with_the_nearest_and_never_repeated() -> None:
    message = refusal(gateway={"models": [model(model="gemnii/gemini-2.5-pro")]})
    assert "did you mean gemini?" in message
    assert "gemnii" not in message


def test_a_prefix_may_be_of_a_provider_of_ones_own() -> None:
    entry(model(model="acme/llama", apiBase="http://llama:8000/v1", params={"custom_llm_provider": "openai"}))
    handlers = [{"provider": "acme", "custom_handler": "litellm.acme.handler"}]
    config(
        gateway={
            "models": [model(model="acme/llama")],
            "litellmSettings": {"custom_provider_map": handlers},
        }
    )


def test_azure_needs_no_key_with_entra_id() -> None:
    azure = {
        "provider": "azure",
        "name": "chat",
        "model": "gpt-4o",
        "apiBase": "https://a.openai.azure.com",
        "apiKey": None,
    }
    assert "api_key" not in entry(azure)["litellm_params"]


@pytest.mark.parametrize("name", ["gemini_api_key", "GeminiKey"])
def test_names_of_variables_may_have_lower_case_letters(name: str) -> None:
    given = model(model="gemini/gemini-2.5-pro", apiKey=name)
    assert (
        entry(given, providerDocuments={name: KEYS["GEMINI_API_KEY"]})["litellm_params"]["api_key"]
        == f"os.environ/{name}"
    )


def test_bases_versions_and_regions_may_be_variables() -> None:
    azure = {
        "provider": "azure",
        "name": "chat",
        "model": "gpt-4o",
        "apiBase": "os.environ/AZURE_API_BASE",
        "apiVersion": "os.environ/AZURE_API_VERSION",
        "apiKey": None,
    }
    bedrock = {"provider": "bedrock", "name": "chat", "model": "a.b", "region": "os.environ/BEDROCK_REGION"}
    variables = {
        "AZURE_API_BASE": "https://a.openai.azure.com",
        "AZURE_API_VERSION": "2024-10-21",
        "BEDROCK_REGION": "us-east-1",
    }
    entries = config(gateway={"models": [azure, bedrock], "environment": variables}).gateway.model_list
    assert entries[0]["litellm_params"]["api_base"] == "os.environ/AZURE_API_BASE"
    assert entries[1]["litellm_params"]["aws_region_name"] == "os.environ/BEDROCK_REGION"
    message = refusal(gateway={"models": [azure, bedrock]})
    assert all(name in message for name in variables)


def test_a_variable_within_a_longer_text_has_to_be_supplied_too() -> None:
    endpoint = {
        "path": "/rerank",
        "target": "https://a.example.com",
        "headers": {"Authorization": "Bearer os.environ/RERANK_KEY"},
    }
    settings = {"generalSettings": {"pass_through_endpoints": [endpoint]}}
    assert "os.environ/RERANK_KEY, which nothing supplies" in refusal(gateway=settings)
    config(gateway=settings, providerDocuments={"RERANK_KEY": KEYS["GEMINI_API_KEY"]})


def test_every_other_section_is_written_beside_ours() -> None:
    servers = {"docs": {"url": "https://mcp.example.com"}}
    content = written(config={"mcp_servers": servers, "guardrails": [{"guardrail_name": "pii"}]})
    assert content["mcp_servers"] == servers
    assert content["guardrails"] == [{"guardrail_name": "pii"}]
    assert content["general_settings"]["master_key"] == "os.environ/LITELLM_MASTER_KEY"


def test_a_section_refers_to_variables_that_somebody_supplies() -> None:
    section = {
        "mcp_servers": {"docs": {"url": "https://a.example.com", "authentication_token": "os.environ/MCP_TOKEN"}}
    }
    assert "os.environ/MCP_TOKEN, which nothing supplies" in refusal(gateway={"config": section})


@pytest.mark.parametrize(
    ("gateway", "says"),
    [
        ({"config": {"guardrial": []}}, "did you mean guardrails?"),
        ({"config": {"general_settings": {}}}, "general_settings is written in gateway.generalSettings"),
        ({"config": {"model_list": []}}, "model_list is written in gateway.models"),
        ({"config": {"environment_variables": {}}}, "environment_variables is written in gateway.environment"),
        ({"litellmSettings": {"mcp_servers": {}}}, "move mcp_servers to gateway.config.mcp_servers"),
        ({"generalSettings": {"litellm_settings": {}}}, "move litellm_settings to gateway.litellmSettings"),
    ],
)
def test_a_section_in_the_wrong_place_is_refused_with_the_right_one(gateway: dict[str, Any], says: str) -> None:
    assert says in refusal(gateway=gateway)


FILE = """
model_list:
  - model_name: shared
    litellm_params: {model: groq/llama-3.3-70b, api_key: os.environ/GROQ_API_KEY}
  - model_name: mock
    litellm_params: {model: openai/other, api_base: "http://a.example.com"}
litellm_settings: {drop_params: true, num_retries: 1}
general_settings: {master_key: os.environ/LITELLM_MASTER_KEY}
guardrails: [{guardrail_name: pii}]
"""


def test_a_file_of_litellm_is_laid_under_the_stack_file(project: Path) -> None:
    (project / "litellm" / "config.yaml").write_text(FILE)
    gateway = {"configFile": "litellm/config.yaml", "models": [MOCK], "litellmSettings": {"num_retries": 3}}
    loaded = config(gateway=gateway, providerDocuments={"GROQ_API_KEY": KEYS["GEMINI_API_KEY"]}).gateway
    assert [(model["model_name"], model["litellm_params"]["model"]) for model in loaded.model_list] == [
        ("mock", "openai/mock"),
        ("shared", "groq/llama-3.3-70b"),
    ]
    assert loaded.litellm_settings == {"drop_params": True, "num_retries": 3}
    assert loaded.config == {"guardrails": [{"guardrail_name": "pii"}]}


def test_a_file_of_litellm_is_checked_like_the_stack_file(project: Path) -> None:
    text = FILE.replace("drop_params: true", "drop_params: true, api_key: hunter2").replace("guardrails", "guardrials")
    (project / "litellm" / "config.yaml").write_text(text)
    message = refusal(gateway={"configFile": "litellm/config.yaml"})
    assert "litellmSettings.api_key: looks like a secret" in message
    assert "did you mean guardrails?" in message
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("path", "content", "says"),
    [
        ("litellm/config.yaml", None, "cannot be read"),
        ("/etc/passwd", None, "must be the path of a file of this project"),
        ("../config.yaml", None, "must be the path of a file of this project"),
        ("litellm/config.yaml", b"a: [hunter2", "is no YAML at its line"),
        ("litellm/config.yaml", b"hunter2", "must have sections"),
        ("litellm/config.yaml", b"\xff\xfe", "is no text"),
        ("litellm/config.yaml", b"# " + b"x" * 1_000_000, "has 1000002 bytes, and a ConfigMap takes 1000000"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_not_quoted(
    project: Path, path: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (project / path).write_bytes(content)
    message = refusal(gateway={"configFile": path})
    assert f"gateway.configFile: {says}" in message
    assert "hunter2" not in message


def test_several_thousand_models_are_no_trouble() -> None:
    models = [model(name=f"chat-{index}", model="vertex_ai/gemini") for index in range(3000)]
    assert len(config(gateway={"models": models}).gateway.model_list) == 3000
