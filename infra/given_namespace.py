# kubernetes is untyped:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
"""A namespace that somebody else made for the gateway. What it lacks is said before anything is made in it."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, cast

import pulumi
from kubernetes.utils.quantity import parse_quantity

from components.labels import INSTANCE
from components.sync.restarter import RESOURCES as RESTARTER
from infra.config.database.kinds import InClusterDatabase
from infra.config.redis import InClusterRedis
from infra.config.stack import StackConfig
from infra.kubernetes_api import KubernetesApi, RefusedError
from infra.target import Target
from infra.workloads import disk, ingress_labels

POD_SECURITY = "pod-security.kubernetes.io/enforce"
VERBS = ("create", "patch", "delete")
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
RULES = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"

Kind = tuple[str, str]
"""Group and plural of a kind of object."""

LIMITS: Mapping[str, str] = {
    "limits.cpu": "cpu",
    "limits.memory": "memory",
    "limits.ephemeral-storage": "ephemeral-storage",
}
"""What a ResourceQuota may count of limits, and the resource of a container that then must have one."""

Resources = Mapping[str, Mapping[str, str]]
"""Requests and limits of a container, as Kubernetes has them."""


def check(client: KubernetesApi, target: Target) -> Iterator[str]:
    """Every reason why the stack could not be deployed into the namespace that is there."""
    namespace = target.namespace
    try:
        found = client.get(f"/api/v1/namespaces/{namespace}")
    except RefusedError as error:
        if error.status == 404:
            yield (
                f"there is no namespace {namespace}, and with litellm:createNamespace: false this stack makes none: ask for "
                "one, or correct litellm:namespace"
            )
        if error.status != 403:
            return
        found: dict[str, Any] = {"metadata": {}}
    if found["metadata"].get("labels", {}).get(INSTANCE) == target.instance:
        yield (
            f"namespace {namespace} was made by this stack, which would delete it now with everything in it: remove "
            "litellm:createNamespace, or move to another namespace"
        )
        return
    yield from labels_missing(found["metadata"].get("labels", {}), target)
    yield from missing_rights(client, target)
    yield from quotas(client, target)


def labels_missing(labels: Mapping[str, str], target: Target) -> Iterator[str]:
    if not any(label.startswith(POD_SECURITY) for label in labels):
        pulumi.log.warn(
            f"namespace {target.namespace} enforces no Pod Security level; the pods of this stack keep to `restricted` anyway"
        )
    for label, value in ingress_labels(target.config.ingress).items():
        if labels.get(label) != value:
            yield (
                f"namespace {target.namespace} lacks the label {label}={value}, without which a rollout behind an "
                f"Application Load Balancer loses requests: `kubectl label namespace {target.namespace} {label}={value}`"
            )


def missing_rights(client: KubernetesApi, target: Target) -> Iterator[str]:
    """What these credentials may not do there. One question; where an authorizer cannot list its rules, one for each kind."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": target.namespace},
    }
    status = client.create(RULES, review)["status"]
    rules = cast("list[dict[str, Any]]", status.get("resourceRules", []))
    lacks = [
        (verb, kind)
        for kind in made_in_it(target.config)
        for verb in VERBS
        if not any(grants(rule, verb, kind) for rule in rules)
    ]
    if status.get("incomplete"):
        lacks = [(verb, kind) for verb, kind in lacks if not may(client, target.namespace, verb, kind)]
    if lacks:
        words = [f"{verb} {resource}{f'.{group}' if group else ''}" for verb, (group, resource) in lacks]
        yield (
            f"these credentials may not do everything in namespace {target.namespace} that the stack needs: "
            f"{', '.join(words)}. The Role in docs/rights/kubernetes-up.yaml has it all"
        )


def made_in_it(config: StackConfig) -> Sequence[Kind]:
    """What the stack makes in the namespace, by kind."""
    external = "external-secrets.io"
    always: list[Kind] = [
        ("", "configmaps"),
        ("", "services"),
        ("", "serviceaccounts"),
        ("apps", "deployments"),
        ("batch", "jobs"),
    ]
    scaling = config.gateway.autoscaling
    servers = isinstance(config.database, InClusterDatabase) or isinstance(config.redis, InClusterRedis)
    sometimes: Mapping[Kind, bool] = {
        (external, "secretstores"): not config.secrets.by_pods,
        (external, "externalsecrets"): not config.secrets.by_pods,
        ("apps", "statefulsets"): servers,
        ("networking.k8s.io", "networkpolicies"): config.network_policy.enabled,
        ("networking.k8s.io", "ingresses"): config.ingress.enabled and not config.ingress.gateway,
        ("gateway.networking.k8s.io", "httproutes"): config.ingress.enabled and config.ingress.gateway is not None,
        ("traefik.io", "middlewares"): bool(config.ingress.closed) and config.ingress.used_controller == "traefik",
        ("rbac.authorization.k8s.io", "roles"): config.secrets.reload == "restarter",
        ("rbac.authorization.k8s.io", "rolebindings"): config.secrets.reload == "restarter",
        ("policy", "poddisruptionbudgets"): config.gateway.most_replicas > 1,
        ("autoscaling", "horizontalpodautoscalers"): scaling is not None and not scaling.by_keda,
        ("keda.sh", "scaledobjects"): scaling is not None and scaling.by_keda,
    }
    return [*always, *(kind for kind, there in sometimes.items() if there)]


