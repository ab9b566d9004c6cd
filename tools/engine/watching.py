"""Looks at the pods that the engine waits for, beside it, and ends it when it waits in vain."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from tools.engine.cluster import Cluster
from tools.engine.under_way import UnderWay
from tools.problem import Problem

if TYPE_CHECKING:
    from tools.engine.starts import Starts

STOPPING = "is ended, as it waits in vain; what runs, runs on"
AGAIN = "mend that, and run `{again}` again: it goes on from here, and begins with pods of its own"


@dataclass
class Watching:
    """One operation of the engine, as its pods see it. Called again and again while it works."""

    connect: Callable[[], Cluster]
    say: Callable[[str], None]
    again: str
    """The command that goes on afterwards."""

    under_way: UnderWay = field(default_factory=UnderWay)
    lines: list[str] = field(default_factory=list[str])
    """Why it was ended."""

    _off: bool = False

    def __call__(self) -> bool:
        """Whether the engine waits for something that will not come."""
        workloads = self.under_way()
        if workloads and not self._off and not self.lines:
            try:
                self.lines = self.starts.look(workloads)
            except Problem:
                # Without a cluster the engine has reasons of its own to fail.
                self._off = True
            if self.lines:
                self.say(f"the engine {STOPPING}")
        return bool(self.lines)

    def why(self) -> list[str]:
        """After an operation that failed: what the pods that it waited for say; nothing where it waited for none."""
        if workloads := [] if self.lines or self._off else self.under_way():
            try:
                self.lines = self.starts.explain(workloads)
            except Problem:
                return []
        return [*self.lines, AGAIN.format(again=self.again)] if self.lines else []

    @cached_property
    def starts(self) -> "Starts":
        from tools.engine.starts import Starts  # noqa: PLC0415 - the client of the API takes long to import

        return Starts(self.connect(), self.say)
