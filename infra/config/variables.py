"""Variables of the gateway: whatever settings refer to is supplied by somebody, by one, and where LiteLLM reads it."""

import re
from collections.abc import Iterator
from typing import Any

from infra.config.aws_pods import ROLE_ANNOTATION
from infra.config.database.kinds import takes_tokens
from infra.config.gateway.models import LiteLLM
from infra.config.gateway.settings import OWN_VARIABLES as SET_FROM_OTHER_KEYS
from infra.config.plaintext import REFERENCE, referenced_variables
from infra.config.sources import given_too
from infra.config.words import name

Finding = tuple[str, str]
"""Where (the path below `litellm:`), and what is wrong, what is allowed and how to mend it."""

EXPANDED = re.compile(r"\$(\{[A-Za-z_]\w*\}|\([A-Za-z_]\w*\)|[A-Za-z_]\w*)")
"""How shells and Kubernetes refer to a variable."""

VARIABLES = ("provider_keys", "provider_documents", "secret_environment")
"""Sections with the gateway's secret variables."""

OWN_VARIABLES = {
    "LITELLM_MASTER_KEY": "litellm:keys.master",
    "LITELLM_SALT_KEY": "litellm:keys.salt",
    "DATABASE_URL": "litellm:database",
    "REDIS_PASSWORD": "litellm:redis",
}


OF_EVERY_POD = frozenset(
    {
        *("HOME", "HOSTNAME", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "PATH"),
        *("DISABLE_SCHEMA_UPDATE", "GRACEFUL_SHUTDOWN_TIMEOUT", "LITELLM_LOG", "LITELLM_MODE"),
        *("LITELLM_MASTER_KEY", "LITELLM_SALT_KEY"),
    }
)
"""Variables that the gateway has whatever its configuration says."""

OF_A_ROLE = ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE")
"""Variables that AWS puts into pods whose ServiceAccount has an IAM role."""

NOT_SET = {
    **dict.fromkeys(
        SET_FROM_OTHER_KEYS | {"DATABASE_URL"},
        "which this stack does not set, and nobody else may: remove the reference",
    ),
    **dict.fromkeys(
        ("REDIS_HOST", "REDIS_PASSWORD", "REDIS_PORT", "REDIS_SSL", "REDIS_URL", "REDIS_USERNAME"),
        "which this stack does not set, as its redis is described: give redis.kind another value (in-cluster, existing), give "
        "redis.password and redis.username where its server asks for them, or use a variable with another name",
    ),
    "DIRECT_URL": "which this stack does not set: its migration Job goes to the server of litellm:database itself. Remove the "
    "reference",
}
"""Variables of the program that a stack may be without, and what to do about a setting that refers to one."""


def variables_of_redis(redis: Any) -> set[str]:
    """Variables that the gateway has of its Redis."""
    if redis.kind == "none":
        return set()
    asked = redis.kind != "existing" or redis.password
    named = redis.kind == "existing" and (redis.username or redis.username_property)
    single = redis.kind != "existing" or redis.host
    return {
        *(("REDIS_HOST", "REDIS_PORT") if single else ()),
        "REDIS_SSL",
        *(["REDIS_PASSWORD"] if asked else []),
        *(["REDIS_USERNAME"] if named else []),
    }


def variables_of_the_program(gateway: Any, database: Any, redis: Any, ingress: Any) -> set[str]:
    """Variables that the gateway has without anybody naming them."""
    tokens = takes_tokens(database)
    with_role = ROLE_ANNOTATION in gateway.service_account_annotations
    return {
        *OF_EVERY_POD,
        *variables_of_redis(redis),
        *((*database.token_variables, "DATABASE_HOST", "DATABASE_PORT", "AWS_REGION") if tokens else ("DATABASE_URL",)),
        *(("PROXY_BASE_URL",) if ingress.enabled else ()),
        *(("DATABASE_URL_READ_REPLICA",) if getattr(database, "read_replica", None) else ()),
        *(OF_A_ROLE if with_role else ()),
    }


def variables_are_supplied(
    gateway: Any,
    database: Any,
    redis: Any,
    ingress: Any,
    provider_keys: Any,
    provider_documents: Any,
    secret_environment: Any,
) -> Iterator[Finding]:
    supplied = {
        *variables_of_the_program(gateway, database, redis, ingress),
        *provider_keys,
        *provider_documents,
        *secret_environment,
        *gateway.environment,
    }
    for index, model in enumerate(gateway.models):
        for variable in sorted(set(model.variables) - supplied):
            yield f"gateway.models[{index}]", not_set(variable) or needed(variable)
    for variable in sorted(gateway.settings_variables - supplied):
        yield "gateway", not_set(variable) or nobodys(variable)


