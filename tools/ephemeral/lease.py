"""One run at a time works on an environment: a Lease in its namespace, as Kubernetes' own controllers use it.

Pulumi's lock alone does not do: a run that was killed leaves it behind, and it cannot say whether its owner still lives. The
holder of a Lease renews it; one that is not renewed any more is anybody's.
"""

import os
import secrets
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Thread
from typing import Any

from tools import machine
from tools.ephemeral.errors import Busy
from tools.ephemeral.kube import Conflict, Kube, Object
from tools.ephemeral.ttl import parse_timestamp
from tools.problem import Problem

LEASE = "environment"
DURATION_SECONDS = 15
RENEW_SECONDS = 4
REMOVING = ("down", "reap")
"""Work after which there is no environment."""

LONG_DEAD_SECONDS = 300
"""Further apart than clocks of machines are."""

POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Holder:
    """Who works on an environment."""

    host: str
    process: str
    work: str
    """`up`, `down` or `reap`."""

    unique: str

    def __str__(self) -> str:
        return f"{self.host}/{self.process}/{self.work}/{self.unique}"

    @property
    def died_here(self) -> bool:
        """Whether it was a process of this machine that is no more."""
        here = self.host == machine.host() and self.unique.startswith(f"{hardware()}-")
        return here and self.process.isdigit() and not machine.runs(int(self.process))


def this_process(work: str) -> Holder:
    return Holder(machine.host(), str(os.getpid()), work, f"{hardware()}-{secrets.token_hex(4)}")


def hardware() -> str:
    """Tells machines of the same name apart, such as containers of one image."""
    return f"{uuid.getnode():012x}"


def holder_of(text: str) -> Holder:
    host, process, work, unique = [*text.split("/"), "", "", "", ""][:4]
    return Holder(host, process, work, unique)


class Leases:
    """The Leases of a cluster's environments."""

    def __init__(self, kube: Kube, sleep: Callable[[float], None] = time.sleep) -> None:
        self.kube = kube
        self.sleep = sleep

    def at_work(self) -> set[str]:
        """The namespaces in which somebody seems to work: for a list, without waiting."""
        found = self.kube.get("/apis/coordination.k8s.io/v1/leases", fieldSelector=f"metadata.name={LEASE}") or {
            "items": []
        }
        return {str(lease["metadata"]["namespace"]) for lease in found["items"] if seems_alive(lease)}

    def working_on(self, namespace: str) -> str:
        """What somebody seems to do in a namespace, such as `up`; empty for nothing."""
        lease = self.kube.get(path_of(namespace))
        return holder_of(holder_in(lease)).work if lease is not None and seems_alive(lease) else ""

    @contextmanager
    def held(self, namespace: str, work: str, say: Callable[[str], None]) -> Generator[None]:
        """Hold the Lease of a namespace, and give it back.

        Raises:
            Busy: when somebody else holds it, and renews it.
        """
        me = this_process(work)
        if not self._take(namespace, me, say):
            yield  # the namespace is on its way out: nobody can begin anything in it any more
            return
        done = Event()
        renewing = Thread(target=self._renew, args=(namespace, done), daemon=True)
        renewing.start()
        try:
            yield
        finally:
            done.set()
            renewing.join(RENEW_SECONDS)
            with suppress(Problem):
                self._give_back(namespace, me)

    def _take(self, namespace: str, me: Holder, say: Callable[[str], None]) -> bool:
        for _ in range(3):
            lease = self.kube.get(path_of(namespace))
            try:
                if lease is None:
                    self.kube.create(path_of(namespace, ""), body(namespace, me))
                    return True
                self._await_death(namespace, lease, say)
                version = {"resourceVersion": lease["metadata"]["resourceVersion"]}
                if self.kube.patch(path_of(namespace), {"metadata": version, "spec": spec(me)}):
                    return True
            except Conflict:
                continue
            except Problem as problem:
                if "being terminated" in str(problem) or "is its namespace gone" in str(problem):
                    return False
                raise
        raise Busy(f"somebody else began to work on {namespace} at the same moment: try again in a minute")

    def _await_death(self, namespace: str, lease: Object, say: Callable[[str], None]) -> None:
        """Return when the holder renews its Lease no more. Clocks of two machines differ, so changes are what counts."""
        holder = holder_of(holder_in(lease))
        if not str(holder).strip("/") or holder.died_here or age(lease) > LONG_DEAD_SECONDS:
            return
        say(f"{holder.work or 'a run'} on {holder.host} began to work on it; looking whether that is still alive")
        for _ in range(int((DURATION_SECONDS + 1) / POLL_SECONDS)):
            self.sleep(POLL_SECONDS)
            now = self.kube.get(path_of(namespace))
            if now is None:
                lease["metadata"].pop("resourceVersion", None)
                raise Conflict(namespace)
            if now["spec"].get("renewTime") != lease["spec"].get("renewTime"):
                raise Busy(
                    f"`{holder.work}` works on this environment, on {holder.host} (process {holder.process}), since "
                    f"{lease['spec'].get('acquireTime', 'a moment')}: wait until it is done"
                )

    def _renew(self, namespace: str, done: Event) -> None:
        while not done.wait(RENEW_SECONDS):
            with suppress(Problem, Conflict):  # once the namespace goes, so does the Lease
                self.kube.patch(path_of(namespace), {"spec": {"renewTime": micro_time()}})

    def _give_back(self, namespace: str, me: Holder) -> None:
        lease = self.kube.get(path_of(namespace))
        if lease is not None and holder_in(lease) == str(me):
            self.kube.delete(path_of(namespace))


def path_of(namespace: str, name: str = f"/{LEASE}") -> str:
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases{name}"


def body(namespace: str, me: Holder) -> Object:
    metadata = {"name": LEASE, "namespace": namespace}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec(me)}


def spec(me: Holder) -> dict[str, Any]:
    now = micro_time()
    return {
        "holderIdentity": str(me),
        "leaseDurationSeconds": DURATION_SECONDS,
        "acquireTime": now,
        "renewTime": now,
    }


def holder_in(lease: Object) -> str:
    return str(lease["spec"].get("holderIdentity") or "")


def seems_alive(lease: Object) -> bool:
    """Whether its holder may be at work, as far as one look tells."""
    return not holder_of(holder_in(lease)).died_here and age(lease) < 2 * DURATION_SECONDS


def micro_time() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def age(lease: Object) -> float:
    renewed = parse_timestamp(lease["spec"].get("renewTime"))
    return (datetime.now(UTC) - renewed).total_seconds() if renewed else float("inf")
