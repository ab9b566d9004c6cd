"""LiteLLM's config.yaml, from plain data. Secrets appear only as `os.environ/NAME`."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import yaml

Settings = Mapping[str, Any]


def proxy_config(
    *,
    models: Sequence[Settings],
    request_timeout: int,
    database_connection_pool_limit: int,
    store_model_in_db: bool,
    database_url: bool = True,
    redis: Settings | None = None,
    litellm_settings: Settings | None = None,
    router_settings: Settings | None = None,
    general_settings: Settings | None = None,
    sections: Settings | None = None,
) -> str:
    """The text of config.yaml: the same data always gives the same text, whatever the order of its keys.

    Args:
        models: entries of `model_list`; their order is kept, as clients see it.
        request_timeout: seconds after which LiteLLM gives up on a provider.
        database_connection_pool_limit: connections to Postgres of each worker.
        store_model_in_db: whether models may be added at run time.
        database_url: whether the URL of the database is in the environment; otherwise LiteLLM makes it of DATABASE_HOST, ….
        redis: what `coordination_redis` gives; None without Redis.
        litellm_settings: settings over ours.
        router_settings: settings over ours.
        general_settings: settings over ours.
        sections: more sections of the file, by name.
    """
    general: dict[str, Any] = {
        "master_key": "os.environ/LITELLM_MASTER_KEY",
        **({"database_url": "os.environ/DATABASE_URL"} if database_url else {}),
        "database_connection_pool_limit": database_connection_pool_limit,
        "store_model_in_db": store_model_in_db,
        # Both from LiteLLM's "Best practices for production": fewer, larger writes, and no stack traces in the database.
        "proxy_batch_write_at": 60,
        "disable_error_logs": True,
    }
    if redis is not None:
        general["coordination_redis"] = redis
    litellm: dict[str, Any] = {"request_timeout": request_timeout, "json_logs": True, "set_verbose": False}
    ours: dict[str, Any] = {
        "model_list": [in_order(model, first=("model_name", "litellm_params", "model")) for model in models],
        "litellm_settings": in_order(litellm | dict(litellm_settings or {})),
        "router_settings": in_order(router_settings or {}),
        "general_settings": in_order(general | dict(general_settings or {})),
    }
    kept = {name: section for name, section in ours.items() if section or name == "model_list"}
    return yaml.safe_dump(kept | in_order(sections or {}), sort_keys=False, allow_unicode=True, width=120)


def coordination_redis(
    *,
    tls: bool = False,
    username: bool = False,
    password: bool = True,
    key_prefix: str | None = None,
    nodes: Settings | None = None,
    more: Settings | None = None,
) -> dict[str, Any]:
    """`general_settings.coordination_redis`: rate limits, budgets, spend and cooldowns shared by all pods.

    LiteLLM hands this Redis to its router too. It caches no answers: that is `litellm_settings.cache`, which stays off. Named
    in the config, unlike variables `REDIS_*` alone, which LiteLLM drops silently when Redis does not answer at start-up.
    `nodes` say where it is when that is no single host: `sentinel_nodes` and `service_name`, or `startup_nodes`.
    """
    parts = {"host": nodes is None, "port": nodes is None, "password": password, "ssl": tls, "username": username}
    connection = {name: f"os.environ/REDIS_{name.upper()}" for name, wanted in parts.items() if wanted}
    return {**connection, **(nodes or {}), **(more or {}), **({"namespace": key_prefix} if key_prefix else {})}


def in_order(value: Any, first: tuple[str, ...] = ()) -> Any:
    """A copy with the keys of every map sorted, those in `first` before all others. Lists keep their order."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value)
        keys = [*(key for key in first if key in items), *sorted(items.keys() - set(first))]
        return {key: in_order(items[key], first) for key in keys}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [in_order(item, first) for item in cast("Sequence[Any]", value)]
    return value