def grants(rule: Mapping[str, Any], verb: str, kind: Kind) -> bool:
    group, resource = kind
    return (
        bool({verb, "*"} & set(rule["verbs"]))
        and bool({group, "*"} & set(rule.get("apiGroups", ())))
        and bool({resource, "*"} & set(rule.get("resources", ())))
        and not rule.get("resourceNames")
    )


def may(client: KubernetesApi, namespace: str, verb: str, kind: Kind) -> bool:
    group, resource = kind
    attributes = {"namespace": namespace, "verb": verb, "group": group, "resource": resource}
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return bool(client.create(REVIEW, body)["status"]["allowed"])


def quotas(client: KubernetesApi, target: Target) -> Iterator[str]:
    """ResourceQuotas that would refuse the stack's pods: too small, or asking for limits that they do not have."""
    place = f"/api/v1/namespaces/{target.namespace}"
    try:
        found = client.get(f"{place}/resourcequotas")["items"]
        ranges = client.get(f"{place}/limitranges")["items"] if found else []
    except RefusedError as error:
        if error.status == 403:
            return
        raise
    given = {name for each in ranges for item in each["spec"]["limits"] for name in item.get("default", {})}
    wanted, without = demand(target.config), unlimited(target.config) - given
    for each in found:
        hard = cast("dict[str, str]", each["spec"].get("hard", {}))
        where = f"ResourceQuota {each['metadata']['name']} of namespace {target.namespace}"
        for counted, amount in sorted(hard.items()):
            if counted in wanted and parse_quantity(amount) < wanted[counted]:
                yield (
                    f"{where} allows {amount} of {counted}, and during a rollout the stack's pods need "
                    f"{plain(wanted[counted])}: ask for more, or lower litellm:gateway.replicas (or autoscaling.max) or the "
                    "resources of gateway, database and redis"
                )
            if LIMITS.get(counted) in without:
                yield (
                    f"{where} counts {counted}, and so refuses pods without a limit of {LIMITS[counted]}: set "
                    f"{REMEDY[LIMITS[counted]]}, or ask for a LimitRange with a default"
                )


REMEDY = {"cpu": "litellm:pods.cpuLimit"}


def demand(config: StackConfig) -> dict[str, Decimal]:
    """What the pods of the stack ask for while one more of the gateway's starts, by the names of a ResourceQuota."""
    pods = [gateway(config)] * config.gateway.most_replicas + running(config)
    requests = {name: total(pods, "requests", name) for name in LIMITS.values()}
    limits = {counted: total(pods, "limits", name, config.pods.cpu_limit) for counted, name in LIMITS.items()}
    volumes = isinstance(config.database, InClusterDatabase) and bool(config.database.storage)
    return {
        **requests,
        **{f"requests.{name}": amount for name, amount in requests.items()},
        **limits,
        "pods": Decimal(len(pods)),
        "persistentvolumeclaims": Decimal(int(volumes)),
    }


def total(pods: Sequence[Resources], kind: str, name: str, default: str | None = None) -> Decimal:
    """The sum over all pods of what they request, or are limited to; `default` is for those that do not say."""
    return sum((parse_quantity(each[kind].get(name, default or "0")) for each in pods), Decimal(0))


def unlimited(config: StackConfig) -> set[str]:
    """Resources of which some container has no limit."""
    if config.pods.cpu_limit:
        return set()
    return {name for name in LIMITS.values() if any(name not in each["limits"] for each in running(config))}


def running(config: StackConfig) -> list[Resources]:
    """What one pod of each kind asks for that stays."""
    servers = [each for each in (config.database, config.redis) if isinstance(each, InClusterDatabase | InClusterRedis)]
    restarters = [RESTARTER] if config.secrets.reload == "restarter" else []
    return [gateway(config), *(each.resources.as_kubernetes(each.disk) for each in servers), *restarters]


def gateway(config: StackConfig) -> Resources:
    return config.gateway.resources.as_kubernetes(disk(config))


def plain(amount: Decimal) -> str:
    """A number of bytes as people write it; others as they are."""
    gibibytes = amount / 2**30
    return f"{gibibytes.normalize():f}Gi" if gibibytes >= 1 else f"{amount.normalize():f}"
