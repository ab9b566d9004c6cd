"""Load by Locust, in an environment of its own: nothing else of this project needs it."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.process import child_environment

HERE = Path(__file__).parent
CACHE = HERE.parents[1] / ".cache" / "locust-venv"
REQUIREMENTS = HERE / "requirements.txt"
"""Made by: echo locust | uv pip compile - --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
-o bench/gateway/requirements.txt"""


@dataclass(frozen=True)
class Answers:
    """What clients saw, in seconds."""

    taken: list[float]
    first: list[float]
    """Until the first bytes of a body."""

    failed: list[str | int]
    """Statuses and errors of the requests without an answer."""


def locust() -> Path:
    """Locust; installed by whoever comes first."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = CACHE / digest
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            shutil.rmtree(folder, ignore_errors=True)
            python = str(folder / "bin" / "python")
            uv("venv", "--python", sys.executable, str(folder))
            uv(
                *("pip", "install", "--python", python, "--require-hashes"),
                *("--compile-bytecode", "-r", str(REQUIREMENTS)),
            )
            (folder / "complete").touch()
    return folder / "bin" / "locust"


def uv(*arguments: str) -> None:
    subprocess.run([str(Path(sys.executable).with_name("uv")), "--quiet", *arguments], check=True)


def load(
    targets: Sequence[str], key: str, *, connections: int, streamed: bool, prompt_bytes: int, seconds: float
) -> Answers:
    """Ask for completions over so many connections, for so long. The key stays in the environment of the process."""
    told = {
        "BENCH_TARGETS": ",".join(targets),
        "BENCH_KEY": key,
        "BENCH_STREAMED": str(streamed).lower(),
        "BENCH_PROMPT_BYTES": str(prompt_bytes),
    }
    command = [
        *(str(locust()), "-f", str(HERE / "locustfile.py"), "--headless", "--only-summary", "--loglevel", "ERROR"),
        *("--users", str(connections), "--spawn-rate", str(connections), "--run-time", f"{seconds:g}s"),
        *("--stop-timeout", "120"),
    ]
    done = subprocess.run(
        command,
        env=child_environment(os.environ, told),
        check=False,
        capture_output=True,
        text=True,
        timeout=seconds + 180,
    )
    start = done.stdout.rfind('{"taken"')
    if start < 0:
        raise RuntimeError(f"Locust ended with {done.returncode}: {done.stderr[-800:]}")
    return Answers(**json.JSONDecoder().raw_decode(done.stdout[start:])[0])
