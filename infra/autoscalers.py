"""Whether a cluster has what the gateway's autoscaler needs: looked at before anything is made."""

from collections.abc import Iterator

from components.gateway.autoscaling import KEDA_API
from infra.config.gateway.autoscaling import AutoscalingConfig
from infra.kubernetes_api import KubernetesApi, RefusedError

METRICS_API = "metrics.k8s.io/v1beta1"


def check(client: KubernetesApi, scaling: AutoscalingConfig | None) -> Iterator[str]:
    """APIs that are missing: without them the number of pods would never change, and nobody would say so."""
    if scaling is None:
        return
    if scaling.by_keda and not serves(client, KEDA_API):
        yield (
            "litellm:gateway.autoscaling asks for requestsPerSecond or tokens, and KEDA is not in this cluster (its API "
            f"{KEDA_API} is not served): install it, or scale on cpu"
        )
    if scaling.cpu_target is not None and not serves(client, METRICS_API):
        yield (
            f"litellm:gateway.autoscaling scales on cpu, and this cluster does not measure it (the API {METRICS_API} is not "
            "served): install metrics-server, or set gateway.replicas in the place of autoscaling"
        )


def serves(client: KubernetesApi, api: str) -> bool:
    """Whether an API answers; one that may not be looked at gets the benefit of the doubt."""
    try:
        client.get(f"/apis/{api}")
    except RefusedError as error:
        return error.status not in (404, 503)
    return True
