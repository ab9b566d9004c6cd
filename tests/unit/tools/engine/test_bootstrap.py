"""`make` on a machine that has nothing but Python: uv, and with it everything else, comes with the hashes of the lock file."""

import base64
import hashlib
import importlib.util
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import pytest

SOURCE = Path(__file__).parents[4] / "tools" / "engine" / "bootstrap.py"
UV = '#!/bin/sh\necho "uv $*" >>"$CALLS"\n[ "$1" != venv ] || { : >"$PYTHON"; }\n'
"""Stands in for uv: notes what it is asked for, and leaves an interpreter."""


@dataclass(frozen=True)
class Checkout:
    folder: Path

    @property
    def lock(self) -> Path:
        return self.folder / "requirements-dev.txt"

    @property
    def calls(self) -> list[str]:
        log = self.folder / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def bootstrap(self, **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run it with packages from a folder, and no registry."""
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.folder),
            "CALLS": str(self.folder / "calls"),
            "PYTHON": str(self.folder / ".venv" / "bin" / "python"),
            **variables,
        }
        script = self.folder / "tools" / "engine" / "bootstrap.py"
        base = str(getattr(sys, "_base_executable", sys.executable))
        command = [base, "-I", str(script)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)


def wheel(folder: Path) -> str:
    """Make a package of the stand-in; return the hash of its file."""
    path = folder / "uv-1.2.3-py3-none-any.whl"
    info = "uv-1.2.3.dist-info"
    files = {
        "uv-1.2.3.data/scripts/uv": UV,
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: uv\nVersion: 1.2.3\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{name},sha256={digest(text)},{len(text)}\n" for name, text in files.items())
    with ZipFile(path, "w") as archive:
        for name, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            entry = ZipInfo(name)
            entry.external_attr = 0o100755 << 16
            archive.writestr(entry, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    (tmp_path / "tools" / "engine").mkdir(parents=True)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "tools" / "engine" / "bootstrap.py").write_text(SOURCE.read_text())
    pins = {"typer==1.0.0": "1" * 64, "uv==1.2.3": wheel(tmp_path)}
    lock = "".join(f"{pin} \\\n    --hash=sha256:{hash_of_file}\n    # via\n" for pin, hash_of_file in pins.items())
    (tmp_path / "requirements-dev.txt").write_text(lock)
    return Checkout(tmp_path)


def test_uv_is_installed_with_the_hash_of_the_lock_file(checkout: Checkout):
    done = checkout.bootstrap()
    assert done.returncode == 0, done.stderr
    assert [call.split()[1] for call in checkout.calls] == ["venv", "pip"]
    assert "--require-hashes" in checkout.calls[1]


def test_the_answer_of_the_command_behind_it_stands_alone(checkout: Checkout):
    done = checkout.bootstrap()
    assert (done.returncode, done.stdout) == (0, "")
    assert "installing" in done.stderr


def test_a_uv_of_another_hash_is_refused_and_nothing_is_installed(checkout: Checkout):
    checkout.lock.write_text(checkout.lock.read_text().replace(wheel(checkout.folder), "0" * 64))
    done = checkout.bootstrap()
    assert done.returncode == 1
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert checkout.calls == []


@pytest.fixture
def with_uv(checkout: Checkout) -> dict[str, str]:
    """The environment of a machine with uv."""
    uv = checkout.folder / "bin" / "uv"
    uv.parent.mkdir()
    uv.write_text(UV)
    uv.chmod(0o755)
    return {"PATH": f"{uv.parent}:{os.environ['PATH']}"}


def test_a_uv_on_path_is_used(checkout: Checkout, with_uv: dict[str, str]):
    checkout.bootstrap(**with_uv)
    assert len(checkout.calls) == 2
    assert not (checkout.folder / ".cache").exists()


def test_nothing_is_done_while_the_lock_file_is_the_same(checkout: Checkout, with_uv: dict[str, str]):
    checkout.bootstrap(**with_uv)
    before = checkout.calls
    assert checkout.bootstrap(**with_uv).stdout == ""
    assert checkout.calls == before


def test_a_lock_file_without_uv_is_named(checkout: Checkout):
    checkout.lock.write_text("")
    done = checkout.bootstrap()
    assert (done.returncode, done.stderr) == (
        1,
        "error: requirements-dev.txt does not pin uv with a hash; `git checkout requirements-dev.txt` brings it back\n",
    )


def test_the_lock_file_pins_uv():
    spec = importlib.util.spec_from_file_location("bootstrap", SOURCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    pin = module.pin_of("uv", module.LOCK.read_text())
    assert pin.count("uv==") == 1
    assert "--hash=sha256:" in pin
