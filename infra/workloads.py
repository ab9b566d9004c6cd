"""From the sections of the configuration to the arguments of the components that run in the cluster."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import pulumi

from components.cache.redis import RedisArgs, user_of_redis
from components.cache.users import RedisUserArgs
from components.certificate_files import DATABASE, PROVIDERS, path_of
from components.certificate_files import REDIS as REDIS_AUTHORITIES
from components.certificates import CertificateFile
from components.database.bootstrap import DatabaseBootstrapArgs
from components.database.cloudnative_pg import CloudNativePostgresArgs
from components.database.postgres import PostgresArgs
from components.gateway.autoscaling import Autoscaling
from components.gateway.files import METRICS_SIZE
from components.gateway.gateway import Gateway, GatewayArgs, RedisConnection
from components.gateway.migration import MigrationArgs
from components.gateway.proxy_config import coordination_redis, proxy_config
from components.gateway.wait import AwaitedServer
from components.ingress.http_route import HttpRouteArgs
from components.ingress.ingress import IngressArgs, LoadBalancer
from components.namespace.limits import NamespaceLimitsArgs
from components.pods import PodSettings
from components.sync.restarter import Announced, RestarterArgs
from infra.config.aws_pods import token_region
from infra.config.base import Disk, bytes_of
from infra.config.database.cloudnative import CloudNativePgDatabase
from infra.config.database.common import SecretCredentials, TokenSection
from infra.config.database.existing import ExistingDatabase
from infra.config.database.kinds import DatabaseConfig, InClusterDatabase, pooler_of, takes_tokens
from infra.config.gateway.autoscaling import AutoscalingConfig
from infra.config.gateway.settings import gibibytes
from infra.config.gateway.switches import BUFFER, RUST_VARIABLE
from infra.config.ingress.alb import AlbConfig
from infra.config.ingress.gateway_api import GatewayApiConfig
from infra.config.ingress.settings import IngressConfig
from infra.config.ingress.tls import ENDS_AT
from infra.config.plaintext import ALLOWED
from infra.config.quota import QuotaConfig
from infra.config.redis import ElastiCacheConfig, ExistingRedis, InClusterRedis, NoRedis, RedisConfig
from infra.config.stack import StackConfig
from infra.proxy import proxy_variables
from infra.servers import Servers
from infra.sidecars import seconds_for_database
from infra.turns import ONE_USER, Turn

POSTGRES, POSTGRES_PORT = "postgres", 5432
REDIS, REDIS_PORT = "redis", 6379
"""The servers in the cluster: their Services, in the namespace of the gateway."""

ACCOUNT = "litellm-aws"
"""ServiceAccount of LiteLLM's pods where AWS has to know them before they start. Elsewhere the gateway makes its own."""
GATEWAY, MIGRATION, BOOTSTRAP = "litellm", "litellm-migration", "database-bootstrap"
"""What connects to them."""

DATABASE_LOCK, REDIS_USER, REDIS_LOCK = "database-lock", "redis-user", "redis-lock"
"""What begins and ends a rotation of their passwords."""

ENVIRONMENT, SECRET_FILES, ADMIN, ROLE, REDIS_CONFIG, ACCESS_KEYS = (
    "litellm-env",
    "litellm-files",
    "postgres-admin",
    "postgres-role",
    "redis-config",
    "litellm-access-keys",
)
"""The Secrets of a stack, by what this program calls them."""

RESTARTER = "litellm-restarter"
"""What replaces the gateway's pods when a value changes outside the stack."""

ANNOUNCEMENT = "litellm-rotations"
"""ConfigMap that tells it what an `up` is about to change."""

RELOADED: Mapping[str, str] = {"secret.reloader.stakater.com/auto": "true"}
"""Annotation with which Stakater Reloader does it."""

SMOKE = "litellm-smoke"
"""What the gate of `make up` runs beside the gateway."""

