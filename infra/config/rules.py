"""What can be wrong between the sections of a configuration, each of which is fine by itself."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from components.gateway.proxy_config import proxy_config
from components.secrets.aws_names import arn_field, partition_of
from infra.config.access_rules import (
    custom_keys_are_allowed,
    keys_are_in_a_store_that_is_written,
    models_of_access_are_served,
    names_in_access_are_known,
    readers_fit_the_store,
    what_is_in_the_database_is_read,
)
from infra.config.access_wishes import access_fits_into_a_config_map
from infra.config.aws_pods import ROLE_ANNOTATION, pods_have_their_role, tokens_are_not_overruled
from infra.config.database.common import DocumentCredentials
from infra.config.database.kinds import (
    BOOTSTRAP_CONNECTIONS,
    MIGRATION_CONNECTIONS,
    InClusterDatabase,
    connections_available,
    pooler_of,
)
from infra.config.database.pooler import connections_of_pods, pooler_has_enough
from infra.config.delivery import agents_can_log_in, agents_reach_everything, pods_have_one_account
from infra.config.ephemeral import ephemeral_rules
from infra.config.gateway.keyless import NO_MASTER_KEY_VARIABLE, OFF, no_master_key, open_metrics, without_a_key
from infra.config.gateway.modules import mapping
from infra.config.gateway.served import models_named, models_of_params, served_by_nobody
from infra.config.gateway.switches import (
    BUFFER,
    collectors_have_their_secrets,
    idle_connections_outlive_the_controllers,
    switches_are_said_once,
)
from infra.config.ingress.alb import ALB_MAX_IDLE_SECONDS, certificate_covers
from infra.config.monitoring import (
    headers_are_said_once,
    metrics_are_kept_in,
    metrics_are_there,
    metrics_have_a_key_of_their_own,
    nobody_guesses,
    port_is_free,
    the_key_is_a_viewers,
)
from infra.config.pods import jobs_end
from infra.config.project_files import LARGEST_BYTES
from infra.config.proxy import proxy_is_said_once
from infra.config.shared import shared_fits_together
from infra.config.sources import SOURCES, given_too
from infra.config.stores import existing_store_is_only_read
from infra.config.variables import (
    VARIABLES,
    deployments_have_a_key,
    no_key_is_migrated,
    one_source_per_variable,
    own_variables_are_ours,
    provider_keys_have_a_value,
    references_are_read,
    variables_are_supplied,
)

Finding = tuple[str, str]
"""Where (the path below `litellm:`), and what is wrong, what is allowed and how to mend it."""

SURGE = 1
"""How many pods a rollout of the gateway adds."""

REPLICA_VARIABLE = "DATABASE_URL_READ_REPLICA"


def replicas_share_redis(gateway: Any, redis: Any) -> Iterator[Finding]:
    if gateway.is_alone:
        return
    lone = "each would count rate limits and budgets each for itself"
    if getattr(redis, "coordination", None) is False:
        yield (
            "redis.coordination",
            f"is false, but {gateway.most_replicas} replicas with {gateway.processes_in_words} {lone}: remove it, or use one "
            "replica with one worker",
        )
    if redis.kind == "none":
        yield (
            "redis.kind",
            f"is none, but {gateway.most_replicas} replicas with {gateway.processes_in_words} {lone}: use in-cluster or "
            "existing, or one replica with one worker",
        )


def labels_have_a_namespace(namespace_labels: Any, create_namespace: bool) -> Iterator[Finding]:
    if namespace_labels and not create_namespace:
        yield "namespaceLabels", "are for a namespace that the stack makes, and createNamespace is false: remove them"


def connections_fit(gateway: Any, database: Any) -> Iterator[Finding]:
    limit = database.connection_limit
    available = None if limit is None else connections_available(limit)
    jobs = MIGRATION_CONNECTIONS + BOOTSTRAP_CONNECTIONS
    if pooler := pooler_of(database):
        yield from pooler_has_enough(gateway, database, pooler, SURGE, jobs, available)
        return
    needed = connections_of_pods(gateway, database, SURGE) + jobs
    if available is not None and needed > available and database.pod_pooler:
        yield (
            "database.podPooler.maxConnections",
            f"is {database.pod_pooler.max_connections}: {gateway.most_replicas} pods and one more during a rollout need "
            f"{needed} connections with the migration, but the server has {available}: lower it, or raise "
            "database.maxConnections",
        )
    elif available is not None and needed > available:
        yield (
            "gateway.databaseConnectionPoolLimit",
            f"{gateway.most_replicas} replicas and one more during a rollout, with {gateway.processes_in_words} of "
            f"{gateway.database_connection_pool_limit} connections each, need {needed} connections with the migration, and "
            f"the server has {available}: lower databaseConnectionPoolLimit or replicas, or raise database.maxConnections",
        )


def connections_fit_the_replica(gateway: Any, database: Any) -> Iterator[Finding]:
    replica = getattr(database, "read_replica", None)
    if replica is None or replica.max_connections is None:
        return
    needed = gateway.database_connection_pool_limit * gateway.processes * (gateway.most_replicas + SURGE)
    available = connections_available(replica.max_connections)
    if needed > available:
        yield (
            "database.readReplica.maxConnections",
            f"leaves {available} connections, but {gateway.most_replicas} replicas and one more during a rollout, with "
            f"{gateway.processes_in_words} each, open up to {needed} to the replica, too: raise it, or lower "
            "gateway.databaseConnectionPoolLimit",
        )


def replica_is_named_once(
    database: Any, provider_keys: Any, provider_documents: Any, secret_environment: Any, gateway: Any
) -> Iterator[Finding]:
    if not getattr(database, "read_replica", None):
        return
    for place, _ in given_too([REPLICA_VARIABLE], gateway, provider_keys, provider_documents, secret_environment):
        yield place, "is set by this program: see litellm:database.readReplica"


def tokens_of_redis_have_a_role(gateway: Any, redis: Any) -> Iterator[Finding]:
    if (
        getattr(redis, "iam", None)
        and ROLE_ANNOTATION not in gateway.service_account_annotations
        and gateway.create_iam_role
    ):
        yield (
            "redis.iam",
            "needs an IAM role of the pods that may elasticache:Connect, which a role that this stack makes may not: name one "
            f"in gateway.serviceAccountAnnotations ({ROLE_ANNOTATION}), or set gateway.createIamRole: false where the pods "
            "have one by EKS Pod Identity",
        )


def settings_find_redis(gateway: Any, redis: Any) -> Iterator[Finding]:
    """LiteLLM drops a cache silently when it does not find its server."""
    given = mapping(gateway.litellm_settings.get("cache_params"))
    own = {"host", "url", "redis_startup_nodes", "startup_nodes", "sentinel_nodes", "service_name"} & set(given)
    wanted = gateway.litellm_settings.get("cache") is True and given.get("type", "redis") in ("redis", "redis-semantic")
    if wanted and not own and redis.kind == "none":
        yield (
            "gateway.litellmSettings.cache",
            "is kept in Redis, which this stack does not have: set redis.kind, name a server in cache_params.host, or use "
            "cache_params.type local",
        )
    if gateway.general_settings.get(BUFFER) is True and redis.kind == "none":
        yield (
            f"gateway.generalSettings.{BUFFER}",
            "is kept in Redis, which this stack does not have, so that no pod would start: set redis.kind, or remove it",
        )
    buffered = getattr(redis, "transaction_buffer", False) or gateway.general_settings.get(BUFFER) is True
    if buffered and getattr(redis, "coordination", None) is False:
        yield (
            "redis.coordination",
            "is false, so that LiteLLM does not know the Redis in which it is to gather spend: remove it, or "
            "transactionBuffer",
        )


def models_are_served(gateway: Any) -> Iterator[Finding]:
    router, litellm, general = gateway.router_settings, gateway.litellm_settings, gateway.general_settings
    names = [*(model.name for model in gateway.models), *gateway.models_in_database]
    of_models = (
        (f"models[{index}].params.{setting}", named)
        for index, model in enumerate(gateway.models)
        for setting, named in models_of_params(model.params)
    )
    for where in served_by_nobody((*models_named(router, litellm, general), *of_models), names, gateway.aliases):
        yield (
            f"gateway.{where}",
            "names a model that no entry serves: correct it, add the entry, or, where it is added at run time, name it in "
            "gateway.modelsInDatabase",
        )


def gate_asks_a_model(smoke: Any, gateway: Any) -> Iterator[Finding]:
    names = [*(model.name for model in gateway.models), *gateway.models_in_database]
    if smoke.model and served_by_nobody([("smoke.model", smoke.model)], names, gateway.aliases):
        yield (
            "smoke.model",
            "names a model that no entry serves: correct it, or, where it is added at run time, name it in "
            "gateway.modelsInDatabase",
        )


def page_is_described_once(
    ui: Any, gateway: Any, provider_keys: Any, provider_documents: Any, secret_environment: Any
) -> Iterator[Finding]:
    own = {*ui.variables, *ui.documents, *(["UI_PASSWORD"] if ui.generates else [])}
    for place, _ in given_too(own, gateway, provider_keys, provider_documents, secret_environment):
        yield place, "is set by ui, too: remove one of them"
    for setting in sorted(ui.general_settings.keys() & gateway.general_settings.keys()):
        yield f"gateway.generalSettings.{setting}", "is set by ui, too: remove one of them"


def logins_come_back(ui: Any, ingress: Any) -> Iterator[Finding]:
    """A provider sends the browser to `/sso/callback` of LiteLLM's own URL."""
    if ui.sso is None:
        return
    if not ingress.pages_url:
        yield "ui.sso", "needs a URL to come back to: give ingress.publicUrl, or a way in of the stack's own"
    elif not ingress.private and ("admin" in ingress.closed or not reaches(ingress.paths, "/sso/callback")):
        yield (
            "ui.sso",
            "comes back to /sso/callback, which ingress.closed or ingress.paths keeps from outside: give ingress.private a "
            "host on which nothing is closed, or open it",
        )


