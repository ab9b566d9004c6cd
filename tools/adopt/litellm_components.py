"""Values of LiteLLM's chart `litellm`, with a component for each part. Its backend and its pages are the same gateway here."""

from collections.abc import Mapping
from typing import Any

from tools.adopt.charts import is_set, leave_the_rest, leave_the_rest_of_the_job, read_account, read_common
from tools.adopt.litellm_helm import read_credentials, read_pooler
from tools.adopt.running import InSecret, Running, at, list_at, tree_at
from tools.adopt.way_in import read_ingress
from tools.adopt.workload import read_environment, read_pull_secrets, sslmode

OWN_KEYS = ("gateway", "backend", "ui", "masterKey", "database", "redis", "ingress", "serviceAccounts")
OF_THE_GATEWAY = ("config", "extraEnv", "envSecrets", "envConfigMaps", "image")
NOT_OF_A_PASSWORD = {
    "useIAMAuth": "tokens there: set database.iamAuthentication and resourceId, and remove database.credentials",
    "useAzureEntraAuth": "tokens there: the stack logs in with a password",
    "sslRootCert": "with sslmode verify-full, set database.caCertFile to a file beside the stack file",
}
HPA = {"enabled": True, "minReplicas": 1, "maxReplicas": 10, "targetCPUUtilizationPercentage": 70}
"""What the chart does where the values say nothing."""

VARIABLES = ("extraEnv", "envSecrets", "envConfigMaps")


def is_litellm(values: Mapping[str, Any]) -> bool:
    return isinstance(values.get("masterKey"), Mapping) or at(values, "gateway.config") is not None


def from_litellm(values: Mapping[str, Any]) -> Running:
    gateway = {"hpa": HPA, **tree_at(values, "gateway")}
    running = Running(config=tree_at(gateway, "config.proxy_config"))
    if at(gateway, "config.create") is False:
        running.leave(
            "gateway.config",
            "the configuration is in a ConfigMap of its own: adopt that file, or the running Deployment",
        )
    read_pull_secrets(running, values, "values")
    for part in ("backend", "gateway"):
        read_variables(running, tree_at(values, part), f"{part}.")
    if at(gateway, "image.tag"):
        running.leave(
            "gateway.image", "an image of one component: the stack takes this program's default version of all"
        )
    master = tree_at(values, "masterKey")
    running.secrets["LITELLM_MASTER_KEY"] = InSecret(
        str(master.get("secretName") or "litellm-master-key-secret"), str(master.get("secretKey") or "master-key")
    )
    read_database(running, tree_at(values, "database"))
    read_redis(running, tree_at(values, "redis"))
    read_common(running, gateway, "gateway.")
    read_account(running, tree_at(values, "serviceAccounts.gateway"), "serviceAccounts.gateway")
    leave_the_rest(running, values, OWN_KEYS, "")
    leave_the_rest(running, gateway, OF_THE_GATEWAY, "gateway.")
    leave_the_rest_of_the_job(running, tree_at(values, "migrationJob"))
    leave_other_components(running, values)
    ingress = tree_at(values, "ingress")
    if ingress.get("enabled"):
        read_ingress(
            running,
            str(ingress.get("className") or ingress.get("controller") or ""),
            [{"host": ingress.get("host"), "paths": list_at(ingress, "extraPaths")}],
            list_at(ingress, "tls"),
            tree_at(ingress, "annotations"),
            "ingress",
        )
    return running


def read_variables(running: Running, component: Mapping[str, Any], prefix: str) -> None:
    read_environment(running, list_at(component, "extraEnv"), f"{prefix}extraEnv")
    names = [str(name) for name in list_at(component, "envSecrets")]
    running.whole_secrets += [name for name in names if name not in running.whole_secrets]
    for name in list_at(component, "envConfigMaps"):
        running.leave(f"{prefix}envConfigMaps", f"write what the ConfigMap {name} holds into gateway.environment")


def leave_other_components(running: Running, values: Mapping[str, Any]) -> None:
    for part, read in (("backend", VARIABLES), ("ui", ())):
        component = tree_at(values, part)
        given = sorted(key for key in set(component) - {*read, "enabled"} if is_set(component[key]))
        if given:
            running.leave(part, f"{', '.join(given)}: it is the same gateway here, sized by gateway")
    for part in ("backend", "ui"):
        if any(is_set(value) for value in tree_at(values, f"serviceAccounts.{part}").values()):
            running.leave(f"serviceAccounts.{part}", "it is the same gateway here, with one ServiceAccount")


def read_database(running: Running, database: Mapping[str, Any]) -> None:
    writer = tree_at(database, "writer")
    if writer.get("host"):
        running.database = {
            "host": str(writer["host"]),
            "port": int(writer.get("port") or 5432),
            "name": str(writer.get("dbname") or "litellm"),
            "sslmode": sslmode(running, str(writer.get("sslMode") or "")),
        }
        secret = tree_at(writer, "passwordSecret")
        read_credentials(running, secret.get("name") or "litellm-writer-secret", secret)
    for key, why in NOT_OF_A_PASSWORD.items():
        if writer.get(key):
            running.leave(f"database.writer.{key}", why)
    reader = tree_at(database, "reader")
    if running.database and writer.get("schema"):
        running.database["schema"] = str(writer["schema"])
    if running.database and reader.get("host"):
        running.database["readReplica"] = {"host": str(reader["host"]), "port": int(reader.get("port") or 5432)}
        if reader.get("passwordSecret"):
            running.leave("database.reader.passwordSecret", "the read replica has the login of the server here")
    if running.database:
        read_pooler(running.database, tree_at(database, "connectionPool"))


def read_redis(running: Running, redis: Mapping[str, Any]) -> None:
    if not redis.get("host"):
        return
    running.redis = {"host": str(redis["host"]), "port": int(redis.get("port") or 6379)}
    if name := at(redis, "passwordSecret.name"):
        running.secrets["REDIS_PASSWORD"] = InSecret(
            str(name), str(at(redis, "passwordSecret.passwordKey") or "password")
        )
    if redis.get("cluster"):
        running.redis = {"cluster": [running.redis]}
