"""A cluster, a store and an engine to remove environments from, all in memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from pulumi import automation

from tests.unit.tools.engine.fakes import FakeCluster
from tools.ephemeral.environments import Place
from tools.ephemeral.kube import Conflict, Object
from tools.ephemeral.mark import Mark
from tools.ephemeral.names import Name, name_of
from tools.ephemeral.progress import Progress
from tools.ephemeral.record import Record, Records
from tools.ephemeral.stores import Swept
from tools.ephemeral.template import read_template
from tools.problem import Problem
from tools.process import Beside, nothing

ROOT = Path(__file__).resolve().parents[4]
CLUSTER = "0c1a55e5"
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OWNER = "ann@example.com"


class FakeKube:
    """Objects by path. Deleting a namespace takes `termination` reads until it is gone."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {
            "/api/v1/namespaces/kube-system": {"metadata": {"name": "kube-system", "uid": f"{CLUSTER}-1234"}}
        }
        self.log: list[str] = []
        self.version = 0
        self.on_read: Callable[[str], None] = lambda _: None

    def get(self, path: str, **query: str) -> Object | None:
        self.on_read(path)
        if path.endswith(("/namespaces", "/jobs", "/pods", "/leases")):
            key, _, value = query.get("labelSelector", "").partition("=")
            children = [found for at, found in self.objects.items() if at.rpartition("/")[0] == path]
            if path == "/apis/coordination.k8s.io/v1/leases":
                children = [found for at, found in self.objects.items() if "/leases/" in at]
            return {
                "items": [
                    child
                    for child in children
                    if not key or (child["metadata"].get("labels") or {}).get(key, None) in ([value] if value else ANY)
                ]
            }
        found = self.objects.get(path)
        if found is not None and "deletionTimestamp" in found["metadata"]:
            self._vanish(path)
        return found

    def create(self, path: str, body: Object) -> Object:
        at = f"{path}/{body['metadata']['name']}"
        namespace = self.objects.get(f"/api/v1/namespaces/{path.partition('/namespaces/')[2].partition('/')[0]}")
        if at in self.objects:
            raise Conflict(at)
        if namespace and "deletionTimestamp" in namespace["metadata"]:
            raise Problem("forbidden: namespace is being terminated")
        self.log.append(f"create {at}")
        self.version += 1
        metadata = {**body["metadata"], "uid": str(uuid4()), "resourceVersion": str(self.version)}
        if "/namespaces/" in path:
            metadata["namespace"] = path.split("/namespaces/")[1].split("/", maxsplit=1)[0]
        self.objects[at] = {**body, "metadata": metadata}
        return self.objects[at]

    def patch(self, path: str, body: Object) -> Object | None:
        found = self.objects.get(path)
        if found is None:
            return None
        wanted = body.get("metadata", {}).get("resourceVersion")
        if wanted not in (None, found["metadata"]["resourceVersion"]):
            raise Conflict(path)
        self.log.append(f"patch {path}")
        self.version += 1
        annotations = {
            **(found["metadata"].get("annotations") or {}),
            **(body.get("metadata", {}).get("annotations") or {}),
        }
        metadata = found["metadata"] | {"annotations": annotations, "resourceVersion": str(self.version)}
        self.objects[path] = found | {"metadata": metadata, "spec": {**found.get("spec", {}), **body.get("spec", {})}}
        return self.objects[path]

    def delete(self, path: str, body: Object | None = None, **query: str) -> None:
        self.log.append(f"delete {path}")
        found = self.objects.get(path)
        if found is None:
            return
        if path.startswith("/api/v1/namespaces/") and path.count("/") == 4:
            assert body, "a namespace is deleted by its uid, or it may be the next one of that name"
            assert body["preconditions"]["uid"] == found["metadata"]["uid"]
            found["metadata"]["deletionTimestamp"] = "now"
        else:
            del self.objects[path]

    def _vanish(self, namespace: str) -> None:
        inside = f"/namespaces/{namespace.rpartition('/')[2]}/"
        for at in [at for at in self.objects if at == namespace or inside in at]:
            del self.objects[at]

    def namespaces(self) -> set[str]:
        return {
            at.rpartition("/")[2] for at in self.objects if at.startswith("/api/v1/namespaces/") and at.count("/") == 4
        }


class _Any:
    def __contains__(self, value: object) -> bool:
        return value is not None


ANY: Any = _Any()


