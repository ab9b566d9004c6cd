"""Look before anything is created: can the cluster and the store be reached, and is there what the stack builds on?

Runs in the real engine only, never in the offline plan. Every problem is reported, not only the first one.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from typing import TypeVar
from urllib.parse import quote

import pulumi

from components.database.cloudnative_api import API as CLOUDNATIVE
from components.database.cloudnative_api import OBJECT_STORES
from components.delivery import INJECTOR
from components.labels import INSTANCE
from infra import autoscalers, lost_state, sidecars
from infra.cluster import kubeconfig_path
from infra.config.database.cloudnative import CloudNativePgDatabase
from infra.config.monitoring import MonitoringConfig
from infra.config.secrets import ExternalSecretsConfig
from infra.config.stack import DOCKER_CONFIG
from infra.kubernetes_api import METADATA, UNREACHABLE, KubernetesApi, RefusedError
from infra.operator import GROUP, OLDEST, VERSION, Sight, in_state, look, problems, settled
from infra.reason import reason
from infra.target import Target, authorities_of
from infra.watchers import look as look_at_watchers
from infra.ways_in import look as look_at_ways_in

WEBHOOKS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


class PreflightError(pulumi.RunError):
    """Everything that keeps the stack from being deployed."""

    def __init__(self, problems: list[str]) -> None:
        lines = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"the stack cannot be deployed; nothing was changed:{lines}")


def preflight(target: Target, documents: Mapping[str, object], found_already: Iterable[str] = ()) -> Target:
    """Check the cluster and the store of a stack that is about to write `documents` below its prefix.

    Problems that are known without a look are `found_already`.

    Returns:
        The target with the External Secrets Operator that it works with.

    Raises:
        PreflightError: with every problem found.
    """
    with ThreadPoolExecutor(3) as pool:
        cluster = pool.submit(lambda: exhausted(check_cluster(target)))
        watchers = pool.submit(lambda: exhausted(check_monitoring(target)))
        store = pool.submit(lambda: [*check_store(target, documents)])
        authorities, missing = authorities_of(target.config)
        operator, found = cluster.result()
        monitoring, unwatched = watchers.result()
        if every := [*found_already, *found, *unwatched, *store.result(), *(str(problem) for problem in missing)]:
            raise PreflightError(every)
    looked_at = target.config.model_copy(update={"external_secrets": operator, "monitoring": monitoring})
    return replace(target, config=looked_at, rds_authorities=authorities)


Settled = TypeVar("Settled")


def exhausted(check: Generator[str, None, Settled]) -> tuple[Settled, list[str]]:
    """What a check returned, and every problem it found before."""
    found: list[str] = []
    while True:
        try:
            found.append(next(check))
        except StopIteration as end:
            return end.value, found


def check_store(target: Target, documents: Mapping[str, object]) -> Iterator[str]:
    """Look at the real store. The client that this takes is imported only here: the offline plan needs none."""
    module = import_module(f"infra.secrets.{target.config.secrets.kind}_check")
    return module.check(target.store, target, documents)


def check_cluster(target: Target) -> Generator[str, None, ExternalSecretsConfig]:
    """Every problem of the cluster; returns the configuration of the operator that is used, or installed."""
    operator = target.config.external_secrets
    try:
        client = KubernetesApi(kubeconfig_path(), target.config.context)
        yield from sidecars.check(client.get("/version"), target.config)
        if target.config.create_namespace:
            yield from check_namespace(client, target)
        else:
            yield from import_module("infra.given_namespace").check(client, target)
        yield from lost_state.check(client, target)
        yield from check_secrets(client, target)
        yield from check_cloudnative(client, target)
        yield from autoscalers.check(client, target.config.gateway.autoscaling)
        if not target.config.gitops:
            yield from look_at_ways_in(client, target.config.ingress, target.namespace)
        if target.config.secrets.delivery == "vault-agent":
            yield from check_injector(client)
        if target.config.secrets.by_pods:
            return operator
        ephemeral = target.config.ephemeral.wanted
        known = False if ephemeral else in_state() if target.has_operator is None else target.has_operator
        sight = look(client, operator.namespace)
        wanted, operator = operator, settled(operator, target.instance, sight, known=known, may_install=not ephemeral)
        yield from problems(operator, wanted, target.instance, sight, known=known)
        if operator.installs:
            yield from check_interrupted_installation(client, operator.namespace)
        else:
            yield from check_operator(client, operator, sight)
    except RefusedError as error:
        yield f"the cluster refuses the credentials of {kubeconfig_path()}: {error}"
    except UNREACHABLE as error:
        yield (
            f"the Kubernetes API cannot be reached with {kubeconfig_path()}: {reason(error)}. Is the cluster up, and "
            "does KUBECONFIG name the right one? `kubectl version` must work first"
        )
    return operator


def check_monitoring(target: Target) -> Generator[str, None, MonitoringConfig]:
    """What is missing for monitoring; returns it as the cluster has it. That a cluster does not answer is said by others."""
    wanted = target.config.monitoring
    if target.config.gitops or (wanted.scrape, wanted.alerts.kind) == ("none", "none"):
        return wanted
    try:
        return (yield from look_at_watchers(KubernetesApi(kubeconfig_path(), target.config.context), wanted))
    except (RefusedError, *UNREACHABLE):
        return wanted


def check_namespace(client: KubernetesApi, target: Target) -> Iterator[str]:
    """A namespace of somebody else would be taken over, and deleted with the stack."""
    try:
        namespace = client.get(f"/api/v1/namespaces/{target.namespace}")
    except RefusedError as error:
        if error.status in (403, 404):
            return
        raise
    if namespace["metadata"].get("labels", {}).get(INSTANCE) != target.instance:
        yield (
            f"there is a namespace {target.namespace} already, and it does not belong to stack {target.stack}: choose "
            "another name in litellm:namespace, or use that one as it is with litellm:createNamespace: false"
        )


def check_cloudnative(client: KubernetesApi, target: Target) -> Iterator[str]:
    """Whether the operators are there that a `Cluster` of CloudNativePG needs."""
    database = target.config.database
    if not isinstance(database, CloudNativePgDatabase):
        return
    needed = {CLOUDNATIVE: ("kind", "CloudNativePG", "https://cloudnative-pg.io")}
    if database.backup:
        home = "https://cloudnative-pg.io/plugin-barman-cloud"
        needed[OBJECT_STORES] = ("backup", "CloudNativePG's Barman Cloud plugin", home)
    for api, (key, what, home) in needed.items():
        try:
            client.get(f"/apis/{api}")
        except RefusedError as error:
            if error.status == 403:
                continue
            if error.status != 404:
                raise
            yield (
                f"litellm:database.{key}: {what} is not in this cluster (its API {api} is not served): install its operator "
                f"first ({home}), or use another kind of database"
            )


def check_secrets(client: KubernetesApi, target: Target) -> Iterator[str]:
    """What somebody else makes in the gateway's namespace must be there before it is read. Only its metadata is asked for."""
    for where, name, keys in target.config.kubernetes_secrets():
        try:
            client.get(f"/api/v1/namespaces/{target.namespace}/secrets/{name}", METADATA)
        except RefusedError as error:
            if error.status == 403:
                continue
            if error.status != 404:
                raise
            literals = " ".join(f"--from-literal={key}=…" for key in keys)
            command = f"generic {name} -n {target.namespace} {literals}"
            if DOCKER_CONFIG in keys:
                login = "--docker-server=… --docker-username=… --docker-password=…"
                command = f"docker-registry {name} -n {target.namespace} {login}"
            yield (
                f"litellm:{where}: there is no Secret {name} in namespace {target.namespace}, the only one in which it is "
                f"read. Make it first: `kubectl create secret {command}`. Where the "
                f"namespace is missing as well: `kubectl create namespace {target.namespace}`, and `kubectl label namespace "
                f"{target.namespace} {INSTANCE}={target.instance}`, by which this stack knows it as its own"
            )


