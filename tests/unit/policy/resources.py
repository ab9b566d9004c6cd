"""Resources that keep to every rule, to be spoilt one property at a time."""

import copy
from collections.abc import Sequence
from typing import Any

from policy.resource import Resource
from policy.rule import AnyRule, Rule

DEPLOYMENT = "kubernetes:apps/v1:Deployment"

CONTAINER: dict[str, Any] = {
    "name": "litellm",
    "image": "ghcr.io/berriai/litellm-non_root:v1.2.3",
    "args": ["--num_workers", "1"],
    "env": [{"name": "REDIS_HOST", "value": "redis"}],
    "resources": {"requests": {"ephemeral-storage": "1Gi"}, "limits": {"memory": "4Gi", "ephemeral-storage": "2Gi"}},
    "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
    "readinessProbe": {"httpGet": {"path": "/health/readiness"}},
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    },
}
POD: dict[str, Any] = {
    "automountServiceAccountToken": False,
    "terminationGracePeriodSeconds": 620,
    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [CONTAINER],
}


def resource(type_: str, inputs: dict[str, Any] | None = None, *, name: str = "one", protect: bool = False) -> Resource:
    return Resource(f"urn:pulumi:try::litellm::{type_}::{name}", type_, name, inputs or {}, protect)


def gateway(replicas: Any = 1, pod: dict[str, Any] | None = None, **container: Any) -> Resource:
    """LiteLLM's Deployment with other values; None takes one away."""
    spec = changed(POD, pod or {})
    spec["containers"] = [changed(CONTAINER, container)]
    spec = {"replicas": replicas, "template": {"spec": spec}}
    return resource(DEPLOYMENT, {"metadata": {"name": "litellm", "namespace": "ns"}, "spec": spec}, name="gateway")


def changed(values: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(values) | others
    return {key: value for key, value in merged.items() if value is not None}


def config_map(text: Any) -> Resource:
    return resource("kubernetes:core/v1:ConfigMap", {"data": {"config.yaml": text}}, name="config")


def messages(rule: AnyRule, *resources: Resource) -> list[str]:
    """What a rule says of these resources."""
    if isinstance(rule, Rule):
        return [message for each in resources for message in rule.check(each)]
    together: Sequence[Resource] = resources
    return [message for _, message in rule.check(together)]
