"""The last look after `up`: have the Deployments of the stack finished their rollout?

The Kubernetes provider watches a Deployment that it has changed, but its watch may begin with an older copy of the object,
and that one looks finished. Without this look `up` could end well while new pods are starting, or failing to.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from infra.reason import reason
from tools.engine.cluster import Cluster
from tools.engine.under_way import Workload, by_labels
from tools.problem import Problem

LABEL = "app.kubernetes.io/part-of=litellm"
PAUSE_SECONDS = 0.5
GO_ON = "The pods of the last good version go on"
MARGIN_SECONDS = 60
"""Beyond the progress deadline of the slowest Deployment, which ends a rollout that is stuck."""


def await_rollout(
    cluster: Cluster,
    namespace: str,
    *,
    say: Callable[[str], None] = lambda _: None,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until every Deployment of the stack runs its newest pods and no others.

    Raises:
        Problem: when one of them gave up, cannot start, takes longer than its progress deadline allows, or cannot be seen.
    """
    from tools.engine.starts import Starts  # noqa: PLC0415 - the client of the API takes long to import

    began, starts = now(), Starts(cluster, say, now)
    while True:
        try:
            deployments = deployments_of(cluster, namespace)
        except Exception as error:  # client libraries have many, and each of them means the same here
            raise Problem(f"the stack is deployed, but its rollout cannot be watched: {reason(error)}") from None
        if failed := [line for deployment in deployments for line in failures(deployment)]:
            why = starts.explain([workload(deployment) for deployment in deployments if [*failures(deployment)]])
            raise Problem("\n".join([f"the rollout failed: {'; '.join(failed)}. {GO_ON}", *why]))
        waiting = [workload(deployment) for deployment in deployments if not is_complete(deployment)]
        if not waiting:
            return
        if why := starts.look(waiting):
            raise Problem("\n".join([f"the rollout cannot end. {GO_ON}", *why]))
        if now() - began > patience(deployments):
            names = ", ".join(each.name for each in waiting)
            raise Problem("\n".join([f"the rollout of {names} does not end", *starts.explain(waiting)]))
        pause(PAUSE_SECONDS)


def deployments_of(cluster: Cluster, namespace: str) -> list[dict[str, Any]]:
    return cluster.get(f"/apis/apps/v1/namespaces/{namespace}/deployments?labelSelector={quote(LABEL)}")["items"]


def workload(deployment: Mapping[str, Any]) -> Workload:
    metadata = deployment["metadata"]
    return Workload("Deployment", metadata.get("namespace", ""), metadata["name"], by_labels(deployment))


def is_complete(deployment: Mapping[str, Any]) -> bool:
    status, replicas = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    counts = [status.get(count, 0) for count in ("replicas", "updatedReplicas", "availableReplicas")]
    return status.get("observedGeneration", 0) >= deployment["metadata"]["generation"] and counts == [replicas] * 3


def failures(deployment: Mapping[str, Any]) -> Iterator[str]:
    """Why the controller gave up, when what it says is about the newest version."""
    status = deployment.get("status", {})
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return
    for condition in status.get("conditions", []):
        if condition["type"] == "Progressing" and condition["status"] == "False":
            yield f"{name_of(deployment)}: {condition.get('message') or condition.get('reason')}"


def patience(deployments: list[dict[str, Any]]) -> float:
    deadlines = [deployment["spec"].get("progressDeadlineSeconds", 600) for deployment in deployments]
    return max(deadlines, default=0) + MARGIN_SECONDS


def name_of(deployment: Mapping[str, Any]) -> str:
    return deployment["metadata"]["name"]
