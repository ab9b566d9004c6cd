"""LiteLLM's config.yaml as text. Whether LiteLLM accepts it is tested in tests/program/test_litellm_loads_config.py."""

from typing import Any

import yaml

from components.gateway.proxy_config import coordination_redis, proxy_config


def text(**values: Any) -> str:
    settings: dict[str, Any] = {
        "models": [],
        "request_timeout": 600,
        "database_connection_pool_limit": 10,
        "store_model_in_db": True,
    }
    return proxy_config(**settings | values)


def parsed(**values: Any) -> dict[str, Any]:
    return yaml.safe_load(text(**values))


def test_secrets_are_references() -> None:
    general = parsed(redis=coordination_redis())["general_settings"]
    assert general["master_key"] == "os.environ/LITELLM_MASTER_KEY"
    assert general["database_url"] == "os.environ/DATABASE_URL"
    assert general["coordination_redis"]["password"] == "os.environ/REDIS_PASSWORD"


def test_without_a_url_litellm_makes_its_own() -> None:
    """Of DATABASE_HOST and so on, with a token in it: a reference to a variable that is not there would be no help."""
    assert "database_url" not in parsed(database_url=False)["general_settings"]


def test_redis_is_shared_by_parts_and_caches_no_answers() -> None:
    """A URL is slower (BerriAI/litellm#3188), and a cache of answers would be a surprise."""
    config = parsed(redis=coordination_redis(tls=True, username=True))
    assert set(config["general_settings"]["coordination_redis"]) == {"host", "port", "password", "ssl", "username"}
    assert "cache" not in config["litellm_settings"]


def test_without_redis_nothing_mentions_it() -> None:
    assert "redis" not in text().lower()


def test_the_order_of_models_is_kept() -> None:
    names = ["z", "a", "m"]
    models = [{"model_name": name, "litellm_params": {"model": name}} for name in names]
    assert [model["model_name"] for model in parsed(models=models)["model_list"]] == names


def test_the_order_of_keys_never_changes_the_text() -> None:
    """The ConfigMap is named by the hash of the text: a reordered file must not restart pods."""
    one = text(
        general_settings={"a": {"x": 1, "y": 2}, "b": 2},
        models=[{"litellm_params": {"b": 1, "a": 2}, "model_name": "m"}],
    )
    two = text(
        general_settings={"b": 2, "a": {"y": 2, "x": 1}},
        models=[{"model_name": "m", "litellm_params": {"a": 2, "b": 1}}],
    )
    assert one == two


def test_settings_of_the_user_win() -> None:
    config = parsed(
        general_settings={"proxy_batch_write_at": 5}, litellm_settings={"json_logs": False, "drop_params": True}
    )
    assert config["general_settings"]["proxy_batch_write_at"] == 5
    assert config["general_settings"]["disable_error_logs"] is True
    assert config["litellm_settings"] == {
        "json_logs": False,
        "drop_params": True,
        "request_timeout": 600,
        "set_verbose": False,
    }


def test_text_survives_as_it_is() -> None:
    answer = "Grüße: 'no', #1\nüber %s {x} yes"
    config = parsed(models=[{"model_name": "m", "litellm_params": {"model": "openai/m", "mock_response": answer}}])
    assert config["model_list"][0]["litellm_params"]["mock_response"] == answer


def test_no_models_is_an_empty_list() -> None:
    assert parsed()["model_list"] == []
