"""The setups in the cluster: made, looked at and taken away with kubectl."""

import json
import secrets
import subprocess
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from bench.gateway import servers
from bench.gateway.servers import NAMESPACE, TEMPLATE
from bench.gateway.setups import LABEL, PORT, Setup

START_SECONDS = 600

READ = """
cd /sys/fs/cgroup
for each in cpu.stat cpuacct/cpuacct.usage memory.current memory/memory.usage_in_bytes memory.stat memory/memory.stat; do
  if [ -e "$each" ]; then cat "$each"; fi
done
"""
"""Control groups of either version, as a container sees its own."""


@dataclass(frozen=True)
class Usage:
    """What pods have taken since they started, and have in memory now."""

    cpu_seconds: float
    memory_bytes: float
    """Without what the kernel may drop."""


def kubectl(*arguments: str, stdin: str | None = None, seconds: float = 120) -> str:
    done = subprocess.run(
        ["kubectl", *arguments], check=False, capture_output=True, text=True, input=stdin, timeout=seconds
    )
    if done.returncode:
        raise RuntimeError(f"kubectl {' '.join(arguments[:3])}: {done.stderr[-600:]}")
    return done.stdout


def apply(objects: Iterable[dict[str, Any]]) -> None:
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))


@contextmanager
def running(setups: Sequence[Setup]) -> Generator[dict[str, str]]:
    """All setups, ready; gives a virtual key of each by its name. Nothing is left in the end."""
    try:
        apply(servers.objects())
        for name in (servers.POSTGRES, servers.REDIS, servers.BACKEND):
            rolled_out(name)
        sql(f"CREATE DATABASE {TEMPLATE}", "postgres")
        apply([servers.migration()])
        kubectl("wait", "--for=condition=Complete", "job/migration", "-n", NAMESPACE, "--timeout=300s", seconds=320)
        for setup in setups:
            sql(f"CREATE DATABASE {setup.database} TEMPLATE {TEMPLATE}", "postgres")
        for setup in setups:
            apply(setup.objects)
        for setup in setups:
            rolled_out(setup.name)
        yield {setup.name: virtual_key(setup) for setup in setups}
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", seconds=300)


def rolled_out(name: str) -> None:
    limit = f"--timeout={START_SECONDS}s"
    kubectl("rollout", "status", f"deployment/{name}", "-n", NAMESPACE, limit, seconds=START_SECONDS + 20)


def sql(query: str, database: str) -> str:
    local = ("psql", "-U", "postgres", "-h", "/var/run/postgresql", "-d", database, "-At", "-c", query)
    return kubectl("exec", "-n", NAMESPACE, f"deployment/{servers.POSTGRES}", "--", *local).strip()


def pods(setup: Setup) -> list[dict[str, Any]]:
    found = json.loads(kubectl("get", "pods", "-n", NAMESPACE, "-l", f"{LABEL}={setup.name}", "-o", "json"))["items"]
    return [each for each in found if not each["metadata"].get("deletionTimestamp")]


def targets(setup: Setup) -> list[str]:
    """Each pod, without anything before it."""
    return [f"http://{pod['status']['podIP']}:{PORT}" for pod in pods(setup)]


def virtual_key(setup: Setup) -> str:
    """A key with a team and a budget, as most have."""
    head = {"Authorization": f"Bearer {setup.key}"}
    (one, *_) = targets(setup)
    team = requests.post(f"{one}/team/new", json={"team_alias": "bench"}, headers=head, timeout=60)
    team.raise_for_status()
    body = {"key_alias": secrets.token_hex(4), "team_id": team.json()["team_id"], "max_budget": 1000}
    made = requests.post(f"{one}/key/generate", json=body, headers=head, timeout=60)
    made.raise_for_status()
    return str(made.json()["key"])


def containers(spec: dict[str, Any]) -> list[str]:
    """Names of the containers that go on running: sidecars stand among those that run before."""
    sidecars = [each for each in spec.get("initContainers", ()) if each.get("restartPolicy") == "Always"]
    return [each["name"] for each in (*spec["containers"], *sidecars)]


def usage(names: Sequence[str]) -> Usage:
    """Of all these pods together, with what runs beside LiteLLM in them."""
    texts = [
        kubectl("exec", "-n", NAMESPACE, pod["metadata"]["name"], "-c", container, "--", "sh", "-c", READ)
        for pod in json.loads(kubectl("get", "pods", "-n", NAMESPACE, "-o", "json"))["items"]
        if pod["metadata"]["name"] in names
        for container in containers(pod["spec"])
    ]
    each = [parsed(text) for text in texts]
    return Usage(sum(one.cpu_seconds for one in each), sum(one.memory_bytes for one in each))


def parsed(text: str) -> Usage:
    """The lines of the files of `READ`: bare numbers are of version 1, but for the memory in use."""
    words = [line.split() for line in text.splitlines()]
    fields = {line[0]: float(line[1]) for line in words if len(line) == 2}
    bare = [float(line[0]) for line in words if len(line) == 1]
    if "usage_usec" in fields:
        return Usage(fields["usage_usec"] / 1e6, bare[0] - fields.get("inactive_file", 0))
    return Usage(bare[0] / 1e9, bare[1] - fields.get("total_inactive_file", 0))


def log_bytes(names: Sequence[str], since: str) -> int:
    options = ("-c", "litellm", f"--since-time={since}")
    return sum(len(kubectl("logs", "-n", NAMESPACE, name, *options).encode()) for name in names)
