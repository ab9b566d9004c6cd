"""Who may read an environment's secrets in AWS: one IAM role, on exactly these ARNs, and how the operator uses it."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_aws as aws

from components.objects import once_there
from components.secrets.aws_names import secret_pattern
from components.secrets.aws_policies import read_only_policy


class AwsIdentityArgs(TypedDict):
    """Arguments of `AwsIdentity`."""

    role_name: pulumi.Input[str]
    """Required: name of the role, as `AwsRole` made it."""

    role_arn: pulumi.Input[str]
    """Required: ARN of the role."""

    region: str
    """Required: region of the secrets."""

    account: pulumi.Input[str]
    """Required: account of the secrets that are given by name."""

    secrets: Sequence[pulumi.Input[str]]
    """Required: the secrets, by ARN, or by name where the ARN's random end is not known."""

    keys: NotRequired[Sequence[pulumi.Input[str]]]
    """Optional: ARNs of the KMS keys they are encrypted with. Defaults to none: AWS' own key needs no permission."""

    service_account: NotRequired[pulumi.Input[str] | None]
    """Optional: the ServiceAccount of the store's namespace that has the role. Defaults to none: the operator's controller
    has it, or assumes it."""

    assumed: NotRequired[bool]
    """Optional: the operator's controller assumes the role with one of its own. Defaults to false."""


class AwsIdentity(pulumi.ComponentResource):
    """What lets a role read exactly the given secrets, and the operator use it.

    **Type:** `litellm:index:AwsIdentity`. **Produces:** `aws.iam.RolePolicy`.

    With a ServiceAccount the operator asks Kubernetes for its token, and AWS checks that token: a store in another
    namespace cannot use the role. The operator cannot do so with Pod Identity, which knows no tokens of others. There the
    controller itself has the role, and whoever may create a SecretStore in the cluster may read these secrets with it.

    Raises:
        ValueError: when no secret is given.
    """

    role_arn: pulumi.Output[str]
    """ARN of the role, once it may read."""

    eso_auth: pulumi.Output[dict[str, Any]]
    """The `auth` block of ESO's AWS provider; empty where the controller reads with an identity of its own."""

    eso_role: pulumi.Output[str]
    """The `role` of ESO's AWS provider: what the controller assumes; empty where it need not."""

    def __init__(self, name: str, args: AwsIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:AwsIdentity", name, None, opts)
        if not args["secrets"]:
            raise ValueError("secrets is empty: IAM has no policy that allows nothing")
        policy = aws.iam.RolePolicy(
            f"{name}-policy",
            name="read-secrets",
            role=args["role_name"],
            policy=permissions(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.role_arn = once_there(args["role_arn"], policy)
        account = args.get("service_account")
        self.eso_auth = pulumi.Output.from_input(service_account_auth(account) if account else {})
        self.eso_role = self.role_arn if args.get("assumed") else pulumi.Output.from_input("")
        self.register_outputs({"role_arn": self.role_arn, "eso_auth": self.eso_auth, "eso_role": self.eso_role})


def permissions(args: AwsIdentityArgs) -> pulumi.Output[str]:
    region = args["region"]
    secrets, keys = pulumi.Output.all(*args["secrets"]), pulumi.Output.all(*args.get("keys", ()))
    return pulumi.Output.all(args["account"], secrets, keys).apply(
        lambda known: read_only_policy(
            [secret_pattern(secret, region, str(known[0])) for secret in known[1]], known[2], region
        )
    )


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
