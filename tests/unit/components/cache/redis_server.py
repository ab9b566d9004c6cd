"""A real Redis for a test: own folder, own port, own process, all gone afterwards."""

import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import programs


@dataclass(frozen=True)
class Server:
    port: int

    def ask(self, user: str, password: str, *command: str) -> str:
        """What redis-cli prints: an answer, or the error."""
        asked = [programs.needed("redis-cli"), "-p", str(self.port), "--user", user, "--no-auth-warning", *command]
        environment = {"REDISCLI_AUTH": password}
        done = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False, timeout=30)
        return (done.stdout + done.stderr).strip()

    def run_script(self, script: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a script as its pod would: its own environment only, and no terminal."""
        folder = Path(programs.needed("redis-cli")).parent
        address = {"HOST": "127.0.0.1", "PORT": str(self.port), "PATH": f"{folder}:/usr/bin:/bin"}
        return subprocess.run(
            [programs.needed("bash"), "-c", script],
            env=address | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


@contextmanager
def running_server(folder: Path, configuration: str) -> Generator[Server]:
    """A Redis with a configuration, but for its address and its folder."""
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    file = folder / "redis.conf"
    file.write_text(f"{configuration}\nport {port}\nbind 127.0.0.1\ndir {folder}\n")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([programs.needed("redis-server"), file], stdout=log, stderr=log)
        try:
            give_up = time.monotonic() + 60
            while not connects(port):
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < give_up
                time.sleep(0.05)
            yield Server(port)
        finally:
            process.terminate()
            process.wait(timeout=30)


def connects(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
