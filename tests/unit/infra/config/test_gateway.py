"""Config key `gateway`: what is accepted, what is refused, and what LiteLLM gets."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from infra.config.gateway.settings import GatewayConfig, bytes_of
from infra.config.load import ConfigError
from infra.config.versions import PINS
from tests.unit.infra.stacks import config

MOCK: dict[str, Any] = {"provider": "mock", "name": "mock"}
KEY = "sk-proj-abcdef0123456789"


def gateway(**values: Any) -> GatewayConfig:
    return GatewayConfig.model_validate({"models": [MOCK], **values})


def refusal(**values: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        gateway(**values)
    return str(refused.value)


def params(**model: Any) -> dict[str, Any]:
    return gateway(models=[{"name": "chat", **model}]).models[0].litellm_params()


def test_defaults_follow_litellms_recommendations() -> None:
    config = gateway()
    assert config.image == PINS["litellm"].image
    assert (config.replicas, config.workers, config.resources.cpu, config.resources.memory) == (1, 1, "1", "4Gi")
    assert (config.request_timeout, config.grace_period, config.database_connection_pool_limit) == (600, 620, 10)


@pytest.mark.parametrize(
    "image",
    [
        "ghcr.io/berriai/litellm",
        "ghcr.io/berriai/litellm:latest",
        "ghcr.io/berriai/litellm:main-latest",
        "ghcr.io/berriai/litellm:main-stable",
        "registry.example.com:5000/litellm",
    ],
)
def test_an_image_that_moves_is_refused_with_one_that_does_not(image: str) -> None:
    assert f"name a version ({PINS['litellm'].image}) or a digest" in refusal(image=image)


@pytest.mark.parametrize(
    "image",
    [
        "ghcr.io/berriai/litellm:v1.2.3",
        "ghcr.io/berriai/litellm:main-v1.82.3-stable",
        "registry.example.com:5000/litellm:build-4711",
        "ghcr.io/berriai/litellm:latest@sha256:" + "0" * 64,
    ],
)
def test_an_image_that_stays_is_accepted(image: str) -> None:
    assert gateway(image=image).image == image


def test_memory_below_the_floor_of_all_workers_is_refused() -> None:
    message = refusal(workers=3, resources={"memory": "8Gi"})
    assert "3 worker(s) need 12Gi" in message
    assert "allowMemoryBelowFloor" in message


def test_memory_below_the_floor_can_be_accepted_by_name() -> None:
    assert gateway(resources={"memory": "1Gi"}, allowMemoryBelowFloor=True).resources.memory == "1Gi"


@pytest.mark.parametrize(
    ("quantity", "expected"), [("4Gi", 2**32), ("4096Mi", 2**32), ("5G", 5e9), ("500m", 0.5), ("7", 7)]
)
def test_quantities_are_compared_in_bytes(quantity: str, expected: float) -> None:
    assert bytes_of(quantity) == expected


def test_a_grace_period_that_cuts_requests_is_refused() -> None:
    assert "must be more than requestTimeout + preStopSeconds (610)" in re.sub(
        r"\s+", " ", refusal(terminationGracePeriodSeconds=610)
    )
    assert gateway(terminationGracePeriodSeconds=611).grace_period == 611


def test_a_gateway_that_could_never_have_a_model_is_refused() -> None:
    assert "models is empty and storeModelInDb is false" in refusal(models=[], storeModelInDb=False)
    assert gateway(models=[]).models == ()


def test_an_entry_repeated_exactly_is_refused() -> None:
    assert "models[1] repeats models[0] exactly" in refusal(models=[MOCK, MOCK])


def test_entries_of_one_name_share_its_load() -> None:
    models = [
        {"provider": "openai", "name": "chat", "model": "gpt-4o"},
        {"provider": "azure", "name": "chat", "model": "gpt-4o", "apiBase": "https://example.openai.azure.com"},
    ]
    assert [model.name for model in gateway(models=models).models] == ["chat", "chat"]


def test_each_provider_reads_its_usual_key() -> None:
    assert params(provider="openai", model="gpt-4o") == {
        "model": "openai/gpt-4o",
        "api_key": "os.environ/OPENAI_API_KEY",
    }
    assert params(provider="anthropic", model="claude-sonnet-4-6")["api_key"] == "os.environ/ANTHROPIC_API_KEY"
    assert params(provider="openrouter", model="google/gemini-pro", apiBase="https://openrouter.ai/api/v1") == {
        "model": "openrouter/google/gemini-pro",
        "api_base": "https://openrouter.ai/api/v1",
        "api_key": "os.environ/OPENROUTER_API_KEY",
    }


def test_azure_is_named_by_deployment_base_and_version() -> None:
    assert params(
        provider="azure", model="chat", apiBase="https://example.openai.azure.com/", apiVersion="2024-10-21"
    ) == {
        "model": "azure/chat",
        "api_base": "https://example.openai.azure.com",
        "api_key": "os.environ/AZURE_API_KEY",
        "api_version": "2024-10-21",
    }


def test_bedrock_uses_the_identity_of_the_pod() -> None:
    assert params(provider="bedrock", model="anthropic.claude-sonnet-4", region="eu-central-1") == {
        "model": "bedrock/anthropic.claude-sonnet-4",
        "aws_region_name": "eu-central-1",
    }


def test_a_vllm_server_in_the_cluster_may_have_a_guardrail_and_no_key() -> None:
    assert params(
        provider="vllm",
        model="openai/gpt-oss-20b",
        apiBase="http://vllm.models.svc.cluster.local:8000/v1",
        params={"guardrails": ["message_trimming"]},
    ) == {
        "model": "hosted_vllm/openai/gpt-oss-20b",
        "api_base": "http://vllm.models.svc.cluster.local:8000/v1",
        "guardrails": ["message_trimming"],
    }


def test_a_server_that_asks_for_no_key_never_gets_openais() -> None:
    """LiteLLM sends OPENAI_API_KEY to any `openai/` model without a key of its own, wherever its base URL points."""
    assert (
        params(provider="openai-compatible", model="llama", apiBase="http://llama.example.com/v1")["api_key"] == "none"
    )


def test_a_compatible_server_may_have_a_key() -> None:
    config = gateway(
        models=[
            {
                "provider": "openai-compatible",
                "name": "llama",
                "model": "llama",
                "apiBase": "https://llama.example.com/v1",
                "apiKey": "LLAMA_KEY",
            }
        ]
    )
    assert config.models[0].litellm_params()["api_key"] == "os.environ/LLAMA_KEY"
    assert config.models[0].variables == {"LLAMA_KEY"}


def test_a_mock_needs_nothing() -> None:
    assert gateway().models[0].variables == frozenset()
    assert params(provider="mock", response="hi") == {"model": "openai/mock", "api_key": "none", "mock_response": "hi"}


def test_variables_of_a_model_include_those_of_its_parameters() -> None:
    model = {
        "provider": "bedrock",
        "name": "chat",
        "model": "x",
        "region": "us-east-1",
        "params": {"aws_secret_access_key": "os.environ/AWS_SECRET_ACCESS_KEY"},
    }
    assert gateway(models=[model]).models[0].variables == {"AWS_SECRET_ACCESS_KEY"}


def test_model_info_is_kept_apart_from_the_parameters() -> None:
    entry = gateway(
        models=[{"provider": "openai", "name": "e", "model": "text-embedding-3-small", "info": {"mode": "embedding"}}]
    ).model_list[0]
    assert entry["model_info"] == {"mode": "embedding"}
    assert "mode" not in entry["litellm_params"]


@pytest.mark.parametrize("value", [KEY, "0123456789abcdef0123456789abcdef", "os.environ/OPENAI_API_KEY"])
def test_a_key_instead_of_its_name_is_refused_and_never_shown(value: str) -> None:
    with pytest.raises(ValidationError) as refused:
        gateway(models=[{"provider": "openai", "name": "chat", "model": "gpt-4o", "apiKey": value}])
    assert "must be the name of an environment variable, such as OPENAI_API_KEY, never the key itself" in str(
        refused.value
    )
    assert value not in str(refused.value)
    assert not isinstance(refused.value.errors()[0]["input"], str), "a message that shows scalars would show the key"


def test_a_secret_by_reference_is_accepted_and_counted() -> None:
    config = gateway(
        generalSettings={
            "drain_endpoint_token": "os.environ/DRAIN_ENDPOINT_TOKEN",
            "master_key": "os.environ/LITELLM_MASTER_KEY",
        },
        litellmSettings={"cache_params": {"password": "os.environ/REDIS_PASSWORD"}},
    )
    assert config.settings_variables == {"DRAIN_ENDPOINT_TOKEN", "LITELLM_MASTER_KEY", "REDIS_PASSWORD"}


def test_variables_of_the_program_cannot_be_overridden() -> None:
    assert "REDIS_HOST is set by the program" in refusal(environment={"REDIS_HOST": "elsewhere"})


def test_a_key_that_litellm_would_not_migrate_is_refused_with_the_way_out():
    """Where there is a salt key it does nothing, without a word to whoever asked."""
    with pytest.raises(ConfigError) as refused:
        config(gateway={"models": [MOCK], "environment": {"LITELLM_MIGRATE_FROM_MASTER_KEY": "os"}})
    said = str(refused.value)
    assert "LITELLM_MIGRATE_FROM_MASTER_KEY: has no effect" in said
    assert "keys.salt.existing" in said


def test_parameters_cannot_contradict_keys_of_their_own() -> None:
    message = refusal(models=[{"provider": "openai", "name": "a", "model": "gpt-4o", "params": {"model": "gpt-4"}}])
    assert "params must not repeat what has a key of its own: model" in message


def test_a_prefix_written_twice_is_refused() -> None:
    message = refusal(models=[{"provider": "anthropic", "name": "a", "model": "anthropic/claude"}])
    assert "model must be without anthropic/" in message


@pytest.mark.parametrize(
    ("provider", "missing"),
    [
        ("azure", "apiBase"),
        ("vllm", "apiBase"),
        ("openai-compatible", "apiBase"),
        ("bedrock", "region"),
        ("openai", "model"),
    ],
)
def test_what_a_provider_cannot_do_without_is_required(provider: str, missing: str) -> None:
    with pytest.raises(ValidationError) as refused:
        gateway(models=[{"provider": provider, "name": "a"}])
    assert missing in {error["loc"][-1] for error in refused.value.errors() if error["type"] == "missing"}


def test_an_unknown_provider_names_those_there_are() -> None:
    assert (
        "'openai', 'anthropic', 'azure', 'bedrock', 'openrouter', 'vllm', 'openai-compatible', 'litellm', 'mock'"
        in refusal(models=[{"provider": "opneai", "name": "a", "model": "b"}])
    )


def test_all_problems_are_found_at_once() -> None:
    with pytest.raises(ValidationError) as refused:
        gateway(image="litellm", replicas=0, startupTimeout="soon", environment={"API-KEY": "x"}, modles=[])
    assert {error["loc"][0] for error in refused.value.errors()} == {
        "image",
        "replicas",
        "startupTimeout",
        "environment",
        "modles",
    }


def test_tolerations_must_make_sense() -> None:
    assert "operator Equal needs a key" in refusal(tolerations=[{"value": "gpu"}])
    assert "takes no value" in refusal(tolerations=[{"operator": "Exists", "key": "a", "value": "b"}])
