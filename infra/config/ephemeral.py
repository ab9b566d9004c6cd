"""Config key `ephemeral`: a template for environments that live as long as a branch. See docs/ephemeral.md."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import StringConstraints, model_validator

from infra.config.base import DnsLabel, DnsName, Duration, Section
from infra.config.database.common import DocumentCredentials
from infra.config.database.existing import ExistingDatabase
from infra.config.database.kinds import InClusterDatabase
from infra.config.redis import ElastiCacheConfig, ExistingRedis


class EphemeralConfig(Section):
    """Environments that `make env-up NAME=…` makes of a stack file. Without `domain` the stack is an ordinary one."""

    domain: DnsName | None = None
    """Environments answer at `<name>.<domain>`. DNS for `*.<domain>` is the cluster's business; a certificate for
    all of them is the controller's (`ingress.tls.endsAt`), or one in the store (`ingress.tls.certificate`)."""

    default_ttl: Duration = "4h"
    """How long an environment lives when nobody says."""

    maximum_ttl: Duration = "168h"
    """How long an environment may live at most, counted from now, at `env-up` and at each `env-extend`."""

    name: DnsLabel | None = None
    """Name of the environment. Filled in by `env-up`."""

    mark: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = None
    """What marks everything that belongs to the environment. Filled in by `env-up`."""

    @property
    def wanted(self) -> bool:
        """Whether this stack is an environment, or the template of one."""
        return self.domain is not None

    @model_validator(mode="after")
    def filled_in_together(self) -> "EphemeralConfig":
        if (self.name is None) != (self.mark is None) or (self.name and not self.domain):
            raise ValueError("name and mark are for `make env-up` to fill in: remove them, and give domain only")
        return self


Finding = tuple[str, str]


def nothing_outlives_it(protect: bool, keys: Any, external_secrets: Any) -> Iterator[Finding]:
    if protect:
        yield "protect", "must be false in an ephemeral environment: all of it is deleted"
    if keys.salt.retain:
        yield "keys.salt.retain", "must be false in an ephemeral environment: its database goes as well"
    if external_secrets.installs:
        yield (
            "externalSecrets.install",
            "must be false in an ephemeral environment: the operator is shared, and would go with the first one",
        )


def shared_store(secrets: Any) -> Iterator[Finding]:
    """What an environment would create for itself could not be found again once its state is gone."""
    vault, aws = secrets.vault, secrets.aws
    if secrets.kind == "existing":
        yield (
            "secrets.kind",
            "must be vault or aws in an ephemeral environment, which has keys and passwords of its own",
        )
        return
    if aws is not None:
        if aws.recovery_window_days:
            yield (
                "secrets.aws.recoveryWindowDays",
                "must be 0 in an ephemeral environment: until then the next one of the same name could not be made",
            )
        if aws.kms == "create":
            yield (
                "secrets.aws.kms",
                "must not be create in an ephemeral environment: AWS keeps a deleted key for 7 days",
            )
        return
    if vault.mount.create:
        yield (
            "secrets.vault.mount.create",
            "must be false in an ephemeral environment: the secrets engine is shared, name one that is there in mount.path",
        )
    if vault.auth != "kubernetes":
        yield (
            "secrets.vault.auth",
            "must be kubernetes in an ephemeral environment: a long-lived token would outlive it",
        )
    if vault.auth_namespace and vault.kubernetes_auth.create_role:
        yield (
            "secrets.vault.kubernetesAuth.createRole",
            "must be false in an ephemeral environment with authNamespace: one role and one policy above serve all",
        )
    if vault.kubernetes_auth.create:
        yield (
            "secrets.vault.kubernetesAuth.create",
            "must be false in an ephemeral environment: the auth method is shared, name one that is there in path",
        )


def servers_go_with_it(database: Any, redis: Any) -> Iterator[Finding]:
    match database:
        case InClusterDatabase():
            if database.storage is not None:
                yield "database.storage", "must be null in an ephemeral environment: its data lives as long as the pod"
        case ExistingDatabase():
            if database.credentials != "generated" or not isinstance(database.admin, DocumentCredentials):
                yield (
                    "database",
                    "of kind existing needs generated credentials and an admin from a document of the store in an ephemeral "
                    "environment, which makes a role and a database of its own, and drops both",
                )
        case _:
            yield (
                "database.kind",
                "must be in-cluster or existing in an ephemeral environment: servers of their own take too long",
            )
    if isinstance(redis, ElastiCacheConfig):
        yield "redis.kind", "must be in-cluster, existing or none in an ephemeral environment: ElastiCache is too slow"
    if isinstance(redis, ExistingRedis) and not redis.key_prefix:
        yield "redis.keyPrefix", "is required in an ephemeral environment: others use the same Redis"


def real_models_have_a_cap(gateway: Any) -> Iterator[Finding]:
    settings = gateway.litellm_settings
    if all(model.provider == "mock" for model in gateway.models):
        return
    budget = settings.get("max_budget")
    capped = isinstance(budget, int | float) and not isinstance(budget, bool) and budget > 0
    if not capped or not settings.get("budget_duration"):
        yield (
            "gateway.litellmSettings",
            "must cap what real models may cost in an ephemeral environment: run `env-up` with BUDGET=5 (US dollars), or set "
            "max_budget and budget_duration, or use mock models only",
        )


def hosts_are_its_own(ingress: Any) -> Iterator[Finding]:
    """Environments differ by their `host`, which is filled in: another name would be that of all of them."""
    given = {
        "additionalHosts": ingress.additional_hosts,
        "private": ingress.private,
        "publicUrl": ingress.public_url,
    }
    for key, value in given.items():
        if value:
            yield f"ingress.{key}", "is the same for all environments, and each answers at a host of its own: remove it"


def ephemeral_rules(
    ephemeral: Any,
    protect: bool,
    keys: Any,
    external_secrets: Any,
    secrets: Any,
    database: Any,
    redis: Any,
    gateway: Any,
    ingress: Any,
) -> Iterator[Finding]:
    """What must hold for an environment of which nothing may be left."""
    if not ephemeral.wanted:
        return
    yield from nothing_outlives_it(protect, keys, external_secrets)
    yield from shared_store(secrets)
    yield from servers_go_with_it(database, redis)
    yield from real_models_have_a_cap(gateway)
    yield from hosts_are_its_own(ingress)
