"""What the end-to-end tests do to the outside world, in the words of the tests."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import hvac
import hvac.exceptions
import requests
import yaml

from tests import programs

LIMIT_SECONDS = 600

REFUSED = (400, 401, 500) if os.environ.get("LAB_LITELLM_DATABASE") == "0" else (401,)
"""What LiteLLM answers to a key that it does not know. An image without its database client fails in other ways as well."""


@dataclass
class Project:
    """A checkout of the project, used as its users do: with make."""

    folder: Path
    environment: dict[str, str]
    log: list[str] = field(default_factory=list[str])
    """Everything that any command printed."""

    def make(
        self, target: str, stack: str = "dev", *, check: bool = True, arguments: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        environment = {**self.environment, **variables}
        command = ["make", "--no-print-directory", target, f"STACK={stack}", f"ARGS={arguments}"]
        return self.run(command, environment, check=check)

    def pulumi(self, *arguments: str) -> str:
        return self.run(["pulumi", *arguments], self.environment, check=True).stdout

    def run(
        self, command: list[str], environment: Mapping[str, str], *, check: bool
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
            stdin=subprocess.DEVNULL,
        )
        self.log.append(done.stdout + done.stderr)
        assert not check or done.returncode == 0, f"{command} ended with {done.returncode}:\n{tail(done)}"
        return done

    def write_stack(self, name: str, config: Mapping[str, Any]) -> None:
        path = self.folder / f"Pulumi.{name}.yaml"
        path.write_text(yaml.safe_dump({"config": {f"litellm:{key}": value for key, value in config.items()}}))

    def config(self, stack: str) -> dict[str, Any]:
        content: dict[str, Any] = yaml.safe_load((self.folder / f"Pulumi.{stack}.yaml").read_text())["config"]
        return {key.removeprefix("litellm:"): value for key, value in content.items()}

    def outputs(self, stack: str) -> dict[str, Any]:
        return json.loads(self.pulumi("stack", "output", "--json", "--stack", stack))

    def changes(self, stack: str, *options: str) -> list[dict[str, Any]]:
        """What a preview would change. It fails for the rules as well, which a stack as small as a test's does not keep."""
        answer = self.make("preview", stack, check=False, arguments=" ".join(("--json", *options))).stdout
        (report,) = json.loads(answer[answer.index("{") :])["stacks"]
        assert "problems" not in report, report["problems"]
        return report["changes"]

    def stacks(self) -> list[str]:
        return [stack["name"].rpartition("/")[2] for stack in json.loads(self.pulumi("stack", "ls", "--json"))]


def killed(project: Project, verb: str, stack: str, due: Callable[[], bool]) -> None:
    """Begin a command, and kill it with all that it started as soon as that is `due`, as the end of its machine would."""
    command = ["make", "--no-print-directory", verb, f"STACK={stack}"]
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command,
            cwd=project.folder,
            env=project.environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        while process.poll() is None and not due():
            time.sleep(0.2)
        for child in descendants(process.pid):
            try:
                os.kill(child, signal.SIGKILL)
            except ProcessLookupError:
                continue
        process.wait()
        said.seek(0)
        project.log.append(said.read())


