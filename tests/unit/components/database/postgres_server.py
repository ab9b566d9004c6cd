"""A real Postgres for a test: own folder, own port, own processes, all gone afterwards."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import programs

ADMIN = "postgres"
ADMIN_PASSWORD = "the password of the admin"


def binaries() -> Path | None:
    """The folder with Postgres' programs: from PATH, or where Debian keeps the versions (newest first)."""
    folders = [Path(folder) for folder in programs.WHOLE_PATH.split(os.pathsep)]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: folder.parent.name, reverse=True)
    needed = ("initdb", "postgres", "psql", "pg_isready")
    return next((folder for folder in [*folders, *debian] if all((folder / name).exists() for name in needed)), None)


@dataclass(frozen=True)
class Server:
    binaries: Path
    folder: Path
    port: int

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def sql(self, statement: str, user: str = ADMIN, password: str = ADMIN_PASSWORD, database: str = "postgres") -> str:
        """What psql prints for one statement; fails with psql's error."""
        done = self.psql(statement, user, password, database)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def refuses(self, user: str, password: str, database: str) -> str:
        """The error with which the server refuses a login."""
        done = self.psql("SELECT 1", user, password, database)
        assert done.returncode != 0, f"{user} can log in to {database}"
        return done.stderr

    @contextmanager
    def session(self, user: str, password: str, database: str) -> Generator["subprocess.Popen[bytes]"]:
        """A connection that stays open, and does nothing."""
        connected = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{user}'"
        variables = {"PGUSER": user, "PGPASSWORD": password, "PGDATABASE": database}
        command = [self.binaries / "psql", "-Xqw", "-h", "127.0.0.1", "-p", str(self.port), "-c", "SELECT pg_sleep(60)"]
        process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL)
        try:
            while self.sql(connected) != "1":
                assert process.poll() is None
            yield process
        finally:
            process.kill()
            process.wait(timeout=30)

    def psql(self, statement: str, user: str, password: str, database: str) -> subprocess.CompletedProcess[str]:
        variables = {"PGUSER": user, "PGPASSWORD": password, "PGDATABASE": database}
        command = [str(self.binaries / "psql"), "-XAtqw", "-h", "127.0.0.1", "-p", str(self.port), "-c", statement]
        return subprocess.run(command, env=variables, capture_output=True, text=True, check=False, timeout=30)

    def run_script(
        self, script: Path | str, variables: Mapping[str, str], path: Path | None = None, *arguments: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a script, or its text, as its pod would: its own environment only, and no terminal."""
        search = [str(folder) for folder in (path, self.binaries) if folder] + ["/usr/bin", "/bin"]
        address = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGSSLMODE": "disable", "PATH": ":".join(search)}
        return subprocess.run(
            [programs.needed("bash"), *(["-c", script, "script"] if isinstance(script, str) else [script]), *arguments],
            env=address | dict(variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            start_new_session=True,
        )


def unprivileged() -> dict[str, Any]:
    """Postgres refuses to run as root: arguments of `subprocess` for somebody else, where the test is root."""
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


@contextmanager
def running_server(programs: Path) -> Generator[Server]:
    # Not pytest's folder: that one is closed to the user that the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="litellm-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
        (folder / "password").write_text(ADMIN_PASSWORD)
        (folder / "password").chmod(0o644)
        options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run(
            [programs / "initdb", "-D", folder / "data", "-U", ADMIN, "--pwfile", folder / "password", *options],
            check=True,
            capture_output=True,
            cwd="/",
            timeout=120,
            **unprivileged(),
        )
        with started(programs, folder) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@contextmanager
def started(programs: Path, folder: Path) -> Generator[Server]:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    settings = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "log_statement": "all",
        "fsync": "off",
        "shared_buffers": "16MB",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *options], stdout=log, stderr=log, cwd="/", **unprivileged()
        )
    server = Server(programs, folder, port)
    try:
        wait_until_ready(server, process)
        yield server
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=30)


def wait_until_ready(server: Server, process: "subprocess.Popen[Any]") -> None:
    command = [server.binaries / "pg_isready", "--quiet", "-h", "127.0.0.1", "-p", str(server.port), "-U", ADMIN]
    give_up = time.monotonic() + 60
    while subprocess.run(command, check=False).returncode != 0:
        assert process.poll() is None, server.log
        assert time.monotonic() < give_up, f"not ready after 60 s: {server.log}"
        time.sleep(0.05)
