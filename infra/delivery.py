"""How secrets get from the store into the pods: by External Secrets Operator, or by the pods themselves. Chosen here, once."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pulumi

from components.delivery import AgentDelivery
from components.gateway.files import key_of_file
from components.objects import short_hash
from components.pods import PodSettings
from components.sync.agent import DeliveredSecret, VaultAgent, VaultAgentArgs, fetcher
from components.sync.aws_fetch import AwsFetch, fetchers
from components.sync.namespace_store import NamespaceStore
from components.sync.reader_account import ReaderAccount
from components.sync.restarter import Announced
from components.sync.secret import SyncedSecret
from components.sync.store import SecretStore
from infra.access import ACCESS
from infra.config.aws.identity import AUDIENCE, IrsaIdentity
from infra.config.database.common import SecretLogin
from infra.config.stack import StackConfig
from infra.secrets.documents import DATABASE, IN_THE_NAMESPACE, SecretContent, login_of, rotations
from infra.secrets.store import OpenStore, StoreReference
from infra.target import Target
from infra.workloads import (
    ACCESS_KEYS,
    ADMIN,
    ANNOUNCEMENT,
    BOOTSTRAP,
    ENVIRONMENT,
    GATEWAY,
    MIGRATION,
    POSTGRES,
    REDIS,
    REDIS_CONFIG,
    ROLE,
    SECRET_FILES,
)

SPREAD_SECONDS = 30
"""How much time there is for each pod but one to start again, where a value has changed in Vault."""


class Delivery(Protocol):
    """What brings secrets into the pods."""

    def secret(
        self, name: str, content: SecretContent, *, in_place: bool = False, watched: bool = False
    ) -> pulumi.Input[str]:
        """Register one Secret, and return how pods refer to it.

        With `in_place` a new value changes no pod; with `watched` somebody else looks for new ones.
        """
        ...

    def pod(self, workload: str, settings: PodSettings) -> PodSettings:
        """The settings of the pods of one workload, with what they need to get their secrets."""
        ...


class ByOperator:
    """External Secrets Operator: Kubernetes Secrets, out of a SecretStore."""

    def __init__(
        self,
        target: Target,
        namespace: pulumi.Input[str],
        store: OpenStore,
        operator: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        self.target, self.config, self.namespace, self.store = target, target.config, namespace, store
        self.operator, self.opts = operator, opts
        self.needed: list[pulumi.Resource] = []
        self.reference, self.stores = self._secret_store()
        self.others = self._other_stores()
        self.namespace_stores = self._namespace_stores()

    def await_also(self, resources: Iterable[pulumi.Resource]) -> None:
        """What must be there before any Secret is made, such as whoever writes one that is read."""
        self.needed += resources

    def secret(
        self, name: str, content: SecretContent, *, in_place: bool = False, watched: bool = False
    ) -> pulumi.Output[str]:
        return SyncedSecret(
            name,
            {
                "namespace": self.namespace,
                "store": self.reference.name,
                "store_kind": self.reference.kind,
                "stores": self._by_name(),
                "mount": self.store.mount,
                "values": content.values,
                "extract": content.extract,
                "template": content.template,
                "type": content.type,
                "steady": content.steady,
                "revision": self.store.documents.revision_of(*content.documents),
                "refresh_interval": self.config.external_secrets.refresh_interval,
                "in_place": in_place,
                "fingerprint": watched,
            },
            self._after(
                *self.stores,
                *self.others.values(),
                *self.namespace_stores.values(),
                *self.needed,
                *self.store.resources,
            ),
        ).secret

    def pod(self, workload: str, settings: PodSettings) -> PodSettings:
        """The same: pods read Secrets."""
        del workload
        return settings

    def _after(self, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
        return after(self.opts, resources)

    def _secret_store(self) -> tuple[StoreReference, list[pulumi.Resource]]:
        """The store of the stack, and what must be there before it is used: one that is there already needs nothing."""
        if self.store.provider_block is None:
            return self.store.there or StoreReference("SecretStore", ""), [*self.operator]
        made = SecretStore(
            "secret-store",
            {"namespace": self.namespace, "provider": self.store.provider_block, "reader": self.store.reader},
            self._after(*self.operator, *self.store.resources),
        )
        return StoreReference("SecretStore", made.store), [made]

    def _other_stores(self) -> dict[str, SecretStore]:
        """One SecretStore for each other engine, which reads with the identity of the first one."""
        return {
            mount: SecretStore(
                f"secret-store-{re.sub('[^a-z0-9]+', '-', mount.lower()).strip('-')}",
                {"namespace": self.namespace, "provider": block},
                self._after(*self.stores),
            )
            for mount, block in self.store.other_mounts.items()
        }

    def _namespace_stores(self) -> dict[str, NamespaceStore]:
        """The store of Secrets that somebody else makes in the namespace, where LiteLLM's login is one of them."""
        login, operator = login_of(self.config), self.config.external_secrets
        if not isinstance(login, SecretLogin):
            return {}
        return {
            IN_THE_NAMESPACE: NamespaceStore(
                "kubernetes-store",
                {
                    "namespace": self.namespace,
                    "secrets": [login.kubernetes_secret],
                    "operator_namespace": operator.namespace,
                    "operator_service_account": operator.service_account,
                },
                self._after(*self.operator),
            )
        }

    def _by_name(self) -> Mapping[str, pulumi.Input[str]]:
        """The stores beside the stack's own, by what references call them."""
        return {mount: other.store for mount, other in self.others.items()} | {
            name: other.store for name, other in self.namespace_stores.items()
        }


