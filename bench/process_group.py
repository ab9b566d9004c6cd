"""Time and memory of a command and of every process that it starts."""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

INTERVAL_SECONDS = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass
class Usage:
    """What a command took."""

    seconds: float = 0
    peak_bytes: int = 0
    """Largest sum of resident memory, over all processes at one time. What they share is counted for each."""
    processes: dict[str, int] = field(default_factory=dict[str, int])
    """Who had how much of it."""


def measure(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Usage:
    """Run a command in a session of its own, to the end.

    Raises:
        RuntimeError: with what it printed, when it fails.
    """
    usage, ended = Usage(), Event()
    start = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    watcher = Thread(target=watch, args=(process.pid, usage, ended))
    watcher.start()
    printed, _ = process.communicate()
    usage.seconds = time.monotonic() - start
    ended.set()
    watcher.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{printed[-4000:]}")
    return usage


def watch(session: int, usage: Usage, ended: Event) -> None:
    while not ended.wait(INTERVAL_SECONDS):
        memory = resident(session)
        if (total := sum(memory.values())) > usage.peak_bytes:
            usage.peak_bytes, usage.processes = total, by_name(memory)


def resident(session: int) -> dict[int, int]:
    """Resident bytes of every process of a session."""
    found: dict[int, int] = {}
    for folder in os.scandir("/proc"):
        if folder.name.isdigit():
            try:
                status = Path(folder.path, "stat").read_bytes()
            except OSError:  # it has ended
                continue
            # The name of the program, in parentheses, may hold spaces: state, parent, group and session come after it.
            fields = status[status.rindex(b")") + 2 :].split()
            if int(fields[3]) == session:
                found[int(folder.name)] = int(fields[21]) * PAGE
    return found


def by_name(memory: Mapping[int, int]) -> dict[str, int]:
    names: Counter[str] = Counter()
    for process, size in memory.items():
        try:
            words = Path(f"/proc/{process}/cmdline").read_text().split("\0")
        except OSError:
            continue
        names[name_of(words)] += size
    return dict(names.most_common())


def name_of(words: Sequence[str]) -> str:
    """The program, or what Python runs."""
    program = Path(words[0]).name
    if not program.startswith("python"):
        return program
    rest = [word for word in words[1:] if not word.startswith("-")]
    return f"python {Path(rest[0]).name}" if rest and rest[0] else program
