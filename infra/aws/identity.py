"""Who the operator and LiteLLM's pods are to AWS: their roles, each for one ServiceAccount of this cluster.

Imported only by a stack that uses AWS.
"""

from typing import Any

import pulumi
import pulumi_aws as aws

from components.aws_role import AwsRole, AwsRoleArgs, annotations
from components.gateway.aws_access import AwsAccess, AwsAccessArgs
from components.secrets.aws_names import arn_field, oidc_provider_arn, role_name
from infra.config.aws.identity import IrsaIdentity, PodIdentity, StaticKeys
from infra.config.aws.store import AwsConfig
from infra.config.aws_pods import models_of_role, token_region
from infra.config.database.existing import ExistingDatabase
from infra.config.database.kinds import takes_tokens
from infra.config.database.rds import RdsDatabase
from infra.config.gateway.bedrock import roles_assumed
from infra.servers import Servers
from infra.stack import NamedStack
from infra.workloads import PodAccount

Issued = IrsaIdentity | PodIdentity
"""What makes roles."""


def operator_role(target: NamedStack, identity: PodIdentity, opts: pulumi.ResourceOptions) -> AwsRole:
    """The role with which the operator's own pods read."""
    operator = target.config.external_secrets
    return role(target, identity, "reader", operator.namespace, operator.service_account, opts)


def reader_role(
    target: NamedStack, identity: Issued, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> AwsRole:
    """The role of the stack's own reader, or one that the operator's controller assumes."""
    if isinstance(identity, PodIdentity) and identity.controller_role_arn:
        args = common(target, identity, "reader")
        args["assumed_by"] = identity.controller_role_arn
        return AwsRole("reader-aws", args, opts)
    return role(target, identity, "reader", namespace, target.reader, opts)


def pods_account(
    target: NamedStack, servers: Servers, service_account: str, opts: pulumi.ResourceOptions
) -> tuple[PodAccount, list[pulumi.Resource]]:
    """How the ServiceAccount of LiteLLM's pods asks for its role, and what must be there before they start."""
    config = aws_of(target)
    identity = config.identity
    if isinstance(identity, StaticKeys):
        raise TypeError("static keys give no role to pods")  # the rules refuse it before
    pods = role(target, identity, "gateway", target.namespace, service_account, opts)
    args: AwsAccessArgs = {
        "role_name": pods.name,
        "role_arn": pods.arn,
        "account": account(config, opts),
        "models": models_of_role(target.config),
    }
    if roles := roles_assumed(target.config.gateway):
        args["roles"] = roles
    database = target.config.database
    if takes_tokens(database):
        args["database"] = {
            "resource_id": resource_id(database, servers),
            "username": database.username,
            "region": token_region(target.config),
        }
    access = AwsAccess("gateway-access", args, opts)
    asks = annotations(access.role_arn, identity.audience) if isinstance(identity, IrsaIdentity) else {}
    return PodAccount(service_account, asks, access.role_arn), [pods, access]


def resource_id(database: ExistingDatabase | RdsDatabase, servers: Servers) -> pulumi.Input[str]:
    found = database.resource_id if isinstance(database, ExistingDatabase) else servers.resource_id
    if found is None:
        raise ValueError("a database with IAM tokens and without a resource ID")  # the rules refuse it before
    return found


def role(
    target: NamedStack,
    identity: Issued,
    purpose: str,
    namespace: pulumi.Input[str],
    service_account: str,
    opts: pulumi.ResourceOptions,
) -> AwsRole:
    """A role for one ServiceAccount."""
    args = common(target, identity, purpose)
    subject = {"namespace": namespace, "service_account": service_account}
    if isinstance(identity, IrsaIdentity):
        provider_arn, issuer = issuer_of(aws_of(target), identity, opts)
        found: Any = {"provider_arn": provider_arn, "issuer": issuer, "audience": identity.audience}
        args["irsa"] = found | subject
    else:
        found = {"cluster": identity.cluster_name or ""}
        args["pod_identity"] = found | subject
    return AwsRole(f"{purpose}-aws", args, opts)


def common(target: NamedStack, identity: Issued, purpose: str) -> AwsRoleArgs:
    config = aws_of(target)
    return {
        "role": role_name("litellm", target.stack, purpose, cluster_of(identity), config.region, target.namespace),
        "permissions_boundary": identity.permissions_boundary,
        "tags": config.tags,
    }


def cluster_of(identity: Issued) -> str:
    """What tells this cluster from others of the account: its name, or the end of its issuer, or the operator's role in it."""
    if identity.cluster_name:
        return identity.cluster_name
    if isinstance(identity, IrsaIdentity):
        return (identity.issuer or "").rpartition("/")[2]
    return arn_field(identity.controller_role_arn or "", "resource").rpartition("/")[2]


def aws_of(target: NamedStack) -> AwsConfig:
    config = target.config.secrets.aws
    if config is None:
        raise ValueError("a stack without secrets.aws")  # nobody asks for a role then
    return config


def account(config: AwsConfig, opts: pulumi.ResourceOptions) -> pulumi.Input[str]:
    """Account of everything of the stack."""
    return config.account or aws.get_caller_identity_output(opts=invoke_with(opts)).account_id


def issuer_of(
    config: AwsConfig, identity: IrsaIdentity, opts: pulumi.ResourceOptions
) -> tuple[pulumi.Input[str], pulumi.Input[str]]:
    """ARN of the cluster's OIDC provider, and its issuer."""
    if identity.oidc_provider_arn and identity.issuer:
        return identity.oidc_provider_arn, identity.issuer
    cluster = aws.eks.get_cluster_output(name=identity.cluster_name or "", opts=invoke_with(opts))
    issuer = cluster.identities.apply(lambda known: known[0].oidcs[0].issuer)
    arn = pulumi.Output.all(issuer, account(config, opts)).apply(
        lambda known: oidc_provider_arn(str(known[0]), config.region, str(known[1]))
    )
    return arn, issuer


def invoke_with(opts: pulumi.ResourceOptions) -> pulumi.InvokeOptions:
    """Calls of AWS go through the stack's own provider, as its resources do."""
    providers: Any = opts.providers
    return pulumi.InvokeOptions(provider=next(each for each in providers if isinstance(each, aws.Provider)))
