"""Which workloads the engine is making while it works: read from the engine's own events."""

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import events_pb2_grpc

from tools.engine.state import RELEASE, part

VARIABLES = {"PULUMI_DEBUG_COMMANDS": "true"}
"""With which Pulumi knows `--event-log`, as its Automation API asks it."""

GRACE_SECONDS = 5
"""For events that are on their way when the command line has ended."""

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


@contextmanager
def events(on_event: Callable[[Mapping[str, Any]], None]) -> Generator[str]:
    """Listen to what the command line says of its work; gives the address for `--event-log`.

    Its debug messages have outputs in plain sight, secrets among them: they come by the loopback, and no disk ever has them.
    """
    server = grpc.server(ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", -1)])
    events_pb2_grpc.add_EventsServicer_to_server(Listener(on_event), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"tcp://127.0.0.1:{port}"
    finally:
        server.stop(grace=GRACE_SECONDS).wait()


class Listener(events_pb2_grpc.EventsServicer):
    def __init__(self, on_event: Callable[[Mapping[str, Any]], None]) -> None:
        self.on_event = on_event

    def StreamEvents(self, request_iterator: Iterable[Any], context: Any) -> empty_pb2.Empty:  # noqa: N802 - Pulumi's name
        del context
        for request in request_iterator:
            self.on_event(json.loads(request.event))
        return empty_pb2.Empty()