def check_interrupted_installation(client: KubernetesApi, namespace: str) -> Iterator[str]:
    """Helm refuses a release whose installation was killed half-way, until its record is gone."""
    selector = quote("owner=helm,name=external-secrets,status in (pending-install,pending-upgrade)")
    try:
        records = client.get(f"/api/v1/namespaces/{namespace}/secrets?labelSelector={selector}")
    except RefusedError as error:
        if error.status == 403:
            return
        raise
    for record in records["items"]:
        yield (
            "an installation of External Secrets Operator was interrupted half-way; let the next one take over with "
            f"`kubectl delete secret {record['metadata']['name']} -n {namespace}`"
        )


def check_injector(client: KubernetesApi) -> Iterator[str]:
    """Whether Vault's Agent Injector is there: without it pods would start without their secrets, and fail."""
    try:
        found = client.get(WEBHOOKS)
    except RefusedError as error:
        if error.status in (403, 404):
            return
        raise
    names = [hook["name"] for each in found["items"] for hook in each.get("webhooks", ())]
    if INJECTOR not in names:
        yield (
            "litellm:secrets.delivery is vault-agent, and Vault's Agent Injector is not in this cluster (there is no webhook "
            f"{INJECTOR}): install it with Vault's Helm chart (injector.enabled), or use external-secrets"
        )


def check_operator(client: KubernetesApi, operator: ExternalSecretsConfig, sight: Sight) -> Iterator[str]:
    namespace, service_account = operator.namespace, operator.service_account
    if not sight.versions:
        yield (
            f"External Secrets Operator is not in this cluster (its API {GROUP}/{VERSION} is not served): set "
            "litellm:externalSecrets.install to true in one stack of the cluster, or remove it in this one, or install version "
            f"{OLDEST} or newer"
        )
        return
    try:
        client.get(f"/api/v1/namespaces/{namespace}/serviceaccounts/{service_account}")
    except RefusedError as error:
        if error.status == 404:
            yield (
                f"External Secrets Operator has no ServiceAccount {service_account} in namespace {namespace}: set "
                "litellm:externalSecrets.namespace and litellm:externalSecrets.serviceAccount to those of its controller"
            )