def not_set(variable: str) -> str | None:
    return f"the settings refer to os.environ/{variable}, {NOT_SET[variable]}" if variable in NOT_SET else None


def needed(variable: str) -> str:
    return (
        f"needs {name(variable)}, which nothing supplies: run `pulumi config set --secret --path litellm:providerKeys."
        f"{name(variable)}`, or name a document of the store in secretEnvironment.{name(variable)}"
    )


def nobodys(variable: str) -> str:
    return (
        f"the settings refer to os.environ/{name(variable)}, which nothing supplies: add it to providerKeys, "
        "secretEnvironment or gateway.environment"
    )


def references_are_read(gateway: Any) -> Iterator[Finding]:
    """LiteLLM puts a variable in place of a whole text; in a longer one only where it reads headers."""
    for variable in sorted(each for each, text in gateway.environment.items() if referenced_variables(text)):
        yield (
            f"gateway.environment.{name(variable)}",
            "refers to os.environ/NAME, which LiteLLM reads in its settings and in no variable: supply this variable itself, "
            "with secretEnvironment or providerKeys",
        )
    for index, model in enumerate(gateway.models):
        texts = {key: text for key, text in model.litellm_params().items() if isinstance(text, str)}
        for key in sorted(
            key for key, text in texts.items() if referenced_variables(text) and not REFERENCE.fullmatch(text)
        ):
            yield (
                f"gateway.models[{index}]",
                f"has os.environ/NAME within a longer text in {name(key)}, where LiteLLM reads no variable: put the whole text "
                "into one, and write os.environ/ and its name",
            )
        for key in sorted(key for key, text in texts.items() if EXPANDED.fullmatch(text)):
            yield (
                f"gateway.models[{index}]",
                f"has $NAME in {name(key)}, which nobody puts a value for: write os.environ/NAME",
            )


def deployments_have_a_key(
    gateway: Any, provider_keys: Any, provider_documents: Any, secret_environment: Any
) -> Iterator[Finding]:
    """Without a key of its own, a deployment gets that of its provider out of a variable, or every call of it fails."""
    supplied = {*provider_keys, *provider_documents, *secret_environment, *gateway.environment}
    for index, model in enumerate(gateway.models):
        variables = model.key_variables if isinstance(model, LiteLLM) else ()
        # Providers have other names for the same: TOGETHER_API_KEY, TOGETHERAI_API_KEY.
        starts = tuple(variable[:5] for variable in variables)
        if starts and not any(name.startswith(starts) for name in supplied):
            yield (
                f"gateway.models[{index}].apiKey",
                f"is not given, and nothing supplies {' or '.join(variables)}, which LiteLLM would use: name a variable, and "
                "supply it with secretEnvironment or providerKeys",
            )


def one_source_per_variable(provider_keys: Any, provider_documents: Any, secret_environment: Any) -> Iterator[Finding]:
    for variable in sorted(set(provider_keys) & set(provider_documents)):
        yield f"providerDocuments.{variable}", "is in providerKeys too: remove one of them"
    for variable in sorted(set(secret_environment) & {*provider_keys, *provider_documents}):
        yield f"secretEnvironment.{variable}", "is in providerKeys or providerDocuments too: remove one of them"


def own_variables_are_ours(
    provider_keys: Any, provider_documents: Any, secret_environment: Any, gateway: Any
) -> Iterator[Finding]:
    for place, variable in given_too(OWN_VARIABLES, gateway, provider_keys, provider_documents, secret_environment):
        yield place, f"is set by this program: see {OWN_VARIABLES[variable]}"


def no_key_is_migrated(
    provider_keys: Any, provider_documents: Any, secret_environment: Any, gateway: Any
) -> Iterator[Finding]:
    """LiteLLM does nothing with it where it has a salt key, and says so in its log only."""
    variables = ("LITELLM_MIGRATE_FROM_MASTER_KEY",)
    for place, _ in given_too(variables, gateway, provider_keys, provider_documents, secret_environment):
        yield (
            place,
            "has no effect in a stack, as every stack has a salt key: remove it. An installation without one keeps its values "
            "when keys.salt.existing names the master key that it had (docs/runbooks/rotation.md)",
        )


def provider_keys_have_a_value(provider_keys: Any) -> Iterator[Finding]:
    for variable, value in sorted(provider_keys.items()):
        if not value.get_secret_value().strip():
            yield f"providerKeys.{name(variable)}", "is empty: set it with `pulumi config set --secret --path`"
