"""Workloads and pods as the Kubernetes API has them, some of which cannot start."""

from typing import Any

from tests.unit.tools.engine.fakes import FakeCluster
from tools.engine.under_way import Workload

NAMESPACE = "litellm-dev"
PLACE = f"/api/v1/namespaces/{NAMESPACE}"
PODS, EVENTS = f"{PLACE}/pods", f"{PLACE}/events"
APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
GATEWAY = Workload("Deployment", NAMESPACE, "litellm", "app.kubernetes.io/name=litellm")
POSTGRES = Workload("StatefulSet", NAMESPACE, "postgres", "app.kubernetes.io/name=postgres")
MIGRATION = Workload("Job", NAMESPACE, "migration", "batch.kubernetes.io/job-name=migration")

FAKE_VALUE = "p-fake-value-of-a-test"

URN = "urn:pulumi:dev::litellm::litellm:index:Gateway$kubernetes:apps/v1:Deployment::litellm-deployment"
BEGINS: dict[str, Any] = {
    "resourcePreEvent": {
        "metadata": {
            "op": "update",
            "urn": URN,
            "type": "kubernetes:apps/v1:Deployment",
            "new": {
                "inputs": {
                    "metadata": {"name": "litellm", "namespace": NAMESPACE},
                    "spec": {"selector": {"matchLabels": {"app.kubernetes.io/name": "litellm"}}},
                }
            },
        }
    }
}
ENDS: dict[str, Any] = {"resOutputsEvent": {"metadata": {"op": "update", "urn": URN}}}


def waiting(why: str, restarts: int = 0, message: str = "") -> dict[str, Any]:
    """A container that waits, perhaps after it ended with an error."""
    last = {"lastState": {"terminated": {"exitCode": 3, "reason": "Error"}}} if restarts else {}
    state = {"waiting": {"reason": why, "message": message}}
    return {"name": "litellm", "ready": False, "restartCount": restarts, "state": state, **last}


def ended(code: int) -> dict[str, Any]:
    return {"name": "litellm", "ready": False, "restartCount": 0, "state": {"terminated": {"exitCode": code}}}


RUNNING: dict[str, Any] = {"name": "litellm", "ready": True, "restartCount": 0, "state": {"running": {}}}


def pod(
    name: str, *containers: dict[str, Any], version: str = "new", ready: bool = False, **status: Any
) -> dict[str, Any]:
    labels = {"pod-template-hash": version, "controller-revision-hash": version}
    secret = {"secretRef": {"name": "litellm-environment"}}
    return {
        "metadata": {"name": name, "namespace": NAMESPACE, "uid": f"uid-of-{name}", "labels": labels},
        "spec": {"containers": [{"name": "litellm", "envFrom": [secret]}]},
        "status": {
            "containerStatuses": [*containers],
            "conditions": [{"type": "Ready", "status": str(ready)}],
            **status,
        },
    }


def replica_set(version: str, revision: int) -> dict[str, Any]:
    annotations = {"deployment.kubernetes.io/revision": str(revision)}
    return {"metadata": {"labels": {"pod-template-hash": version}, "annotations": annotations}}


def cluster(
    *pods: dict[str, Any], log: str | int = "Traceback\nRuntimeError: no such model", **objects: Any
) -> FakeCluster:
    """A cluster in which version `new` is the newest of every workload."""
    secret = {"data": {"PASSWORD": "cC1mYWtlLXZhbHVlLW9mLWEtdGVzdA=="}}
    found: dict[str, Any] = {
        PODS: [*pods],
        EVENTS: [],
        f"{PLACE}/secrets/litellm-environment": secret,
        f"{APPS}/replicasets": [replica_set("old", 1), replica_set("new", 2)],
        f"{APPS}/statefulsets/postgres": {"status": {"updateRevision": "new"}},
        **{f"{PODS}/{each['metadata']['name']}/log": log for each in pods},
    }
    return FakeCluster(objects=found | objects)