def reaches(paths: Iterable[str], path: str) -> bool:
    """Whether one of the open paths leads there; without any all do."""
    given = list(paths)
    return not given or any(f"{path}/".startswith(f"{each.rstrip('/')}/") for each in given)


def config_fits_into_a_config_map(gateway: Any) -> Iterator[Finding]:
    written: dict[str, Any] = {
        "models": gateway.model_list,
        "litellm_settings": gateway.litellm_settings,
        "router_settings": gateway.router_settings,
        "general_settings": gateway.general_settings,
        "sections": gateway.config,
    }
    # YAML of the same data is never three times as long, and takes seconds to write for thousands of models.
    if len(json.dumps(written, default=str)) < LARGEST_BYTES / 3:
        return
    text = proxy_config(
        request_timeout=0, database_connection_pool_limit=0, store_model_in_db=True, redis={}, **written
    )
    if len(text.encode()) > LARGEST_BYTES:
        yield (
            "gateway.models",
            f"and the settings make a config.yaml of {len(text.encode())} bytes, and a ConfigMap takes {LARGEST_BYTES}: use "
            "entries with a pattern (openai/*), or keep models in the database",
        )


def requests_need_a_key(gateway: Any) -> Iterator[Finding]:
    for where, what in no_master_key(gateway.general_settings):
        yield f"gateway.generalSettings.{where}", f"{what}: remove it; the key is litellm:keys.master"
    if gateway.environment.get(NO_MASTER_KEY_VARIABLE) not in OFF:
        yield f"gateway.environment.{NO_MASTER_KEY_VARIABLE}", "lets the gateway start without a master key: remove it"
    if not gateway.allow_requests_without_key:
        for where, what in without_a_key(gateway.general_settings):
            yield (
                f"gateway.generalSettings.{where}",
                f"{what}: remove it, or set gateway.allowRequestsWithoutKey: true where that is meant",
            )


