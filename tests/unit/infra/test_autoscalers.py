"""What a cluster must have for an autoscaler."""

from typing import Any

import pytest

from infra import autoscalers
from infra.config.gateway.autoscaling import AutoscalingConfig
from infra.kubernetes_api import KubernetesApi, RefusedError

BY_CPU = {"max": 3}
BY_REQUESTS = {"max": 3, "requestsPerSecond": 5, "prometheus": "http://prometheus:9090"}


class Cluster(KubernetesApi):
    """An API server that answers with a status to everything."""

    def __init__(self, status: int) -> None:
        self.status = status

    def get(self, path: str, accept: str = "application/json") -> dict[str, Any]:
        if self.status != 200:
            raise RefusedError(self.status, "")
        return {}


def said(status: int, scaling: dict[str, Any]) -> list[str]:
    return list(autoscalers.check(Cluster(status), AutoscalingConfig.model_validate(scaling)))


@pytest.mark.parametrize("scaling", [BY_CPU, BY_REQUESTS])
@pytest.mark.parametrize("status", [200, 403])
def test_a_cluster_that_has_it_or_does_not_let_it_be_known_is_taken(status: int, scaling: dict[str, Any]) -> None:
    assert said(status, scaling) == []


@pytest.mark.parametrize("status", [404, 503])
def test_a_cluster_that_measures_nothing_is_named(status: int) -> None:
    (problem,) = said(status, BY_CPU)
    assert "install metrics-server" in problem


def test_a_cluster_without_keda_is_named() -> None:
    (problem,) = said(404, BY_REQUESTS)
    assert "KEDA is not in this cluster" in problem


def test_cpu_beside_requests_needs_both() -> None:
    assert len(said(404, BY_REQUESTS | {"cpu": 70})) == 2


def test_without_autoscaling_nothing_is_asked() -> None:
    assert list(autoscalers.check(Cluster(404), None)) == []
