"""LiteLLM itself, as published on PyPI, in an environment of its own, to load the configuration files that we make."""

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.programs import of_environment

TESTS = Path(__file__).parent
REQUIREMENTS = TESTS / "litellm-requirements.txt"
"""Made by: printf 'litellm[proxy]==VERSION\\nprometheus-client' | uv pip compile - --overrides tests/litellm-overrides.txt
--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o tests/litellm-requirements.txt"""

CACHE = TESTS.parent / ".cache"
LOADED = re.compile(r"config OK \((\d+) models\)")

STAND_INS = {
    # Nothing listens there: LiteLLM says so, and goes on.
    "REDIS_HOST": "127.0.0.1",
    "REDIS_PORT": "1",
    "REDIS_SSL": "False",
    "DATABASE_URL": "postgresql://nobody:none@127.0.0.1:1/none",
}


@dataclass(frozen=True)
class Loaded:
    """What LiteLLM said to a file."""

    exit_code: int
    """0 when LiteLLM could load it."""

    output: str
    """Everything it wrote."""

    @property
    def models(self) -> int | None:
        """Number of models that LiteLLM would serve. It drops a model that it cannot use, and still exits with 0."""
        found = LOADED.search(self.output)
        return int(found[1]) if found else None


def interpreter() -> Path:
    """Python of an environment with LiteLLM; made once for each state of the requirements, by whoever comes first."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()[:16]
    folder = CACHE / "litellm-venv" / digest
    python, done = folder / "bin" / "python", folder / "complete"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            uv("venv", "--python", sys.executable, str(folder))
            uv(
                "pip",
                "install",
                "--python",
                str(python),
                "--require-hashes",
                "--compile-bytecode",
                "-r",
                str(REQUIREMENTS),
            )
            done.touch()
    return python


def uv(*arguments: str) -> None:
    command = [of_environment("uv"), "--quiet", *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, f"uv {arguments[0]} failed:\n{finished.stderr}"


def environment(texts: Sequence[str]) -> dict[str, str]:
    """The variables that the files refer to, with values that are nobody's, and nothing of the caller's but PATH."""
    named = {name for text in texts for name in re.findall(r"os\.environ/(\w+)", text)}
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(CACHE),
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        **{name: STAND_INS.get(name, f"sk-stand-in-for-{name.lower()}") for name in named},
    }


def load(files: Sequence[Path], **variables: str) -> list[Loaded]:
    """What `litellm --config FILE --validate_config` says to each file, all in one process that imports LiteLLM once."""
    if not files:
        return []
    command = [str(interpreter()), str(TESTS / "litellm_validate.py"), *map(str, files)]
    finished = run(
        command, environment([file.read_text(encoding="utf-8", errors="replace") for file in files]) | variables
    )
    assert finished.returncode == 0, finished.stderr
    return [Loaded(code, output) for code, output in json.loads(finished.stdout.splitlines()[-1])]


def once(folder: Path, ask: Callable[[], Any]) -> Any:
    """What LiteLLM is asked once for all processes of a test run, as JSON; `folder` is theirs in common."""
    answer = folder / f"{ask.__name__}.json"
    with answer.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not answer.exists():
            answer.write_text(json.dumps(ask()))
        return json.loads(answer.read_text())


def load_with_command(file: Path) -> Loaded:
    """What the command `litellm --config FILE --validate_config` itself says to a file."""
    command = [str(interpreter().with_name("litellm")), "--config", str(file), "--validate_config"]
    finished = run(command, environment([file.read_text(encoding="utf-8")]))
    return Loaded(finished.returncode, finished.stdout + finished.stderr)


def load_texts(texts: Mapping[str, str], folder: Path) -> dict[str, Loaded]:
    """What LiteLLM says to each text, by name. Equal texts are loaded once; `folder` is for the files."""
    distinct = {text: folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.yaml" for text in texts.values()}
    for text, file in distinct.items():
        file.write_text(text, encoding="utf-8")
    said = dict(zip(distinct, load(list(distinct.values())), strict=True))
    return {name: said[text] for name, text in texts.items()}


def run(command: list[str], variables: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, env=dict(variables), cwd=CACHE, capture_output=True, text=True, timeout=600, check=False
    )