def metrics_are_not_public(gateway: Any, ingress: Any) -> Iterator[Finding]:
    """An internal load balancer is not open to everybody: who scrapes is often behind it."""
    internal = ingress.used_controller == "alb" and ingress.load_balancer.scheme == "internal"
    closed = "metrics" in ingress.closed
    if not ingress.enabled or closed or internal or gateway.allow_requests_without_key:
        return
    if open_metrics(gateway.litellm_settings):
        yield (
            "gateway.litellmSettings.require_auth_for_metrics_endpoint",
            "is false, so that /metrics is open to everybody through the Ingress: remove it, and give the scraper a key, "
            "close it with ingress.closed [metrics], or set gateway.allowRequestsWithoutKey: true where that is meant",
        )


def aws_keeps_what_aws_makes(secrets: Any, database: Any, redis: Any) -> Iterator[Finding]:
    """RDS writes its admin into Secrets Manager, which only that store reads; the region comes from there, too."""
    for section, kind in (("database", database.kind), ("redis", redis.kind)):
        if kind in ("rds", "elasticache") and secrets.kind != "aws":
            yield f"{section}.kind", f"is {kind}, which needs secrets.kind aws: use that store, or kind existing"


def elasticache_takes_its_password_from_the_state(secrets: Any, redis: Any) -> Iterator[Finding]:
    if secrets.generation == "store" and redis.kind == "elasticache":
        yield (
            "secrets.generation",
            "is store, but the provider of AWS keeps the password of redis.kind elasticache in Pulumi's state: use state, or "
            "redis.kind existing, with iam or with a password of your own in the store",
        )


