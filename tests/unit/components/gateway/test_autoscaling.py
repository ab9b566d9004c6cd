"""How many pods the gateway has, by its load."""

from typing import Any

import pytest

from tests.recording import Recording
from tests.unit.components.gateway.test_gateway import BUDGET, DEPLOYMENT, pod, recorded

AUTOSCALER = "kubernetes:autoscaling/v2:HorizontalPodAutoscaler"
SCALED_OBJECT = "kubernetes:keda.sh/v1alpha1:ScaledObject"
BY_CPU: dict[str, Any] = {"min": 2, "max": 6, "cpu": 70}
BY_REQUESTS: dict[str, Any] = {
    "min": 1,
    "max": 9,
    "prometheus": {
        "server": "http://prometheus.monitoring:9090",
        "requests_per_second": 2.5,
        "tokens_per_second": 5000,
    },
}


def spec(recording: Recording, kind: str) -> dict[str, Any]:
    return recording.inputs(kind)["spec"]


def test_the_autoscaler_looks_at_the_cpu_of_litellm_alone() -> None:
    """A sidecar without a request would leave it without a percentage; memory does not go down with the load."""
    (metric,) = spec(recorded(autoscaling=BY_CPU), AUTOSCALER)["metrics"]
    measured = metric["containerResource"]
    assert metric["type"] == "ContainerResource"
    assert (measured["name"], measured["container"]) == ("cpu", "litellm")
    assert measured["target"] == {"type": "Utilization", "averageUtilization": 70}


def test_the_autoscaler_scales_the_deployment_between_its_bounds() -> None:
    recording = recorded(autoscaling=BY_CPU)
    given = spec(recording, AUTOSCALER)
    assert (given["minReplicas"], given["maxReplicas"]) == (2, 6)
    assert given["scaleTargetRef"]["name"] == recording.inputs(DEPLOYMENT)["metadata"]["name"]


@pytest.mark.parametrize("scaling", [BY_CPU, BY_REQUESTS], ids=["kubernetes", "keda"])
def test_nobody_else_writes_the_number_of_pods(scaling: dict[str, Any]) -> None:
    assert "replicas" not in spec(recorded(autoscaling=scaling), DEPLOYMENT)


def test_a_number_that_stands_is_left_alone() -> None:
    """Server-side apply would take away a field that is no longer written: ten pods would become one."""
    assert recorded(autoscaling=BY_CPU).one(DEPLOYMENT).ignore_changes == ("spec.replicas",)
    assert not recorded(replicas=3).one(DEPLOYMENT).ignore_changes


@pytest.mark.parametrize("scaling", [BY_CPU, BY_REQUESTS], ids=["kubernetes", "keda"])
def test_several_pods_at_most_are_spread_and_have_a_disruption_budget(scaling: dict[str, Any]) -> None:
    recording = recorded(autoscaling=scaling)
    assert recording.of(BUDGET)
    assert len(pod(recording)["topologySpreadConstraints"]) == 2


def test_one_pod_at_most_has_no_disruption_budget() -> None:
    assert not recorded(autoscaling={"min": 1, "max": 1, "cpu": 70}).of(BUDGET)


@pytest.mark.parametrize(
    ("timeout", "window", "period"), [(100, 115, 115), (2400, 2415, 1800), (86400, 3600, 1800)], ids=str
)
def test_pods_go_one_by_one_in_the_time_of_the_longest_stream(timeout: int, window: int, period: int) -> None:
    """Kubernetes takes an hour and half an hour at most."""
    recording = recorded(autoscaling=BY_CPU, request_timeout=timeout, pre_stop_seconds=5)
    down = spec(recording, AUTOSCALER)["behavior"]["scaleDown"]
    assert down["stabilizationWindowSeconds"] == window
    assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": period}]


def test_without_autoscaling_there_is_no_autoscaler() -> None:
    recording = recorded(replicas=3)
    assert spec(recording, DEPLOYMENT)["replicas"] == 3
    assert not recording.of(AUTOSCALER) + recording.of(SCALED_OBJECT)


def test_keda_reads_litellms_own_metrics_of_this_namespace() -> None:
    triggers = {each["name"]: each for each in spec(recorded(autoscaling=BY_REQUESTS), SCALED_OBJECT)["triggers"]}
    assert {name: each["metadata"]["threshold"] for name, each in triggers.items()} == {
        "requests": "2.5",
        "tokens": "5000",
    }
    for name, metric in (
        ("requests", "litellm_proxy_total_requests_metric_total"),
        ("tokens", "litellm_total_tokens_metric_total"),
    ):
        assert triggers[name]["metadata"]["query"] == f'sum(rate({metric}{{namespace="ns"}}[2m]))'
        assert triggers[name]["metricType"] == "AverageValue"


def test_a_prometheus_that_knows_nothing_takes_no_pod_away() -> None:
    for trigger in spec(recorded(autoscaling=BY_REQUESTS), SCALED_OBJECT)["triggers"]:
        assert trigger["metadata"]["ignoreNullValues"] == "false"


def test_keda_takes_over_from_kubernetes_own_autoscaler() -> None:
    """It refuses a workload that another autoscaler has, and that goes after it has come."""
    recording = recorded(autoscaling=BY_REQUESTS)
    scaled = recording.inputs(SCALED_OBJECT)
    assert scaled["metadata"]["annotations"]["scaledobject.keda.sh/transfer-hpa-ownership"] == "true"
    assert scaled["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["name"] == "litellm"
    assert not recording.of(AUTOSCALER)


def test_keda_may_look_at_the_cpu_as_well() -> None:
    *_, last = spec(recorded(autoscaling=BY_REQUESTS | {"cpu": 80}), SCALED_OBJECT)["triggers"]
    assert (last["type"], last["metadata"]) == ("cpu", {"value": "80", "containerName": "litellm"})


def test_what_keda_gets_is_what_its_schema_has() -> None:
    """Fields that its CRD does not know are dropped in silence; these were looked up in that of KEDA 2."""
    scaled = spec(recorded(autoscaling=BY_REQUESTS | {"cpu": 80}), SCALED_OBJECT)
    known = {"scaleTargetRef", "minReplicaCount", "maxReplicaCount", "pollingInterval", "advanced", "triggers"}
    assert scaled.keys() == known
    assert scaled["advanced"]["horizontalPodAutoscalerConfig"].keys() == {"name", "behavior"}
    for trigger in scaled["triggers"]:
        assert trigger.keys() <= {"type", "name", "metricType", "metadata"}
        assert all(isinstance(value, str) for value in trigger["metadata"].values())
