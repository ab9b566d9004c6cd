"""The lock of a stack's state: who took it, how long ago, and whether that run can still be at work."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tools import machine

TAKEN = re.compile(r"created by (?P<user>\S*)@(?P<host>\S+) \(pid (?P<process>\d+)\) at (?P<since>\S+)")
"""How Pulumi names the holder of a lock file."""

REFUSED = re.compile(r"currently locked|\[409\]|[Uu]pdate is currently in progress")
"""What a backend says of a stack that is locked."""


@dataclass(frozen=True)
class Holder:
    """One run that took the lock."""

    user: str
    host: str
    process: int
    since: datetime

    @property
    def died_here(self) -> bool:
        """Whether it was a process of this machine that is no more."""
        return self.host == machine.host() and not machine.runs(self.process)

    def described(self, now: datetime) -> str:
        """Who, where, since when, and what can be said of its life."""
        minutes = max(now - self.since, timedelta()) // timedelta(minutes=1)
        age = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
        whether = "that process is gone" if self.died_here else f"that process {self._life}"
        return f"locked by {self.user} on {self.host}, process {self.process}, {age} ago: {whether}"

    @property
    def _life(self) -> str:
        return "is still running" if self.host == machine.host() else "is of another machine and may be running"


@dataclass(frozen=True)
class Lock:
    """The lock of a stack."""

    holders: tuple[Holder, ...]
    """Who took it; none where the backend does not say."""

    def is_dead(self, *, local: bool) -> bool:
        """Whether the run can only be dead. Of a backend that machines share (not `local`) nobody can tell from here: another
        machine may have this one's name."""
        return local and bool(self.holders) and all(holder.died_here for holder in self.holders)

    def lines(self, now: datetime) -> list[str]:
        """What is known of it, for people."""
        return [holder.described(now) for holder in self.holders] or [
            "locked by a run that the state backend does not name: `pulumi stack history` shows who works on it"
        ]


def read(message: str) -> Lock | None:
    """The lock that a refused command speaks of; None when it was refused for something else."""
    if not REFUSED.search(message):
        return None
    return Lock(
        tuple(
            Holder(found["user"], found["host"], int(found["process"]), moment(found["since"]))
            for found in TAKEN.finditer(message)
        )
    )


def moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
