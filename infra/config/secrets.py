"""Config key `secrets`: where the secrets live, and how External Secrets Operator may read them."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from infra.config.aws.store import AwsConfig
from infra.config.base import (
    ALLOWED,
    CHART_VERSION,
    SECRET_KEY,
    Checked,
    Duration,
    Image,
    ObjectName,
    Section,
    as_text,
    url_such_as,
)
from infra.config.references import VaultName
from infra.config.versions import PINS

OPERATOR = PINS["external-secrets"]
BROKEN_CHARTS = ("2.11.0",)
"""Releases of the operator's chart whose image names are broken: its pods cannot pull what they run."""

SecretKey = Annotated[str, StringConstraints(pattern=SECRET_KEY)]

CHARTS = f"{ALLOWED[CHART_VERSION]}, not {', '.join(BROKEN_CHARTS)}"

LOOPBACK = ("localhost", "127.", "::1", "[::1]")


VaultUrl = Annotated[str, url_such_as("https://vault.example.com:8200")]
ClusterUrl = Annotated[str, url_such_as("https://kubernetes.default.svc")]
RepositoryUrl = Annotated[str, url_such_as("https://charts.example.com")]


def is_loopback(url: str) -> bool:
    """Whether a URL names the machine it is used on: what works for the program does not for a pod."""
    return (urlsplit(url).hostname or "").startswith(LOOPBACK)


class VaultMount(Section):
    """The KV version 2 secrets engine."""

    path: VaultName = "litellm"
    """Mount path. Stacks may share one mount: each keeps to its own `prefix`."""

    create: bool = True
    """Mount the engine when it is not there. With false it must exist, and the token needs no right on `sys/mounts`."""


class VaultKubernetesAuth(Section):
    """Vault's Kubernetes auth method: a role for one ServiceAccount, in one namespace, with one audience."""

    path: VaultName | None = None
    """Path of the auth method below `auth/`. Defaults to `kubernetes-<stack>` when created, `kubernetes` when existing."""

    create: bool = True
    """Enable and configure the auth method. With false it must be enabled and configured; only the role is written."""

    host: ClusterUrl | None = None
    """URL of the Kubernetes API as Vault reaches it. Defaults to `https://kubernetes.default.svc` with reviewer `vault`,
    otherwise to the server of the kubeconfig."""

    ca_cert_file: Path | None = None
    """PEM file with the CA of the Kubernetes API. Defaults to Vault's own in-cluster CA with reviewer `vault`, otherwise
    to the CA of the kubeconfig."""

    reviewer: Literal["vault", "client"] = "client"
    """Whose token calls the TokenReview API. `vault`: the ServiceAccount of Vault's own pod (Vault runs in this cluster).
    `client`: the token that logs in, which gets the cluster role `system:auth-delegator`; the API server must accept its
    audience (see `extraAudiences`)."""

    audience: Annotated[str, StringConstraints(min_length=1)] = "vault"
    """Audience of the ServiceAccount token, checked by the role. Vault 1.21 requires one."""

    extra_audiences: tuple[str, ...] = ()
    """More audiences for the same token. With reviewer `client`, an API server that does not accept `audience` for itself
    needs its own here, usually `https://kubernetes.default.svc`."""

    role: VaultName | None = None
    """Name of the role. Defaults to `litellm-<stack>`."""

    create_role: bool = True
    """Write the role, and the policy that it grants. With false an administrator made both, once for many stacks
    (docs/rights.md), and `role` names the one: then `up` needs no right with which it could give itself others."""

    token_ttl_seconds: Annotated[int, Field(ge=60, le=86400)] = 600
    """Lifetime of the token that Vault gives to the operator, in seconds."""

    @model_validator(mode="after")
    def a_role_of_somebody_has_a_name(self) -> "VaultKubernetesAuth":
        if not self.create_role and (self.create or self.role is None):
            raise ValueError("createRole is false: set create to false as well, and role to the one that is there")
        return self


