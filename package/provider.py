"""The components that are public: what other programs may use, and what the schema of the package is made of."""

from typing import Any, cast

import pulumi
from pulumi.provider.experimental.analyzer import PropertyDefinition, PropertyType
from pulumi.provider.experimental.component import ComponentProvider

from components.access.access import Access
from components.aws_role import AwsRole
from components.cache.elasticache import ElastiCacheRedis
from components.cache.elasticache_user import ElastiCacheUser
from components.cache.redis import Redis
from components.cache.users import RedisLock, RedisUser
from components.certificates import Certificates
from components.database.bootstrap import DatabaseBootstrap
from components.database.cloudnative_pg import CloudNativePostgres
from components.database.lock import DatabaseLock
from components.database.postgres import Postgres
from components.database.rds import RdsPostgres
from components.gateway.aws_access import AwsAccess
from components.gateway.gateway import Gateway
from components.gateway.migration import Migration
from components.ingress.http_route import HttpRoute
from components.ingress.ingress import Ingress
from components.monitoring.monitoring import Monitoring
from components.namespace.limits import NamespaceLimits
from components.network.network_policy import NetworkPolicies
from components.secrets.aws_documents import AwsDocuments
from components.secrets.aws_identity import AwsIdentity
from components.secrets.aws_reader import AwsReader
from components.secrets.generated import GeneratedSecret
from components.secrets.vault_auth import VaultKubernetesAuth
from components.secrets.vault_documents import VaultDocuments
from components.secrets.vault_jwt import VaultJwtAuth
from components.secrets.vault_reader import VaultReader
from components.secrets.vault_shared import VaultSharedAccess
from components.secrets.vault_token import VaultTokenAuth
from components.sync.agent import VaultAgent
from components.sync.aws_fetch import AwsFetch
from components.sync.namespace_store import NamespaceStore
from components.sync.operator import ExternalSecretsOperator
from components.sync.reader_account import ReaderAccount
from components.sync.restarter import Restarter
from components.sync.secret import SyncedSecret
from components.sync.store import SecretStore

NAME = "litellm"
NAMESPACE = "litellm-on-kubernetes"
VERSION = "0.1.0"

COMPONENTS: list[type[pulumi.ComponentResource]] = [
    Access,
    AwsAccess,
    AwsDocuments,
    AwsFetch,
    AwsIdentity,
    AwsReader,
    AwsRole,
    Certificates,
    CloudNativePostgres,
    DatabaseBootstrap,
    DatabaseLock,
    RedisUser,
    RedisLock,
    ElastiCacheRedis,
    ElastiCacheUser,
    ExternalSecretsOperator,
    Gateway,
    GeneratedSecret,
    HttpRoute,
    Ingress,
    Migration,
    Monitoring,
    NamespaceLimits,
    NamespaceStore,
    NetworkPolicies,
    Postgres,
    RdsPostgres,
    Redis,
    Restarter,
    SecretStore,
    SyncedSecret,
    VaultAgent,
    ReaderAccount,
    VaultDocuments,
    VaultJwtAuth,
    VaultKubernetesAuth,
    VaultReader,
    VaultSharedAccess,
    VaultTokenAuth,
]


class Package(ComponentProvider):
    """Pulumi's host for components, which takes whole numbers from other languages as what they are."""

    def __init__(self) -> None:
        super().__init__(COMPONENTS, NAME, NAMESPACE, VERSION)

    def map_input_properties(
        self,
        inputs: Any,
        properties: dict[str, PropertyDefinition],
        mapping: dict[str, str],
        component_name: str,
        property_path: str,
    ) -> Any:
        """Numbers arrive as floats. The SDK (3.255) leaves them so, and fails for one that is an output of a resource."""
        whole = {
            name: inputs[name]
            for name, definition in properties.items()
            if definition.type == PropertyType.INTEGER and inputs.get(name) is not None
        }
        known = inputs | {name: 0 for name, value in whole.items() if isinstance(value, pulumi.Output)}
        mapped: Any = super().map_input_properties(known, properties, mapping, component_name, property_path)
        for name, value in whole.items():
            mapped[mapping[name]] = whole_number(value)
        return mapped


def whole_number(value: Any) -> pulumi.Input[int]:
    return cast("pulumi.Output[float]", value).apply(int) if isinstance(value, pulumi.Output) else int(value)
