"""The namespace of an environment is also its record: whose it is, since when, until when.

It is the first thing made and the last thing deleted. Whatever happens in between, and wherever the state of the stack is, any
machine that sees the cluster finds the environment, and knows what to do.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from components.labels import INSTANCE
from tools.ephemeral.kube import Conflict, Kube, Object
from tools.ephemeral.mark import Mark, parse_mark
from tools.ephemeral.names import STACK_PREFIX, Name
from tools.ephemeral.ttl import parse_timestamp, timestamp
from tools.problem import Problem

PREFIX = "ephemeral.litellm/"
LABEL = f"{PREFIX}name"
"""Label of the namespaces of environments."""

PATH = "/api/v1/namespaces"
LIMIT_SECONDS = 120
POLL_SECONDS = 0.25
GRACE_SECONDS = 1
PODS_SECONDS = 20
"""How long the namespace waits for its pods: with some it would take half of their own grace period."""


@dataclass(frozen=True)
class Record:
    """What a namespace says of its environment."""

    name: Name
    mark: Mark
    owner: str
    created: datetime
    expires: datetime
    url: str = ""
    """Where it answers; empty until it has."""

    curl: str = ""
    terminating: bool = False

    def expired(self, now: datetime) -> bool:
        return now >= self.expires

    @property
    def annotations(self) -> dict[str, str]:
        values = {
            "mark": str(self.mark),
            "given-name": self.name.given,
            "owner": self.owner,
            "created": timestamp(self.created),
            "expires": timestamp(self.expires),
            "url": self.url,
            "curl": self.curl,
        }
        return {f"{PREFIX}{key}": value for key, value in values.items()}


def record_of(namespace: Object) -> Record | None:
    """The record of a namespace; None when it is not one of ours, whatever it is called."""
    metadata = namespace["metadata"]
    labels: Mapping[str, str] = metadata.get("labels") or {}
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    given = {key.removeprefix(PREFIX): value for key, value in annotations.items() if key.startswith(PREFIX)}
    mark = parse_mark(given.get("mark"))
    created, expires = (parse_timestamp(given.get(key)) for key in ("created", "expires"))
    if mark is None or created is None or expires is None or not given.get("owner"):
        return None
    name = Name(given.get("given-name") or mark.name, mark.name)
    if labels.get(LABEL) != mark.name or metadata["name"] != name.namespace:
        return None
    return Record(
        name=name,
        mark=mark,
        owner=given["owner"],
        created=created,
        expires=expires,
        url=given.get("url", ""),
        curl=given.get("curl", ""),
        terminating=bool(metadata.get("deletionTimestamp")),
    )


class Records:
    """The environments of one cluster."""

    def __init__(self, kube: Kube, cluster: str) -> None:
        self.kube = kube
        self.cluster = cluster

    def all(self) -> list[Record]:
        found = self.kube.get(PATH, labelSelector=LABEL) or {"items": []}
        records = [record_of(namespace) for namespace in found["items"]]
        return [record for record in records if record is not None and record.mark.cluster == self.cluster]

    def read(self, name: Name) -> Record | None:
        """The environment of this name, if there is one.

        Raises:
            Problem: when there is a namespace of that name which is none of ours.
        """
        namespace = self.kube.get(f"{PATH}/{name.namespace}")
        if namespace is None:
            return None
        record = record_of(namespace)
        if record is None or record.mark.cluster != self.cluster:
            raise Problem(
                f"there is a namespace {name.namespace} already, which is no environment made by `env-up`: use another name"
            )
        return record

    def claim(self, record: Record) -> Record:
        """Take a name; of two that try at once, one gets it.

        Raises:
            Conflict: when somebody else was faster.
        """
        labels = {LABEL: record.mark.name, INSTANCE: f"litellm-{record.name.stack}"}
        metadata = {"name": record.name.namespace, "labels": labels, "annotations": record.annotations}
        self.kube.create(PATH, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        return record

    def change(self, record: Record, **changes: object) -> Record:
        """Write what has changed."""
        changed = replace(record, **changes)  # pyright: ignore[reportArgumentType]
        before = record.annotations
        annotations = {key: value for key, value in changed.annotations.items() if before[key] != value}
        if not annotations:
            return changed
        try:
            patched = self.kube.patch(f"{PATH}/{record.name.namespace}", {"metadata": {"annotations": annotations}})
        except Conflict:
            patched = None
        if patched is None:
            raise Problem(f"environment {record.name.safe} is gone: somebody removed it at the same time")
        return changed

    def quiet(self, record: Record) -> None:
        """Stop everything that runs in it. Nobody waits for an answer any more; left alone, pods end when their clients do."""
        namespace = record.name.namespace
        # Before their owners go: the first grace period that the kubelet hears of is the one that it keeps.
        self._end_pods(f"{PATH}/{namespace}")
        # Jobs and ExternalSecrets have finalizers: a namespace that still has some when it goes is looked at twice.
        for kind in (
            "apps/v1 deployments",
            "apps/v1 statefulsets",
            "batch/v1 jobs",
            "external-secrets.io/v1 externalsecrets",
        ):
            group, plural = kind.split()
            self.kube.delete(f"/apis/{group}/namespaces/{namespace}/{plural}", {"propagationPolicy": "Background"})
        self._end_pods(f"{PATH}/{namespace}")

    def _end_pods(self, path: str) -> None:
        self.kube.delete(f"{path}/pods", {"gracePeriodSeconds": GRACE_SECONDS})

    def delete(self, record: Record, sleep: Callable[[float], None] = time.sleep) -> None:
        """Delete the namespace, as long as it is still that of this environment, and wait until it is gone."""
        path = f"{PATH}/{record.name.namespace}"
        for attempt in range(int(LIMIT_SECONDS / POLL_SECONDS)):
            found = self.kube.get(path)
            current = record_of(found) if found else None
            if found is None or current is None or current.mark != record.mark:
                return
            if attempt % 10 == 0:
                # What a controller made at the last moment.
                self._end_pods(path)
            if not current.terminating and (attempt * POLL_SECONDS >= PODS_SECONDS or not self._has_pods(path)):
                self.kube.delete(path, {"preconditions": {"uid": found["metadata"]["uid"]}})
            sleep(POLL_SECONDS)
        raise Problem(f"namespace {record.name.namespace} does not go away: {self._stuck(path)}")

    def _has_pods(self, path: str) -> bool:
        return bool((self.kube.get(f"{path}/pods") or {}).get("items"))

    def _stuck(self, path: str) -> str:
        conditions = (self.kube.get(path) or {}).get("status", {}).get("conditions", [])
        messages = [str(entry.get("message")) for entry in conditions if entry.get("status") == "True"]
        return "; ".join(messages) or "see docs/runbooks/stuck-namespace.md"


def name_of_stack(stack: str) -> str | None:
    """The safe name of the environment that a stack belongs to; None for any other stack."""
    return stack.removeprefix(STACK_PREFIX) if stack.startswith(STACK_PREFIX) else None