class VaultJwtAuth(Section):
    """Vault's JWT auth method, which trusts the signing keys of the cluster: no TokenReview, so that Vault need not reach the
    Kubernetes API. An administrator enables and configures it (docs/stores.md); the role is the stack's own."""

    path: VaultName = "jwt"
    """Path of the auth method below `auth/`."""

    audience: Annotated[str, StringConstraints(min_length=1)] = "vault"
    """Audience of the ServiceAccount token, checked by the role."""

    role: VaultName | None = None
    """Name of the role. Defaults to `litellm-<stack>`."""

    create_role: bool = True
    """Write the role, for one ServiceAccount in one namespace, and the policy that it grants. With false an administrator made
    both, and `role` names the one."""

    token_ttl_seconds: Annotated[int, Field(ge=60, le=86400)] = 600
    """Lifetime of the token that Vault gives to the operator, in seconds."""

    @model_validator(mode="after")
    def a_role_of_somebody_has_a_name(self) -> "VaultJwtAuth":
        if not self.create_role and self.role is None:
            raise ValueError("createRole is false: set role to the one that is there")
        return self


class VaultAppRole(Section):
    """Vault's AppRole auth method: a role ID and a secret ID that an administrator gave out, in a Kubernetes Secret of the
    gateway's namespace. The administrator made the policy as well. A secret ID lives long: prefer `kubernetes` or `jwt`."""

    path: VaultName = "approle"
    """Path of the auth method below `auth/`."""

    kubernetes_secret: ObjectName
    """Name of the Secret."""

    role_id_key: SecretKey = "role-id"
    """Key with the role ID."""

    secret_id_key: SecretKey = "secret-id"  # noqa: S105 - a name
    """Key with the secret ID."""


class VaultTokenAuth(Section):
    """A periodic, renewable Vault token in a Kubernetes Secret. Simple, and long-lived: prefer the Kubernetes auth method."""

    period: Duration = "768h"
    """The token dies when nobody renews it for this long; every `up` renews it."""


class VaultConfig(Section):
    """HashiCorp Vault, KV version 2."""

    address: VaultUrl | None = None
    """Address for the program. Defaults to the environment variable `VAULT_ADDR`."""

    cluster_address: VaultUrl | None = None
    """Address for the pods of the cluster. Defaults to `address`."""

    namespace: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Vault namespace (Enterprise, HCP), sent as `X-Vault-Namespace`."""

    ca_cert_file: Path | None = None
    """PEM file with the CA that signed Vault's certificate, for the program and for the pods."""

    mount: VaultMount = VaultMount.model_construct()

    prefix: VaultName | None = None
    """Path below the mount for this stack's documents. Defaults to the stack's name."""

    policy: VaultName | None = None
    """Name of the read-only policy that the stack writes. Defaults to `litellm-<stack>`."""

    adopt: bool = False
    """Take the values of generated keys and passwords from the documents that are there, instead of generating them: for a
    stack whose state was lost. They stay the stack's as long as this is set; to rotate one, write it in Vault."""

    auth: Literal["kubernetes", "jwt", "approle", "token"] = "kubernetes"
    """How the operator logs in: `kubernetes`; `jwt`, where Vault cannot reach the Kubernetes API; with an `approle` that an
    administrator gave out; or with a long-lived `token`."""

    auth_namespace: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Vault namespace of the auth method, its role and the policy, where that is one above `namespace`: `admin` for
    `admin/team`. Defaults to `namespace`."""

    kubernetes_auth: VaultKubernetesAuth = VaultKubernetesAuth.model_construct()

    jwt_auth: VaultJwtAuth = VaultJwtAuth.model_construct()

    app_role: VaultAppRole | None = None
    """The AppRole of auth `approle`."""

    token_auth: VaultTokenAuth = VaultTokenAuth.model_construct()

    @model_validator(mode="after")
    def pods_can_reach_it(self) -> "VaultConfig":
        if self.address and is_loopback(self.address) and not self.cluster_address:
            raise ValueError("address is this machine's loopback, which pods cannot reach: set clusterAddress too")
        if self.auth != "kubernetes" and not self.kubernetes_auth.create_role:
            raise ValueError("kubernetesAuth.createRole is false, which is for auth kubernetes: a token needs a policy")
        if (self.auth == "approle") != (self.app_role is not None):
            raise ValueError("appRole and auth approle go together: give both, or neither")
        return self

    @model_validator(mode="after")
    def logins_are_above(self) -> "VaultConfig":
        above = self.auth_namespace
        if above is not None and not (self.namespace or "").startswith(f"{above.rstrip('/')}/"):
            raise ValueError(
                "authNamespace is none above namespace: it is how that begins, such as admin for admin/team"
            )
        return self

    @property
    def writes_policy(self) -> bool:
        """Whether the stack writes a policy that reads its documents; otherwise an administrator made one."""
        creates = {"kubernetes": self.kubernetes_auth.create_role, "jwt": self.jwt_auth.create_role, "approle": False}
        return creates.get(self.auth, True)


class ExistingStore(Section):
    """A store of External Secrets Operator that is there already, of any backend: 1Password, Google Secret Manager, Azure Key
    Vault, … Its identity is its own business."""

    kind: Literal["ClusterSecretStore", "SecretStore"] = "ClusterSecretStore"
    """Kind of the object; a `SecretStore` is in the namespace of the gateway."""

    name: ObjectName
    """Name of the object."""


class VaultAgentConfig(Section):
    """Vault Agent in the stack's pods, with `delivery: vault-agent`. Vault's Agent Injector, which puts it there, must be in
    the cluster."""

    image: Image = PINS["vault"].image
    """Image of Vault that the agents run. Defaults to the pinned one, whatever the Injector's own is."""

    refresh_interval: Duration = "5m"
    """How often an agent asks Vault for new values. A program whose values have changed starts again with them."""


