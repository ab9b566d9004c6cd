"""Config key `gateway.autoscaling`: how many pods the gateway has, by its load."""

from typing import Annotated

from pydantic import Field, model_validator

from infra.config.base import Section, url_such_as

USUAL_CPU = 70

Count = Annotated[int, Field(ge=1, le=1000)]


class AutoscalingConfig(Section):
    """The number of the gateway's pods follows its load, by CPU (Kubernetes' own autoscaler, which needs metrics-server), or by
    requests and tokens (KEDA, which must be in the cluster, and Prometheus). Never by memory. `replicas` is then nobody's
    to write; connections, Redis and disruption budget are checked with `max`."""

    min: Count = 2
    """Fewest pods."""

    max: Count
    """Most pods."""

    cpu: Annotated[int, Field(ge=10, le=400)] | None = None
    """Percent of the requested CPU (`resources.cpu`) that pods are to use on average. Defaults to 70 where neither
    `requestsPerSecond` nor `tokens` is given."""

    requests_per_second: Annotated[float, Field(gt=0, le=100000)] | None = None
    """With KEDA: requests per second that one pod is to serve."""

    tokens: Annotated[float, Field(gt=0, le=10**9)] | None = None
    """With KEDA: tokens per second, of prompts and answers, that one pod is to serve."""

    prometheus: Annotated[str, url_such_as("http://prometheus.monitoring:9090")] | None = None
    """With KEDA: URL of the Prometheus that has LiteLLM's metrics with the label `namespace`, as KEDA reaches it:
    `http://prometheus.monitoring:9090`. Needs `prometheus` in `litellmSettings.callbacks`."""

    @property
    def by_keda(self) -> bool:
        """Whether KEDA scales, and not Kubernetes alone."""
        return self.requests_per_second is not None or self.tokens is not None

    @property
    def cpu_target(self) -> int | None:
        """Percent of the requested CPU; None where it does not matter."""
        return self.cpu if self.by_keda else self.cpu or USUAL_CPU

    @model_validator(mode="after")
    def fits_together(self) -> "AutoscalingConfig":
        if self.min > self.max:
            raise ValueError(f"min is {self.min}, which is more than a max of {self.max}: lower min, or raise max")
        if self.by_keda and self.prometheus is None:
            raise ValueError("requestsPerSecond and tokens are read from Prometheus: give its URL in prometheus")
        if self.prometheus is not None and not self.by_keda:
            raise ValueError("prometheus is given, but nothing is read from it: give requestsPerSecond or tokens")
        return self
