"""Environments that live as long as a branch: whatever happens to them, nothing is left.

The tests share an operator, a Vault and a Postgres, and each compares what there is before and after.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.e2e import shared
from tests.e2e.shared import AUTH, AWS_ENDPOINT, MOUNT, POSTGRES_HOST, documented_token, inventory, shared_things
from tests.e2e.support import Project, Vault, completion, eventually, kubectl, objects, tail
from tests.e2e.test_aws_stack import PROVIDER, REGION

NEEDED = ("LAB_ESO_CHART", "LAB_ESO_IMAGE_TAG", "LAB_KUBERNETES_ADDR", "LAB_KUBERNETES_CA", "LAB_VAULT_ADDR_IN_CLUSTER")
LACKS = [name for name in NEEDED if name not in os.environ] + [name for name in ("helm",) if not shutil.which(name)]

pytestmark = pytest.mark.skipif(bool(LACKS), reason=f"needs {', '.join(LACKS)}: shared things are made with them")

SHARED_POSTGRES = {
    "kind": "existing",
    "host": POSTGRES_HOST,
    "sslmode": "prefer",
    "admin": {"document": "shared/postgres"},
}


class Shop:
    """A checkout of the project from which environments are made, as somebody."""

    def __init__(self, project: Project, overlay: Path, owner: str = "ann@example.com") -> None:
        self.project = project
        self.overlay = overlay
        self.owner = owner

    def run(self, what: str, name: str = "", *options: str, code: int = 0, **variables: str) -> Any:
        """Run a command, and return what it printed as JSON."""
        environment = {**self.project.environment, "OVERLAY": str(self.overlay), "OWNER": self.owner, **variables}
        arguments = " ".join(["--json", *options])
        command = ["make", "--no-print-directory", f"env-{what}", f"NAME={name}", f"ARGS={arguments}"]
        done = self.project.run(command, environment, check=False)
        # make has exit code 2 for every command that failed.
        assert (done.returncode == 0) is (code == 0), tail(done)
        return json.loads(done.stdout)

    def command(self, *arguments: str) -> list[str]:
        return [str(self.project.folder / ".venv/bin/python"), "-m", "tools.ephemeral", *arguments]

    @property
    def environment(self) -> dict[str, str]:
        return {**self.project.environment, "OVERLAY": str(self.overlay), "OWNER": self.owner}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.project.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def elsewhere(self, folder: Path, **variables: str) -> "Shop":
        """The same on another machine."""
        ignored = shutil.ignore_patterns("backend", ".state", "__pycache__")
        shutil.copytree(self.project.folder, folder, symlinks=True, ignore=ignored)
        return Shop(Project(folder, {**self.project.environment, **variables}), self.overlay, self.owner)


@pytest.fixture(scope="module")
def things(project: Project, vault: Vault) -> Iterator[None]:
    with shared_things(vault):
        yield


def overlay(folder: Path, name: str, **more: Any) -> Path:
    lab = {name.removeprefix("LAB_"): value for name, value in os.environ.items() if name.startswith("LAB_")}
    vault = {"clusterAddress": lab["VAULT_ADDR_IN_CLUSTER"], "mount": {"path": MOUNT}, "kubernetesAuth": {"path": AUTH}}
    config = {
        "litellm:secrets": {"vault": vault},
        "litellm:ingress": {"className": lab["INGRESS_CLASS"], "publicPort": urlsplit(lab["INGRESS_URL"]).port},
        **{f"litellm:{key}": value for key, value in more.items()},
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"config": config}))
    return path


@pytest.fixture(scope="module")
def shop(project: Project, things: None, vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """With no more rights in Vault than the documentation asks for."""
    modest = Project(project.folder, {**project.environment, "VAULT_TOKEN": documented_token(vault)}, project.log)
    return Shop(modest, overlay(tmp_path_factory.mktemp("overlays"), "own"))


@pytest.fixture(scope="module")
def sharing(project: Project, things: None, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Environments with a database of their own in a Postgres that others use, too."""
    folder = tmp_path_factory.mktemp("overlays")
    return Shop(project, overlay(folder, "sharing", database=SHARED_POSTGRES))