class InitContainerConfig(Section):
    """The init container that fetches, with `delivery: init-container`."""

    image: Image | None = None
    """Image with the store's command line. Defaults to the pinned one of Vault, or of the AWS CLI."""

    environment: dict[str, Annotated[str, BeforeValidator(as_text)]] = Field(default_factory=dict)
    """More environment variables for it, such as a proxy, or `AWS_ENDPOINT_URL`. No secrets."""


class SecretsConfig(Section):
    """The secret store of this stack."""

    kind: Literal["vault", "aws", "existing"] = "vault"
    """Which store: `vault` (HashiCorp Vault), `aws` (AWS Secrets Manager), or an `existing` SecretStore or ClusterSecretStore
    of any backend: nothing is written to that one, so every value is referred to (docs/stores.md)."""

    generation: Literal["state", "store"] = "state"
    """Where the values are made that the stack generates: master key, passwords, virtual keys. `state`: by Pulumi, whose state
    keeps them encrypted. `store`: in the client of Vault or AWS, so that they are in no state, and whoever has a state file and
    its passphrase has none of them; the store has the only copy (docs/stores.md). A stack is moved from the one to the other by
    one `make up`, which changes no value; there is no way back."""

    reload: Literal["none", "reloader", "restarter"] = "none"
    """Who replaces the gateway's pods when somebody else changes a value in the store, once `externalSecrets.refreshInterval`
    has brought it into the cluster. `restarter`: a small pod beside the gateway, which knows a hash of the values and none of
    them, and may change that one Deployment. `reloader`: Stakater Reloader, where the cluster has it. `none`: nobody, pods have
    the value when they start (docs/runbooks/rotation.md)."""

    vault: VaultConfig = VaultConfig.model_construct()

    aws: AwsConfig | None = None

    existing: ExistingStore | None = None

    delivery: Literal["external-secrets", "vault-agent", "init-container"] = "external-secrets"
    """How secrets get into the pods. `external-secrets`: External Secrets Operator makes Kubernetes Secrets. `vault-agent`
    (kind `vault`): Vault's Agent Injector puts an agent into each pod, which logs in as the pod and writes the values to
    memory. `init-container` (kinds `vault` and `aws`): the same once, before the program starts, by the store's own command
    line, and nothing else has to be in the cluster. With these two no Kubernetes Secret has a value (docs/vault-agent.md)."""

    vault_agent: VaultAgentConfig = VaultAgentConfig()

    init_container: InitContainerConfig = InitContainerConfig()

    @property
    def by_pods(self) -> bool:
        """Whether the pods read the store themselves, and External Secrets Operator is not needed."""
        return self.delivery != "external-secrets"

    @property
    def adopts(self) -> bool:
        """Whether a stack whose state was lost takes over what it had made in its store."""
        return (self.kind == "aws" and self.aws is not None and self.aws.adopt) or (
            self.kind == "vault" and self.vault.adopt
        )

    @property
    def fetching_image(self) -> str:
        """Image of what reads the store in a pod."""
        if self.delivery == "vault-agent":
            return self.vault_agent.image
        return self.init_container.image or PINS["aws-cli" if self.kind == "aws" else "vault"].image

    @model_validator(mode="after")
    def one_store(self) -> "SecretsConfig":
        if self.kind == "aws" and self.aws is None:
            raise ValueError("kind is aws, so aws is required: give its region and identity")
        if self.kind == "existing" and self.existing is None:
            raise ValueError("kind is existing, so existing is required: give the name of the store, and its kind")
        if self.kind == "existing" and self.generation == "store":
            raise ValueError(
                "generation is store, but kind is existing, and nothing is generated for such a store: remove it"
            )
        for name, section in (("aws", self.aws), ("existing", self.existing)):
            if section is not None and self.kind != name:
                raise ValueError(f"{name} is given, but kind is {self.kind}: use kind {name}, or remove {name}")
        return self


