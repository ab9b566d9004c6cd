"""Make `.venv` what the lock file says. Every make target starts with this; it needs nothing but Python 3.8.

Nothing is done when the lock file is the one that was installed last.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
LOCK = PROJECT / "requirements-dev.txt"
VENV = PROJECT / ".venv"
STAMP = VENV / ".installed"
OWN_UV = PROJECT / ".cache" / "uv"
PYTHON = ">=3.11"


def main() -> int:
    wanted = hashlib.sha256(LOCK.read_bytes() + Path(__file__).read_bytes()).hexdigest()
    if (VENV / "bin" / "python").exists() and STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    try:
        uv = find_uv()
        say(f"installing {LOCK.name} into .venv")
        # Pulumi lists the packages with pip, so there has to be one (--seed).
        run(uv, "venv", "--quiet", "--seed", "--allow-existing", "--python", PYTHON, str(VENV))
        run(
            *(uv, "pip", "sync", "--quiet", "--python", str(VENV)),
            *("--require-hashes", "--compile-bytecode", str(LOCK)),
        )
    except subprocess.CalledProcessError as error:
        command = " ".join(error.cmd)
        hint = "It needs the network, once per lock file; uv is described at https://docs.astral.sh/uv/"
        sys.stderr.write(f"error: `{command}` failed, for the reason above. {hint}\n")
        return 1
    STAMP.write_text(wanted)
    return 0


def find_uv() -> str:
    """The uv on PATH, or the one of the lock file in a folder of this project."""
    pin = pin_of("uv", LOCK.read_text())
    own = OWN_UV / hashlib.sha256(pin.encode()).hexdigest()[:16]
    found = shutil.which("uv") or (str(own / "bin" / "uv") if (own / "bin" / "uv").exists() else None)
    if found:
        return found
    say("uv is not installed; getting it for this project only")
    run(sys.executable, "-m", "venv", str(own))
    requirements = own / "requirements.txt"
    requirements.write_text(pin)
    pip = (str(own / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", str(requirements))
    return str(own / "bin" / "uv")


def pin_of(name: str, lock: str) -> str:
    """The lines of a lock file that pin one package: its version and its hashes."""
    found = re.search(rf"^{name}==.*\\\n(?:    --hash=.*\n)+", lock, re.MULTILINE)
    if not found:
        raise SystemExit(
            f"error: {LOCK.name} does not pin {name} with a hash; `git checkout {LOCK.name}` brings it back"
        )
    return found.group()


def say(text: str) -> None:
    """Not where a command behind this writes its answer: `$(make -s key)` has to be the key alone, also the first time."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def run(*command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    subprocess.run(  # noqa: S603
        command, check=True, cwd=str(PROJECT), env=environment, stdin=subprocess.DEVNULL, stdout=sys.stderr
    )


if __name__ == "__main__":
    sys.exit(main())
