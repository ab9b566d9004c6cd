"""Rules about LiteLLM itself."""

from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from infra.config.gateway.keyless import NO_MASTER_KEY_VARIABLE, OFF, no_master_key, without_a_key
from infra.config.gateway.settings import MEMORY_FLOOR_GIB, UNITS, bytes_of
from policy.resource import Resource, at, entries, known, mapping
from policy.rule import rule, stack_rule
from policy.rules.workloads import containers, gateway_container, gateways, pod_of, workers

DEFAULT_GRACE_SECONDS = 30
"""Kubernetes' own."""

DEFAULT_TIMEOUT_SECONDS = 600
"""LiteLLM's `request_timeout` in this project."""

COSTLY = ("/health", "/health/services", "/health/latest")
"""Paths of LiteLLM that call every model, or the services behind it."""

Finding = tuple[Resource, str]


@rule(
    "memory-floor",
    reason="Prisma's query engine keeps what it once had: below 4Gi for each worker a gateway under load is killed",
    fix="raise gateway.resources.memory to 4Gi for each worker",
)
def memory_floor(resource: Resource) -> Iterator[str]:
    container = gateway_container(resource)
    limit = known(at(container, "resources", "limits", "memory"))
    count = workers(container)
    if isinstance(limit, str) and bytes_of(limit) < MEMORY_FLOOR_GIB * count * UNITS["Gi"]:
        yield f"the memory limit is {limit}, with {count} worker(s)"


@stack_rule(
    "replicas-share-redis",
    reason="without Redis every pod and worker counts rate limits and budgets for itself, so that all are exceeded",
    fix="set redis.kind to in-cluster or existing, or run one replica with one worker",
)
def replicas_share_redis(resources: Sequence[Resource]) -> Iterator[Finding]:
    for resource in gateways(resources):
        container = gateway_container(resource)
        names = {at(variable, "name") for variable in entries(container.get("env"))}
        count = max([replicas(resource), *scaled_to(resource, resources)]) * workers(container)
        if count > 1 and not names & {"REDIS_HOST", "REDIS_URL"}:
            yield resource, f"{count} processes, and no Redis"


def replicas(resource: Resource) -> int:
    given = known(at(resource.inputs, "spec", "replicas"))
    return int(given) if given is not None else 1


def scaled_to(deployment: Resource, resources: Sequence[Resource]) -> Iterator[int]:
    """How many pods the autoscalers of a Deployment may make of it."""
    name = at(deployment.inputs, "metadata", "name")
    for resource in resources:
        if resource.kind in ("HorizontalPodAutoscaler", "ScaledObject"):
            spec = mapping(resource.inputs.get("spec"))
            most = known(spec.get("maxReplicas", spec.get("maxReplicaCount")))
            if most is not None and at(spec, "scaleTargetRef", "name") == name:
                yield int(most)


@rule(
    "no-memory-target",
    reason="LiteLLM's memory does not go down with its load: an autoscaler that looks at it only ever adds pods",
    fix="scale on CPU or on requests",
)
def no_memory_target(resource: Resource) -> Iterator[str]:
    if resource.kind != "HorizontalPodAutoscaler":
        return
    spec = mapping(resource.inputs.get("spec"))
    metrics: list[Any] = entries(spec.get("metrics"))
    names = {at(metric, kind, "name") for metric in metrics for kind in ("resource", "containerResource")}
    if "memory" in names:
        yield "memory is a target"


@stack_rule(
    "requests-may-finish",
    reason="a pod that is killed earlier cuts off running requests at every rollout",
    fix="leave gateway.terminationGracePeriodSeconds out, or raise it above requestTimeout + preStopSeconds",
)
def requests_may_finish(resources: Sequence[Resource]) -> Iterator[Finding]:
    timeout = request_timeout(resources)
    for resource in gateways(resources):
        pod = pod_of(resource)
        grace = known(pod.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS))
        pause = known(at(gateway_container(resource), "lifecycle", "preStop", "sleep", "seconds")) or 0
        if grace is not None and grace <= timeout + pause:
            yield (
                resource,
                f"terminationGracePeriodSeconds is {grace}, a request may take {timeout} s and {pause} s more",
            )


def config_of(resource: Resource) -> Any:
    """LiteLLM's config.yaml in a ConfigMap; None in everything else."""
    text = at(resource.inputs, "data", "config.yaml") if resource.kind == "ConfigMap" else None
    return yaml.safe_load(text) if isinstance(text, str) else None


def request_timeout(resources: Sequence[Resource]) -> int:
    """Seconds that LiteLLM's config.yaml gives a request."""
    found: list[int] = []
    for resource in resources:
        timeout = at(config_of(resource), "litellm_settings", "request_timeout")
        if isinstance(timeout, int | float):
            found.append(int(timeout))
    return max(found, default=DEFAULT_TIMEOUT_SECONDS)


@rule(
    "keys-required",
    reason="a gateway that answers requests without a key spends the money of its owner for everybody who finds it",
    fix="remove the setting; where a part of the gateway is meant to be open, say so in levels.yaml",
)
def keys_required(resource: Resource) -> Iterator[str]:
    content = config_of(resource)
    general = mapping(at(content, "general_settings"))
    for where, what in [*no_master_key(general), *without_a_key(general)]:
        yield f"general_settings.{where} {what}"
    for name, container in containers(pod_of(resource)):
        for variable in entries(container.get("env")):
            if at(variable, "name") == NO_MASTER_KEY_VARIABLE and at(variable, "value") not in OFF:
                yield f"container {name}: {NO_MASTER_KEY_VARIABLE} lets the gateway start without a master key"


@rule(
    "free-probes",
    reason="LiteLLM's /health calls every model: each probe costs money, and a provider's outage would restart the gateway",
    fix="use /health/readiness and /health/liveliness",
)
def probes_call_no_model(resource: Resource) -> Iterator[str]:
    for name, container in containers(pod_of(resource)):
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            path = at(container, probe, "httpGet", "path")
            if costs(path):
                yield f"container {name}: {probe} asks {path}"
    path = at(resource.inputs, "metadata", "annotations", "alb.ingress.kubernetes.io/healthcheck-path")
    if costs(path):
        yield f"the load balancer asks {path}"


def costs(path: Any) -> bool:
    """Also below the path that the gateway is served at."""
    return isinstance(path, str) and path.partition("?")[0].rstrip("/").endswith(COSTLY)