def users_of_elasticache_are_known_to_the_pods(secrets: Any, redis: Any, gitops: bool) -> Iterator[Finding]:
    """Pods keep the user they have, until they are replaced."""
    if redis.kind != "elasticache" or not redis.alternates:
        return
    key = "redis.rotationStrategy"
    if secrets.by_pods:
        yield (
            key,
            f"is alternating-users, but with secrets.delivery {secrets.delivery} a pod of before gets the password of the next "
            "user: use external-secrets, or auth-token",
        )
    if gitops:
        yield key, "is alternating-users, and whose turn it is only Pulumi's state knows, not Argo CD: use auth-token"


def authorities_are_known(secrets: Any, database: Any) -> Iterator[Finding]:
    """The file of authorities that AWS publishes for all of its regions is not for those of other partitions."""
    if not getattr(database, "takes_authorities_of_rds", False):
        return
    region = getattr(database, "rds_region", None) or (secrets.aws.region if secrets.aws else "")
    if partition_of(region) != "aws":
        yield (
            "database.caCertFile",
            "is needed in this region: its authorities are not among those that AWS publishes for the others. Or set "
            "database.sslmode: require, which accepts any certificate",
        )


def rotation_has_a_document(secrets: Any, database: Any) -> Iterator[Finding]:
    """A rotated document is one that this stack writes first."""
    if secrets.aws is None or secrets.aws.rotation is None:
        return
    if isinstance(getattr(database, "credentials", None), DocumentCredentials):
        yield (
            "secrets.aws.rotation",
            "is of LiteLLM's own database document, but database.credentials refers to one that somebody else writes: set "
            "rotation up there, and remove it here",
        )
    if database.kind == "in-cluster":
        yield (
            "secrets.aws.rotation",
            "needs a Postgres that the Lambda function reaches: use database.kind rds or existing, or database.rotation",
        )


def servers_of_aws_are_not_adopted(secrets: Any, database: Any, redis: Any) -> Iterator[Finding]:
    if secrets.kind != "aws" or not secrets.aws.adopt:
        return
    for section, kind in (("database", database.kind), ("redis", redis.kind)):
        if kind in ("rds", "elasticache"):
            yield (
                "secrets.aws.adopt",
                f"does not take over the server of {section}.kind {kind}, and a new one would be empty: refer to the one "
                f"that is there ({section}.kind existing, docs/runbooks/lost-state.md)",
            )


def adopted_values_rotate_in_their_store(
    secrets: Any, keys: Any, database: Any, redis: Any, ui: Any
) -> Iterator[Finding]:
    if not secrets.adopts or secrets.generation == "store":
        return
    sections = {"keys.master": keys.master, "database": database, "redis": redis, "ui.password": ui.password}
    for where, section in sections.items():
        if getattr(section, "rotation", 0):
            yield (
                f"{where}.rotation",
                f"has no effect with secrets.{secrets.kind}.adopt, which takes the values that are there: write another one, "
                "and remove rotation",
            )


