"""Which workloads the engine is making while it works: read from the engine's own events."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from tools.engine.state import RELEASE, part

VARIABLES = {"PULUMI_DEBUG_COMMANDS": "true"}
"""With which Pulumi knows `--event-log`, as its Automation API asks it."""

MAKING = {"create", "update", "create-replacement", "replace"}


@dataclass(frozen=True)
class Workload:
    """What has pods, and is ready when they are."""

    kind: str
    namespace: str
    name: str
    selector: str
    """The labels of its pods."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def by_labels(inputs: Mapping[str, Any]) -> str:
    return ",".join(
        f"{key}={value}" for key, value in part(part(part(inputs, "spec"), "selector"), "matchLabels").items()
    )


def by_name(label: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda inputs: f"{label}={inputs.get('name') or part(inputs, 'metadata').get('name')}"


SELECTORS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "kubernetes:apps/v1:Deployment": by_labels,
    "kubernetes:apps/v1:StatefulSet": by_labels,
    "kubernetes:batch/v1:Job": by_name("batch.kubernetes.io/job-name"),
    "kubernetes:postgresql.cnpg.io/v1:Cluster": by_name("cnpg.io/cluster"),
    RELEASE: by_name("app.kubernetes.io/instance"),
}
"""How the pods of a resource are found, by its type."""


def workload_of(type_: str, inputs: Mapping[str, Any]) -> Workload | None:
    """The workload that a resource is; None where it has no pods of its own."""
    if type_ not in SELECTORS:
        return None
    # A release of Helm has its name at its top, an object in its metadata.
    named = inputs if "chart" in inputs else part(inputs, "metadata")
    names = str(named.get("namespace", "default")), str(named.get("name", ""))
    return Workload(type_.rpartition(":")[2], *names, SELECTORS[type_](inputs))


@dataclass
class UnderWay:
    """Follows the events of one `up`."""

    workloads: dict[str, Workload] = field(default_factory=dict[str, Workload])
    """By URN, what is being made. What failed stays: it is what there is something to say about."""

    changing: set[str] = field(default_factory=set[str])
    """The URNs of the objects that are being changed, or were when that failed."""

    def on_event(self, event: Mapping[str, Any]) -> None:
        """Take in one event, in the form of the engine's event log."""
        began, ended = part(event, "resourcePreEvent"), part(event, "resOutputsEvent")
        if began and not began.get("planning"):
            self._begins(part(began, "metadata"))
        if ended and not ended.get("planning"):
            urn = str(part(ended, "metadata").get("urn"))
            self.workloads.pop(urn, None)
            self.changing.discard(urn)

    def _begins(self, metadata: Mapping[str, Any]) -> None:
        type_, urn = str(metadata.get("type")), str(metadata.get("urn"))
        found = workload_of(type_, part(part(metadata, "new"), "inputs"))
        if found and metadata.get("op") in MAKING:
            self.workloads[urn] = found
        if metadata.get("op") == "update" and type_.startswith("kubernetes:") and type_ != RELEASE:
            self.changing.add(urn)

    def __call__(self) -> list[Workload]:
        return [*self.workloads.values()]


@dataclass
class EventLog:
    """The file into which the command line writes its events. It begins anew when a preview becomes an `up`."""

    file: Path
    on_event: Callable[[Mapping[str, Any]], None]
    _read: int = 0

    def follow(self) -> None:
        """Take in what was written since the last time."""
        try:
            with self.file.open("rb") as log:
                size = log.seek(0, 2)
                log.seek(self._read if size >= self._read else 0)
                lines = log.read()
                whole = lines.rfind(b"\n") + 1
                self._read = log.tell() - len(lines) + whole
        except FileNotFoundError:
            return
        for line in lines[:whole].splitlines():
            event: Any = json.loads(line)
            if isinstance(event, dict):
                self.on_event(cast("Mapping[str, Any]", event))
