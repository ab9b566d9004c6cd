"""How many pods the gateway has, by its load: an autoscaler of Kubernetes, or one of KEDA."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

KEDA_API = "keda.sh/v1alpha1"

LONGEST_WINDOW_SECONDS, LONGEST_PERIOD_SECONDS = 3600, 1800
"""The most that Kubernetes takes for an autoscaler's stabilization window, and for the period of a policy."""

TRANSFER = {"scaledobject.keda.sh/transfer-hpa-ownership": "true"}
"""Lets KEDA take over the autoscaler of the same name that was there before it, instead of refusing the workload."""

RATE_WINDOW = "2m"


class PrometheusTriggers(TypedDict):
    """What each pod is to serve, by LiteLLM's own metrics."""

    server: str
    """Required: URL of Prometheus, as KEDA reaches it."""

    requests_per_second: NotRequired[float | None]
    """Optional: requests that one pod is to serve per second. Defaults to no trigger."""

    tokens_per_second: NotRequired[float | None]
    """Optional: tokens, of prompts and answers, that one pod is to serve per second. Defaults to no trigger."""


class Autoscaling(TypedDict):
    """Between how many pods the gateway has, and what decides. Never memory: LiteLLM's does not go down with its load."""

    min: int
    """Required: fewest pods."""

    max: int
    """Required: most pods."""

    cpu: NotRequired[int | None]
    """Optional: percent of the requested CPU that pods are to use on average. Defaults to no such target."""

    prometheus: NotRequired[PrometheusTriggers | None]
    """Optional: triggers of KEDA, which must be in the cluster. Defaults to none: Kubernetes' own autoscaler, by CPU."""


def autoscaler_spec(name: str, container: str, scaling: Autoscaling, slowest: int) -> dict[str, Any]:
    """Spec of a HorizontalPodAutoscaler. The container's own CPU counts, not that of sidecars; `slowest` are the seconds of
    the longest request."""
    target = {"type": "Utilization", "averageUtilization": scaling.get("cpu")}
    measured = {"name": "cpu", "container": container, "target": target}
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicas": scaling["min"],
        "maxReplicas": scaling["max"],
        "metrics": [{"type": "ContainerResource", "containerResource": measured}],
        "behavior": behavior(slowest),
    }


def scaled_object_spec(
    name: str, namespace: str, container: str, scaling: Autoscaling, triggers: PrometheusTriggers, slowest: int
) -> dict[str, Any]:
    """Spec of KEDA's ScaledObject. Without an answer of Prometheus the number of pods stays what it is."""
    cpu = scaling.get("cpu")
    on_cpu = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": str(cpu), "containerName": container}}
    rates = {
        "requests": (triggers.get("requests_per_second"), "litellm_proxy_total_requests_metric_total"),
        "tokens": (triggers.get("tokens_per_second"), "litellm_total_tokens_metric_total"),
    }
    return {
        "scaleTargetRef": {"name": name},
        "minReplicaCount": scaling["min"],
        "maxReplicaCount": scaling["max"],
        "pollingInterval": 15,
        "advanced": {"horizontalPodAutoscalerConfig": {"name": name, "behavior": behavior(slowest)}},
        "triggers": [
            *(
                {
                    "type": "prometheus",
                    "name": what,
                    "metricType": "AverageValue",
                    "metadata": {
                        "serverAddress": triggers["server"],
                        "query": f'sum(rate({metric}{{namespace="{namespace}"}}[{RATE_WINDOW}]))',
                        "threshold": f"{each:g}",
                        # A series that is not there is a scrape that fails, and no gateway without load.
                        "ignoreNullValues": "false",
                    },
                }
                for what, (each, metric) in rates.items()
                if each is not None
            ),
            *([on_cpu] if cpu is not None else []),
        ],
    }


def behavior(slowest: int) -> Mapping[str, Any]:
    """Up as fast as Kubernetes does it by itself; down by one pod in the time of the longest request, once the load has been
    lower for as long: a pod that goes finishes its streams, and those that stay do not get all of its clients at once."""
    return {
        "scaleDown": {
            "stabilizationWindowSeconds": min(slowest, LONGEST_WINDOW_SECONDS),
            "policies": [{"type": "Pods", "value": 1, "periodSeconds": min(slowest, LONGEST_PERIOD_SECONDS)}],
        }
    }