IN_THE_PODS = {
    r"gateway\.environment\.": "",
    r"gateway\.litellmSettings\.": "litellm_settings.",
    r"gateway\.routerSettings\.": "router_settings.",
    r"gateway\.generalSettings\.": "general_settings.",
    r"gateway\.config\.": "",
    r"gateway\.files\.": "",
    r"gateway\.models(\[\d+\])\.params\.": r"model_list\1.litellm_params.",
    r"gateway\.models(\[\d+\])\.info\.": r"model_list\1.model_info.",
    r"gateway\.models(\[\d+\])\.name$": r"model_list\1.model_name",
    r"gateway\.models(\[\d+\])\.model$": r"model_list\1.litellm_params.model",
    r"gateway\.models(\[\d+\])\.apiBase$": r"model_list\1.litellm_params.api_base",
    r"gateway\.models(\[\d+\])\.apiVersion$": r"model_list\1.litellm_params.api_version",
    r"gateway\.models(\[\d+\])\.response$": r"model_list\1.litellm_params.mock_response",
}
"""How what stands in the configuration is called in config.yaml and in the pods."""

IN_THE_INGRESS = {r"ingress\.annotations\.": ""}
IN_THE_ACCOUNT = {r"gateway\.serviceAccountAnnotations\.": ""}

Name = pulumi.Input[str]

DISK_OF_COLLECTOR = Disk("64Mi", "1Gi")

KEEP_ALIVE_MARGIN_SECONDS = 10

KEEP_ALIVE_OF_OTHERS = 650
"""Longer than the load balancers of Google keep an idle connection (600 s), the most patient that is known."""


@dataclass(frozen=True)
class PodAccount:
    """By which ServiceAccount AWS knows LiteLLM's pods."""

    name: Name

    annotations: Mapping[str, pulumi.Input[str]]
    """What the ServiceAccount says to AWS; empty where AWS knows it by its name."""

    identity: pulumi.Input[str]
    """Who the pods are to AWS, which they learn when they start: another one needs other pods."""


def limits(quota: QuotaConfig, namespace: Name) -> NamespaceLimitsArgs:
    args: NamespaceLimitsArgs = {
        "namespace": namespace,
        "quota": quota.hard,
        "default_requests": {"cpu": quota.container_cpu, "memory": quota.container_memory},
        "default_limits": {"memory": quota.container_memory},
    }
    if quota.largest_memory:
        args["largest"] = {"memory": quota.largest_memory}
    return args


def authorities(config: StackConfig, of_rds: str) -> dict[str, str]:
    """Certificates of authorities that pods check servers with, by their file. `of_rds` are those of Amazon RDS."""
    database, found = config.database, dict[str, str]()
    if isinstance(database, TokenSection) and database.has_authorities:
        found[DATABASE] = database.ca_cert_file or of_rds
    if isinstance(config.redis, ExistingRedis) and config.redis.ca_cert_file:
        found[REDIS_AUTHORITIES] = config.redis.ca_cert_file
    if config.gateway.ca_cert_file:
        found[PROVIDERS] = config.gateway.ca_cert_file
    return found


def postgres(
    database: InClusterDatabase, namespace: Name, admin_secret: Name, pod: PodSettings, retain_data: bool
) -> PostgresArgs:
    return {
        "namespace": namespace,
        "image": database.image,
        "admin_secret": admin_secret,
        "resources": database.resources.as_kubernetes(database.disk),
        "max_connections": database.max_connections,
        "storage": database.storage,
        "storage_class": database.storage_class,
        "retain_data": retain_data,
        "pod": pod,
    }


def bootstrap(
    database: DatabaseConfig,
    servers: Servers,
    namespace: Name,
    admin_secret: Name | None,
    role_secret: Name | None,
    pod: PodSettings,
    mark: str | None = None,
    certificates: Sequence[CertificateFile] = (),
    turn: Turn = ONE_USER,
) -> DatabaseBootstrapArgs:
    """`admin_secret` is the Secret that is synced from the store; None when the admin is in a Kubernetes Secret already.
    `role_secret` is None when the role has no password."""
    host, port = servers.database
    args: DatabaseBootstrapArgs = {
        "namespace": namespace,
        "image": database.image,
        "host": host,
        "port": port,
        "database": database.name,
        "sslmode": database.sslmode,
        "admin_secret": admin_secret or "",
        "pod": pod,
    }
    if of_database := [each for each in certificates if each["file"] == DATABASE]:
        args["certificates"] = of_database
    if role_secret is None:
        args["iam_username"] = database.username
    else:
        args["role_secret"] = role_secret
        if turn.alternates:
            args["owner"], args["alternate"] = database.username, database.alternate
    if not isinstance(database, ExistingDatabase):
        return args
    args["admin_database"] = database.admin_database
    if mark:
        args["mark"] = mark
    if isinstance(database.admin, SecretCredentials):
        args["admin_secret"] = database.admin.kubernetes_secret
        args["admin_username_key"] = database.admin.username_key
        args["admin_password_key"] = database.admin.password_key
    return args


