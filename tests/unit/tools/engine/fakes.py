"""A machine for the commands to run on: a project folder, a recorded runner, no real process."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import grpc
from pulumi.runtime.proto import events_pb2, events_pb2_grpc

from infra.kubernetes_api import RefusedError
from tools.engine.operations import Workplace
from tools.process import Beside, Finished, nothing

NO_STACK = Finished(6, errors="error: no stack named 'dev' found")
CLUSTER = {"KUBECONFIG": "/clusters/one", "VAULT_ADDR": "https://vault.example.com", "VAULT_TOKEN": "hvs.named-token"}


@dataclass(frozen=True)
class Call:
    command: tuple[str, ...]
    environment: dict[str, str]
    stdin: str
    interactive: bool

    @property
    def line(self) -> str:
        return " ".join((Path(self.command[0]).name, *self.command[1:]))


@dataclass
class FakeRunner:
    """Answers by the first key of `answers` that the command line starts with; succeeds silently otherwise."""

    answers: dict[str, Finished] = field(default_factory=dict[str, Finished])
    calls: list[Call] = field(default_factory=list[Call])
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """What an `up` writes into its event log."""

    interrupted: bool = False

    def capture(
        self, command: Sequence[str], *, environment: Mapping[str, str], stdin: str = "", limit: float = 60
    ) -> Finished:
        return self.record(Call((*command,), dict(environment), stdin, interactive=False))

    def follow(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        interactive: bool,
        limit: float,
        beside: Beside = nothing,
    ) -> int:
        done = self.record(Call((*command,), dict(environment), "", interactive))
        if address := next((value for option, value in pairwise(command) if option == "--event-log"), None):
            return self.play(address, beside, done.code)
        return done.code

    def play(self, address: str, beside: Beside, code: int) -> int:
        """Send the events of an `up`, look after each of them as a real one would, and end as soon as that says so."""
        for event in self.events:
            send(address, [event])
            if beside():
                self.interrupted = True
                return 255
        return code

    def record(self, call: Call) -> Finished:
        self.calls.append(call)
        return next((answer for start, answer in self.answers.items() if call.line.startswith(start)), Finished(0))

    def only(self, start: str) -> Call:
        found = self.starting(start)
        assert len(found) == 1, f"{len(found)} calls of {start!r} among {self.lines}"
        return found[0]

    def starting(self, start: str) -> list[Call]:
        return [call for call in self.calls if call.line.startswith(start)]

    @property
    def lines(self) -> list[str]:
        return [call.line for call in self.calls]


def send(address: str, events: Sequence[Mapping[str, Any]]) -> None:
    """Say these events as the engine does; returns once they were taken in."""
    with grpc.insecure_channel(address.removeprefix("tcp://")) as channel:
        said = iter([events_pb2.EventRequest(event=json.dumps(event)) for event in events])
        events_pb2_grpc.EventsStub(channel).StreamEvents(said)


@dataclass
class FakeCluster:
    """A Kubernetes API with the objects of `objects`, and Deployments that are what one read after the other says, the last one
    for good."""

    reads: list[list[dict[str, Any]]] = field(default_factory=lambda: [[]])
    paths: list[str] = field(default_factory=list[str])
    objects: dict[str, Any] = field(default_factory=dict[str, Any])
    """By path, without a query: an object, the items of a list, or the status of an error. 404 otherwise, but for /version."""
    writes: list[tuple[str, str, Any]] = field(default_factory=list[tuple[str, str, Any]])
    """Verb, path and body of each change."""

    accepted: dict[str, str] = field(default_factory=dict[str, str])
    """The media type that was asked for last, by path without a query."""

    def get(self, path: str, accept: str = "") -> dict[str, Any]:
        self.paths.append(path)
        self.accepted[path.partition("?")[0]] = accept
        place = path.partition("?")[0]
        if place.endswith("/deployments"):
            return {"items": self.reads.pop(0) if len(self.reads) > 1 else self.reads[0]}
        found = self.objects.get(place, {} if place == "/version" else 404)
        if isinstance(found, int):
            raise RefusedError(found, "")
        items = cast("list[dict[str, Any]]", found)
        if "PartialObjectMetadata" in accept and isinstance(found, list):
            items = [{"metadata": each["metadata"]} for each in items]
        return {"items": items} if isinstance(found, list) else found

    def text(self, path: str) -> str:
        self.paths.append(path)
        found = self.objects.get(path.partition("?")[0], 404)
        if isinstance(found, int):
            raise RefusedError(found, "")
        return str(found)

    def create(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.writes.append(("create", path, body))
        return body

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        self.writes.append(("patch", path, body))
        return body

    def patch_json(self, path: str, operations: list[dict[str, Any]]) -> dict[str, Any]:
        self.writes.append(("patch_json", path, operations))
        return {}

    def delete(self, path: str) -> None:
        self.writes.append(("delete", path, None))

    def done(self, verb: str) -> list[str]:
        return [path for each, path, _ in self.writes if each == verb]


@dataclass
class Machine:
    """One project on one machine, and what was said on it."""

    project: Path
    runner: FakeRunner
    environment: dict[str, str]
    said: list[str] = field(default_factory=list[str])
    interactive: bool = False
    cluster: FakeCluster = field(default_factory=FakeCluster)
    answer: bool = False
    """What whoever is there answers."""
    questions: list[str] = field(default_factory=list[str])
    shared: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Address and token of each Vault that was made ready for environments."""

    def place(self, **variables: str) -> Workplace:
        return Workplace(
            self.project,
            {**self.environment, **variables},
            self.runner,
            self.interactive,
            self.said.append,
            lambda _kubeconfig, _context: self.cluster,
            self.asked,
            lambda address, token: self.shared.append((address, token)),
        )

    def asked(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer

    def install(self, *programs: str) -> None:
        for program in programs:
            executable = self.project / "bin" / program
            executable.touch(0o755)

    def write(self, name: str, content: str) -> Path:
        path = self.project / name
        path.write_text(content)
        return path


def machine(folder: Path) -> Machine:
    """A project with stacks dev and prod (protected), a new enough Pulumi CLI, and a stack without resources."""
    (folder / "bin").mkdir()
    (folder / "Pulumi.yaml").write_text('name: litellm\nruntime: python\nrequiredPulumiVersion: ">=3.220.0"\n')
    (folder / "Pulumi.dev.yaml").write_text("config:\n  litellm:protect: false\n  litellm:gateway: {replicas: 1}\n")
    (folder / "Pulumi.prod.yaml").write_text("config:\n  litellm:protect: true\n")
    answers = {
        "pulumi version": Finished(0, "v3.999.0\n"),
        "pulumi stack output": Finished(0, "{}"),
        "pulumi stack export": Finished(0, json.dumps({"deployment": {}})),
    }
    made = Machine(folder, FakeRunner(answers), {"PATH": str(folder / "bin"), "HOME": str(folder)})
    made.install("pulumi")
    return made
