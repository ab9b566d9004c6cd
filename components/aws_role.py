"""An IAM role for one Kubernetes ServiceAccount: what it may do is attached to it by whoever gives it something to do."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.objects import once_there
from components.secrets.aws_names import ROLE_NAME_LENGTH
from components.secrets.aws_policies import pod_identity_trust, role_trust, service_account_trust

AUDIENCE = "sts.amazonaws.com"

ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
AUDIENCE_ANNOTATION = "eks.amazonaws.com/audience"


class IrsaArgs(TypedDict):
    """IAM Roles for Service Accounts: the ServiceAccount's own token is exchanged for a session of the role."""

    provider_arn: pulumi.Input[str]
    """Required: ARN of the IAM OIDC provider of the cluster, in the account of the role."""

    issuer: pulumi.Input[str]
    """Required: issuer of the cluster's tokens, with or without `https://`."""

    namespace: pulumi.Input[str]
    """Required: the one Kubernetes namespace of the ServiceAccount."""

    service_account: pulumi.Input[str]
    """Required: the one ServiceAccount."""

    audience: NotRequired[str]
    """Optional: audience that the token must carry. Defaults to `sts.amazonaws.com`."""


class PodIdentityArgs(TypedDict):
    """EKS Pod Identity: the pods of the ServiceAccount have the role, from their next start on."""

    cluster: pulumi.Input[str]
    """Required: name of the EKS cluster."""

    namespace: pulumi.Input[str]
    """Required: Kubernetes namespace of the ServiceAccount."""

    service_account: pulumi.Input[str]
    """Required: the one ServiceAccount. It can have one association only."""


class AwsRoleArgs(TypedDict):
    """Arguments of `AwsRole`. Exactly one of `irsa`, `pod_identity` and `assumed_by` is required."""

    role: str
    """Required: name of the role, at most 64 characters."""

    irsa: NotRequired[IrsaArgs | None]
    """Optional: trust the tokens of one ServiceAccount."""

    pod_identity: NotRequired[PodIdentityArgs | None]
    """Optional: trust the pods of one ServiceAccount, through EKS Pod Identity."""

    assumed_by: NotRequired[pulumi.Input[str] | None]
    """Optional: trust a role that is there already, by ARN."""

    permissions_boundary: NotRequired[pulumi.Input[str] | None]
    """Optional: ARN of a policy that limits the role. Defaults to none."""

    tags: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Optional: tags of the role. Defaults to none."""


class AwsRole(pulumi.ComponentResource):
    """An IAM role that one ServiceAccount can use, and that may do nothing yet.

    **Type:** `litellm:index:AwsRole`. **Produces:** `aws.iam.Role`, `aws.eks.PodIdentityAssociation` (only with
    `pod_identity`).

    Raises:
        ValueError: when the trust is not exactly one, or the name is too long.
    """

    name: pulumi.Output[str]
    """Name of the role, for its policies."""

    arn: pulumi.Output[str]
    """ARN of the role. Known when the ServiceAccount can have it: pods that start afterwards do."""

    def __init__(self, name: str, args: AwsRoleArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:AwsRole", name, None, opts)
        check(args)
        child = pulumi.ResourceOptions(parent=self)
        role = aws.iam.Role(
            f"{name}-role",
            name=args["role"],
            assume_role_policy=trust(args),
            permissions_boundary=args.get("permissions_boundary"),
            tags=args.get("tags"),
            opts=child,
        )
        self.name, self.arn = role.name, role.arn
        if pod_identity := args.get("pod_identity"):
            association = aws.eks.PodIdentityAssociation(
                f"{name}-association",
                cluster_name=pod_identity["cluster"],
                namespace=pod_identity["namespace"],
                service_account=pod_identity["service_account"],
                role_arn=role.arn,
                tags=args.get("tags"),
                opts=child,
            )
            self.arn = once_there(role.arn, association)
        self.register_outputs({"name": self.name, "arn": self.arn})


def annotations(arn: pulumi.Output[str], audience: str = AUDIENCE) -> dict[str, pulumi.Output[str]]:
    """Annotations with which a ServiceAccount asks for a role (IRSA)."""
    found = {ROLE_ANNOTATION: arn}
    return found if audience == AUDIENCE else found | {AUDIENCE_ANNOTATION: pulumi.Output.from_input(audience)}


def check(args: AwsRoleArgs) -> None:
    given = [way for way in ("irsa", "pod_identity", "assumed_by") if args.get(way)]
    if len(given) != 1:
        raise ValueError(f"exactly one of irsa, pod_identity and assumed_by is needed, not {len(given)}")
    if len(args["role"]) > ROLE_NAME_LENGTH:
        raise ValueError(f"role has {len(args['role'])} characters, and IAM takes {ROLE_NAME_LENGTH}: use role_name()")


def trust(args: AwsRoleArgs) -> pulumi.Output[str]:
    if irsa := args.get("irsa"):
        return pulumi.Output.all(
            irsa["provider_arn"],
            irsa["issuer"],
            irsa["namespace"],
            irsa["service_account"],
            irsa.get("audience", AUDIENCE),
        ).apply(lambda known: service_account_trust(*map(str, known)))
    if pod := args.get("pod_identity"):
        return pulumi.Output.all(pod["cluster"], pod["namespace"], pod["service_account"]).apply(
            lambda known: pod_identity_trust(*map(str, known))
        )
    return pulumi.Output.from_input(args.get("assumed_by") or "").apply(role_trust)
