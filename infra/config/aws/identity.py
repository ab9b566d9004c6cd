"""Config key `secrets.aws.identity`: how External Secrets Operator, and LiteLLM's pods, prove to AWS who they are."""

from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Tag, model_validator

from components.secrets.aws_names import oidc_issuer, without_scheme
from infra.config.aws.types import ClusterName, OidcProviderArn, PolicyArn, RoleArn, SecretKey, Text
from infra.config.base import ObjectName, Section

AUDIENCE = "sts.amazonaws.com"
"""Of tokens that AWS takes, unless an OIDC provider has another one."""


class IrsaIdentity(Section):
    """IAM Roles for Service Accounts: a role for one ServiceAccount, in one namespace, with one audience."""

    kind: Literal["irsa"]
    """`irsa`: the operator reads with tokens of the stack's own reader."""

    cluster_name: ClusterName | None = None
    """Name of the EKS cluster, to look its issuer up. The IAM OIDC provider for it must exist. Either this or
    `oidcProviderArn`."""

    oidc_provider_arn: OidcProviderArn | None = None
    """ARN of the IAM OIDC provider of the cluster, in the account of the secrets. Its issuer is the end of it."""

    oidc_issuer: Text | None = None
    """Issuer of the cluster's tokens; checked against `oidcProviderArn`. Defaults to the end of that."""

    audience: Text = AUDIENCE
    """Audience that the token must carry; one of the OIDC provider's client IDs."""

    permissions_boundary: PolicyArn | None = None
    """Policy that limits the role, where an account demands one."""

    @property
    def issuer(self) -> str | None:
        """The issuer without `https://`; None when it must be looked up."""
        return oidc_issuer(self.oidc_provider_arn) if self.oidc_provider_arn else None

    @model_validator(mode="after")
    def one_source(self) -> "IrsaIdentity":
        if (self.cluster_name is None) == (self.oidc_provider_arn is None):
            raise ValueError(
                "needs exactly one of clusterName (the issuer is looked up) and oidcProviderArn (nothing is looked up)"
            )
        if self.oidc_issuer and not self.oidc_provider_arn:
            raise ValueError("oidcIssuer is given without oidcProviderArn: give both, or clusterName alone")
        if self.oidc_issuer and without_scheme(self.oidc_issuer) != self.issuer:
            raise ValueError(
                "oidcProviderArn is for one issuer, and oidcIssuer is another one: remove oidcIssuer, or correct one of them"
            )
        return self


class PodIdentity(Section):
    """EKS Pod Identity: the operator's controller reads with a role of its own.

    The operator cannot use it on behalf of one namespace, so that everybody who may create a SecretStore in the cluster
    can read this stack's secrets. Where others share the cluster, prefer `irsa`.
    """

    kind: Literal["pod-identity"]
    """`pod-identity`: the operator reads as itself."""

    cluster_name: ClusterName | None = None
    """Name of the EKS cluster: the role is associated with the operator's ServiceAccount, which can have only one. An
    operator that this stack installs starts with it; one that is there already must be restarted once. With
    `controllerRoleArn` the operator gets no other role, and LiteLLM's pods get theirs in this cluster."""

    controller_role_arn: RoleArn | None = None
    """Role that the operator's controller has already: it assumes this stack's role. For several stacks in one cluster.
    Defaults to none: this stack gives the operator its role."""

    permissions_boundary: PolicyArn | None = None
    """Policy that limits the role, where an account demands one."""

    @model_validator(mode="after")
    def one_way(self) -> "PodIdentity":
        if self.cluster_name is None and self.controller_role_arn is None:
            raise ValueError(
                "needs clusterName (this stack gives the operator its role) or controllerRoleArn (the operator has a role, and "
                "assumes this stack's)"
            )
        return self


class StaticKeys(Section):
    """A long-lived access key in a Kubernetes Secret: for clusters outside of AWS that have no issuer AWS can reach.

    No role is made. What the key may read is up to whoever made it.
    """

    kind: Literal["static-keys"]
    """`static-keys`: an access key. It never expires; prefer the other kinds."""

    kubernetes_secret: ObjectName
    """Name of the Secret, in the namespace of the gateway: that is the only one whose Secrets its SecretStore may read."""

    access_key_id_key: SecretKey = "access-key-id"
    """Key with the access key's ID."""

    secret_access_key_key: SecretKey = "secret-access-key"  # noqa: S105 - a name
    """Key with the secret access key."""


def kind_of_identity(value: object) -> object:
    given = (
        cast("dict[str, Any]", value) if isinstance(value, dict) else vars(value) if isinstance(value, Section) else {}
    )
    return given.get("kind")


Identity = Annotated[
    Annotated[IrsaIdentity, Tag("irsa")]
    | Annotated[PodIdentity, Tag("pod-identity")]
    | Annotated[StaticKeys, Tag("static-keys")],
    Discriminator(
        kind_of_identity,
        custom_error_type="unknown_kind",
        custom_error_message="kind must be irsa, pod-identity or static-keys",
    ),
]
"""How External Secrets Operator proves who it is: `irsa`, `pod-identity` or `static-keys`."""