@dataclass(frozen=True)
class Use:
    """What the pods of one workload do with Secrets."""

    secrets: tuple[str, ...]

    once: bool = False
    """A Job, which ends."""

    restarts: bool = False
    """Whether the program starts again when a value has changed in Vault, which no `up` has changed."""

    entrypoint: tuple[str, ...] = ()
    """What the container runs that has no command of its own."""


USES: Mapping[str, Use] = {
    # Its password is for the first start only, and another one would not change it.
    POSTGRES: Use((ADMIN,), entrypoint=("docker-entrypoint.sh",)),
    BOOTSTRAP: Use((ADMIN, ROLE), once=True),
    MIGRATION: Use((MIGRATION,), once=True),
    REDIS: Use((REDIS_CONFIG,), restarts=True),
    GATEWAY: Use((ENVIRONMENT, SECRET_FILES), restarts=True),
    ACCESS: Use((ACCESS_KEYS,), once=True),
}

AS_FILES = (SECRET_FILES, REDIS_CONFIG, ACCESS_KEYS)
"""What pods have as a volume."""


class ByPods:
    """What brings values into the pods as the pods themselves: no Secret is made."""

    def __init__(
        self, target: Target, namespace: pulumi.Input[str], store: OpenStore, opts: pulumi.ResourceOptions
    ) -> None:
        self.target, self.config, self.namespace, self.store, self.opts = target, target.config, namespace, store, opts
        self.contents: dict[str, SecretContent] = {}
        secrets = self.config.secrets
        vault = secrets.vault
        reviews = (
            secrets.kind == "vault"
            and vault.auth == "kubernetes"
            and vault.kubernetes_auth.create
            and vault.kubernetes_auth.reviewer == "client"
        )
        self.account = ReaderAccount(
            target.reader,
            {
                "namespace": namespace,
                "name": target.reader,
                "annotations": self.config.gateway.service_account_annotations,
                "token_review": reviews,
            },
            opts,
        )

    def await_also(self, resources: Iterable[pulumi.Resource]) -> None:
        """Nothing reads what others write into the namespace."""

    def secret(self, name: str, content: SecretContent, *, in_place: bool = False, watched: bool = False) -> str:
        del in_place  # for users that take turns, of which there is one here: infra.turns
        del watched  # the agent does it
        self.contents[name] = content
        return name

    def pod(self, workload: str, settings: PodSettings) -> PodSettings:
        use, config = USES[workload], self.config
        wanted = {name: self.contents[name] for name in use.secrets if name in self.contents}
        if not wanted:
            return settings
        secrets = {name: delivered(name, content, config) for name, content in wanted.items()}
        if workload == GATEWAY and ENVIRONMENT in secrets:
            secrets[ENVIRONMENT] = {**secrets[ENVIRONMENT], "versions": self._versions(wanted[ENVIRONMENT])}
        # A steady one is read anew by whoever starts, and starts nobody.
        changing = [content for content in wanted.values() if not content.steady]
        documents = sorted({document for content in changing for document in content.documents})
        agent: AgentDelivery = {
            "config_map": self._configuration(workload, secrets, after(self.opts, self.store.resources)),
            "secrets": tuple(wanted),
            "image": config.secrets.fetching_image,
            "service_account": self.account.name,
            "audience": audience(config),
            "revision": self.store.documents.revision_of(*documents),
            "once": use.once,
            "entrypoint": use.entrypoint,
        }
        if config.secrets.delivery == "init-container":
            agent["fetch"] = self._fetchers()
        elif use.restarts:
            agent["spread_seconds"] = SPREAD_SECONDS * (config.gateway.most_replicas - 1) if workload == GATEWAY else 0
        return {**settings, "agent": agent}

    def _versions(self, content: SecretContent) -> Mapping[str, pulumi.Input[str]]:
        """The login to the database that a gateway starts with, which stays its own: the next one is of another user, who is
        not there yet when the document has it."""
        return {
            str(self.target.store.locate(document, "")["key"]): self.store.documents.revision_of(document)
            for document in content.documents
            if document == DATABASE
        }

    def _configuration(
        self, workload: str, secrets: Mapping[str, DeliveredSecret], opts: pulumi.ResourceOptions
    ) -> pulumi.Output[str]:
        """The ConfigMap that says what the pods of a workload get."""
        if self.store.agent is None:
            return AwsFetch(f"{workload}-secrets", {"namespace": self.namespace, "secrets": secrets}, opts).config_map
        args: VaultAgentArgs = {
            "namespace": self.namespace,
            "login": self.store.agent,
            "mount": self.config.secrets.vault.mount.path,
            "secrets": secrets,
            "refresh_interval": self.config.secrets.vault_agent.refresh_interval,
        }
        return VaultAgent(f"{workload}-agent", args, opts).config_map

    def _fetchers(self) -> Sequence[Mapping[str, Any]]:
        """The init containers that fetch: with Vault's command line, or with that of AWS."""
        secrets = self.config.secrets
        environment = secrets.init_container.environment
        if self.store.aws is None:
            return fetcher(secrets.fetching_image, environment)
        return fetchers(self.store.aws, secrets.fetching_image, self.config.gateway.image, environment)