def lock(config: StackConfig, bootstrap: DatabaseBootstrapArgs, turn: Turn) -> DatabaseBootstrapArgs:
    """What ends a rotation, from what began it."""
    return {**bootstrap, "drain_seconds": config.gateway.grace_period, "revision": str(turn.number)}


def cloudnative(database: CloudNativePgDatabase, namespace: Name) -> CloudNativePostgresArgs:
    backup, pooler = database.backup, database.pooler
    args: CloudNativePostgresArgs = {
        "namespace": namespace,
        "database": database.name,
        "username": database.username,
        "instances": database.instances,
        "image": database.server_image,
        "storage": database.storage,
        "storage_class": database.storage_class,
        "parameters": database.server_parameters,
        "resources": database.resources.as_kubernetes(database.disk),
        "service_account_annotations": database.service_account_annotations,
    }
    if backup:
        args["backup"] = {
            "destination": backup.destination,
            "endpoint": backup.endpoint,
            "secret": backup.kubernetes_secret,
            "access_key_id_key": backup.access_key_id_key,
            "secret_access_key_key": backup.secret_access_key_key,
            "retention": backup.retention,
            "schedule": backup.schedule,
        }
    if pooler:
        args["pooler_instances"] = pooler.instances
        args["pooler_parameters"] = {
            "default_pool_size": str(pooler.pool_size),
            "max_client_conn": str(pooler.max_connections),
        }
    return args


def redis(config: InClusterRedis, namespace: Name, secret: Name, pod: PodSettings) -> RedisArgs:
    return {
        "namespace": namespace,
        "image": config.image,
        "secret": secret,
        "resources": config.resources.as_kubernetes(config.disk),
        "pod": pod,
    }


def redis_users(
    config: InClusterRedis, servers: Servers, namespace: Name, secret: Name, turn: Turn, pod: PodSettings
) -> RedisUserArgs:
    host, port = servers.redis or (REDIS, REDIS_PORT)
    return {
        "namespace": namespace,
        "image": config.image,
        "host": host,
        "port": port,
        "secret": secret,
        "max_memory_bytes": config.max_memory_bytes,
        "revision": str(turn.number),
        "pod": pod,
    }