@pytest.fixture
def nothing_is_left(project: Project, vault: Vault, things: None) -> Iterator[None]:
    before = inventory(vault)
    yield
    assert inventory(vault) - before == set()


def key_of(vault: Vault, name: str) -> str:
    return vault.read(MOUNT, f"ephemeral/litellm-env-{name}/api-keys")["master-key"]


def test_the_life_of_an_environment(shop: Shop, vault: Vault, nothing_is_left: None):
    made = shop.run("up", "Feature/One", TTL="2h")
    name, namespace = made["name"], made["namespace"]
    assert name.startswith("feature-one-")
    answer = completion(made["url"], key_of(vault, name))
    assert answer.json()["choices"][0]["message"]["content"] == "Hello from LiteLLM."

    quota = objects("resourcequotas", "-n", namespace)[0]["status"]
    assert quota["hard"]["limits.memory"] == "4Gi"
    assert int(quota["used"]["pods"]) >= 3

    assert [(one["name"], one["state"]) for one in shop.run("list")["environments"]] == [(name, "ready")]
    assert shop.run("url", "Feature/One")["url"] == made["url"]

    taken = Shop(shop.project, shop.overlay, "bob@example.com").run("up", "Feature/One", code=3)["error"]
    assert (taken["kind"], taken["owner"]) == ("taken", "ann@example.com")

    extended = shop.run("extend", "Feature/One", TTL="3h")
    assert extended["expires"] > made["expires"]
    tags = json.loads(shop.project.pulumi("stack", "tag", "ls", "--json", "--stack", f"env-{name}"))
    assert tags["expires"] == extended["expires"]

    assert shop.run("down", "Feature/One")["removed"] is True
    assert shop.run("down", "Feature/One")["removed"] is False
    assert f"env-{name}" not in shop.project.stacks()


def test_killed_in_the_middle_with_its_machine_gone(sharing: Shop, vault: Vault, nothing_is_left: None, tmp_path: Path):
    """All processes at once, when the shared Postgres has a database already; then another machine, without the state."""
    running = sharing.start("up", "killed", "--ttl", "1h")
    databases = "SELECT datname FROM pg_database"
    eventually(
        lambda: running.poll() is not None or "litellm_env_killed" in shared.postgres(databases), "a database", 90
    )
    assert running.poll() is None, running.communicate()[0]
    os.killpg(running.pid, signal.SIGKILL)
    kill_children(sharing.project)
    running.wait(10)
    (tmp_path / "state").mkdir()
    other = sharing.elsewhere(tmp_path / "other", PULUMI_BACKEND_URL=f"file://{tmp_path}/state")
    assert other.run("down", "killed")["removed"] is True
    # The backend still has the half-made stack.
    assert sharing.run("reap")["reaped"] == ["killed"]
    assert "env-killed" not in sharing.project.stacks()


def test_a_killed_run_leaves_a_lock_which_another_checkout_lifts(shop: Shop, nothing_is_left: None, tmp_path: Path):
    """Only the command is killed, as for want of memory: the engine notices, and another checkout need not wait for it."""
    running = shop.start("up", "locked", "--ttl", "1h")
    eventually(lambda: has("statefulset", "litellm-env-locked"), "a Postgres", 90)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait(10)
    assert shop.elsewhere(tmp_path / "other").run("down", "locked")["removed"] is True
    assert "env-locked" not in shop.project.stacks()


def test_asked_to_stop_it_ends_in_good_order_and_the_next_up_goes_on(
    sharing: Shop, vault: Vault, nothing_is_left: None
):
    running = sharing.start("up", "stopped", "--ttl", "1h")
    eventually(lambda: has("externalsecret", "litellm-env-stopped"), "an ExternalSecret", 60)
    running.send_signal(signal.SIGTERM)
    printed, _ = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM, printed
    assert "make env-down NAME=stopped" in printed
    made = sharing.run("up", "stopped")
    assert completion(made["url"], key_of(vault, "stopped")).status_code == 200
    assert sharing.run("down", "stopped")["removed"] is True


