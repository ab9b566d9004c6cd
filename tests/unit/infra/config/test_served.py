"""Settings of LiteLLM that name something which is not there are mistakes, and are found before anything is made."""

from typing import Any

import pytest

from tests.unit.infra.config.test_litellm_entries import KEYS, model
from tests.unit.infra.config.test_sweep import MOCK, config, refusal

NOBODY = "names a model that no entry serves"


@pytest.mark.parametrize(
    ("gateway", "where"),
    [
        ({"routerSettings": {"fallbacks": [{"mock": ["another"]}]}}, "routerSettings.fallbacks[0]"),
        ({"routerSettings": {"fallbacks": [{"mock": ["mock"]}, {"another": ["mock"]}]}}, "routerSettings.fallbacks[1]"),
        ({"litellmSettings": {"fallbacks": [{"mock": [{"model": "another"}]}]}}, "litellmSettings.fallbacks[0]"),
        ({"litellmSettings": {"context_window_fallbacks": [{"mock": ["another"]}]}}, "context_window_fallbacks[0]"),
        ({"litellmSettings": {"default_fallbacks": ["another"]}}, "litellmSettings.default_fallbacks"),
        ({"routerSettings": {"model_group_alias": {"chat": "another"}}}, "routerSettings.model_group_alias"),
        (
            {"routerSettings": {"model_group_alias": {"chat": {"model": "another", "hidden": True}}}},
            "model_group_alias",
        ),
        ({"generalSettings": {"completion_model": "another"}}, "generalSettings.completion_model"),
        (
            {"models": [{**MOCK, "params": {"auto_router_default_model": "another"}}]},
            "models[0].params.auto_router_default_model",
        ),
        ({"models": [{**MOCK, "params": {"silent_model": ["mock", "another"]}}]}, "models[0].params.silent_model"),
        (
            {"models": [{**MOCK, "params": {"quality_router_config": {"default_model": "another"}}}]},
            "quality_router_config.default_model",
        ),
    ],
)
def test_a_model_that_no_entry_serves_is_refused_with_its_place(gateway: dict[str, Any], where: str) -> None:
    message = refusal(gateway=gateway)
    assert f"{where}: {NOBODY}" in message
    assert "another" not in message


@pytest.mark.parametrize(
    "gateway",
    [
        {"routerSettings": {"fallbacks": [{"mock": ["mock"]}, {"*": ["mock"]}]}},
        {"routerSettings": {"model_group_alias": {"chat": "mock"}, "fallbacks": [{"chat": ["mock"]}]}},
        {"routerSettings": {"fallbacks": [{"mock": ["another"]}]}, "modelsInDatabase": ["another"]},
        {"routerSettings": {"fallbacks": [{"mock": ["openai/gpt-4o"]}]}, "modelsInDatabase": ["openai/*"]},
        {"routerSettings": {"fallbacks": [{"mock": ["anything"]}]}, "models": [{**MOCK, "name": "*"}]},
    ],
)
def test_a_model_that_somebody_serves_may_be_named(gateway: dict[str, Any]) -> None:
    config(gateway=gateway)


@pytest.mark.parametrize(
    ("redis", "variable"),
    [
        ({"kind": "none"}, "REDIS_HOST"),
        ({"kind": "none"}, "REDIS_PASSWORD"),
        ({"kind": "existing", "host": "redis.example.com"}, "REDIS_PASSWORD"),
        ({"kind": "in-cluster"}, "REDIS_URL"),
        ({"kind": "in-cluster"}, "DIRECT_URL"),
    ],
)
def test_settings_may_not_refer_to_what_this_stack_does_not_set(redis: dict[str, str], variable: str) -> None:
    settings = {"generalSettings": {"anything": f"os.environ/{variable}"}}
    assert f"os.environ/{variable}, which" in refusal(gateway=settings, redis=redis)


def test_what_nobody_else_may_supply_is_not_asked_of_anybody_else() -> None:
    for redis, variable in (({"kind": "none"}, "REDIS_PASSWORD"), ({"kind": "in-cluster"}, "DIRECT_URL")):
        reference = f"os.environ/{variable}"
        said = refusal(gateway={"models": [model(model="a2a/x", params={"password": reference})]}, redis=redis)
        assert "providerKeys" not in said


@pytest.mark.parametrize(
    "variable", ["LITELLM_MASTER_KEY", "LITELLM_SALT_KEY", "DATABASE_URL", "PROXY_BASE_URL", "HOSTNAME", "LITELLM_LOG"]
)
def test_models_and_settings_may_refer_to_what_the_program_sets(variable: str) -> None:
    reference = f"os.environ/{variable}"
    config(
        gateway={"models": [model(model="a2a/x", params={"anything": reference})], "config": {"prompts": [reference]}}
    )


def test_the_url_of_a_database_with_tokens_is_set_by_nobody() -> None:
    tokens = {
        "kind": "existing",
        "host": "a.b.eu-west-1.rds.amazonaws.com",
        "iamAuthentication": True,
    }
    said = refusal(
        database=tokens,
        gateway={"createIamRole": False, "generalSettings": {"database_url": "os.environ/DATABASE_URL"}},
    )
    assert "os.environ/DATABASE_URL, which this stack does not set" in said


