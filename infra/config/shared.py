"""Config key `shared`: what belongs to a cluster and not to a gateway. A stack with this key has that, and no gateway."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from infra.config.base import USER, DnsLabel, DnsName, Section

User = Annotated[str, StringConstraints(max_length=253, pattern=USER)]
"""A user of Kubernetes, as the API server calls him."""

USED = ("shared", "secrets", "externalSecrets", "context", "protect")
"""Sections that a stack of this kind has."""

Finding = tuple[str, str]


class StackRights(Section):
    """Rights for whoever runs `up` and `preview` of one stack (docs/rights.md)."""

    name: DnsLabel
    """Name of the stack."""

    namespace: DnsLabel | None = None
    """Namespace of the stack, and the path of its documents. Defaults to `litellm-<stack>`."""

    deployer: User | None = None
    """User of Kubernetes that runs `up` and `destroy`. Without one, there are only the policies in Vault."""


class SharedGateway(Section):
    """A `Gateway` of the Gateway API, for the routes of all stacks. Its controller and the API's CRDs are there already."""

    name: DnsLabel = "litellm"
    """Name of the Gateway."""

    class_name: DnsName
    """GatewayClass."""

    listeners: Annotated[tuple[dict[str, Any], ...], Field(min_length=1)]
    """Listeners as the Gateway API has them: `[{name: https, port: 443, protocol: HTTPS, hostname: "*.example.com", tls:
    {certificateRefs: [{name: wildcard}]}}]`. Routes of all namespaces may attach, but where `allowedRoutes` says less."""

    annotations: dict[str, str] = Field(default_factory=dict)
    """Annotations, such as cert-manager's."""


class SharedIssuer(Section):
    """A `ClusterIssuer` of cert-manager, which is there already."""

    name: DnsName = "letsencrypt"
    """Name of the issuer."""

    spec: dict[str, Any]
    """Its spec, as cert-manager has it: `{acme: {server: …, email: …, privateKeySecretRef: {name: …}, solvers: [...]}}`."""


class SharedConfig(Section):
    """What stacks of one cluster share. Where the store is, and which operator, `secrets` and `externalSecrets` say as in any
    other stack; `secrets.vault.kubernetesAuth` is then the one auth method of the cluster, which reviews tokens by itself: with
    `reviewer: vault` as the ServiceAccount of Vault's own pod, otherwise as one that this stack makes, whose token does not
    expire."""

    namespace: DnsLabel = "litellm-shared"
    """Namespace of the Gateway and of Vault's reviewer; it is created."""

    role: DnsLabel = "litellm"
    """Role of the auth method for the stacks of the cluster (`litellm-*`); its policy is `<role>-reader`."""

    stacks: tuple[StackRights, ...] = ()
    """The stacks of the cluster: each gets Vault policies for `up`, previews and the look for drift (`<role>-up-<stack>`)."""

    environments: User | None = None
    """User of Kubernetes that makes ephemeral environments. The policy and the role in Vault are there in any case."""

    previewer: User | None = None
    """User of Kubernetes that runs previews of pull requests."""

    oidc_provider: bool = False
    """With `secrets.kind: aws`: make IAM's OIDC provider for the EKS cluster of `secrets.aws.identity`."""

    gateway: SharedGateway | None = None

    issuer: SharedIssuer | None = None


def sections_of_shared(data: Mapping[str, Any], defaults: Mapping[str, Any]) -> Iterator[Finding]:
    """What else a file with `shared` says has no effect, and should be in that of a gateway. Pulumi fills in the defaults."""
    for key in sorted(set(data) - set(USED)):
        if data[key] not in ("", {}, None, defaults.get(key)):
            yield key, "has no effect in a stack with shared, which has no gateway: remove it"


def shared_fits_together(shared: Any, secrets: Any) -> Iterator[Finding]:
    if shared is None:
        return
    if secrets.kind == "existing":
        yield (
            "secrets.kind",
            "must be vault or aws in a stack with shared: of an existing store there is nothing to make",
        )
    if secrets.kind == "vault" and secrets.vault.auth != "kubernetes":
        yield "secrets.vault.auth", "must be kubernetes in a stack with shared: it makes that auth method"
    if shared.oidc_provider and (secrets.aws is None or not getattr(secrets.aws.identity, "cluster_name", None)):
        yield "shared.oidcProvider", "needs secrets.kind aws, and clusterName in its identity: the EKS cluster"
