"""Database and role of an environment in a Postgres that it shares with others: dropped before the namespace goes.

Pulumi runs nothing at the end of a stack, and the server may be reachable from the cluster only. So a Job does it, like the one
that made both, and with all that Job has: server, names and the Secret of the admin. It needs neither state nor configuration.
"""

import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

from tools.ephemeral.kube import Conflict, Kube, Object
from tools.ephemeral.record import Record
from tools.problem import Problem

JOB = "database-drop"
SCRIPT = Path(__file__).with_name("drop.sh").read_text()
BOOTSTRAP = "app.kubernetes.io/name=database-bootstrap"
LIMIT_SECONDS = 90
POLL_SECONDS = 0.3


def drop_database(
    kube: Kube, record: Record, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep
) -> None:
    """Drop what the environment has in a shared Postgres. Without effect on one that has a server of its own.

    Raises:
        Problem: when it did not work; nothing else should be deleted then, or nobody could do it later.
    """
    namespace = record.name.namespace
    jobs = kube.get(jobs_path(namespace), labelSelector=BOOTSTRAP) or {"items": []}
    bootstrap = next((job for job in jobs["items"] if variable(job, "MARK") == str(record.mark)), None)
    if bootstrap is None:
        return
    say(f"dropping database {variable(bootstrap, 'DATABASE')} on {variable(bootstrap, 'PGHOST')}")
    job = drop_job(bootstrap)
    kube.delete(f"{jobs_path(namespace)}/{JOB}", propagationPolicy="Background")
    try:
        made = create(kube, namespace, job, sleep)
    except Problem as problem:
        raise Problem(f"database {variable(bootstrap, 'DATABASE')} was not dropped: {problem}") from None
    await_job(kube, namespace, made, sleep)


def jobs_path(namespace: str) -> str:
    return f"/apis/batch/v1/namespaces/{namespace}/jobs"


def variable(job: Object, name: str) -> str:
    container = job["spec"]["template"]["spec"]["containers"][0]
    return next((str(entry.get("value", "")) for entry in container.get("env", []) if entry["name"] == name), "")


def drop_job(bootstrap: Object) -> Object:
    template = deepcopy(bootstrap["spec"]["template"])
    pod, metadata = template["spec"], template.get("metadata", {})
    pod["containers"][0] |= {"name": "drop", "command": ["bash", "-c", SCRIPT]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": JOB, "labels": {"app.kubernetes.io/name": JOB}},
        "spec": {
            "backoffLimit": 1,
            "activeDeadlineSeconds": LIMIT_SECONDS - 10,
            # With what the bootstrap says to a mesh: a sidecar that runs on would keep the Job from ending.
            "template": {
                "metadata": {
                    "labels": {**own(metadata.get("labels")), "app.kubernetes.io/name": JOB},
                    "annotations": own(metadata.get("annotations")),
                },
                "spec": pod,
            },
        },
    }


def own(texts: Object | None) -> Object:
    """Labels and annotations without those that Kubernetes puts on a Job's pods."""
    return {key: text for key, text in (texts or {}).items() if "controller-uid" not in key and "job-name" not in key}


def create(kube: Kube, namespace: str, job: Object, sleep: Callable[[float], None]) -> str:
    """Create the Job; one that an interrupted run left takes a moment to go."""
    for _ in range(20):
        try:
            return str(kube.create(jobs_path(namespace), job)["metadata"]["name"])
        except Conflict:
            sleep(POLL_SECONDS)
    raise Problem(f"Job {JOB} in {namespace} does not go away")


def await_job(kube: Kube, namespace: str, name: str, sleep: Callable[[float], None]) -> None:
    for _ in range(int(LIMIT_SECONDS / POLL_SECONDS)):
        job = kube.get(f"{jobs_path(namespace)}/{name}")
        conditions = {entry["type"]: entry for entry in (job or {}).get("status", {}).get("conditions", [])}
        if conditions.get("Complete", {}).get("status") == "True":
            return
        if conditions.get("Failed", {}).get("status") == "True":
            break
        sleep(POLL_SECONDS)
    raise Problem(
        f"the database was not dropped: {reason(kube, namespace)}. Mend that and run the same command again, or give "
        "--leave-database, and drop database and role by hand"
    )


def reason(kube: Kube, namespace: str) -> str:
    """What the Job's pod said last."""
    pods = kube.get(f"/api/v1/namespaces/{namespace}/pods", labelSelector=f"app.kubernetes.io/name={JOB}")
    for pod in (pods or {"items": []})["items"]:
        for status in pod.get("status", {}).get("containerStatuses", []):
            for state in (status.get("state", {}), status.get("lastState", {})):
                ended: Object = state.get("terminated") or {}
                waiting: Object = state.get("waiting") or {}
                if said := ended.get("message") or waiting.get("message") or waiting.get("reason"):
                    return " ".join(str(said).split())
    return f"Job {JOB} in namespace {namespace} did not end"
