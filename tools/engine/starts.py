"""Pods that cannot start: found while the engine waits for them, and said with what they said themselves.

The engine waits for a workload until its time is over, and then knows that it took too long. Why, the pods know much earlier.
Whatever is judged here belongs to the newest version of its workload, and has failed since the engine came to it.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from infra.kubernetes_api import UNREACHABLE, RefusedError
from infra.masked import masked
from infra.reason import reason
from infra.urls import without_secrets
from tools.engine.cluster import Cluster
from tools.engine.last_words import last_words
from tools.engine.state import part
from tools.engine.under_way import Workload

CRASHES = 3
"""After so many a pod crash-loops: once may be a server that was not ready yet."""

IMAGE = {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable"}
CONFIG = {"CreateContainerConfigError", "CreateContainerError"}
AT_ONCE = {"InvalidImageName", "ErrImageNeverPull"}
BACK_OFF = {"CrashLoopBackOff", *IMAGE, *CONFIG}

PATIENCE_SECONDS = {"image": 25, "config": 60, "unschedulable": 30}
"""How long a reason has to stay: a registry may stumble, a Secret may be on its way, and a cluster may be getting a node."""

ADVICE = {
    "crash": "what the log says is mostly in the stack file, or in the image",
    "image": "correct the image (litellm:gateway.image and its siblings), give its registry's login "
    "(litellm:pods.imagePullSecrets), or let the nodes reach the registry",
    "config": "a Secret or ConfigMap that the pod names is not there, or lacks a key",
    "unschedulable": "no node has room for the pod, or none fits it: see litellm:pods and resources in the stack file",
}

PODS_SHOWN, EVENTS_SHOWN = 2, 3

Object = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """Why a container, or a pod that is nowhere yet, does not run."""

    kind: str
    pod: Object
    container: str
    said: str
    restarts: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        return self.pod["metadata"]["uid"], self.container, self.kind


def faults(pod: Object) -> Iterator[Fault]:
    """What keeps a pod from running, as its status has it now."""
    if pod["metadata"].get("deletionTimestamp"):
        return
    status = part(pod, "status")
    for condition in status.get("conditions", []):
        if (condition["type"], condition["status"], condition.get("reason")) == (
            "PodScheduled",
            "False",
            "Unschedulable",
        ):
            yield Fault("unschedulable", pod, "", f"Unschedulable: {condition.get('message', '')}")
    for container in statuses(pod):
        waiting = part(part(container, "state"), "waiting")
        why, restarts = waiting.get("reason"), container.get("restartCount", 0)
        if why == "CrashLoopBackOff":
            yield Fault("crash", pod, container["name"], crashed(container), restarts)
        elif why in IMAGE | CONFIG:
            kind = "image" if why in IMAGE else "config"
            yield Fault(kind, pod, container["name"], f"{why}: {waiting.get('message', '')}", restarts)


def statuses(pod: Object) -> list[Object]:
    status = part(pod, "status")
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def crashed(container: Object) -> str:
    last = part(part(container, "lastState"), "terminated")
    how = (
        f", the last time with exit code {last['exitCode']} ({last.get('reason', 'Error')})"
        if "exitCode" in last
        else ""
    )
    return f"CrashLoopBackOff: it ended {container.get('restartCount', 0) + 1} times{how}"


@dataclass
class Starts:
    """Looks at the pods of what somebody waits for, again and again.

    What was in a back-off when somebody began to wait is made anew, once: it would be tried again only after minutes, and
    serves nobody meanwhile.
    """

    cluster: Cluster
    say: Callable[[str], None]
    now: Callable[[], float] = time.monotonic

    _restarts: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    """By pod and container: those from before somebody waited."""

    _seen: set[Workload] = field(default_factory=set[Workload])
    _renewed: set[str] = field(default_factory=set[str])
    _since: dict[tuple[str, str, str], float] = field(default_factory=dict[tuple[str, str, str], float])
    _said: set[str] = field(default_factory=set[str])

    def look(self, workloads: list[Workload]) -> list[str]:
        """Why one of the workloads will not start, for people; nothing as long as it may."""
        for workload in workloads:
            try:
                found = self._look(workload)
                if found:
                    return [*described(self.cluster, workload, found), *self._left(workload)]
            except (RefusedError, *UNREACHABLE):
                # Whoever waits does so with rights and a connection of their own, and says what is wrong with them.
                continue
        return []

    def explain(self, workloads: list[Workload]) -> list[str]:
        """What is to be said about workloads that did not come up, whatever the reason."""
        lines: list[str] = []
        for workload in workloads:
            try:
                lines += explained(self.cluster, workload)
            except (RefusedError, *UNREACHABLE) as error:
                lines.append(f"{workload}: its pods cannot be looked at: {reason(error)}")
        return lines

    def _look(self, workload: Workload) -> list[Fault]:
        pods = pods_of(self.cluster, workload)
        if workload not in self._seen:
            self._seen.add(workload)
            self._restarts |= {
                (uid(pod), each["name"]): each.get("restartCount", 0) for pod in pods for each in statuses(pod)
            }
            self._renew([pod for pod in pods if in_back_off(pod)], workload)
        found = [fault for pod in pods if uid(pod) not in self._renewed for fault in faults(pod)]
        gone = {uid(pod) for pod in pods} - {uid(fault.pod) for fault in found}
        self._since = {key: began for key, began in self._since.items() if key[0] not in gone}
        if not found:
            return []
        newest = newest_label(self.cluster, workload)
        outdated = [fault.pod for fault in found if not is_newest(fault.pod, newest)]
        if workload.kind == "StatefulSet":
            # It waits for a pod of the version before to become ready, even when a new version is there.
            self._renew([pod for pod in outdated if in_back_off(pod)], workload)
        current = [fault for fault in found if is_newest(fault.pod, newest)]
        self._mention(workload, [fault for fault in current if fault.kind == "unschedulable" and self._stays(fault)])
        return [fault for fault in current if fault.kind != "unschedulable" and self._is_certain(fault)]

    def _is_certain(self, fault: Fault) -> bool:
        if fault.kind == "crash":
            return fault.restarts + 1 - self._restarts.get((uid(fault.pod), fault.container), 0) >= CRASHES
        return fault.said.partition(":")[0] in AT_ONCE or self._stays(fault)

    def _stays(self, fault: Fault) -> bool:
        return self.now() - self._since.setdefault(fault.key, self.now()) >= PATIENCE_SECONDS[fault.kind]

    def _mention(self, workload: Workload, found: list[Fault]) -> None:
        for fault in found:
            if uid(fault.pod) not in self._said:
                self._said.add(uid(fault.pod))
                name = fault.pod["metadata"]["name"]
                self.say(f"{workload} waits: pod {name} is {clean(fault.said)}. {ADVICE['unschedulable']}")

    def _renew(self, pods: list[Object], workload: Workload) -> None:
        if workload.kind not in ("Deployment", "StatefulSet"):
            return
        for pod in pods:
            if uid(pod) in self._renewed:
                continue
            try:
                self.cluster.delete(f"/api/v1/namespaces/{workload.namespace}/pods/{pod['metadata']['name']}")
            except (RefusedError, *UNREACHABLE):
                continue
            self._renewed.add(uid(pod))

    def _left(self, workload: Workload) -> list[str]:
        """What serves meanwhile."""
        ready = sum(is_ready(pod) for pod in pods_of(self.cluster, workload))
        if workload.kind != "Deployment" or not ready:
            return []
        return [f"pods of {workload} that are ready, and serve on: {ready}"]


def described(cluster: Cluster, workload: Workload, found: list[Fault]) -> list[str]:
    """Faults with events and logs: those of a few pods, as the others fail for the same reason."""
    lines: list[str] = []
    for fault in found[:PODS_SHOWN]:
        name = fault.pod["metadata"]["name"]
        where = f"pod {name}, container {fault.container}" if fault.container else f"pod {name}"
        lines += [f"{workload} does not start: {where}: {clean(fault.said)}", *events(cluster, fault.pod)]
        if fault.kind == "crash":
            lines += last_words(cluster, fault.pod, fault.container, previous=True)
        lines.append(ADVICE[fault.kind])
    return list(dict.fromkeys(lines))


def explained(cluster: Cluster, workload: Workload) -> list[str]:
    pods = [pod for pod in pods_of(cluster, workload) if not is_ready(pod) and not has_succeeded(pod)]
    if not pods:
        return [f"{workload} has no pods that wait or fail", *events_of(cluster, workload.namespace, workload.name)]
    newest = newest_label(cluster, workload)
    latest = sorted((pod for pod in pods if is_newest(pod, newest)), key=created, reverse=True)
    return [line for pod in latest[:1] for line in pod_explained(cluster, workload, pod)]


def pod_explained(cluster: Cluster, workload: Workload, pod: Object) -> list[str]:
    if found := [*faults(pod)]:
        return described(cluster, workload, found)
    name = pod["metadata"]["name"]
    lines = [
        f"{workload} did not come up: pod {name} is {part(pod, 'status').get('phase', 'Unknown')}",
        *events(cluster, pod),
    ]
    for container in statuses(pod):
        ended = part(part(container, "state"), "terminated")
        if container.get("ready") or ended.get("exitCode") == 0 or "waiting" in part(container, "state"):
            continue
        again = not ended and container.get("restartCount", 0) > 0
        how = f"ended with exit code {ended['exitCode']} ({ended.get('reason', 'Error')})" if ended else "is not ready"
        lines += [f"container {container['name']} {how}", *last_words(cluster, pod, container["name"], previous=again)]
    return lines


def events(cluster: Cluster, pod: Object) -> list[str]:
    return events_of(cluster, pod["metadata"]["namespace"], pod["metadata"]["name"])


def events_of(cluster: Cluster, namespace: str, name: str) -> list[str]:
    """The latest warnings about an object."""
    chosen = quote(f"involvedObject.name={name},type=Warning")
    try:
        found: list[Object] = cluster.get(f"/api/v1/namespaces/{namespace}/events?fieldSelector={chosen}")["items"]
    except (RefusedError, *UNREACHABLE):
        return []
    latest = sorted(found, key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    lines = [f"event {event.get('reason')}: {clean(event.get('message', ''))}" for event in latest]
    return list(dict.fromkeys(lines))[-EVENTS_SHOWN:]


def pods_of(cluster: Cluster, workload: Workload) -> list[Object]:
    return cluster.get(f"/api/v1/namespaces/{workload.namespace}/pods?labelSelector={quote(workload.selector)}")[
        "items"
    ]


def newest_label(cluster: Cluster, workload: Workload) -> dict[str, str]:
    """The label of the pods of a workload's newest version; empty where each pod is of the newest."""
    place = f"/apis/apps/v1/namespaces/{workload.namespace}"
    try:
        if workload.kind == "Deployment":
            sets: list[Object] = cluster.get(f"{place}/replicasets?labelSelector={quote(workload.selector)}")["items"]
            newest = max(sets, key=revision, default=None)
            hash_ = part(newest["metadata"], "labels").get("pod-template-hash") if newest else None
            return {"pod-template-hash": hash_} if hash_ else {}
        if workload.kind == "StatefulSet":
            update = part(cluster.get(f"{place}/statefulsets/{workload.name}"), "status").get("updateRevision")
            return {"controller-revision-hash": update} if update else {}
    except RefusedError:
        return {}
    return {}


def revision(replica_set: Object) -> int:
    return int(part(replica_set["metadata"], "annotations").get("deployment.kubernetes.io/revision", 0))


def is_newest(pod: Object, label: Mapping[str, str]) -> bool:
    return label.items() <= part(pod["metadata"], "labels").items()


def in_back_off(pod: Object) -> bool:
    return any(part(part(each, "state"), "waiting").get("reason") in BACK_OFF for each in statuses(pod))


def is_ready(pod: Object) -> bool:
    return any(
        each["type"] == "Ready" and each["status"] == "True" for each in part(pod, "status").get("conditions", [])
    )


def has_succeeded(pod: Object) -> bool:
    return part(pod, "status").get("phase") == "Succeeded"


def created(pod: Object) -> str:
    return str(pod["metadata"].get("creationTimestamp", ""))


def uid(pod: Object) -> str:
    return str(pod["metadata"]["uid"])


def clean(text: str) -> str:
    """What Kubernetes says, on one line and without what looks like a secret."""
    return without_secrets(masked(" ".join(text.split())))