def announced(config: StackConfig) -> Announced:
    """Which rotations the configuration asks for."""
    return {"config_map": ANNOUNCEMENT, "rotations": short_hash(json.dumps(rotations(config), sort_keys=True))}


def delivered(name: str, content: SecretContent, config: StackConfig) -> DeliveredSecret:
    files = {key_of_file(path): path for path in config.gateway.secret_files} if name == SECRET_FILES else {}
    return {
        "values": {**content.of_bundles, **content.values},
        "template": content.template,
        "files": {key: files.get(key, key) for key in content.template} if name in AS_FILES else {},
    }


def audience(config: StackConfig) -> str:
    """Audience of the token that a pod logs in with."""
    aws, vault = config.secrets.aws, config.secrets.vault
    if aws is not None:
        return aws.identity.audience if isinstance(aws.identity, IrsaIdentity) else AUDIENCE
    return vault.jwt_auth.audience if vault.auth == "jwt" else vault.kubernetes_auth.audience


def after(opts: pulumi.ResourceOptions, resources: Iterable[pulumi.Resource]) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(resources)))


def delivery_of(
    target: Target,
    namespace: pulumi.Input[str],
    store: OpenStore,
    operator: Sequence[pulumi.Resource],
    opts: pulumi.ResourceOptions,
) -> ByOperator | ByPods:
    """What brings secrets into the pods of this stack."""
    if target.config.secrets.by_pods:
        return ByPods(target, namespace, store, opts)
    return ByOperator(target, namespace, store, operator, opts)
