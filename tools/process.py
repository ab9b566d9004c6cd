"""Running other programs: bounded in time, and stopped the way they ask for."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

from infra.urls import without_secrets
from tools.problem import Problem

LOOK_SECONDS = 2
GRACE_SECONDS = 120
"""How long a program may take to stop after it was asked to."""


@dataclass(frozen=True)
class Finished:
    """What a program answered."""

    code: int
    output: str = ""
    errors: str = ""

    @property
    def ok(self) -> bool:
        return self.code == 0

    @property
    def reason(self) -> str:
        """What it said about its failure, on one line."""
        lines = [line.strip() for line in (self.errors or self.output).splitlines() if line.strip()]
        said = next(
            (line for line in lines if line.startswith(("error:", "ERROR:"))), lines[-1] if lines else "no message"
        )
        return without_secrets(said)


Beside = Callable[[], bool]
"""Looks at what a program is waiting for while it runs; returns whether it waits in vain."""


def nothing() -> bool:
    return False


class Runner(Protocol):
    """How this tool starts programs; a test puts its own in place."""

    def capture(
        self, command: Sequence[str], *, environment: Mapping[str, str], stdin: str = "", limit: float = 60
    ) -> Finished:
        """Run to the end and return what was printed."""
        ...

    def follow(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        interactive: bool,
        limit: float,
        beside: Beside = nothing,
    ) -> int:
        """Run with this terminal as its own and return the exit code.

        `beside` is asked every other second meanwhile; when it says so, the program is asked to end, once.
        """
        ...


@dataclass(frozen=True)
class SystemRunner:
    """Starts real processes in one folder."""

    folder: Path

    def capture(
        self, command: Sequence[str], *, environment: Mapping[str, str], stdin: str = "", limit: float = 60
    ) -> Finished:
        try:
            done = subprocess.run(  # noqa: S603 - commands are lists built by this project
                command,
                check=False,
                env=environment,
                cwd=self.folder,
                input=stdin,
                capture_output=True,
                text=True,
                timeout=limit,
            )
        except FileNotFoundError:
            return Finished(127, errors=f"{command[0]}: not found")
        except subprocess.TimeoutExpired:
            return Finished(124, errors=f"`{brief(command)}` did not answer within {limit:.0f} seconds")
        return Finished(done.returncode, done.stdout, done.stderr)

    def follow(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        interactive: bool,
        limit: float,
        beside: Beside = nothing,
    ) -> int:
        sys.stdout.flush()
        # A terminal signals its whole foreground group, so there the program hears Ctrl-C itself. Without one it gets
        # a session of its own and every signal from here, so that it hears each exactly once: a second one would make
        # Pulumi drop what it is doing.
        process = subprocess.Popen(  # noqa: S603
            command,
            env=environment,
            cwd=self.folder,
            stdin=None if interactive else subprocess.DEVNULL,
            start_new_session=not interactive,
        )
        heard_from_terminal = {signal.SIGINT} if interactive else set[signal.Signals]()
        with passing_on_signals(process, heard_from_terminal):
            try:
                code = wait(process, limit, beside)
            except subprocess.TimeoutExpired:
                stop(process)
                raise Problem(
                    f"`{brief(command)}` was stopped after {limit / 60:.0f} minutes; run the same command again to go on"
                ) from None
        return code if code >= 0 else 128 - code


def wait(process: subprocess.Popen[Any], limit: float, beside: Beside) -> int:
    """The exit code of a program, which is asked to end, once and gently, as soon as `beside` says that it waits in vain.

    Raises:
        subprocess.TimeoutExpired: when it takes longer than `limit` seconds.
    """
    end, asked = time.monotonic() + limit, False
    while (left := end - time.monotonic()) > LOOK_SECONDS:
        try:
            return process.wait(LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if not asked and beside():
                process.send_signal(signal.SIGINT)
                asked = True
    return process.wait(max(left, 0))


def brief(command: Sequence[str]) -> str:
    """A command without the options that only matter to machines."""
    words = [Path(command[0]).name, *(word for word in command[1:] if not word.startswith("-"))][:4]
    return without_secrets(" ".join(words))


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def passing_on_signals(process: subprocess.Popen[bytes], already_heard: set[signal.Signals]) -> Generator[None]:
    def pass_on(number: int, _: FrameType | None) -> None:
        if number not in already_heard:
            process.send_signal(number)

    previous = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def child_environment(environment: Mapping[str, str], *more: Mapping[str, str]) -> dict[str, str]:
    """The environment for programs started here: with bytecode, which makes each start several times faster."""
    merged = dict(environment)
    for variables in more:
        merged.update(variables)
    merged.pop("PYTHONDONTWRITEBYTECODE", None)
    return merged | {"PULUMI_SKIP_UPDATE_CHECK": "true"}


def search_path(environment: Mapping[str, str]) -> str:
    return environment.get("PATH", os.defpath)


@contextmanager
def environment(variables: Mapping[str, str]) -> Generator[None]:
    """Lay these over the environment of this process, in which clients of Vault, AWS and Kubernetes look for credentials."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