def descendants(pid: int) -> list[int]:
    """A process and all that it started, whatever sessions those are in."""
    found, listed = (
        [pid],
        subprocess.run([programs.needed("ps"), "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout,
    )
    pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
    for parent in found:
        found += [child for child, above in pairs if above == parent]
    return found


def tail(done: subprocess.CompletedProcess[str]) -> str:
    return "\n".join((done.stdout + done.stderr).splitlines()[-60:])


def kubectl(*arguments: str, check: bool = True, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["kubectl", *arguments], check=False, capture_output=True, text=True, timeout=120, input=stdin
    )
    assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
    return done


def objects(kinds: str, *arguments: str) -> list[dict[str, Any]]:
    return json.loads(kubectl("get", kinds, "-o", "json", *arguments).stdout)["items"]


def remove_operator() -> None:
    """Take away what stays for others when its stack goes, where there are no others."""
    if kubectl("get", "externalsecrets", "-A", "-o", "name", check=False).stdout:
        return
    kinds = "validatingwebhookconfigurations,clusterroles,clusterrolebindings,customresourcedefinitions"
    parts = ("external-secrets", "externalsecret-validate", "secretstore-validate")
    found = [name for name in kubectl("get", kinds, "-o", "name").stdout.split() if any(part in name for part in parts)]
    if found:
        kubectl("delete", *found, "--ignore-not-found", "--wait=false")
    kubectl("delete", "namespace", "external-secrets", "--ignore-not-found")
    crd = ("get", "crd", "externalsecrets.external-secrets.io")
    eventually(lambda: kubectl(*crd, check=False).returncode != 0, "the operator's CRDs are gone", 60)


def psql(namespace: str, query: str, database: str = "litellm") -> str:
    local = ("psql", "-U", "postgres", "-h", "/var/run/postgresql", "-d", database, "-At", "-c", query)
    return kubectl("exec", "-n", namespace, "statefulset/postgres", "--", *local).stdout.strip()


def completion(url: str, key: str | None, model: str = "mock") -> requests.Response:
    """Ask the mock model, as a client that resolves the host to this machine."""
    parts = urlsplit(url)
    headers = {"Host": parts.hostname or ""} | ({"Authorization": f"Bearer {key}"} if key else {})
    body = {"model": model, "messages": [{"role": "user", "content": "Hello"}]}
    address = f"{parts.scheme}://127.0.0.1:{parts.port or 80}/v1/chat/completions"
    return requests.post(address, json=body, headers=headers, timeout=30)


def eventually(holds: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"not within {seconds} seconds: {what}"
        time.sleep(0.5)


class Vault:
    """The store, as its administrator sees it."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.client: Any = hvac.Client(url=address, token=token)

    def read(self, mount: str, path: str) -> dict[str, str]:
        return self.client.secrets.kv.v2.read_secret_version(
            path=path, mount_point=mount, raise_on_deleted_version=True
        )["data"]["data"]

    def write(self, mount: str, path: str, **properties: str) -> None:
        self.client.secrets.kv.v2.create_or_update_secret(path=path, mount_point=mount, secret=properties)

    def mount(self, path: str) -> None:
        """A KV version 2 engine, unless a stack before has made it."""
        if f"{path}/" not in self.everything()["mounts"]:
            self.client.sys.enable_secrets_engine("kv", path=path, options={"version": "2"})

    def list(self, mount: str, path: str) -> list[str]:
        try:
            return self.client.secrets.kv.v2.list_secrets(path=path, mount_point=mount)["data"]["keys"]
        except hvac.exceptions.InvalidPath:
            return []

    def everything(self) -> dict[str, set[str]]:
        """Mounts, auth methods and policies, by name."""
        return {
            "mounts": set(self.client.sys.list_mounted_secrets_engines()["data"]),
            "auth": set(self.client.sys.list_auth_methods()["data"]),
            "policies": set(self.client.sys.list_policies()["data"]["policies"]),
        }

    def clean(self, before: dict[str, set[str]]) -> None:
        for mount in self.everything()["mounts"] - before["mounts"]:
            self.client.sys.disable_secrets_engine(mount.rstrip("/"))
        for auth in self.everything()["auth"] - before["auth"]:
            self.client.sys.disable_auth_method(auth.rstrip("/"))

    def log_in(self, auth: str, role: str, token: str) -> Any:
        """A client with what a Kubernetes token is worth to Vault."""
        client: Any = hvac.Client(url=self.address, token="")
        client.auth.kubernetes.login(role=role, jwt=token, mount_point=auth)
        return client


def token_of(namespace: str, account: str, audience: str) -> str:
    return kubectl("create", "token", account, "-n", namespace, f"--audience={audience}").stdout.strip()
