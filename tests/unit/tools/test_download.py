"""Command lines that are downloaded: nothing is used whose checksum is not the one in the repository."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.config.versions import PINS, Pin
from tools.download import checksums, install, main, platform_of
from tools.problem import Problem, Unavailable

SCRIPT = b"#!/bin/sh\necho 1.2.3\n"
MACHINES = ("x86_64", "aarch64", "arm64", "AMD64")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder that a server shows, and its URL."""
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def archive(*names: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as made:
        for name in names:
            entry = tarfile.TarInfo(name)
            entry.size = len(SCRIPT)
            made.addfile(entry, io.BytesIO(SCRIPT))
    return content.getvalue()


def pin(served: tuple[Path, str], content: bytes, *, sum_of: bytes | None = None) -> Pin:
    folder, url = served
    (folder / "tool-1.2.3").write_bytes(content)
    digest = hashlib.sha256(content if sum_of is None else sum_of).hexdigest()
    platforms = {f"{system}-{machine}": digest for system in ("linux", "darwin") for machine in ("amd64", "arm64")}
    return Pin("github-releases", "team/tool", "1.2.3", url=f"{url}/tool-{{version}}", sha256=platforms)


@pytest.mark.parametrize(
    "content", [SCRIPT, archive("tool"), archive("tool/tool", "tool/tool-helper")], ids=["program", "flat", "folder"]
)
def test_a_program_is_there_and_can_be_run(served: tuple[Path, str], tmp_path: Path, content: bytes):
    program = install("tool", pin(served, content), tmp_path / "bin")
    assert program == tmp_path / "bin" / "tool"
    assert program.read_bytes() == SCRIPT
    assert program.stat().st_mode & 0o111


def test_what_comes_beside_it_is_there_too(served: tuple[Path, str], tmp_path: Path):
    install("tool", pin(served, archive("tool/tool", "tool/tool-helper")), tmp_path / "bin")
    assert (tmp_path / "bin" / "tool-helper").read_bytes() == SCRIPT


def test_another_file_than_the_known_one_is_refused(served: tuple[Path, str], tmp_path: Path):
    with pytest.raises(Problem, match="is not the file whose checksum"):
        install("tool", pin(served, archive("tool"), sum_of=SCRIPT), tmp_path / "bin")
    assert not (tmp_path / "bin").exists()


def test_a_refused_file_leaves_the_earlier_program_alone(served: tuple[Path, str], tmp_path: Path):
    program = install("tool", pin(served, SCRIPT), tmp_path / "bin")
    with pytest.raises(Problem):
        install("tool", pin(served, b"other", sum_of=SCRIPT), tmp_path / "bin")
    assert program.read_bytes() == SCRIPT


def test_a_later_version_replaces_all_of_the_earlier_one(served: tuple[Path, str], tmp_path: Path):
    install("tool", pin(served, archive("tool", "old")), tmp_path / "bin")
    install("tool", pin(served, archive("tool", "new")), tmp_path / "bin")
    assert sorted(path.name for path in (tmp_path / "bin").iterdir()) == ["new", "tool"]


def test_an_archive_cannot_write_elsewhere(served: tuple[Path, str], tmp_path: Path):
    with pytest.raises(tarfile.FilterError):
        install("tool", pin(served, archive("tool", "../../outside")), tmp_path / "bin")
    assert not (tmp_path / "outside").exists()


def test_a_server_that_has_nothing_is_named(served: tuple[Path, str], tmp_path: Path):
    missing = pin(served, SCRIPT)
    (served[0] / "tool-1.2.3").unlink()
    with pytest.raises(Unavailable, match=r"tool-1\.2\.3 could not be downloaded: HTTP Error 404"):
        install("tool", missing, tmp_path / "bin")


def test_a_machine_without_a_release_is_told_so():
    with pytest.raises(Unavailable, match="for Plan9 on mips"):
        platform_of(PINS["pulumi"], "Plan9", "mips")


@pytest.mark.parametrize("name", [name for name, pin in PINS.items() if pin.url])
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("system", ["Linux", "Darwin"])
def test_each_command_line_is_there_for_each_machine(name: str, system: str, machine: str):
    assert len(PINS[name].sha256[platform_of(PINS[name], system, machine)]) == 64


def test_the_sums_of_a_new_version_can_be_asked_for(served: tuple[Path, str]):
    assert set(checksums(pin(served, SCRIPT)).values()) == {hashlib.sha256(SCRIPT).hexdigest()}


def test_the_command_says_what_is_wrong(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("platform.machine", lambda: "mips")
    monkeypatch.setattr("tools.download.PINS", {"tool": Pin("github-releases", "team/tool", "1.2.3")})
    assert main(["tool", "unused"]) == 1
    assert "error: versions.yaml has no file of team/tool" in capsys.readouterr().err
