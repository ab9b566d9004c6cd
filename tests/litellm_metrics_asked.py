# pyright: basic
# Runs in LiteLLM's own environment, not in the project's.
"""Print, as JSON, every metric that LiteLLM registers for Prometheus, with its type and its labels."""

import json

from litellm.integrations.prometheus import PrometheusLogger  # pyright: ignore[reportMissingImports]
from litellm.integrations.prometheus_services import PrometheusServicesLogger  # pyright: ignore[reportMissingImports]
from prometheus_client import REGISTRY  # pyright: ignore[reportMissingImports]
from prometheus_client.metrics import MetricWrapperBase  # pyright: ignore[reportMissingImports]


def series(metric: MetricWrapperBase) -> dict[str, list[str]]:
    """The names under which a metric is scraped, with the labels of each."""
    name, labels = metric._name, sorted(metric._labelnames)
    match metric._type:
        case "counter":
            return {f"{name}_total": labels}
        case "histogram":
            return {f"{name}_bucket": [*labels, "le"], f"{name}_count": labels, f"{name}_sum": labels}
        case _:
            return {name: labels}


def main() -> None:
    PrometheusLogger()
    PrometheusServicesLogger()
    # Registered with the first request, by a middleware.
    from litellm.proxy.middleware.in_flight_requests_middleware import (  # pyright: ignore[reportMissingImports]
        InFlightRequestsMiddleware,
    )

    InFlightRequestsMiddleware._get_gauge()
    found: dict[str, list[str]] = {}
    for collector in set(REGISTRY._collector_to_names):
        if isinstance(collector, MetricWrapperBase):
            found |= series(collector)
    mine = {name: labels for name, labels in sorted(found.items()) if name.startswith("litellm_")}
    print(json.dumps({"series": mine}))


if __name__ == "__main__":
    main()
