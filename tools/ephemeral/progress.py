"""What the engine does, as it does it: one line for each thing while it is made, with its seconds."""

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock

from pulumi.automation import EngineEvent, OpType
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

VERBS = {
    OpType.CREATE: ("creating", "created"),
    OpType.UPDATE: ("updating", "updated"),
    OpType.DELETE: ("deleting", "deleted"),
    OpType.REPLACE: ("replacing", "replaced"),
    OpType.CREATE_REPLACEMENT: ("creating", "created"),
    OpType.DELETE_REPLACED: ("deleting", "deleted"),
}
QUICK_SECONDS = 1.0
"""What takes less is not worth a line of its own."""

ERRORS_KEPT = 20


@dataclass
class Progress:
    """Follows the events of one operation."""

    console: Console
    clock: Callable[[], float] = time.monotonic
    started: dict[str, tuple[str, str, float]] = field(default_factory=dict[str, tuple[str, str, float]])
    """By URN: what is being done, to what, since when."""

    done: int = 0
    errors: list[str] = field(default_factory=list[str])
    """What the engine and the providers complained about."""

    _lock: Lock = field(default_factory=Lock)
    _live: Live | None = None
    _begin: float = 0.0

    def __enter__(self) -> "Progress":
        self._begin = self.clock()
        if self.console.is_terminal:
            self._live = Live(get_renderable=self.render, console=self.console, refresh_per_second=4, transient=True)
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def say(self, line: str) -> None:
        self.console.print(line, markup=False, highlight=False, soft_wrap=True)

    def on_event(self, event: EngineEvent) -> None:
        """Take in one event of the engine's stream."""
        with self._lock:
            if event.resource_pre_event:
                self._begins(event)
            elif event.res_outputs_event:
                self._ends(event.res_outputs_event.metadata.urn)
            elif event.res_op_failed_event:
                self.started.pop(event.res_op_failed_event.metadata.urn, None)
            elif event.diagnostic_event and event.diagnostic_event.severity == "error":
                self._complains(event)

    def _begins(self, event: EngineEvent) -> None:
        assert event.resource_pre_event  # noqa: S101 - for the type checker; the caller looked
        metadata = event.resource_pre_event.metadata
        if metadata.op in VERBS and not is_internal(metadata.urn):
            self.started[metadata.urn] = (VERBS[metadata.op][0], short_name(metadata.urn), self.clock())

    def _ends(self, urn: str) -> None:
        if urn not in self.started:
            return
        verb, name, begin = self.started.pop(urn)
        self.done += 1
        seconds = self.clock() - begin
        if seconds >= QUICK_SECONDS:
            past = next(past for present, past in VERBS.values() if present == verb)
            self.say(f"  {seconds:5.1f} s  {past} {name}")

    def _complains(self, event: EngineEvent) -> None:
        assert event.diagnostic_event  # noqa: S101
        message = "\n".join(line.rstrip() for line in event.diagnostic_event.message.strip().splitlines())
        where = f"{short_name(event.diagnostic_event.urn)}: " if event.diagnostic_event.urn else ""
        if message and message not in ("update failed", "destroy failed") and len(self.errors) < ERRORS_KEPT:
            self.errors.append(f"{where}{message.removeprefix('error: ')}")

    def render(self) -> RenderableType:
        """What is under way, the longest first."""
        with self._lock:
            under_way = sorted(self.started.values(), key=lambda entry: entry[2])
            now = self.clock()
        lines = [Text(f"  {now - begin:5.1f} s  {verb} {name}", style="cyan") for verb, name, begin in under_way]
        return Group(*lines, Text(f"  {now - self._begin:5.1f} s  {self.done} done", style="dim"))


@contextmanager
def step(what: str, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> Generator[None]:
    """Say how long something took that is not the engine's, unless it was quick."""
    begin = clock()
    yield
    if (seconds := clock() - begin) >= QUICK_SECONDS:
        say(f"  {seconds:5.1f} s  {what}")


def short_name(urn: str) -> str:
    """`litellm-deployment Deployment`, from a URN."""
    *_, types, name = urn.split("::")
    return f"{name} {types.rpartition('$')[2].rpartition(':')[2]}"


def is_internal(urn: str) -> bool:
    """The stack itself, its components and providers: nobody waits for them."""
    kind = urn.split("::")[-2].rpartition("$")[2]
    return kind.startswith(("pulumi:pulumi:", "pulumi:providers:", "litellm:index:"))
