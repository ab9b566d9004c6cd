"""LiteLLM's own Helm charts, by their values: `litellm-helm`, and `litellm` with a component for each part."""

from collections.abc import Mapping
from typing import Any

from tools.adopt.running import InSecret, Running, Written, at, list_at, tree_at
from tools.adopt.workload import (
    read_environment,
    read_image,
    read_ingress,
    read_placement,
    read_resources,
    read_variable,
    sslmode,
)

NO_KEY = "the stack file has no key for it"

COMMON = (
    *(
        "replicaCount",
        "replicas",
        "numWorkers",
        "autoscaling",
        "keda",
        "resources",
        "logLevel",
        "terminationGracePeriodSeconds",
    ),
    *("nodeSelector", "tolerations", "affinity", "topologySpreadConstraints", "priorityClassName", "hostAliases"),
    *("imagePullSecrets", "initContainers", "serviceAccount", "volumes", "volumeMounts", "extraContainers"),
    *(
        "extraInitContainers",
        "extraResources",
        "podAnnotations",
        "podLabels",
        "lifecycle",
        "command",
        "args",
        "strategy",
    ),
    *("collector", "metricsServer", "serviceMonitor", "billingMetrics"),
)
"""What is looked at in the values of both charts."""

MADE_ANYWAY = (
    *(
        "nameOverride",
        "fullnameOverride",
        "service",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "podSecurityContext",
    ),
    *("securityContext", "migrationJob", "pdb", "postgresql", "deploymentAnnotations", "deploymentLabels", "enabled"),
    *("deploymentMinReadySeconds", "serviceAccounts", "backend", "ui", "image", "hpa"),
)
"""What this program has an answer of its own for: names, probes, restrictions, migrations, disruption budgets."""

LITELLM_HELM = (
    *("proxy_config", "proxyConfigMap", "masterkey", "masterkeySecretName", "masterkeySecretKey", "environmentSecrets"),
    *("environmentConfigMaps", "envVars", "extraEnvVars", "db", "redis", "ingress"),
)
LITELLM = ("gateway", "masterKey", "database", "redis", "ingress")
LITELLM_GATEWAY = ("config", "extraEnv", "envSecrets", "envConfigMaps")


def is_litellm_helm(values: Mapping[str, Any]) -> bool:
    return any(key in values for key in ("proxy_config", "proxyConfigMap", "masterkeySecretName", "environmentSecrets"))


def is_litellm(values: Mapping[str, Any]) -> bool:
    return isinstance(values.get("masterKey"), Mapping) or at(values, "gateway.config") is not None


def from_litellm_helm(values: Mapping[str, Any]) -> Running:
    """Values of the chart `litellm-helm`."""
    running = Running(config=tree_at(values, "proxy_config"))
    if at(values, "proxyConfigMap.create") is False:
        running.leave(
            "proxyConfigMap",
            "the configuration is in a ConfigMap of its own: adopt that file, or the running Deployment",
        )
    if workers := values.get("numWorkers"):
        running.gateway["workers"] = int(workers)
    read_common(running, values, "")
    repository, tag = at(values, "image.repository"), at(values, "image.tag")
    if repository:
        read_image(running, f"{repository}:{tag}" if tag else str(repository), "image")
    if values.get("masterkey"):
        running.secrets["LITELLM_MASTER_KEY"] = Written(str(values["masterkey"]), "masterkey")
    elif name := values.get("masterkeySecretName"):
        running.secrets["LITELLM_MASTER_KEY"] = InSecret(
            str(name), str(values.get("masterkeySecretKey") or "masterkey")
        )
    running.whole_secrets += [str(name) for name in list_at(values, "environmentSecrets")]
    for name in list_at(values, "environmentConfigMaps"):
        running.leave("environmentConfigMaps", f"write what the ConfigMap {name} holds into gateway.environment")
    for name, value in tree_at(values, "envVars").items():
        read_variable(running, name, value, "envVars")
    read_environment(running, list_at(values, "extraEnvVars"), "extraEnvVars")
    read_helm_database(running, tree_at(values, "db"))
    leave_the_rest(running, values, LITELLM_HELM, "")
    if at(values, "redis.enabled"):
        running.redis = {"kind": "in-cluster"}
    ingress = tree_at(values, "ingress")
    if ingress.get("enabled"):
        read_ingress(
            running,
            str(ingress.get("className") or ""),
            list_at(ingress, "hosts"),
            list_at(ingress, "tls"),
            tree_at(ingress, "annotations"),
            "ingress",
        )
    return running


