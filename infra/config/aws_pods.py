"""What LiteLLM's pods use in AWS without a key, by which role, and what can be wrong about it."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from components.gateway.aws_policy import BedrockModel, bedrock_id, fits, use_policy
from components.secrets.aws_names import arn_field, is_arn, partition_of
from infra.config.aws.identity import PodIdentity, StaticKeys
from infra.config.base import AWS_REGION
from infra.config.database.existing import ExistingDatabase
from infra.config.database.kinds import DatabaseConfig, takes_tokens
from infra.config.gateway.bedrock import REGIONS, as_the_pods, roles_assumed, roles_in_variables, roles_without_a_name
from infra.config.gateway.settings import GatewayConfig
from infra.config.sources import given_too

if TYPE_CHECKING:
    from infra.config.secrets import SecretsConfig
    from infra.config.stack import StackConfig

ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"

ACCESS_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_PROFILE_NAME", "AWS_SESSION_NAME")
"""Variables that make LiteLLM look for its identity elsewhere than in the role of its pod."""

KEYS_OF_BEDROCK = ("AWS_ACCESS_KEY_ID", "AWS_BEARER_TOKEN_BEDROCK")
"""Variables with a key for every model of Bedrock that has none of its own."""

SOME_ACCOUNT = "0" * 12

WITHOUT_ROLE = "or, where the pods have an identity already, set gateway.createIamRole to false"


def known_to_aws(config: "StackConfig") -> bool:
    """Whether AWS has to know LiteLLM's pods before any of them starts."""
    return makes_role(config) or takes_tokens(config.database)


def makes_role(config: "StackConfig") -> bool:
    """Whether the stack makes an IAM role for LiteLLM's pods."""
    supplied = (*config.provider_keys, *config.documents_by_variable)
    return may_make_role(config.secrets, config.gateway) and needs_role(config.gateway, config.database, supplied)


def may_make_role(secrets: "SecretsConfig", gateway: GatewayConfig) -> bool:
    given = ROLE_ANNOTATION in gateway.service_account_annotations
    return secrets.aws is not None and gateway.create_iam_role and not given


def needs_role(gateway: GatewayConfig, database: DatabaseConfig, supplied: Collection[str]) -> bool:
    """`supplied` are the variables that the gateway gets from elsewhere."""
    return takes_tokens(database) or bool(keyless(gateway, supplied)) or bool(roles_assumed(gateway))


def keyless(gateway: GatewayConfig, supplied: Collection[str]) -> dict[int, BedrockModel]:
    """Models of Bedrock that are called with the pods' own identity, by their place in the list."""
    return {} if set(KEYS_OF_BEDROCK) & set(supplied) else as_the_pods(gateway)


def token_region(config: "StackConfig") -> str:
    """Region for which the tokens of the database are signed."""
    own = config.database.rds_region if isinstance(config.database, ExistingDatabase) else None
    return own or (config.secrets.aws.region if config.secrets.aws else "")


def models_of_role(config: "StackConfig") -> list[BedrockModel]:
    """Models that the pods' role may invoke."""
    return list(invoked(keyless(config.gateway, (*config.provider_keys, *config.documents_by_variable))).values())


def invoked(models: Mapping[int, BedrockModel]) -> dict[int, BedrockModel]:
    """What a policy calls the models, but for those that none can name."""
    found = {index: (bedrock_id(model["model"]), model["region"]) for index, model in models.items()}
    return {
        index: {"model": name, "region": region}
        for index, (name, region) in found.items()
        if name and re.fullmatch(AWS_REGION, region)
    }


