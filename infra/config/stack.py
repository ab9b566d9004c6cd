"""The whole configuration of a stack."""

from collections.abc import Iterator
from typing import Literal

from pydantic import Field, SecretStr

from infra.config.base import DnsLabel, Section, VariableName
from infra.config.database import DatabaseConfig, DocumentCredentials, ExistingDatabase, InClusterDatabase
from infra.config.ephemeral import EphemeralConfig
from infra.config.gateway import GatewayConfig
from infra.config.ingress import IngressConfig
from infra.config.keys import KeysConfig
from infra.config.quota import QuotaConfig
from infra.config.redis import ExistingRedis, InClusterRedis, RedisConfig
from infra.config.references import PropertyReference
from infra.config.secrets import ExternalSecretsConfig, SecretsConfig


class StackConfig(Section):
    """Everything that `Pulumi.<stack>.yaml` may say, below `litellm:`."""

    namespace: Literal[""] | DnsLabel = ""
    """Kubernetes namespace of the gateway; it is created. Without one: `litellm-<stack>`."""

    protect: bool = True
    """Refuse to delete what holds data: the database's volume, the namespace. The salt key is protected always."""

    context: str = ""
    """Context of the kubeconfig. Without one: its current context."""

    secrets: SecretsConfig = SecretsConfig()

    external_secrets: ExternalSecretsConfig = ExternalSecretsConfig()

    keys: KeysConfig = KeysConfig()

    provider_keys: dict[VariableName, SecretStr] = Field(default_factory=dict)
    """API keys of the model providers, by the environment variable that LiteLLM reads: `OPENAI_API_KEY`. Set one with
    `pulumi config set --secret --path litellm:providerKeys.OPENAI_API_KEY`."""

    provider_documents: dict[VariableName, PropertyReference] = Field(default_factory=dict)
    """API keys that are in the store already, by the environment variable that LiteLLM reads."""

    database: DatabaseConfig = InClusterDatabase()

    redis: RedisConfig = InClusterRedis()

    gateway: GatewayConfig = GatewayConfig()

    ingress: IngressConfig

    quota: QuotaConfig = QuotaConfig()

    ephemeral: EphemeralConfig = EphemeralConfig()

    def references(self) -> Iterator[tuple[str, PropertyReference]]:
        """Everything that this stack reads from documents that somebody else wrote, and where the configuration says so."""
        if self.keys.master.existing:
            yield "keys.master.existing", self.keys.master.existing
        if self.keys.salt.existing:
            yield "keys.salt.existing", self.keys.salt.existing
        for variable, reference in self.provider_documents.items():
            yield f"providerDocuments.{variable}", reference
        if isinstance(self.database, ExistingDatabase):
            for where, credentials in (("credentials", self.database.credentials), ("admin", self.database.admin)):
                if isinstance(credentials, DocumentCredentials):
                    for name in (credentials.username_property, credentials.password_property):
                        yield f"database.{where}", PropertyReference(document=credentials.document, property=name)
        if isinstance(self.redis, ExistingRedis) and self.redis.password:
            yield "redis.password", self.redis.password