def sound(version: str) -> str:
    if version.partition("+")[0] in BROKEN_CHARTS:
        raise ValueError(
            "is a release whose image names are broken, so that no pod of the operator starts: use a later one"
        )
    return version


class ChartConfig(Section):
    """Where a Helm chart comes from."""

    source: Annotated[str, StringConstraints(min_length=1)] = OPERATOR.source
    """Name of the chart in `repository`, an `oci://` reference, or the path of a chart folder."""

    repository: RepositoryUrl | None = OPERATOR.registry
    """Helm repository. Ignored for an `oci://` reference and for a chart folder."""

    version: Annotated[str, StringConstraints(pattern=CHART_VERSION), Checked(sound, CHARTS)] = OPERATOR.version
    """Version of the chart. Ignored for a chart folder. From 2.0 on the controller has no right to ask for
    tokens but the one that each stack gives it."""

    @property
    def is_folder(self) -> bool:
        return self.source.startswith((".", "/"))

    @property
    def is_oci(self) -> bool:
        return self.source.startswith("oci://")


class ExternalSecretsConfig(Section):
    """External Secrets Operator: one per cluster."""

    install: bool | Literal["auto"] = "auto"
    """Who installs the operator. `auto`: the one in the cluster is used, and where there is none, this stack installs it.
    `true`: this stack has it; it takes over one that a destroyed stack left. `false`: the one in the cluster is used, and a
    missing one is an error. It stays when its stack is destroyed."""

    namespace: ObjectName = "external-secrets"
    """Namespace of the operator. With `auto`, that of the one which is found."""

    service_account: ObjectName = "external-secrets"
    """ServiceAccount of the operator's controller: it may ask for tokens of this stack's reader, and of no other. With `auto`,
    that of the one which is found."""

    chart: ChartConfig = ChartConfig.model_construct()

    image: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Repository of the operator's image, without tag, for a private registry. Defaults to the chart's."""

    image_tag: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Tag of the operator's image. Defaults to the chart's version of the operator."""

    environment: dict[str, Annotated[str, BeforeValidator(as_text)]] = Field(default_factory=dict)
    """More environment variables for the controller, such as a proxy. No secrets."""

    refresh_interval: Duration = "1h"
    """How often the operator reads the store again. What this program changes is synced at once, whatever the interval."""

    @property
    def installs(self) -> bool:
        """Whether the stack has the operator. With `auto` only the cluster can tell: offline it counts as there already."""
        return self.install is True
