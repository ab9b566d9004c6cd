"""Who may read an environment's secrets in AWS: one IAM role, for one Kubernetes ServiceAccount, on exactly these ARNs."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.secrets.aws_names import ROLE_NAME_LENGTH, secret_pattern
from components.secrets.aws_policies import pod_identity_trust, read_only_policy, role_trust, service_account_trust

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
    """Required: Kubernetes namespace of External Secrets Operator."""

    service_account: pulumi.Input[str]
    """Required: ServiceAccount of the operator's controller. It can have one association only."""


class AwsIdentityArgs(TypedDict):
    """Arguments of `AwsIdentity`. Exactly one of `irsa`, `pod_identity` and `assumed_by` is required."""

    role: str
    """Required: name of the role, at most 64 characters."""

    region: str
    """Required: region of the secrets."""

    account: pulumi.Input[str]
    """Required: account of the secrets that are given by name."""

    secrets: Sequence[pulumi.Input[str]]
    """Required: the secrets, by ARN, or by name where the ARN's random end is not known."""

    keys: NotRequired[Sequence[pulumi.Input[str]]]
    """Optional: ARNs of the KMS keys they are encrypted with. Defaults to none: AWS' own key needs no permission."""

    irsa: NotRequired[IrsaArgs | None]
    """Optional: trust one ServiceAccount. Any other ServiceAccount, and the operator's, is refused."""

    pod_identity: NotRequired[PodIdentityArgs | None]
    """Optional: trust the operator's controller, through EKS Pod Identity."""

    assumed_by: NotRequired[pulumi.Input[str] | None]
    """Optional: trust a role that the operator's controller has already, by ARN."""

    permissions_boundary: NotRequired[pulumi.Input[str] | None]
    """Optional: ARN of a policy that limits the role. Defaults to none."""

    tags: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Optional: tags of the role. Defaults to none."""


class AwsIdentity(pulumi.ComponentResource):
    """An IAM role that may read exactly the given secrets.

    **Type:** `litellm:index:AwsIdentity`. **Produces:** `aws.iam.Role`, `aws.iam.RolePolicy`,
    `aws.eks.PodIdentityAssociation` (only with `pod_identity`).

    With `irsa` the operator asks Kubernetes for a token of the reader, and AWS checks that token: a store in another
    namespace cannot use the role. The operator cannot do so with Pod Identity, which knows no tokens of others. There the
    controller itself has the role, and whoever may create a SecretStore in the cluster may read these secrets with it.

    Raises:
        ValueError: when the trust is not exactly one, no secret is given, or the name is too long.
    """

    role_arn: pulumi.Output[str]
    """ARN of the role, once it may read."""

    eso_auth: pulumi.Output[dict[str, Any]]
    """The `auth` block of ESO's AWS provider; empty where the controller reads with an identity of its own."""

    eso_role: pulumi.Output[str]
    """The `role` of ESO's AWS provider: what the controller assumes; empty where it need not."""

    annotations: dict[str, pulumi.Output[str]]
    """Annotations of the ServiceAccount that reads; empty where the controller reads."""

    def __init__(self, name: str, args: AwsIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:AwsIdentity", name, None, opts)
        check(args)
        irsa, pod_identity = args.get("irsa"), args.get("pod_identity")
        role = aws.iam.Role(
            f"{name}-role",
            name=args["role"],
            assume_role_policy=trust(args),
            permissions_boundary=args.get("permissions_boundary"),
            tags=args.get("tags"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name="read-secrets",
            role=role.name,
            policy=permissions(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        usable: list[pulumi.Resource] = [policy]
        if pod_identity:
            usable.append(
                aws.eks.PodIdentityAssociation(
                    f"{name}-association",
                    cluster_name=pod_identity["cluster"],
                    namespace=pod_identity["namespace"],
                    service_account=pod_identity["service_account"],
                    role_arn=role.arn,
                    tags=args.get("tags"),
                    opts=pulumi.ResourceOptions(parent=self),
                )
            )
        self.role_arn = pulumi.Output.all(role.arn, *(resource.urn for resource in usable)).apply(
            lambda known: str(known[0])
        )
        self.eso_auth = pulumi.Output.from_input(service_account_auth(irsa["service_account"]) if irsa else {})
        self.eso_role = self.role_arn if args.get("assumed_by") else pulumi.Output.from_input("")
        self.annotations = annotations(self.role_arn, irsa) if irsa else {}
        self.register_outputs(
            {
                "role_arn": self.role_arn,
                "eso_auth": self.eso_auth,
                "eso_role": self.eso_role,
                "annotations": self.annotations,
            }
        )


def check(args: AwsIdentityArgs) -> None:
    given = [way for way in ("irsa", "pod_identity", "assumed_by") if args.get(way)]
    if len(given) != 1:
        raise ValueError(f"exactly one of irsa, pod_identity and assumed_by is needed, not {len(given)}")
    if not args["secrets"]:
        raise ValueError("secrets is empty: IAM has no policy that allows nothing")
    if len(args["role"]) > ROLE_NAME_LENGTH:
        raise ValueError(f"role has {len(args['role'])} characters, and IAM takes {ROLE_NAME_LENGTH}: use role_name()")


def trust(args: AwsIdentityArgs) -> pulumi.Output[str]:
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


def permissions(args: AwsIdentityArgs) -> pulumi.Output[str]:
    region = args["region"]
    secrets, keys = pulumi.Output.all(*args["secrets"]), pulumi.Output.all(*args.get("keys", ()))
    return pulumi.Output.all(args["account"], secrets, keys).apply(
        lambda known: read_only_policy(
            [secret_pattern(secret, region, str(known[0])) for secret in known[1]], known[2], region
        )
    )


def annotations(role_arn: pulumi.Output[str], irsa: IrsaArgs) -> dict[str, pulumi.Output[str]]:
    found = {ROLE_ANNOTATION: role_arn}
    audience = irsa.get("audience", AUDIENCE)
    return found if audience == AUDIENCE else found | {AUDIENCE_ANNOTATION: pulumi.Output.from_input(audience)}


def service_account_auth(service_account: pulumi.Input[str]) -> dict[str, Any]:
    """The `auth` block that reads with the role in the annotation of a ServiceAccount of the store's namespace."""
    return {"jwt": {"serviceAccountRef": {"name": service_account}}}


def static_keys_auth(secret: str, access_key_id: str, secret_access_key: str) -> dict[str, Any]:
    """The `auth` block that reads with an access key, from two keys of a Kubernetes Secret in the store's namespace."""
    return {
        "secretRef": {
            "accessKeyIDSecretRef": {"name": secret, "key": access_key_id},
            "secretAccessKeySecretRef": {"name": secret, "key": secret_access_key},
        }
    }


def eso_provider(
    region: str, auth: pulumi.Input[Mapping[str, Any]], role: pulumi.Input[str] = ""
) -> pulumi.Output[dict[str, Any]]:
    """The provider block of an ESO SecretStore. An empty `auth` or `role` is left out, as the operator wants it."""
    return pulumi.Output.all(auth, role).apply(
        lambda known: {
            "aws": {"service": "SecretsManager", "region": region}
            | ({"auth": known[0]} if known[0] else {})
            | ({"role": known[1]} if known[1] else {})
        }
    )