def pods_have_their_role(
    secrets: Any, gateway: Any, database: Any, provider_keys: Any, provider_documents: Any, secret_environment: Any
) -> Iterator[tuple[str, str]]:
    """Whatever the pods need a role for, somebody has to give it to them, and a policy has to name it."""
    yield from roles_without_a_name(gateway)
    supplied = (*provider_keys, *provider_documents, *secret_environment)
    if not may_make_role(secrets, gateway):
        given = ROLE_ANNOTATION in gateway.service_account_annotations or not gateway.create_iam_role
        if takes_tokens(database) and not given:
            yield (
                "database.iamAuthentication",
                "needs an IAM role for the pods, which this stack makes with secrets.kind aws only: give an existing one in "
                f"gateway.serviceAccountAnnotations ({ROLE_ANNOTATION}), {WITHOUT_ROLE}",
            )
        return
    for where in roles_in_variables(gateway):
        yield (
            where,
            "has an aws_role_name out of a variable that the program does not know, so the pods' role cannot be limited to it: "
            f"write its ARN, or the variable into gateway.environment, {WITHOUT_ROLE}",
        )
    if not needs_role(gateway, database, supplied):
        return
    identity = secrets.aws.identity
    if isinstance(identity, StaticKeys):
        yield (
            "secrets.aws.identity",
            "is static-keys, which gives no role to pods, but models of Bedrock without apiKey or iamAuthentication need one: "
            f"use irsa or pod-identity, {WITHOUT_ROLE}",
        )
    if isinstance(identity, PodIdentity) and not identity.cluster_name:
        yield (
            "secrets.aws.identity",
            "has no clusterName, but LiteLLM's pods need a role in that cluster for models of Bedrock without apiKey, or for "
            f"iamAuthentication: add clusterName beside controllerRoleArn, {WITHOUT_ROLE}",
        )
    if takes_tokens(database) and isinstance(database, ExistingDatabase) and not database.resource_id:
        yield (
            "database.resourceId",
            "is needed with iamAuthentication, for the policy of the pods' role: `aws rds describe-db-instances` shows it as "
            f"DbiResourceId, {WITHOUT_ROLE}",
        )
    yield from models_can_be_named(keyless(gateway, supplied), secrets.aws.partition, roles_assumed(gateway))


def models_can_be_named(
    models: Mapping[int, BedrockModel], partition: str, roles: Sequence[str] = ()
) -> Iterator[tuple[str, str]]:
    named = invoked(models)
    for index, model in models.items():
        where = f"gateway.models[{index}]"
        if index not in named:
            yield (
                where,
                "its model is not the ID or ARN of one model or inference profile that can be invoked, or its region is a "
                f"variable or not given (region, params.aws_region_name), so the pods' role cannot be limited to it: name one, "
                f"{WITHOUT_ROLE}",
            )
            continue
        name = named[index]["model"]
        its_partition = arn_field(name, "partition") if is_arn(name) else partition_of(model["region"])
        if its_partition != partition:
            yield (
                where,
                f"is in another partition than the role of the pods, which is in {partition} (secrets.aws.region) and goes "
                "no further: give apiKey, or credentials in params",
            )
    if not fits(use_policy(list(named.values()), SOME_ACCOUNT, roles=roles)):
        yield (
            "gateway.models",
            f"has {len(named)} models of Bedrock without apiKey, more than IAM lets the policy of one role name: give some of "
            f"them an apiKey, {WITHOUT_ROLE}",
        )


def tokens_are_not_overruled(
    secrets: Any, gateway: Any, database: Any, provider_keys: Any, provider_documents: Any, secret_environment: Any
) -> Iterator[tuple[str, str]]:
    """With IAM tokens, LiteLLM builds the URL of the database itself, from variables that nobody else may set."""
    if not takes_tokens(database):
        return
    ours = {*database.token_variables, "DATABASE_HOST", "DATABASE_PORT", "DATABASE_USERNAME", *ACCESS_KEYS, *REGIONS}
    for place, _ in given_too(ours, gateway, provider_keys, provider_documents, secret_environment):
        yield place, "would overrule the login with database.iamAuthentication: remove it"
    if secrets.aws and secrets.aws.rotation:
        yield "secrets.aws.rotation", "is of the database's password, but with database.iamAuthentication there is none"
