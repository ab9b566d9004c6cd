"""Command lines of `versions.yaml`, downloaded and compared with their checksum before anything of them is unpacked or run.

python -m tools.download NAME FOLDER         # FOLDER/NAME, with what comes beside it
python -m tools.download --checksums NAME    # the sums of this version's files, for versions.yaml
"""

import hashlib
import platform
import shutil
import sys
import tarfile
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from infra.config.versions import PINS, Pin
from tools.problem import Problem, Unavailable

SECONDS = 60
"""How long a server may say nothing."""

MACHINES = {"x86_64": ("x64", "amd64"), "amd64": ("x64", "amd64"), "aarch64": ("arm64",), "arm64": ("arm64",)}
"""What releases call the machine that Python calls so."""


def platform_of(pin: Pin, system: str = platform.system(), machine: str = platform.machine()) -> str:
    """The platform of this machine, as the pin's URL has it.

    Raises:
        Unavailable: when there is no release for it whose checksum is known.
    """
    known = {f"{system.lower()}{sign}{name}" for sign in "-_" for name in MACHINES.get(machine.lower(), ())}
    found = known & set(pin.sha256)
    if not found:
        raise Unavailable(f"versions.yaml has no file of {pin.source} for {system} on {machine}: install it by hand")
    return found.pop()


def fetch(url: str, target: Path) -> str:
    """Download a file; return its SHA-256."""
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer, target.open("wb") as file:  # noqa: S310 - ours
            shutil.copyfileobj(answer, file)
    except OSError as error:
        raise Unavailable(f"{url} could not be downloaded: {error}") from None
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def install(name: str, pin: Pin, folder: Path) -> Path:
    """Put a program into a folder, replacing what an earlier version left there, and return its path.

    The folder is whole or as it was before.

    Raises:
        Unavailable: when there is no file for this machine, or it cannot be downloaded.
        Problem: when it is not the file whose checksum is known.
    """
    where = platform_of(pin)
    url = pin.url.format(version=pin.version, platform=where)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        downloaded, unpacked = Path(temporary, "download"), Path(temporary, "unpacked")
        if fetch(url, downloaded) != pin.sha256[where]:
            raise Problem(f"{url} is not the file whose checksum versions.yaml has: nothing of it was used")
        unpacked.mkdir()
        unpack(name, downloaded, unpacked)
        shutil.rmtree(folder, ignore_errors=True)
        unpacked.rename(folder)
    return folder / name


def unpack(name: str, downloaded: Path, folder: Path) -> None:
    """A release is the program itself, or an archive with it, at the top or in one folder."""
    if not tarfile.is_tarfile(downloaded):
        shutil.move(downloaded, folder / name)
    else:
        with tarfile.open(downloaded) as archive, tempfile.TemporaryDirectory(dir=folder.parent) as whole:
            archive.extractall(whole, filter="data")
            [program] = [path for path in Path(whole).rglob(name) if path.is_file()]
            for path in program.parent.iterdir():
                shutil.move(path, folder / path.name)
    (folder / name).chmod(0o755)


def checksums(pin: Pin) -> dict[str, str]:
    """The sums of a version's files, as they are downloaded now."""
    with tempfile.TemporaryDirectory() as temporary:
        return {
            where: fetch(pin.url.format(version=pin.version, platform=where), Path(temporary, "file"))
            for where in pin.sha256
        }


def main(arguments: Sequence[str]) -> int:
    try:
        if arguments[0] == "--checksums":
            for where, found in checksums(PINS[arguments[1]]).items():
                print(f"    {where}: {found}")
        else:
            name, folder = arguments
            print(install(name, PINS[name], Path(folder).absolute()))
    except Problem as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