def from_litellm(values: Mapping[str, Any]) -> Running:
    """Values of the chart `litellm`. Its backend and its pages are the same gateway here."""
    gateway = tree_at(values, "gateway")
    running = Running(config=tree_at(gateway, "config.proxy_config"))
    if workers := gateway.get("numWorkers"):
        running.gateway["workers"] = int(workers)
    read_common(running, gateway, "gateway.")
    if values.get("imagePullSecrets"):
        running.leave("imagePullSecrets", NO_KEY)
    master = tree_at(values, "masterKey")
    running.secrets["LITELLM_MASTER_KEY"] = InSecret(
        str(master.get("secretName") or "litellm-master-key-secret"), str(master.get("secretKey") or "master-key")
    )
    read_environment(running, list_at(gateway, "extraEnv"), "gateway.extraEnv")
    running.whole_secrets += [str(name) for name in list_at(gateway, "envSecrets")]
    for name in list_at(gateway, "envConfigMaps"):
        running.leave("gateway.envConfigMaps", f"write what the ConfigMap {name} holds into gateway.environment")
    leave_the_rest(running, values, LITELLM, "")
    leave_the_rest(running, gateway, LITELLM_GATEWAY, "gateway.")
    writer = tree_at(values, "database.writer")
    if writer.get("host"):
        running.database = {
            "host": str(writer["host"]),
            "port": int(writer.get("port") or 5432),
            "name": str(writer.get("dbname") or "litellm"),
            "sslmode": sslmode(str(writer.get("sslMode") or "")),
        }
        secret = tree_at(writer, "passwordSecret")
        from_secret(running, secret.get("name") or "litellm-writer-secret", secret)
    for key in ("useIAMAuth", "useAzureEntraAuth", "schema", "sslRootCert"):
        if writer.get(key):
            running.leave(f"database.writer.{key}", "set what fits in database")
    if at(values, "database.reader.host"):
        running.leave("database.reader", NO_KEY)
    redis = tree_at(values, "redis")
    if redis.get("host"):
        running.redis = {"host": str(redis["host"]), "port": int(redis.get("port") or 6379)}
        if name := at(redis, "passwordSecret.name"):
            running.secrets["REDIS_PASSWORD"] = InSecret(
                str(name), str(at(redis, "passwordSecret.passwordKey") or "password")
            )
    ingress = tree_at(values, "ingress")
    if ingress.get("enabled"):
        read_ingress(
            running,
            str(ingress.get("className") or ingress.get("controller") or ""),
            [{"host": ingress.get("host")}],
            list_at(ingress, "tls"),
            tree_at(ingress, "annotations"),
            "ingress",
        )
    return running


def leave_the_rest(running: Running, values: Mapping[str, Any], known: tuple[str, ...], prefix: str) -> None:
    """Nothing that was set goes without a word."""
    for key in sorted(set(values) - {*known, *COMMON, *MADE_ANYWAY}):
        if values[key]:
            running.leave(f"{prefix}{key}", NO_KEY)


def read_common(running: Running, values: Mapping[str, Any], prefix: str) -> None:
    """What both charts call alike."""
    for name in ("replicaCount", "replicas"):
        if name in values:
            running.gateway["replicas"] = int(values[name])
    autoscaling = tree_at(values, "autoscaling")
    if autoscaling.get("enabled"):
        running.gateway["replicas"] = int(autoscaling.get("minReplicas") or 1)
        running.leave(
            f"{prefix}autoscaling", "the stack has its lowest number of replicas, and does not scale by itself"
        )
    if at(values, "keda.enabled"):
        running.leave(f"{prefix}keda", NO_KEY)
    read_resources(running, tree_at(values, "resources"), f"{prefix}resources")
    read_placement(running, values, prefix.rstrip(".") or "values")
    if level := values.get("logLevel"):
        running.gateway["logLevel"] = str(level).upper()
    if seconds := values.get("terminationGracePeriodSeconds"):
        running.leave(
            f"{prefix}terminationGracePeriodSeconds",
            f"{int(seconds)} there; here it follows from gateway.requestTimeout",
        )
    if annotations := tree_at(values, "serviceAccount.annotations"):
        running.gateway["serviceAccountAnnotations"] = {key: str(value) for key, value in annotations.items()}
    for key in (
        *(
            "volumes",
            "volumeMounts",
            "extraContainers",
            "extraInitContainers",
            "extraResources",
            "podAnnotations",
            "podLabels",
        ),
        *("lifecycle", "command", "args", "strategy"),
    ):
        if values.get(key):
            running.leave(f"{prefix}{key}", NO_KEY)
    for key in ("collector", "metricsServer", "serviceMonitor", "billingMetrics"):
        if at(values, f"{key}.enabled"):
            running.leave(f"{prefix}{key}", NO_KEY)


def read_helm_database(running: Running, database: Mapping[str, Any]) -> None:
    if not database.get("useExisting"):
        if database.get("deployStandalone"):
            running.leave(
                "db.deployStandalone",
                "the data of the chart's own Postgres: the stack starts with an empty one; dump and restore it",
            )
        return
    host, _, port = str(database.get("endpoint") or "").partition(":")
    running.database = {
        "host": host,
        "port": int(port or 5432),
        "name": str(database.get("database") or "litellm"),
        "sslmode": sslmode(str(database.get("url") or "").rpartition("sslmode=")[2].partition("&")[0]),
    }
    secret = tree_at(database, "secret")
    from_secret(running, secret.get("name") or "postgres", secret)
    if secret.get("endpointKey"):
        running.leave("db.secret.endpointKey", "the host is in a Secret: set database.host")
    if database.get("readReplicaUrl") or secret.get("readReplicaUrlKey"):
        running.leave("db.readReplicaUrl", NO_KEY)
    if at(database, "connectionPool.enabled"):
        running.leave("db.connectionPool", NO_KEY)


def from_secret(running: Running, name: Any, keys: Mapping[str, Any]) -> None:
    running.secrets["DATABASE_USERNAME"] = InSecret(str(name), str(keys.get("usernameKey") or "username"))
    running.secrets["DATABASE_PASSWORD"] = InSecret(str(name), str(keys.get("passwordKey") or "password"))