def gateway(
    config: StackConfig,
    servers: Servers,
    namespace: Name,
    secret: Name,
    account: PodAccount | None,
    pod: PodSettings,
    secret_files: Name | None = None,
    certificates: Sequence[CertificateFile] = (),
    turn_of_redis: Turn = ONE_USER,
) -> GatewayArgs:
    litellm = config.watched_gateway
    args: GatewayArgs = {
        "namespace": namespace,
        "image": litellm.image,
        "config": config_file(config, turn_of_redis),
        "environment_secret": secret,
        "pod": pod,
        "replicas": litellm.replicas,
        "workers": litellm.workers,
        "resources": litellm.resources.as_kubernetes(disk(config)),
        "tmp_size": litellm.tmp_size,
        "environment": {
            **addresses(config),
            **config.ui.variables,
            **proxy_variables(config, servers),
            **database_login(config, servers),
            **pod_pooler(config),
            **({RUST_VARIABLE: "true"} if litellm.rust else {}),
            **litellm.environment,
        },
        "log_level": litellm.log_level,
        "request_timeout": litellm.request_timeout,
        "pre_stop_seconds": litellm.pre_stop_seconds,
        "grace_period": litellm.grace_period,
        "startup_timeout": litellm.startup_timeout,
        "service_account_annotations": {**litellm.service_account_annotations, **texts_allowed(config, IN_THE_ACCOUNT)},
        "annotations": texts_allowed(config, IN_THE_PODS, variables_allowed(config)),
    }
    args["deployment_annotations"] = {
        **(RELOADED if config.secrets.reload == "reloader" else {}),
        **litellm.deployment_annotations,
    }
    if config.ingress.root_path:
        args["root_path"] = config.ingress.root_path
    if kept := keep_alive_seconds(config):
        args["keep_alive_seconds"] = kept
    args |= containers_beside(config, servers, namespace)
    if recycling := litellm.worker_recycling:
        args["worker_recycling"] = {"max_requests": recycling.max_requests, "jitter": recycling.most_more}
    if connection := redis_connection(config.redis_of_litellm, servers, turn_of_redis):
        args["redis"] = connection
    extras: GatewayArgs = cast(
        "GatewayArgs",
        {
            "extra_volumes": litellm.extra_volumes,
            "extra_volume_mounts": litellm.extra_volume_mounts,
            "extra_containers": litellm.extra_containers,
            "extra_init_containers": litellm.extra_init_containers,
        },
    )
    args |= extras
    if litellm.autoscaling:
        args["autoscaling"] = autoscaling(litellm.autoscaling)
    if litellm.metrics_of_workers or config.monitoring.metrics_port:
        args["metrics_of_workers"] = True
    if config.monitoring.metrics_port:
        args["metrics_port"] = config.monitoring.metrics_port
    if certificates:
        args["certificates"] = certificates
    if litellm.files:
        args["files"] = litellm.files
    if secret_files is not None:
        args["secret_files"] = {"secret": secret_files, "paths": sorted(litellm.secret_files)}
    if account:
        args["service_account"], args["identity"] = account.name, account.identity
    return args


def keep_alive_seconds(config: StackConfig) -> int | None:
    """How long an idle connection to a pod stays open; None for what the component has for nginx and Traefik."""
    if config.gateway.keep_alive_seconds or config.ingress.used_controller != "alb":
        others = config.ingress.used_controller in ("gateway-api", "other")
        return config.gateway.keep_alive_seconds or (KEEP_ALIVE_OF_OTHERS if others else None)
    # Its idle timeout is that of a stream; a pod that closed first would now and then lose a request.
    return config.ingress.stream_timeout(config.gateway.request_timeout) + KEEP_ALIVE_MARGIN_SECONDS


def restarter(
    config: StackConfig, namespace: Name, secrets: Mapping[str, Name], announced: Announced, pod: PodSettings
) -> RestarterArgs:
    return {
        "namespace": namespace,
        "deployment": GATEWAY,
        "secrets": secrets,
        "image": config.gateway.image,
        "announced": announced,
        "pod": pod,
    }


def autoscaling(config: AutoscalingConfig) -> Autoscaling:
    scaling: Autoscaling = {"min": config.min, "max": config.max, "cpu": config.cpu_target}
    if config.prometheus:
        scaling["prometheus"] = {
            "server": config.prometheus,
            "requests_per_second": config.requests_per_second,
            "tokens_per_second": config.tokens,
        }
    return scaling


def migration(
    config: StackConfig,
    servers: Servers,
    namespace: Name,
    secret: Name | None,
    account: PodAccount | None,
    pod: PodSettings,
    certificates: Sequence[CertificateFile] = (),
) -> MigrationArgs:
    """`secret` has the URL of the database; None where it is logged in to with tokens."""
    args: MigrationArgs = {
        "namespace": namespace,
        "image": config.gateway.image,
        "pod": pod,
        "timeout": config.gateway.migration_timeout,
    }
    if certificates:
        args["certificates"] = certificates
    if account and takes_tokens(config.database):
        args["service_account"], args["environment"] = (
            account.name,
            {
                **proxy_variables(config, servers),
                **database_login(config, servers),
            },
        )
    if secret is not None:
        args["environment_secret"] = secret
    return args