def test_reap_takes_what_has_expired_and_leaves_lookalikes(sharing: Shop, vault: Vault, nothing_is_left: None):
    made = sharing.run("up", "expired", TTL="1h")
    kubectl("annotate", "namespace", made["namespace"], "--overwrite", "ephemeral.litellm/expires=2026-01-01T00:00:00Z")
    lookalike = "litellm-env-lookalike"
    kubectl("create", "namespace", lookalike)
    kubectl("label", "namespace", lookalike, "ephemeral.litellm/name=lookalike")
    vault.write(MOUNT, "ephemeral/lookalike/api-keys", key="of somebody else")
    vault.client.sys.create_or_update_policy(lookalike, 'path "secret/*" {\n  capabilities = ["read"]\n}\n')
    shared.postgres("CREATE ROLE litellm_env_lookalike")
    try:
        assert [one["state"] for one in sharing.run("list")["environments"]] == ["expired"]
        assert sharing.run("reap") == {"reaped": ["expired"], "failed": [], "kept": [], "dryRun": False}
        left = inventory(vault)
        assert {f"Namespace  {lookalike}", f"policy {lookalike}", "document lookalike/api-keys"} <= left
        assert "database role litellm_env_lookalike" in left
    finally:
        kubectl("delete", "namespace", lookalike)
        vault.client.secrets.kv.v2.delete_metadata_and_all_versions("ephemeral/lookalike/api-keys", mount_point=MOUNT)
        vault.client.sys.delete_policy(lookalike)
        shared.postgres("DROP ROLE litellm_env_lookalike")


ASK = """
import os, sys, requests
from urllib.parse import urlsplit
parts = urlsplit(os.environ["OPENAI_BASE_URL"])
answer = requests.post(
    f"http://127.0.0.1:{parts.port}{parts.path}/chat/completions",
    headers={"Host": parts.hostname, "Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]},
    json={"model": os.environ["LITELLM_MODEL"], "messages": [{"role": "user", "content": "Hello"}]},
    timeout=30,
)
sys.exit(7 if answer.status_code == 200 else 1)
"""


def test_a_command_runs_against_an_environment_of_its_own(shop: Shop, nothing_is_left: None):
    done = shop.project.run(
        shop.command("run", "hooked", "--ttl", "1h", "--", sys.executable, "-c", ASK), shop.environment, check=False
    )
    assert done.returncode == 7, tail(done)
    assert "sk-" not in done.stdout + done.stderr


def test_with_aws_nothing_is_left_either_not_even_scheduled_for_deletion(
    project: Project, nothing_is_left: None, things: None, tmp_path: Path
):
    if not AWS_ENDPOINT or not shutil.which("pulumi-resource-aws"):
        pytest.skip("needs AWS_ENDPOINT_URL, LAB_AWS_ENDPOINT_IN_CLUSTER and a provider plugin that works with them")
    template = yaml.safe_load((project.folder / "Pulumi.ephemeral.yaml").read_text())
    identity = {"kind": "irsa", "oidcProviderArn": PROVIDER}
    aws = {"region": REGION, "recoveryWindowDays": 0, "identity": identity}
    template["config"]["litellm:secrets"] = {"kind": "aws", "aws": aws}
    (project.folder / "Pulumi.ephemeral-aws.yaml").write_text(yaml.safe_dump(template))
    ingress = tmp_path / "ingress.yaml"
    port = urlsplit(os.environ["LAB_INGRESS_URL"]).port
    ingress.write_text(yaml.safe_dump({"config": {"litellm:ingress": {"publicPort": port}}}))
    shop = Shop(project, ingress)
    done = project.run(
        shop.command(
            *("run", "on-aws", "--ttl", "1h", "--template", "Pulumi.ephemeral-aws.yaml", "--"),
            sys.executable,
            "-c",
            ASK,
        ),
        shop.environment,
        check=False,
    )
    assert done.returncode == 7, tail(done)


def has(kind: str, namespace: str) -> bool:
    return bool(kubectl("get", kind, "-n", namespace, "-o", "name", check=False).stdout)


def kill_children(project: Project) -> None:
    """Kill what runs for a checkout, as the end of its machine would: engine and providers have a session of their own."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
        except OSError:
            continue
        if (
            f"PULUMI_BACKEND_URL={project.environment['PULUMI_BACKEND_URL']}".encode() in environment
            and folder.name != str(os.getpid())
        ):
            try:
                os.kill(int(folder.name), signal.SIGKILL)
            except ProcessLookupError:
                continue