@dataclass
class FakeKeeper:
    """What is in the store, by mark."""

    held: dict[Mark, list[str]] = field(default_factory=dict[Mark, list[str]])
    swept: list[Mark] = field(default_factory=list[Mark])
    claimed: list[str] = field(default_factory=list[str])

    def claim(self, mark: Mark, documents: Any) -> None:
        self.claimed += documents
        self.held[mark] = [*documents]

    def marks(self, cluster: str, name: str | None = None) -> set[Mark]:
        return {mark for mark in self.held if mark.cluster == cluster and name in (None, mark.name)}

    def sweep(self, mark: Mark) -> Swept:
        self.swept.append(mark)
        return Swept(tuple(self.held.pop(mark, [])))

    def read(self, reference: Any) -> str:
        return "sk-read-from-the-store"


@dataclass
class FakeEngine:
    """Stacks by name, with their tags."""

    stacks: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    resources: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """What the state of each stack has."""

    kinds_in_state: set[str] = field(default_factory=set[str])
    fails: list[Exception] = field(default_factory=list[Exception])
    log: list[str] = field(default_factory=list[str])
    events: list[automation.EngineEvent] = field(default_factory=list[automation.EngineEvent])
    """What the engine says while it works."""

    command: Any = field(default_factory=lambda: SimpleNamespace(stopped_by=0, running=False))
    on_destroy: Callable[[], None] = lambda: None

    def names(self) -> list[str]:
        return [*self.stacks]

    def tags(self, stack: str) -> dict[str, str]:
        return self.stacks[stack]

    def exists(self, stack: str) -> bool:
        return stack in self.stacks

    def state(self, name: str) -> dict[str, Any]:
        return {"deployment": {"resources": self.resources}}

    def kinds(self, name: str) -> set[str]:
        return self.kinds_in_state

    def lift_lock(self, name: str) -> None:
        self.log.append(f"lift lock of {name}")

    def create(self, stack: Any, target: Any) -> str:
        self.stacks.setdefault(stack.name, {})
        return stack.name

    def tag(self, stack: str, tags: Mapping[str, str]) -> None:
        self.stacks.setdefault(stack, {}).update(tags)

    def up(self, stack: str, on_event: Any, *, look_first: bool = False, beside: Beside = nothing) -> dict[str, str]:
        self.log.append(f"up {stack}" + (" look_first" if look_first else ""))
        for event in self.events:
            on_event(event)
            if beside():
                raise automation.CommandError(automation.CommandResult(stdout="", stderr="error: canceled", code=255))
        if self.fails:
            raise self.fails.pop(0)
        return {"url": f"http://{stack}.example.com", "curl": "curl …"}

    def know_what_was_changing(self, name: str, urns: Any) -> None:
        self.log.append(f"apply again in {name}: {', '.join(urns)}")

    def destroy(self, name: str, on_event: Any, *, look_first: bool = False) -> None:
        self.log.append(f"destroy {name} look_first={look_first}")
        self.on_destroy()
        if self.fails:
            raise self.fails.pop(0)

    def remove(self, name: str) -> None:
        self.log.append(f"remove {name}")
        del self.stacks[name]


@dataclass
class World:
    """Everything together, and what was said."""

    kube: FakeKube = field(default_factory=FakeKube)
    keeper: FakeKeeper = field(default_factory=FakeKeeper)
    engine: FakeEngine = field(default_factory=FakeEngine)
    cluster: FakeCluster = field(default_factory=FakeCluster)
    now: datetime = NOON
    said: list[str] = field(default_factory=list[str])
    progresses: list[Progress] = field(default_factory=list[Progress])

    def place(self) -> Place:
        from rich.console import Console

        def progress() -> Progress:
            self.progresses.append(Progress(Console(quiet=True)))
            return self.progresses[-1]

        return Place(
            project=ROOT,
            template=read_template(ROOT, None, []),
            kube=self.kube,
            engine=self.engine,  # type: ignore[arg-type]
            open_keeper=lambda: self.keeper,
            connect=lambda: self.cluster,
            progress=progress,
            say=self.said.append,
            now=lambda: self.now,
        )

    def record(
        self,
        given: str,
        *,
        owner: str = OWNER,
        lives: timedelta = timedelta(hours=4),
        unique: str = "00000001",
        url: str = "http://x",
    ) -> Record:
        """An environment in the cluster, its marks in the store and its stack in the backend."""
        name = name_of(given)
        mark = Mark(CLUSTER, name.safe, unique)
        made = Record(name, mark, owner, self.now, self.now + lives, url)
        Records(self.kube, CLUSTER).claim(made)
        self.keeper.held[mark] = [f"ephemeral/{name.safe}/api-keys"]
        self.engine.stacks[name.stack] = {"mark": str(mark)}
        self.kube.log.clear()
        return made


def bare(safe: str) -> Name:
    return Name(safe, safe)