def certificate_is_for_the_host(secrets: Any, ingress: Any) -> Iterator[Finding]:
    domain = ingress.load_balancer.certificate_domain
    if ingress.used_controller != "alb" or domain is None:
        return
    if not all(certificate_covers([domain], host) for host in ingress.all_hosts):
        yield (
            "ingress.alb.certificateDomain",
            "is a domain whose certificate is not for ingress.host, or not for all of its hosts: clients would refuse it",
        )
    if secrets.kind != "aws":
        yield (
            "ingress.alb.certificateDomain",
            "is looked up in the region of secrets.aws, which this stack does not have: give certificateArn instead",
        )


def certificate_is_in_the_region(secrets: Any, ingress: Any) -> Iterator[Finding]:
    """A load balancer takes certificates of its own region only, and is where the rest of the stack is."""
    arn = ingress.load_balancer.certificate_arn
    if ingress.used_controller != "alb" or secrets.aws is None or arn is None:
        return
    if arn_field(arn, "region") != secrets.aws.region:
        yield (
            "ingress.alb.certificateArn",
            "is in another region than the stack (secrets.aws.region): a load balancer takes certificates of its own region "
            "only",
        )


def alb_waits_long_enough(gateway: Any, ingress: Any) -> Iterator[Finding]:
    seconds = ingress.stream_timeout(gateway.request_timeout)
    if ingress.used_controller == "alb" and seconds > ALB_MAX_IDLE_SECONDS:
        yield (
            "gateway.requestTimeout",
            f"asks for an idle timeout of {seconds} seconds, but a load balancer of AWS waits for at most "
            f"{ALB_MAX_IDLE_SECONDS}: lower requestTimeout, or set ingress.streamTimeoutSeconds",
        )


def one_path_for_litellm(gateway: Any, ingress: Any) -> Iterator[Finding]:
    given = gateway.environment.get("SERVER_ROOT_PATH")
    if ingress.root_path and given is not None and given != ingress.root_path:
        yield (
            "gateway.environment.SERVER_ROOT_PATH",
            "is another path than that of ingress.path or ingress.publicUrl, which sets it: remove it",
        )


def salt_outlives_the_database(keys: Any, protect: bool) -> Iterator[Finding]:
    if protect and not keys.salt.retain:
        yield (
            "keys.salt.retain",
            "must be true where protect is true: without its salt key, a kept database is unreadable",
        )


def salt_fits_the_database(keys: Any, database: Any, ephemeral: Any) -> Iterator[Finding]:
    if not isinstance(database, InClusterDatabase) and not keys.salt.retain and not ephemeral.wanted:
        yield "keys.salt.retain", "must be true with a database that may outlive the stack"


def given_namespaces_are_left_alone(create_namespace: Any, quota: Any, ephemeral: Any) -> Iterator[Finding]:
    """What would change a namespace that others made, or need one of its own."""
    if create_namespace:
        return
    if quota.hard:
        yield "quota", "limits a namespace that this stack does not make: remove it, or createNamespace: false"
    if ephemeral.wanted:
        yield "createNamespace", "must be true for an environment, which goes with its namespace"


Rule = Callable[..., Iterator[Finding]]

