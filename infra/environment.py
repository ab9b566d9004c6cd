"""The one place that decides which components a stack has, and how they are wired.

From top to bottom: keys and credentials go to the store, External Secrets Operator brings them into the namespace, the
database and Redis come up with them, then the migration, then the gateway, and last the way in.
"""

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.access.access import Access
from components.cache.redis import Redis
from components.cache.users import RedisLock, RedisUser, RedisUserArgs
from components.certificate_files import DATABASE as DATABASE_AUTHORITIES
from components.certificates import CertificateFile, Certificates
from components.database.bootstrap import DatabaseBootstrap, DatabaseBootstrapArgs
from components.database.cloudnative_api import PORT as CLOUDNATIVE_PORT
from components.database.cloudnative_pg import CloudNativePostgres
from components.database.lock import DatabaseLock
from components.database.postgres import Postgres
from components.gateway.gateway import Gateway
from components.gateway.migration import Migration
from components.ingress.http_route import HttpRoute
from components.ingress.ingress import Ingress
from components.labels import INSTANCE, labels
from components.monitoring.monitoring import Monitoring
from components.namespace.limits import NamespaceLimits
from components.network.network_policy import NetworkPolicies, NetworkPoliciesArgs
from components.objects import name_after
from components.secrets.generated import GeneratedSecret
from components.sync.restarter import ROTATIONS, Restarter
from infra import access, workloads
from infra.config.aws_pods import ROLE_ANNOTATION, known_to_aws, makes_role
from infra.config.database.cloudnative import CloudNativePgDatabase
from infra.config.database.existing import ExistingDatabase
from infra.config.database.kinds import CLUSTER, InClusterDatabase
from infra.config.database.rds import RdsDatabase
from infra.config.ingress.gateway_api import GatewayApiConfig
from infra.config.redis import ElastiCacheConfig, ExistingRedis, InClusterRedis, NoRedis
from infra.delivery import announced, delivery_of
from infra.egress import exits
from infra.installation import installed
from infra.monitoring import MONITORING, watched
from infra.network import openings
from infra.outputs import outputs, places
from infra.pods import Pods
from infra.providers import providers
from infra.secrets.documents import (
    REDIS,
    Contents,
    Generated,
    Property,
    StackSecret,
    documents,
    made_in_the_store,
)
from infra.secrets.store import Values
from infra.servers import Servers
from infra.target import Target
from infra.turns import database_alternates
from infra.workloads import ACCESS_KEYS, ADMIN, ENVIRONMENT, REDIS_CONFIG, ROLE, SECRET_FILES, PodAccount


def deploy(target: Target) -> Mapping[str, pulumi.Input[Any]]:
    """Register everything that the stack has, and return its outputs."""
    if target.config.shared:
        return import_module("infra.shared").deploy(target)
    return Environment(target).outputs


