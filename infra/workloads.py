"""From the sections of the configuration to the arguments of the components that run in the cluster."""

from typing import Any, cast

import pulumi

from components.cache.redis import RedisArgs
from components.database.bootstrap import DatabaseBootstrapArgs
from components.database.postgres import PostgresArgs
from components.gateway.gateway import Gateway, GatewayArgs, RedisConnection
from components.gateway.migration import MigrationArgs
from components.gateway.proxy_config import coordination_redis, proxy_config
from components.ingress.ingress import IngressArgs
from infra.config.database import DatabaseConfig, InClusterDatabase, SecretCredentials
from infra.config.redis import ExistingRedis, InClusterRedis, RedisConfig
from infra.config.stack import StackConfig
from infra.documents import database_address

REDIS, REDIS_PORT = "redis", 6379
"""The Redis in the cluster: its Service, in the namespace of the gateway."""

Name = pulumi.Input[str]


def postgres(database: InClusterDatabase, namespace: Name, admin_secret: Name, retain_data: bool) -> PostgresArgs:
    return {
        "namespace": namespace,
        "image": database.image,
        "admin_secret": admin_secret,
        "resources": database.resources.as_kubernetes(),
        "max_connections": database.max_connections,
        "storage": database.storage,
        "storage_class": database.storage_class,
        "retain_data": retain_data,
    }


def bootstrap(
    database: DatabaseConfig, namespace: Name, admin_secret: Name | None, role_secret: Name
) -> DatabaseBootstrapArgs:
    """`admin_secret` is the Secret that is synced from the store; None when the admin is in a Kubernetes Secret already."""
    host, port = database_address(database)
    args: DatabaseBootstrapArgs = {
        "namespace": namespace,
        "image": database.image,
        "host": host,
        "port": port,
        "database": database.name,
        "sslmode": database.sslmode,
        "admin_secret": admin_secret or "",
        "role_secret": role_secret,
    }
    if isinstance(database, InClusterDatabase):
        return args
    args["admin_database"] = database.admin_database
    if isinstance(database.admin, SecretCredentials):
        args["admin_secret"] = database.admin.kubernetes_secret
        args["admin_username_key"] = database.admin.username_key
        args["admin_password_key"] = database.admin.password_key
    return args


def redis(config: InClusterRedis, namespace: Name, secret: Name) -> RedisArgs:
    return {
        "namespace": namespace,
        "image": config.image,
        "secret": secret,
        "resources": config.resources.as_kubernetes(),
    }


def gateway(config: StackConfig, namespace: Name, secret: Name) -> GatewayArgs:
    litellm = config.gateway
    args: GatewayArgs = {
        "namespace": namespace,
        "image": litellm.image,
        "config": config_file(config),
        "environment_secret": secret,
        "replicas": litellm.replicas,
        "workers": litellm.workers,
        "resources": litellm.resources.as_kubernetes(),
        "environment": litellm.environment,
        "log_level": litellm.log_level,
        "request_timeout": litellm.request_timeout,
        "pre_stop_seconds": litellm.pre_stop_seconds,
        "grace_period": litellm.grace_period,
        "startup_timeout": litellm.startup_timeout,
        "node_selector": litellm.node_selector,
        "tolerations": tolerations(config),
    }
    if connection := redis_connection(config.redis):
        args["redis"] = connection
    return args


def migration(config: StackConfig, namespace: Name, secret: Name) -> MigrationArgs:
    return {
        "namespace": namespace,
        "image": config.gateway.image,
        "environment_secret": secret,
        "node_selector": config.gateway.node_selector,
        "tolerations": tolerations(config),
        "timeout": config.gateway.startup_timeout,
    }


def config_file(config: StackConfig) -> str:
    """LiteLLM's config.yaml of a stack."""
    litellm, redis = config.gateway, config.redis
    shared: dict[str, str] | None = None
    if isinstance(redis, InClusterRedis):
        shared = coordination_redis()
    elif isinstance(redis, ExistingRedis):
        shared = coordination_redis(tls=redis.tls, username=bool(redis.username), password=bool(redis.password))
    return proxy_config(
        models=litellm.model_list,
        request_timeout=litellm.request_timeout,
        database_connection_pool_limit=litellm.database_connection_pool_limit,
        store_model_in_db=litellm.store_model_in_db,
        redis=shared,
        litellm_settings=litellm.litellm_settings,
        router_settings=litellm.router_settings,
        general_settings=litellm.general_settings,
    )


def redis_connection(config: RedisConfig) -> RedisConnection | None:
    if isinstance(config, InClusterRedis):
        return {"host": REDIS, "port": REDIS_PORT}
    if not isinstance(config, ExistingRedis):
        return None
    connection: RedisConnection = {"host": config.host, "port": config.port, "tls": config.tls}
    if config.username:
        connection["username"] = config.username
    return connection


def tolerations(config: StackConfig) -> list[dict[str, Any]]:
    return [toleration.model_dump(exclude_none=True) for toleration in config.gateway.tolerations]


def ingress(config: StackConfig, namespace: Name, gateway: Gateway) -> IngressArgs:
    ingress, tls = config.ingress, config.ingress.tls
    optional = {
        "issuer": tls.issuer if tls else None,
        "issuer_kind": tls.issuer_kind if tls and tls.issuer else None,
        "tls_secret_name": tls.secret_name if tls else None,
        "public_port": ingress.public_port,
    }
    args: IngressArgs = {
        "namespace": namespace,
        "host": ingress.host or "",
        "class_name": ingress.class_name,
        "service_name": gateway.service_name,
        "service_port": gateway.port,
        "stream_timeout": ingress.stream_timeout(config.gateway.request_timeout),
        "max_body_megabytes": ingress.max_body_megabytes,
        "annotations": ingress.annotations,
        "wait_for_address": ingress.wait_for_address,
    }
    return cast("IngressArgs", args | {key: value for key, value in optional.items() if value is not None})