RULES: tuple[tuple[Rule, tuple[str, ...]], ...] = (
    (replicas_share_redis, ("gateway", "redis")),
    (connections_fit, ("gateway", "database")),
    (jobs_end, ("pods", "namespace_labels")),
    (labels_have_a_namespace, ("namespace_labels", "create_namespace")),
    (connections_fit_the_replica, ("gateway", "database")),
    (replica_is_named_once, ("database", *VARIABLES, "gateway")),
    (variables_are_supplied, ("gateway", "database", "redis", "ingress", *VARIABLES)),
    (references_are_read, ("gateway",)),
    (deployments_have_a_key, ("gateway", *VARIABLES)),
    (models_are_served, ("gateway",)),
    (gate_asks_a_model, ("smoke", "gateway")),
    (page_is_described_once, ("ui", "gateway", *VARIABLES)),
    (logins_come_back, ("ui", "ingress")),
    (settings_find_redis, ("gateway", "redis")),
    (switches_are_said_once, ("gateway", "redis")),
    (collectors_have_their_secrets, ("gateway", "secrets")),
    (idle_connections_outlive_the_controllers, ("gateway", "ingress")),
    (tokens_of_redis_have_a_role, ("gateway", "redis")),
    (config_fits_into_a_config_map, ("gateway",)),
    (requests_need_a_key, ("gateway",)),
    (metrics_are_not_public, ("gateway", "ingress")),
    (metrics_are_kept_in, ("monitoring", "network_policy")),
    (metrics_are_there, ("monitoring", "gateway")),
    (metrics_have_a_key_of_their_own, ("monitoring", "keys")),
    (the_key_is_a_viewers, ("monitoring", "access")),
    (port_is_free, ("monitoring",)),
    (nobody_guesses, ("monitoring", "gitops")),
    (headers_are_said_once, ("monitoring", *SOURCES)),
    (one_source_per_variable, ("provider_keys", "provider_documents", "secret_environment")),
    (proxy_is_said_once, ("proxy", *SOURCES)),
    (own_variables_are_ours, ("provider_keys", "provider_documents", "secret_environment", "gateway")),
    (no_key_is_migrated, ("provider_keys", "provider_documents", "secret_environment", "gateway")),
    (provider_keys_have_a_value, ("provider_keys",)),
    (names_in_access_are_known, ("access",)),
    (readers_fit_the_store, ("access", "secrets")),
    (keys_are_in_a_store_that_is_written, ("access", "secrets")),
    (models_of_access_are_served, ("access", "gateway")),
    (custom_keys_are_allowed, ("access", "gateway")),
    (what_is_in_the_database_is_read, ("access", "gateway")),
    (access_fits_into_a_config_map, ("access",)),
    (agents_can_log_in, ("secrets",)),
    (pods_have_one_account, ("secrets", "gateway", "database", *VARIABLES)),
    (
        agents_reach_everything,
        ("secrets", "database", "ingress", "monitoring", "pods", "external_secrets", "ephemeral"),
    ),
    (shared_fits_together, ("shared", "secrets")),
    (existing_store_is_only_read, ("secrets", "keys", "provider_keys", "database", "redis", "ui")),
    (aws_keeps_what_aws_makes, ("secrets", "database", "redis")),
    (elasticache_takes_its_password_from_the_state, ("secrets", "redis")),
    (users_of_elasticache_are_known_to_the_pods, ("secrets", "redis", "gitops")),
    (authorities_are_known, ("secrets", "database")),
    (rotation_has_a_document, ("secrets", "database")),
    (servers_of_aws_are_not_adopted, ("secrets", "database", "redis")),
    (adopted_values_rotate_in_their_store, ("secrets", "keys", "database", "redis", "ui")),
    (pods_have_their_role, ("secrets", "gateway", "database", *VARIABLES)),
    (tokens_are_not_overruled, ("secrets", "gateway", "database", *VARIABLES)),
    (certificate_is_for_the_host, ("secrets", "ingress")),
    (certificate_is_in_the_region, ("secrets", "ingress")),
    (alb_waits_long_enough, ("gateway", "ingress")),
    (one_path_for_litellm, ("gateway", "ingress")),
    (salt_outlives_the_database, ("keys", "protect")),
    (salt_fits_the_database, ("keys", "database", "ephemeral")),
    (given_namespaces_are_left_alone, ("create_namespace", "quota", "ephemeral")),
    (
        ephemeral_rules,
        ("ephemeral", "protect", "keys", "external_secrets", "secrets", "database", "redis", "gateway", "ingress"),
    ),
)


def cross_checks(sections: Mapping[str, Any]) -> Iterator[Finding]:
    """Apply every rule whose sections are all valid by themselves."""
    for rule, names in RULES:
        if all(name in sections for name in names):
            yield from rule(*(sections[name] for name in names))