class Environment:
    """Everything of one stack, registered in the order in which it is needed."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.config = target.config
        self.restarts = self.config.secrets.reload == "restarter"
        self.providers = providers(target)
        operator_identity = target.store.operator_identity(target, self._options())
        self.operator = installed(target, operator_identity, self._options())
        self.namespace = self._namespace()
        self._limits()
        self.values = values = self._values()
        self.cache_users: pulumi.Output[str] | None = None
        self.servers = self._servers(values)
        self.store = target.store.open(
            target, self.namespace, values, self.servers, operator_identity, self._options(*self._announcement())
        )
        self.contents = Contents(self.config, self.servers, target.store.locate, target.turns)
        self.account = self._account()
        self.bootstrap: DatabaseBootstrapArgs | None = None
        self.redis_users: RedisUserArgs | None = None
        made = places(target, self.contents) if self.config.gitops else self._in_cluster()
        self.outputs = made | ({"keyReaders": dict(self.store.readers)} if self.store.readers else {})

    def _in_cluster(self) -> dict[str, pulumi.Input[Any]]:
        """What Pulumi makes in the cluster, unless Argo CD does."""
        self._network_policies()
        self.delivery = delivery_of(self.target, self.namespace, self.store, self.operator, self._options())
        self.cloudnative = self._cloudnative()
        self.delivery.await_also(self.cloudnative)
        self.certificates = self._certificates()
        self.pods = Pods(self.config, self._image_pull_secrets())
        database = self._database()
        redis = self._redis()
        secret = self.delivery.secret(ENVIRONMENT, self.contents.gateway(), watched=self.restarts)
        gateway = self._gateway(secret, database, redis)
        self._lock(gateway)
        self._access(gateway)
        self._monitoring(gateway)
        url = self._ingress(gateway)
        return outputs(self.target, self.contents, url, {} if self.config.secrets.by_pods else {"gateway": secret})

    def _options(self, *depends_on: pulumi.Resource, protect: bool = False) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(providers=self.providers, depends_on=list(depends_on), protect=protect)

    def _namespace(self) -> pulumi.Output[str]:
        if not self.config.create_namespace:
            return pulumi.Output.from_input(self.target.namespace)
        namespace = kubernetes.core.v1.Namespace(
            "namespace",
            metadata={
                "name": self.target.namespace,
                "labels": labels("litellm")
                | {
                    INSTANCE: self.target.instance,
                    "pod-security.kubernetes.io/enforce": "restricted",
                    "pod-security.kubernetes.io/warn": "restricted",
                }
                | workloads.ingress_labels(self.config.ingress)
                | self.config.namespace_labels,
            },
            # On the way out the namespace goes first: the operator must be there for the finalizers of what is in it.
            opts=pulumi.ResourceOptions(
                provider=self.providers[0], protect=self.config.protect, depends_on=self.operator
            ),
        )
        return name_after(self.target.namespace, namespace)

    def _image_pull_secrets(self) -> list[pulumi.Input[str]]:
        """Secrets with logins to image registries: those that are there, and one out of the store."""
        content = self.contents.image_pull()
        made = [self.delivery.secret("image-pull", content)] if content else []
        return [*self.config.pods.image_pull_secrets, *made]

    def _network_policies(self) -> None:
        if self.config.network_policy.enabled:
            limited = exits(self.config, self.servers, self.target.namespace, self.target.turns, self.store.agent)
            args: NetworkPoliciesArgs = {
                "namespace": self.namespace,
                "openings": openings(self.config, self.target.turns),
                "exits": limited,
            }
            NetworkPolicies("network", args, self._options())

    def _announcement(self) -> list[pulumi.Resource]:
        """What the restarter is told before any value is written, so that it leaves the pods to this `up`."""
        if not self.restarts:
            return []
        told = announced(self.config)
        config_map = kubernetes.core.v1.ConfigMap(
            workloads.ANNOUNCEMENT,
            metadata={
                "name": told["config_map"],
                "namespace": self.namespace,
                "labels": labels(workloads.RESTARTER),
            },
            data={ROTATIONS: told["rotations"]},
            opts=self._options(),
        )
        return [config_map]

    def _limits(self) -> None:
        if self.config.quota.hard:
            NamespaceLimits("limits", workloads.limits(self.config.quota, self.namespace), self._options())

    def _values(self) -> dict[str, dict[str, pulumi.Input[str]]]:
        """What is written to the store, but for what is made there."""
        made = made_in_the_store(self.config)
        return {
            document: {
                name: self._value(document, name, content)
                for name, content in properties.items()
                if name not in made.get(document, {})
            }
            for document, properties in documents(self.config, self.target.turns).items()
        }

    def _value(self, document: str, name: str, content: Property) -> pulumi.Input[str]:
        match content:
            case Generated(length, prefix, rotation, turn, generator):
                with_store = pulumi.InvokeOptions(provider=self.providers[1])
                adopted = self.target.store.adopted(document, name, with_store)
                return (
                    adopted
                    or GeneratedSecret(
                        generator or f"{document.replace('/', '-')}-{name}",
                        {"length": length, "prefix": prefix, "rotation": rotation, "turn": turn},
                        self._options(),
                    ).value
                )
            case StackSecret(variable):
                return self.target.provider_keys.value(variable)
            case str():
                return content

    def _servers(self, values: Values) -> Servers:
        """Where Postgres and Redis are. What AWS runs is made here, as the store needs to know of it."""
        database, redis = self.config.database, self.config.redis
        options = self._options(protect=self.config.protect)
        found = Servers(database=(workloads.POSTGRES, workloads.POSTGRES_PORT), redis=None)
        match database:
            case ExistingDatabase():
                found = replace(found, database=database.address)
            case RdsDatabase():
                server = import_module("infra.aws.servers").rds(database, self.config.protect, options)
                found = replace(
                    found,
                    database=(server.host, server.port),
                    managed_admin=server.admin_secret_arn,
                    resource_id=server.resource_id,
                )
            case CloudNativePgDatabase():
                found = replace(found, database=(f"{CLUSTER}-rw", CLOUDNATIVE_PORT))
            case InClusterDatabase():
                pass
        match redis:
            case InClusterRedis():
                return replace(found, redis=(workloads.REDIS, workloads.REDIS_PORT))
            case ExistingRedis():
                first = redis.nodes[0]
                return replace(found, redis=(first.host, first.port))
            case ElastiCacheConfig():
                turn = self.target.turns.redis
                server = import_module("infra.aws.servers").elasticache(redis, values[REDIS], turn, options)
                self.cache_users = server.user_group_id
                return replace(found, redis=(server.host, server.port))
            case NoRedis():
                return found

    def _account(self) -> PodAccount | None:
        """By whom AWS knows LiteLLM's pods. Here before any of them: a pod gets its credentials at its start, or never."""
        given = self.config.gateway.service_account_annotations
        if not known_to_aws(self.config):
            return None
        account = PodAccount(workloads.ACCOUNT, {}, given.get(ROLE_ANNOTATION, ""))
        needed: list[pulumi.Resource] = []
        if makes_role(self.config):
            account, needed = import_module("infra.aws.identity").pods_account(
                self.target, self.servers, workloads.ACCOUNT, self._options()
            )
        registered = kubernetes.core.v1.ServiceAccount(
            "litellm-aws-account",
            metadata={
                "name": account.name,
                "namespace": self.namespace,
                "labels": labels("litellm"),
                "annotations": {**given, **account.annotations},
            },
            automount_service_account_token=False,
            opts=self._options(*needed),
        )
        return replace(account, name=name_after(account.name, registered))

    def _cloudnative(self) -> list[pulumi.Resource]:
        """The Postgres of CloudNativePG, whose operator makes the Secrets with login and authority."""
        database = self.config.database
        if not isinstance(database, CloudNativePgDatabase):
            return []
        args = workloads.cloudnative(database, self.namespace)
        return [CloudNativePostgres(CLUSTER, args, self._options(protect=self.config.protect))]

    def _certificates(self) -> list[CertificateFile]:
        """The authorities that pods check the servers with."""
        own: CertificateFile = {"file": DATABASE_AUTHORITIES, "key": "ca.crt", "secret": f"{CLUSTER}-ca"}
        found = [own] if self.cloudnative else []
        files = workloads.authorities(self.config, self.target.rds_authorities)
        if not files:
            return found
        made = Certificates("litellm-certificates", {"namespace": self.namespace, "files": files}, self._options())
        return [*found, *({"file": file, "key": file, "config_map": made.config_map} for file in files)]

    def _database(self) -> list[pulumi.Resource]:
        """Postgres with LiteLLM's role and database in it; returns what the migration must wait for."""
        database, content = self.config.database, self.contents.database_admin()
        if isinstance(database, ExistingDatabase) and database.admin is None:
            return []
        if self.cloudnative:
            return self.cloudnative
        admin = self.delivery.secret(ADMIN, content) if content else None
        server: list[pulumi.Resource] = []
        if isinstance(database, InClusterDatabase) and admin is not None:
            args = workloads.postgres(
                database,
                self.namespace,
                admin,
                self.delivery.pod(workloads.POSTGRES, self.pods.servers),
                retain_data=self.config.protect,
            )
            server.append(Postgres(workloads.POSTGRES, args, self._options(protect=self.config.protect)))
        password = self.contents.database_role()
        role = self.delivery.secret(ROLE, password) if password else None
        bootstrap = workloads.bootstrap(
            database,
            self.servers,
            self.namespace,
            admin,
            role,
            self.delivery.pod(workloads.BOOTSTRAP, self.pods.bootstrap),
            self.config.ephemeral.mark,
            self.certificates,
            self.target.turns.database,
        )
        self.bootstrap = bootstrap
        return [DatabaseBootstrap(workloads.BOOTSTRAP, bootstrap, self._options(*server))]

    def _lock(self, gateway: Gateway) -> None:
        """The end of a rotation, once no pod needs the user of before."""
        if self.redis_users:
            RedisLock(workloads.REDIS_LOCK, self.redis_users, self._options(gateway))
        if isinstance(redis := self.config.redis, ElastiCacheConfig) and self.cache_users:
            import_module("infra.aws.cache_users").locked(
                redis, self.values[REDIS], self.target.turns.redis, self.cache_users, self._options(gateway)
            )
        turn = self.target.turns.database
        if self.bootstrap and "owner" in self.bootstrap and database_alternates(self.config):
            args = workloads.lock(self.config, self.bootstrap, turn)
            DatabaseLock(workloads.DATABASE_LOCK, args, self._options(gateway))

    def _redis(self) -> list[pulumi.Resource]:
        redis, content = self.config.redis, self.contents.redis()
        if not isinstance(redis, InClusterRedis) or content is None:
            return []
        turn, both = self.target.turns.redis, self.contents.redis_users()
        secret = self.delivery.secret(REDIS_CONFIG, content, in_place=turn.alternates)
        pod = self.delivery.pod(workloads.REDIS, self.pods.servers)
        server = Redis(workloads.REDIS, workloads.redis(redis, self.namespace, secret, pod), self._options())
        if both is None:
            return [server]
        users = self.delivery.secret("redis-users", both)
        self.redis_users = workloads.redis_users(redis, self.servers, self.namespace, users, turn, self.pods.bootstrap)
        return [server, RedisUser(workloads.REDIS_USER, self.redis_users, self._options(server))]

    def _gateway(
        self, secret: pulumi.Input[str], database: list[pulumi.Resource], redis: list[pulumi.Resource]
    ) -> Gateway:
        database_url = self.contents.migration()
        migration = Migration(
            workloads.MIGRATION,
            workloads.migration(
                self.config,
                self.servers,
                self.namespace,
                self.delivery.secret(workloads.MIGRATION, database_url) if database_url else None,
                self.account,
                self.delivery.pod(workloads.MIGRATION, self.pods.migration),
                self.certificates,
            ),
            self._options(*database),
        )
        content = self.contents.files()
        files = self.delivery.secret(SECRET_FILES, content, watched=self.restarts) if content else None
        if self.restarts:
            secrets = {"environment": secret} | ({"files": files} if files else {})
            restarter = workloads.restarter(
                self.config, self.namespace, secrets, announced(self.config), self.pods.restarter
            )
            # Beside the gateway: by the time that its pods are ready, the values with which they began are known.
            Restarter(workloads.RESTARTER, restarter, self._options())
        args = workloads.gateway(
            self.config,
            self.servers,
            self.namespace,
            secret,
            self.account,
            self.delivery.pod(workloads.GATEWAY, self.pods.gateway),
            files,
            self.certificates,
            self.target.turns.redis,
        )
        return Gateway(workloads.GATEWAY, args, self._options(migration, *redis))

    def _access(self, gateway: Gateway) -> None:
        """What LiteLLM knows of teams, users, keys and budgets, once its pods answer."""
        if not self.config.access.wanted:
            return
        keys = self.delivery.secret(ACCESS_KEYS, access.secret(self.contents))
        pod = self.delivery.pod(access.ACCESS, self.pods.migration)
        args = access.arguments(self.target, self.namespace, gateway.service_name, keys, pod)
        Access(access.ACCESS, args, self._options(gateway))

    def _monitoring(self, gateway: Gateway) -> None:
        content = self.contents.metrics_key()
        key = self.delivery.secret("litellm-metrics", content) if content else None
        if args := watched(self.config, self.namespace, self.target.stack, key):
            Monitoring(MONITORING, args, self._options(gateway))

    def _certificate(self) -> pulumi.Input[str] | None:
        balancer = self.config.ingress.load_balancer
        if balancer.certificate_domain is None:
            return balancer.certificate_arn
        return import_module("infra.aws.servers").certificate(balancer.certificate_domain, self.providers[1])

    def _ingress(self, gateway: Gateway) -> pulumi.Input[str]:
        """The way in, and the private one beside it; returns the URL for clients."""
        ingress = self.config.ingress
        if not ingress.enabled:
            path = ingress.root_path or self.config.gateway.root_path
            inside = pulumi.Output.concat("http://", gateway.service_name, ".", self.namespace, f".svc:4000{path}")
            return ingress.public_url or inside
        private = ingress.private
        if ingress.gateway:
            if private:
                self._route("litellm-private", gateway, private.host, private.gateway or ingress.gateway)
            return self._route("litellm-ingress", gateway, ingress.host or "", ingress.gateway)
        certificate, content = self._certificate(), self.contents.certificate()
        secret = self.delivery.secret("litellm-certificate", content) if content else None
        hosts = {"litellm-private": private.host if private else None, "litellm-ingress": ingress.host}
        urls = [
            Ingress(
                name,
                workloads.ingress(self.config, self.namespace, gateway, host, certificate, secret),
                self._options(gateway),
            ).url
            for name, host in hosts.items()
            if host
        ]
        return urls[-1]

    def _route(self, name: str, gateway: Gateway, host: str, attached: GatewayApiConfig) -> pulumi.Output[str]:
        args = workloads.route(self.config, self.namespace, gateway, host, attached)
        return HttpRoute(name, args, self._options(gateway)).url