def addresses(config: StackConfig) -> dict[str, str]:
    """Where LiteLLM is reached, for its links and the way back from a login; and where its page may be written to, when it is
    served below a path. LiteLLM puts that path behind the URL where it is not there, but for parts of it that need it there."""
    url, path = config.ingress.pages_url, config.ingress.root_path
    below_a_path = path or config.gateway.root_path
    return {
        **({"PROXY_BASE_URL": url} if url else {}),
        **({"SERVER_ROOT_PATH": path} if path else {}),
        **({"LITELLM_UI_PATH": "/tmp/litellm/ui"} if below_a_path else {}),  # noqa: S108 - the pod's own folder
    }


def pod_pooler(config: StackConfig) -> dict[str, str]:
    """What starts a PgBouncer in each pod."""
    given = config.database.pod_pooler
    if given is None:
        return {}
    return {
        "LITELLM_PGBOUNCER_ENABLED": "true",
        "LITELLM_PGBOUNCER_MAX_DB_CONNECTIONS": str(given.max_connections),
    }


def containers_beside(config: StackConfig, servers: Servers, namespace: Name) -> GatewayArgs:
    """What runs beside LiteLLM in its pods."""
    found: dict[str, Any] = {}
    if spend := config.gateway.spend_collector:
        found["spend_collector"] = {
            "on_unavailable": spend.on_unavailable,
            "resources": spend.resources.as_kubernetes(DISK_OF_COLLECTOR),
        }
    if awaited := awaited_database(config, servers, namespace):
        found["awaited_database"] = awaited
    return cast("GatewayArgs", found)


def awaited_database(config: StackConfig, servers: Servers, namespace: Name) -> AwaitedServer | None:
    """The Postgres whose restarts LiteLLM waits for: one in its namespace, or the pooler in front of it."""
    if not (seconds := seconds_for_database(config)):
        return None
    pooler = pooler_of(config.database)
    host, port = (pooler.host, pooler.port) if pooler else servers.database
    return {
        "host": host,
        "address": pulumi.Output.concat(host, ".", namespace, ".svc"),
        "port": port,
        "seconds": seconds,
    }


def database_login(config: StackConfig, servers: Servers) -> dict[str, pulumi.Input[str]]:
    """What LiteLLM logs in to its database with IAM tokens with; empty where it has a URL, in its Secret."""
    database = config.database
    if not takes_tokens(database):
        return {}
    host, port = servers.database
    return database.token_variables | {
        "DATABASE_HOST": host,
        "DATABASE_PORT": pulumi.Output.from_input(port).apply(lambda known: str(int(known))),
        "AWS_REGION": token_region(config),
    }


def variables_allowed(config: StackConfig) -> dict[str, str]:
    """The same for variables of extra containers, as the policy calls them: `container.VARIABLE`."""
    found: dict[str, str] = {}
    for path, reason in sorted(config.allow_plaintext.items()):
        if matched := re.fullmatch(r"gateway\.extra(Init)?Containers\[(\d+)\]\.env\[(\d+)\]\.value", path):
            init, container, variable = matched.groups()
            group = config.gateway.extra_init_containers if init else config.gateway.extra_containers
            given = group[int(container)]
            found[f"{given['name']}.{given['env'][int(variable)]['name']}"] = reason
    return found


def disk(config: StackConfig) -> Disk:
    """What the gateway's pods write to the disk of their node. Metrics with a port of their own are there, too."""
    usual = config.gateway.disk
    metrics = bytes_of(METRICS_SIZE) if config.monitoring.metrics_port else 0
    return replace(usual, most=gibibytes(bytes_of(usual.most) + metrics))


def texts_allowed(
    config: StackConfig, places: Mapping[str, str], more: Mapping[str, str] | None = None
) -> dict[str, str]:
    """For the policy, which sees objects and no configuration: the annotation that names the texts of an object that look like
    secrets and are none."""
    named = {
        re.sub(ours, theirs, path, count=1): reason
        for path, reason in sorted(config.allow_plaintext.items())
        for ours, theirs in places.items()
        if re.match(ours, path)
    } | dict(more or {})
    return {ALLOWED: json.dumps(named)} if named else {}