def test_a_variable_that_refers_to_another_is_refused() -> None:
    said = refusal(gateway={"environment": {"OPENAI_BASE_URL": "os.environ/BASE"}})
    assert "gateway.environment.OPENAI_BASE_URL: refers to os.environ/NAME" in said


@pytest.mark.parametrize(
    "params",
    [
        {"api_base": "https://os.environ/HOST/v1"},
        {"api_key": "os.environ/MY-KEY"},
        {"aws_region_name": "x os.environ/A"},
    ],
)
def test_a_reference_within_a_text_that_litellm_does_not_read_is_refused(params: dict[str, str]) -> None:
    assert "within a longer text" in refusal(gateway={"models": [model(model="ollama/llama3", params=params)]})


def test_a_reference_within_a_header_is_read() -> None:
    headers = {"Authorization": "Bearer os.environ/UPSTREAM"}
    config(
        gateway={"models": [model(model="ollama/llama3", params={"extra_headers": headers})]},
        secretEnvironment={"UPSTREAM": KEYS["GEMINI_API_KEY"]},
    )


@pytest.mark.parametrize("written", ["$UPSTREAM", "${UPSTREAM}", "$(UPSTREAM)"])
def test_the_words_of_a_shell_are_refused_with_litellms(written: str) -> None:
    said = refusal(gateway={"models": [model(model="ollama/llama3", params={"api_key": written})]})
    assert "write os.environ/NAME" in said


def test_settings_may_refer_to_the_redis_of_the_stack() -> None:
    connection = {
        "host": "os.environ/REDIS_HOST",
        "port": "os.environ/REDIS_PORT",
        "password": "os.environ/REDIS_PASSWORD",
    }
    config(gateway={"litellmSettings": {"cache": True, "cache_params": {"type": "redis", **connection}}})


def test_a_cache_in_a_redis_that_is_not_there_is_refused() -> None:
    assert "litellmSettings.cache: is kept in Redis" in refusal(
        gateway={"litellmSettings": {"cache": True}}, redis={"kind": "none"}
    )
    config(gateway={"litellmSettings": {"cache": True, "cache_params": {"type": "local"}}}, redis={"kind": "none"})


def test_a_write_buffer_in_a_redis_that_is_not_there_is_refused() -> None:
    buffered = {"generalSettings": {"use_redis_transaction_buffer": True}}
    assert "use_redis_transaction_buffer: is kept in Redis" in refusal(gateway=buffered, redis={"kind": "none"})
    config(gateway=buffered)


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"model": "gpt-4o"}, "OPENAI_API_KEY"),
        ({"model": "claude-sonnet-4-5"}, "ANTHROPIC_API_KEY"),
        ({"model": "llama-3", "params": {"custom_llm_provider": "groq"}}, "GROQ_API_KEY"),
    ],
)
def test_a_provider_that_is_known_without_a_prefix_needs_its_key(given: dict[str, Any], variable: str) -> None:
    assert f"nothing supplies {variable}" in refusal(gateway={"models": [model(**given)]})


def test_a_deployment_without_any_key_is_refused() -> None:
    groq = model(model="groq/llama-3.3-70b")
    assert "nothing supplies GROQ_API_KEY" in refusal(gateway={"models": [groq]})
    config(gateway={"models": [groq]}, secretEnvironment={"GROQ_API_KEY": KEYS["GEMINI_API_KEY"]})


@pytest.mark.parametrize(
    "given",
    [
        {"model": "vertex_ai/gemini-2.5-pro", "params": {"vertex_project": "a"}},
        {"model": "ollama/llama3"},
        {"model": "groq/llama-3.3-70b", "params": {"litellm_credential_name": "groq"}},
        {"model": "openai/llama", "apiBase": "http://llama.models.svc:8000/v1"},
    ],
)
def test_a_deployment_that_can_do_without_a_key_needs_none(given: dict[str, Any]) -> None:
    config(gateway={"models": [model(**given)]})


def test_numbers_and_booleans_are_texts_in_the_environment() -> None:
    given = {"MAX_RETRIES": 3, "RATIO": 0.5, "LITELLM_KEY_ROTATION_ENABLED": True}
    assert config(gateway={"environment": given}).gateway.environment == {
        "MAX_RETRIES": "3",
        "RATIO": "0.5",
        "LITELLM_KEY_ROTATION_ENABLED": "true",
    }


def test_a_configuration_that_no_config_map_takes_is_refused() -> None:
    base = f"http://{'a' * 60}.example.com/v1"
    models = [model(name=f"chat-{index}-{'b' * 60}", model="openai/gpt-4o", apiBase=base) for index in range(5000)]
    assert "make a config.yaml of" in refusal(gateway={"models": models})


def test_metrics_are_not_open_through_the_ingress() -> None:
    settings = {"litellmSettings": {"require_auth_for_metrics_endpoint": False}}
    assert "/metrics is open to everybody" in refusal(gateway=settings)
    config(gateway=settings, ingress={"host": None, "enabled": False})
    config(gateway=settings, ingress={"className": "alb"})
    config(gateway={**settings, "allowRequestsWithoutKey": True})


def test_the_operator_may_have_them_as_well() -> None:
    assert config(externalSecrets={"environment": {"GOMAXPROCS": 2}}).external_secrets.environment == {
        "GOMAXPROCS": "2"
    }
