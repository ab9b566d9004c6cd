"""The gate inside the cluster: start the Job, wait for it, and read its last word."""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from infra.config.stack import StackConfig
from infra.kubernetes_api import UNREACHABLE, RefusedError
from infra.reason import reason
from infra.workloads import GATEWAY
from tools.engine.cluster import Cluster
from tools.problem import Problem
from tools.smoke.job import job, patience
from tools.smoke.results import Result, failures, read

PAUSE_SECONDS = 1.0
MARGIN_SECONDS = 30
"""Longer than the Job may take, whose own end says more."""


def ask(
    cluster: Cluster,
    config: StackConfig,
    namespace: str,
    *,
    now: Callable[[], float] = time.monotonic,
    pause: Callable[[float], None] = time.sleep,
) -> list[Result]:
    """What became of the checks.

    Raises:
        Problem: when the Job cannot be made, or does not come to its end.
    """
    try:
        deployment = cluster.get(f"/apis/apps/v1/namespaces/{namespace}/deployments/{GATEWAY}")
        made = job(config, namespace, deployment)
        name = made["metadata"]["name"]
        cluster.create(jobs(namespace), made)
        results = last_word(cluster, namespace, name, now() + patience(config) + MARGIN_SECONDS, now, pause)
        if not failures(results):
            # With what belongs to it; one that failed stays for its log.
            cluster.delete(f"{jobs(namespace)}/{name}?propagationPolicy=Background")
    except (RefusedError, *UNREACHABLE) as error:
        raise Problem(
            f"the gateway runs, but the gate could not ask it from inside the cluster: {reason(error)}. Whoever runs `up` may "
            f"make Jobs and read Deployments and pods in namespace {namespace} (docs/rights.md)"
        ) from None
    return results


def last_word(
    cluster: Cluster,
    namespace: str,
    name: str,
    until: float,
    now: Callable[[], float],
    pause: Callable[[float], None],
) -> list[Result]:
    while True:
        # In this order: a pod is done before its Job is.
        ended = ending(cluster.get(f"{jobs(namespace)}/{name}")) or (now() > until and "it does not end")
        for pod in pods_of(cluster, namespace, name):
            if (said := message(pod)) is not None:
                return read(said)
        if ended:
            raise Problem(
                f"the gateway runs, but the gate got no answer from inside the cluster: {ended}. `kubectl describe job {name} "
                f"-n {namespace}` and the events of its pod say why: an image, a quota, a node, an admission policy"
            )
        pause(PAUSE_SECONDS)


def pods_of(cluster: Cluster, namespace: str, name: str) -> list[dict[str, Any]]:
    selector = quote(f"batch.kubernetes.io/job-name={name}")
    return cluster.get(f"/api/v1/namespaces/{namespace}/pods?labelSelector={selector}")["items"]


def message(pod: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The last word of a pod that is done; None as long as there is none that can be read."""
    for status in pod.get("status", {}).get("containerStatuses", ()):
        said = status.get("state", {}).get("terminated", {}).get("message")
        try:
            return json.loads(said) if status["name"] == "smoke" and said else None
        except ValueError:
            return None
    return None


def ending(found: dict[str, Any]) -> str:
    """Why a Job ended that should still have said something; empty while it runs."""
    for condition in found.get("status", {}).get("conditions", ()):
        if condition["type"] in ("Failed", "Complete") and condition["status"] == "True":
            return str(condition.get("message") or condition.get("reason") or condition["type"])
    return ""


def jobs(namespace: str) -> str:
    return f"/apis/batch/v1/namespaces/{namespace}/jobs"
