"""The whole configuration of a stack."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, SecretStr

from infra.config.access import AccessConfig
from infra.config.aws.identity import StaticKeys
from infra.config.base import DnsLabel, Reason, Section, VariableName
from infra.config.database.common import DocumentCredentials, DocumentLogin, SecretCredentials, SecretLogin
from infra.config.database.existing import ExistingDatabase
from infra.config.database.kinds import DatabaseConfig, InClusterDatabase
from infra.config.ephemeral import EphemeralConfig
from infra.config.gateway.settings import GatewayConfig
from infra.config.ingress.settings import IngressConfig
from infra.config.keys import KeysConfig
from infra.config.monitoring import MonitoringConfig, monitored
from infra.config.network import NetworkPolicyConfig
from infra.config.placement import Placement
from infra.config.pods import Labels, PodsConfig
from infra.config.proxy import ProxyConfig
from infra.config.quota import QuotaConfig
from infra.config.redis import ExistingRedis, InClusterRedis, NoRedis, RedisConfig
from infra.config.references import PropertyReference
from infra.config.secrets import ExternalSecretsConfig, SecretsConfig
from infra.config.shared import SharedConfig
from infra.config.smoke import SmokeConfig
from infra.config.ui import UiConfig

DOCKER_CONFIG = ".dockerconfigjson"
"""Key of a Secret with logins to image registries."""


class StackConfig(Section):
    """Everything that `Pulumi.<stack>.yaml` may say, below `litellm:`."""

    namespace: Literal[""] | DnsLabel = ""
    """Kubernetes namespace of the gateway. Without one: `litellm-<stack>`."""

    create_namespace: bool = True
    """Make the namespace, with its labels, and delete it with the stack. With false it must be there: it is used as it is, and
    never labelled or deleted; what it lacks (rights, room in its ResourceQuota) is said before anything is made in it."""

    protect: bool = True
    """Refuse to delete what holds data: the database's volume, the namespace. The salt key is protected always."""

    gitops: bool = False
    """Leave the gateway's Kubernetes objects to Argo CD: `up` makes the rest (documents, policies, identities, the operator,
    the namespace), `make render` writes the objects. See docs/gitops.md."""

    context: str = ""
    """Context of the kubeconfig. Without one: its current context."""

    secrets: SecretsConfig = SecretsConfig.model_construct()
    """Where the secrets live, and how External Secrets Operator may read them."""

    external_secrets: ExternalSecretsConfig = ExternalSecretsConfig.model_construct()
    """External Secrets Operator (ESO), which brings secrets from the store into the cluster: one per cluster."""

    keys: KeysConfig = KeysConfig.model_construct()
    """LiteLLM's master key and salt key."""

    provider_keys: dict[VariableName, SecretStr] = Field(default_factory=dict)
    """API keys of the model providers, by the environment variable that LiteLLM reads: `OPENAI_API_KEY`. Set one with
    `pulumi config set --secret --path litellm:providerKeys.OPENAI_API_KEY`."""

    secret_environment: dict[VariableName, PropertyReference] = Field(default_factory=dict)
    """Secrets that are in the store already, by the environment variable of the gateway that gets them: keys of providers, and
    whatever else LiteLLM reads (`OTEL_HEADERS`, `LITELLM_LICENSE`, `SLACK_WEBHOOK_URL`, `UI_PASSWORD`)."""

    provider_documents: dict[VariableName, PropertyReference] = Field(default_factory=dict)
    """The older name of `secretEnvironment`, which means the same and can be written beside it."""

    allow_plaintext: dict[str, Reason] = Field(default_factory=dict)
    """Texts that look like secrets and are none: the path of each, as its refusal names it, and the reason why everybody may
    read it, such as `gateway.environment.FOO: a test key of the mock`. The policy keeps to it, too."""

    database: DatabaseConfig = InClusterDatabase.model_construct()
    """Where LiteLLM's Postgres is, and who may log in to it: `in-cluster` (the default), `existing` or `rds`."""

    redis: RedisConfig = InClusterRedis.model_construct()
    """Where Redis is, which replicas need to share rate limits: `none`, `in-cluster` (the default), `existing` or
    `elasticache`."""

    placement: Placement = Placement.model_construct()
    """On which nodes all pods of the stack run: LiteLLM, its Jobs, Postgres, Redis, and the operator where the stack installs
    it. `gateway.placement` says what is different for the gateway."""

    pods: PodsConfig = PodsConfig.model_construct()

    namespace_labels: Labels = Field(default_factory=dict)
    """More labels of the namespace that the stack makes: `istio-injection: enabled`, an owner, a cost centre."""

    gateway: GatewayConfig = GatewayConfig.model_construct()
    """LiteLLM itself: image, models, replicas, resources and settings."""

    access: AccessConfig = AccessConfig.model_construct()

    ingress: IngressConfig
    """How clients reach the gateway from outside the cluster: an Ingress or an HTTPRoute, host, path and TLS. See
    docs/ways-in.md."""

    network_policy: NetworkPolicyConfig = NetworkPolicyConfig.model_construct()

    monitoring: MonitoringConfig = MonitoringConfig.model_construct()

    proxy: ProxyConfig = ProxyConfig.model_construct()

    quota: QuotaConfig = QuotaConfig.model_construct()

    smoke: SmokeConfig = SmokeConfig.model_construct()

    ui: UiConfig = UiConfig.model_construct()

    shared: SharedConfig | None = None
    """Makes this the stack of what belongs to the cluster, with no gateway in it. See docs/shared.md."""

    ephemeral: EphemeralConfig = EphemeralConfig.model_construct()

    @property
    def documents_by_variable(self) -> dict[str, PropertyReference]:
        """Where the gateway's secret variables are in the store, whichever name the configuration has for them."""
        own = self.provider_documents | self.secret_environment | self.proxy.documents
        return own | self.ui.documents | self.monitoring.documents

    @property
    def watched_gateway(self) -> GatewayConfig:
        """The gateway with what `monitoring` makes of its settings."""
        return monitored(self.gateway, self.monitoring)

    @property
    def redis_of_litellm(self) -> RedisConfig:
        """The Redis that LiteLLM knows: not one that would count for one process only, and do nothing else."""
        if not isinstance(self.redis, InClusterRedis):
            return self.redis
        # A login by SSO begins in one pod and may end in the next.
        needed = not self.gateway.is_alone or self.gateway.may_need_redis or self.ui.sso is not None
        needed = needed or self.redis.transaction_buffer
        wanted = needed if self.redis.coordination is None else self.redis.coordination
        return self.redis if wanted else NoRedis(kind="none")

    @property
    def placement_of_all(self) -> Placement:
        """Where every pod runs but LiteLLM's. Tolerations of the gateway's older key reach all: they exclude no node, and
        without them the others stay Pending where every node has the taint. Its selector might exclude that of a volume."""
        if "tolerations" in self.placement.model_fields_set:
            return self.placement
        return self.placement.model_copy(update={"tolerations": self.gateway.tolerations})

    @property
    def placement_of_gateway(self) -> Placement:
        """Where LiteLLM's pods run."""
        older = {"node_selector": self.gateway.node_selector, "tolerations": self.gateway.tolerations}
        given = self.gateway.placement or Placement().model_copy(
            update={name: value for name, value in older.items() if value}
        )
        return self.placement.overridden_by(given)

    def references(self) -> Iterator[tuple[str, PropertyReference]]:
        """Everything that this stack reads from documents that somebody else wrote, and where the configuration says so."""
        if self.pods.image_pull_document:
            yield "pods.imagePullDocument", self.pods.image_pull_document
        if self.keys.master.existing:
            yield "keys.master.existing", self.keys.master.existing
        if self.keys.salt.existing:
            yield "keys.salt.existing", self.keys.salt.existing
        for variable, reference in self.provider_documents.items():
            yield f"providerDocuments.{variable}", reference
        for variable, reference in self.secret_environment.items():
            yield f"secretEnvironment.{variable}", reference
        if self.proxy.document:
            yield "proxy.document", self.proxy.document
        for name, reference in self.gateway.secret_files.items():
            yield f"gateway.secretFiles.{name}", reference
        yield from self.access.references()
        yield from self.ui.references()
        yield from self.monitoring.references()
        yield from self.login_documents()
        if isinstance(self.redis, ExistingRedis) and self.redis.password:
            yield "redis.password", self.redis.password
        if isinstance(self.redis, ExistingRedis) and self.redis.user:
            yield "redis.usernameProperty", self.redis.user
        if isinstance(self.redis, ExistingRedis) and self.redis.sentinel and self.redis.sentinel.password:
            yield "redis.sentinel.password", self.redis.sentinel.password
        if (tls := self.ingress.tls) and tls.certificate and tls.private_key:
            yield "ingress.tls.certificate", tls.certificate
            yield "ingress.tls.privateKey", tls.private_key

    def login_documents(self) -> Iterator[tuple[str, PropertyReference]]:
        if not isinstance(self.database, ExistingDatabase):
            return
        login, admin = self.database.login, self.database.admin
        if isinstance(login, DocumentLogin):
            for name in login.properties.values():
                yield "database.credentials", login.at(name)
        if isinstance(admin, DocumentCredentials):
            for name in (admin.username_property, admin.password_property):
                yield "database.admin", admin.at(name)

    def kubernetes_secrets(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Secrets of the gateway's namespace that somebody else makes: where the configuration says so, name and keys."""
        identity = self.secrets.aws.identity if self.secrets.aws else None
        if isinstance(identity, StaticKeys):
            keys = identity.access_key_id_key, identity.secret_access_key_key
            yield "secrets.aws.identity.kubernetesSecret", identity.kubernetes_secret, keys
        if app_role := self.secrets.vault.app_role:
            keys = app_role.role_id_key, app_role.secret_id_key
            yield "secrets.vault.appRole.kubernetesSecret", app_role.kubernetes_secret, keys
        for name in self.pods.image_pull_secrets:
            yield "pods.imagePullSecrets", name, (DOCKER_CONFIG,)
        if not isinstance(self.database, ExistingDatabase):
            return
        admin, login = self.database.admin, self.database.login
        if isinstance(login, SecretLogin):
            yield "database.credentials.kubernetesSecret", login.kubernetes_secret, tuple(login.properties.values())
        if isinstance(admin, SecretCredentials):
            yield "database.admin.kubernetesSecret", admin.kubernetes_secret, (admin.username_key, admin.password_key)