def config_file(config: StackConfig, turn_of_redis: Turn = ONE_USER) -> str:
    """LiteLLM's config.yaml of a stack."""
    litellm, redis = config.watched_gateway, config.redis_of_litellm
    shared: dict[str, Any] | None = None
    if isinstance(redis, ExistingRedis):
        shared = coordination_redis(
            tls=redis.tls,
            username=bool(redis.username or redis.username_property),
            password=bool(redis.password),
            key_prefix=redis.key_prefix,
            nodes=redis_nodes(redis),
            more=redis_details(redis),
        )
    elif not isinstance(redis, NoRedis):
        shared = coordination_redis(tls=speaks_tls(redis), username=turn_of_redis.alternates)
    return proxy_config(
        models=litellm.model_list,
        request_timeout=litellm.request_timeout,
        database_url=not takes_tokens(config.database),
        database_connection_pool_limit=litellm.database_connection_pool_limit,
        store_model_in_db=litellm.store_model_in_db,
        redis=shared,
        litellm_settings=litellm.litellm_settings,
        router_settings=litellm.router_settings,
        general_settings={
            **litellm.cache_settings,
            **litellm.admission_settings,
            **({BUFFER: True} if getattr(config.redis, "transaction_buffer", False) else {}),
            **page_settings(config),
            **litellm.general_settings,
        },
        sections=litellm.config,
    )


def page_settings(config: StackConfig) -> dict[str, Any]:
    """LiteLLM's `general_settings` of its page, under those of the stack file."""
    proxies = config.ingress.trusted_proxy_ranges
    return {**config.ui.general_settings, **({} if proxies is None else {"trusted_proxy_ranges": list(proxies)})}


def redis_connection(config: RedisConfig, servers: Servers, turn: Turn = ONE_USER) -> RedisConnection | None:
    if servers.redis is None or isinstance(config, NoRedis):
        return None
    host, port = servers.redis
    if not isinstance(config, ExistingRedis):
        user: RedisConnection = {"username": user_of_redis(turn.number)} if turn.alternates else {}
        return {"host": host, "port": port, "tls": speaks_tls(config), **user}
    connection: RedisConnection = {"tls": config.tls}
    if config.host:
        connection |= {"host": host, "port": port}
    if config.username:
        connection["username"] = config.username
    if variables := redis_variables(config):
        connection["variables"] = variables
    return connection


def redis_nodes(config: ExistingRedis) -> dict[str, Any] | None:
    """Where a Redis of several servers is, in LiteLLM's words; None for a single one."""
    if config.sentinel:
        nodes = [[node.host, node.port] for node in config.sentinel.nodes]
        password = {"sentinel_password": "os.environ/REDIS_SENTINEL_PASSWORD"} if config.sentinel.password else {}
        return {"sentinel_nodes": nodes, "service_name": config.sentinel.service, **password}
    if config.cluster:
        return {"startup_nodes": [{"host": node.host, "port": node.port} for node in config.cluster]}
    return None


def redis_details(config: ExistingRedis) -> dict[str, Any]:
    """What else LiteLLM has to know of a Redis: the same in its config.yaml and, by other names, in variables."""
    login = config.iam
    return {
        **({"db": config.database} if config.database else {}),
        **({"ssl_ca_certs": path_of(REDIS_AUTHORITIES)} if config.ca_cert_file else {}),
        **(
            {
                "aws_iam_auth": True,
                "aws_iam_user_name": login.user,
                "aws_iam_cache_name": login.cache,
                "aws_iam_region": login.region,
                "aws_iam_serverless": login.serverless,
            }
            if login
            else {}
        ),
    }


def redis_variables(config: ExistingRedis) -> dict[str, str]:
    """The same for what LiteLLM keeps in Redis by its variables: a cache of answers."""
    found = {f"REDIS_{name.upper()}": str(value) for name, value in redis_details(config).items()}
    nodes = redis_nodes(config) or {}
    if "startup_nodes" in nodes:
        found["REDIS_CLUSTER_NODES"] = json.dumps(nodes["startup_nodes"])
    if "sentinel_nodes" in nodes:
        found |= {
            "REDIS_SENTINEL_NODES": json.dumps(nodes["sentinel_nodes"]),
            "REDIS_SERVICE_NAME": nodes["service_name"],
        }
    return found


def speaks_tls(config: RedisConfig) -> bool:
    return isinstance(config, ElastiCacheConfig) or (isinstance(config, ExistingRedis) and config.tls)


