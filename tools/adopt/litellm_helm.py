"""Values of LiteLLM's chart `litellm-helm`: one Deployment."""

from collections.abc import Mapping
from typing import Any

from tools.adopt.charts import leave_the_rest, read_account, read_common
from tools.adopt.running import Elsewhere, InSecret, Running, Tree, Written, at, list_at, tree_at
from tools.adopt.way_in import read_ingress
from tools.adopt.workload import NO_KEY, read_database_url, read_environment, read_image, read_variable, sslmode

OWN_KEYS = (
    *("proxy_config", "proxyConfigMap", "masterkey", "masterkeySecretName", "masterkeySecretKey", "image"),
    *("environmentSecrets", "environmentConfigMaps", "envVars", "extraEnvVars", "db", "redis", "ingress", "postgresql"),
)


def is_litellm_helm(values: Mapping[str, Any]) -> bool:
    return any(key in values for key in ("proxy_config", "proxyConfigMap", "masterkeySecretName", "environmentSecrets"))


def from_litellm_helm(values: Mapping[str, Any]) -> Running:
    running = Running(config=tree_at(values, "proxy_config"))
    if at(values, "proxyConfigMap.create") is False:
        running.leave(
            "proxyConfigMap",
            "the configuration is in a ConfigMap of its own: adopt that file, or the running Deployment",
        )
    repository, tag = at(values, "image.repository"), at(values, "image.tag")
    if repository or tag:
        read_image(running, f"{repository or 'ghcr.io/berriai/litellm-database'}{f':{tag}' if tag else ''}", "image")
    read_master_key(running, values)
    running.whole_secrets += [str(name) for name in list_at(values, "environmentSecrets")]
    for name in list_at(values, "environmentConfigMaps"):
        running.leave("environmentConfigMaps", f"write what the ConfigMap {name} holds into gateway.environment")
    for name, value in tree_at(values, "envVars").items():
        read_variable(running, name, value, "envVars")
    read_environment(running, list_at(values, "extraEnvVars"), "extraEnvVars")
    read_database(running, tree_at(values, "db"))
    read_redis(running, tree_at(values, "redis"))
    read_common(running, values, "")
    read_account(running, tree_at(values, "serviceAccount"), "serviceAccount")
    leave_the_rest(running, values, OWN_KEYS, "")
    ingress = tree_at(values, "ingress")
    if ingress.get("enabled"):
        if ingress.get("labels"):
            running.leave("ingress.labels", NO_KEY)
        read_ingress(
            running,
            str(ingress.get("className", "nginx") or ""),
            list_at(ingress, "hosts"),
            list_at(ingress, "tls"),
            tree_at(ingress, "annotations"),
            "ingress",
        )
    return running


def read_master_key(running: Running, values: Mapping[str, Any]) -> None:
    key = str(values.get("masterkeySecretKey") or "masterkey")
    if values.get("masterkey"):
        running.secrets["LITELLM_MASTER_KEY"] = Written(str(values["masterkey"]), "masterkey")
    elif name := values.get("masterkeySecretName") or made_secret(values):
        running.secrets["LITELLM_MASTER_KEY"] = InSecret(str(name), key)
    else:
        running.secrets["LITELLM_MASTER_KEY"] = Elsewhere(f"key {key} of Secret …-masterkey, which the chart made")


def made_secret(values: Mapping[str, Any]) -> str | None:
    """Name of the Secret that the chart makes for the master key, where it does not follow from the release's name."""
    name = values.get("fullnameOverride")
    return f"{name}-masterkey" if name else None


def read_database(running: Running, database: Mapping[str, Any]) -> None:
    if not database.get("useExisting"):
        if database.get("deployStandalone", True) and running.database is None:
            running.database = {"kind": "in-cluster"}
            running.leave(
                "db.deployStandalone",
                "the data of the chart's own Postgres: the stack starts with an empty one; dump and restore it",
            )
        return
    url = str(database.get("url") or "")
    host, _, port = str(database.get("endpoint") or "").partition(":")
    running.database = {
        "host": host,
        "port": int(port or 5432),
        "name": str(database.get("database") or "litellm"),
        "sslmode": sslmode(running, url.rpartition("sslmode=")[2].partition("&")[0]),
    }
    secret = tree_at(database, "secret")
    read_credentials(running, secret.get("name") or "postgres", secret)
    if url and "$(" not in url:
        for name in ("DATABASE_USERNAME", "DATABASE_PASSWORD"):
            running.secrets.pop(name)
        read_database_url(running, url, "db.url")
    if secret.get("endpointKey"):
        del running.database["host"]
        running.secrets["DATABASE_HOST"] = InSecret(str(secret.get("name") or "postgres"), str(secret["endpointKey"]))
    read_pooler(running.database, tree_at(database, "connectionPool"))
    for key in ("readReplicaUrl", "useStackgresOperator"):
        if database.get(key):
            running.leave(f"db.{key}", NO_KEY)
    if secret.get("readReplicaUrlKey") or secret.get("readReplicaEndpointKey"):
        running.leave("db.secret", f"the read replica: {NO_KEY}")


def read_pooler(database: Tree, pool: Mapping[str, Any]) -> None:
    """LiteLLM's PgBouncer in each pod."""
    if pool.get("enabled"):
        database["podPooler"] = {"maxConnections": int(pool.get("maxDbConnections") or 20)}


def read_redis(running: Running, redis: Mapping[str, Any]) -> None:
    """The chart's own Redis. What it holds are counters and a cache."""
    if not redis.get("enabled"):
        return
    running.redis = {"kind": "in-cluster"}
    if at(redis, "sentinel.enabled") or redis.get("architecture") == "replication":
        running.leave(
            "redis", "sentinels or replicas there: the stack has one server, or yours with redis.kind existing"
        )


def read_credentials(running: Running, name: Any, keys: Mapping[str, Any]) -> None:
    """User and password of a database, out of the Secret that has them."""
    running.secrets["DATABASE_USERNAME"] = InSecret(str(name), str(keys.get("usernameKey") or "username"))
    running.secrets["DATABASE_PASSWORD"] = InSecret(str(name), str(keys.get("passwordKey") or "password"))