def load_balancer(config: AlbConfig, certificate: pulumi.Input[str] | None) -> LoadBalancer:
    optional: dict[str, Any] = {
        "group_name": config.group_name,
        "certificate_arn": certificate,
        "ssl_policy": config.tls_policy,
    }
    args: dict[str, Any] = {
        "scheme": config.scheme,
        "ssl_redirect": config.ssl_redirect,
        "inbound_cidrs": config.inbound_cidrs,
        "attributes": config.attributes,
        "tags": config.tags,
    }
    return cast("LoadBalancer", args | {key: value for key, value in optional.items() if value is not None})


def ingress_labels(ingress: IngressConfig) -> dict[str, str]:
    """Labels with which the namespace tells the ingress controller what to do with its pods."""
    balanced = ingress.enabled and ingress.used_controller == "alb"
    # Without it a rollout takes old pods away before the load balancer sends anything to the new ones.
    return {"elbv2.k8s.aws/pod-readiness-gate-inject": "enabled"} if balanced else {}


def way_in(config: StackConfig, namespace: Name, gateway: Gateway, host: str) -> dict[str, Any]:
    """What an Ingress and an HTTPRoute have in common, for the host of the stack or for the private one."""
    ingress = config.ingress
    private = host != ingress.host
    ends_at = ingress.tls.ends_at if ingress.tls else None
    told = ends_at == "load-balancer" or (ends_at and ingress.used_controller == "gateway-api")
    optional: dict[str, Any] = {
        "additional_hosts": None if private else ingress.additional_hosts,
        "path": ingress.path or config.gateway.root_path,
        "paths": None if private else ingress.paths,
        "closed_paths": None if private or ingress.used_controller == "other" else ingress.closed_paths,
        "public_port": ingress.public_port,
        "url": None if private else ingress.public_url,
    }
    return {
        "namespace": namespace,
        "host": host,
        "service_name": gateway.service_name,
        "service_port": gateway.port,
        "stream_timeout": ingress.stream_timeout(config.gateway.request_timeout),
        "annotations": {
            **ingress.annotations,
            **({ENDS_AT: ends_at} if told else {}),
            **texts_allowed(config, IN_THE_INGRESS),
        },
    } | {key: value for key, value in optional.items() if value}


def route(
    config: StackConfig, namespace: Name, gateway: Gateway, host: str, attached: GatewayApiConfig
) -> HttpRouteArgs:
    args: dict[str, Any] = {
        "gateway_name": attached.name,
        "gateway_namespace": attached.namespace,
        "tls": config.ingress.tls is not None,
        "wait_until_accepted": config.ingress.wait_for_address,
    }
    if attached.section_name:
        args["section_name"] = attached.section_name
    return cast("HttpRouteArgs", way_in(config, namespace, gateway, host) | args)


def ingress(
    config: StackConfig,
    namespace: Name,
    gateway: Gateway,
    host: str,
    certificate: pulumi.Input[str] | None = None,
    tls_secret: Name | None = None,
) -> IngressArgs:
    """`certificate` is the ARN for a load balancer, `tls_secret` the Secret that is made of a certificate in the store."""
    ingress, tls = config.ingress, config.ingress.tls
    private = ingress.private if ingress.private and ingress.private.host == host else None
    alb = ingress.used_controller == "alb"
    optional: dict[str, Any] = {
        "class_name": (private and private.class_name) or ingress.used_class,
        "controller": ingress.used_controller,
        "load_balancer": load_balancer(ingress.load_balancer, certificate) if alb else None,
        "issuer": tls.issuer if tls else None,
        "issuer_kind": tls.issuer_kind if tls and tls.issuer else None,
        "tls_secret_name": tls_secret or (tls.secret_name if tls else None),
        "tls_ends_at": tls.ends_at if tls else None,
    }
    args: dict[str, Any] = {
        "max_body_megabytes": ingress.max_body_megabytes,
        "wait_for_address": ingress.wait_for_address,
    }
    args |= {key: value for key, value in optional.items() if value is not None}
    return cast("IngressArgs", way_in(config, namespace, gateway, host) | args)
