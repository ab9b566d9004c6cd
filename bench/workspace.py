"""A copy of the project to deploy from, with a backend of its own, and a cluster and a Vault that are as before afterwards."""

import json
import os
import secrets
import shutil
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory
from typing import Any

from bench.manifests import Planned, planned
from tests.e2e.conftest import VARIABLES, cluster_overlay, copy_project
from tests.e2e.support import Project, Vault, kubectl
from tools.engine.stack_file import Stack, merge
from tools.process import child_environment

ROOT = Path(__file__).resolve().parent.parent
MOUNT = "litellm-bench"
"""Secrets engine of every stack here: nothing else is in it, so that it may go as a whole."""


@dataclass
class Workspace:
    """Where the stacks of a benchmark are deployed from."""

    project: Project
    vault: Vault
    overlays: list[Path]
    stacks: list[Planned] = field(default_factory=list[Planned])

    def add_stack(self, name: str, based_on: str, changes: Mapping[str, Any], folder: Path = ROOT) -> Planned:
        """A stack with the configuration of another one, on this cluster, with a few changes."""
        ours = {"protect": False, "secrets": {"vault": {"mount": {"path": MOUNT}}}, "keys": {"salt": {"retain": False}}}
        document = Stack.read(folder, based_on, self.overlays).document
        for more in (ours, changes):
            document = merge(document, {"config": {f"litellm:{key}": value for key, value in more.items()}})
        # JSON is YAML.
        (self.project.folder / f"Pulumi.{name}.yaml").write_text(json.dumps(document))
        stack = planned(Stack(name, document))
        self.stacks.append(stack)
        return stack

    def remove(self, stack: Planned) -> None:
        """Take away whatever there is of a stack, whoever made it. What the operator cleans up goes first."""
        namespace = stack.namespace
        kubectl("delete", "externalsecrets,secretstores", "--all", "-n", namespace, check=False)
        stop(namespace)
        kubectl("delete", "namespace", namespace, "--ignore-not-found")
        for binding in stack.recording.of("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"):
            kubectl("delete", "clusterrolebinding", binding.inputs["metadata"]["name"], "--ignore-not-found")
        self.vault.client.sys.disable_auth_method(stack.auth)
        if policy := stack.policy:
            self.vault.client.sys.delete_policy(policy["name"])

    def remove_operator(self) -> None:
        releases = [stack.release for stack in self.stacks if stack.release]
        for name, namespace in {(release["name"], release["namespace"]) for release in releases}:
            command = ["helm", "uninstall", name, "-n", namespace, "--wait", "--ignore-not-found"]
            run(command, check=True, capture_output=True, timeout=300)
            kubectl("delete", "namespace", namespace, "--ignore-not-found")
        # Helm keeps them, for others that are not here.
        crds = [
            name for name in kubectl("get", "crd", "-o", "name").stdout.split() if name.endswith("external-secrets.io")
        ]
        if crds:
            kubectl("delete", *crds)

    def remove_everything(self) -> None:
        for stack in self.stacks:
            self.remove(stack)
        self.remove_operator()
        self.vault.client.sys.disable_secrets_engine(MOUNT)


@contextmanager
def workspace(programs: tuple[str, ...]) -> Generator[Workspace]:
    """A workspace, on a cluster without External Secrets Operator.

    Raises:
        SystemExit: when something is missing, or when something is left in the end.
    """
    lacks = [program for program in programs if not shutil.which(program)]
    lacks += [variable for variable in VARIABLES if not os.environ.get(variable)]
    if lacks:
        sys.exit(f"error: the benchmark needs {', '.join(lacks)}: see bench/README.md")
    if kubectl("get", "crd", "externalsecrets.external-secrets.io", check=False).returncode == 0:
        sys.exit("error: the benchmark needs a cluster without External Secrets Operator, which it installs itself")
    with TemporaryDirectory(prefix="litellm-bench-") as folder:
        bench = prepare(Path(folder))
        before = everything(bench.vault)
        try:
            yield bench
        finally:
            bench.remove_everything()
        if left := everything(bench.vault) - before:
            sys.exit(f"error: this is left in the cluster or in Vault: {', '.join(sorted(left))}")


def prepare(folder: Path) -> Workspace:
    copy_project(folder)
    state = folder / "backend"
    state.mkdir()
    environment = child_environment(
        os.environ,
        {
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": secrets.token_hex(16),
            "CI": "1",
            # By hand there is no gate either.
            "SMOKE": "false",
        },
    )
    # What the stack files need is in them, and options of this make are not those of the next.
    overlays = cluster_overlay(folder)
    for variable in ("ARGS", "OVERLAY", "MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL"):
        environment.pop(variable, None)
    # As on a machine that has deployed before: with bytecode of the project, too.
    run([sys.executable, "-m", "compileall", "-q", "components", "infra", "policy", "tools"], cwd=folder, check=True)
    vault = Vault(os.environ["VAULT_ADDR"], os.environ["VAULT_TOKEN"])
    return Workspace(Project(folder, environment), vault, [Path(part) for part in overlays.split(",") if part])


def stop(namespace: str) -> None:
    """End every pod at once, and what would make another. Nobody waits for an answer any more."""
    pods = ("delete", "pods", "--all", "--now", "-n", namespace)
    # Before their owners go: the first grace period that the kubelet hears of is the one that it keeps.
    kubectl(*pods, "--wait=false", check=False)
    kubectl("delete", "deployments,statefulsets,jobs", "--all", "-n", namespace, check=False)
    kubectl(*pods, check=False)


def everything(vault: Vault) -> set[str]:
    """What a stack makes outside of its namespace, by name."""
    kinds = "namespaces,clusterroles,clusterrolebindings,customresourcedefinitions,validatingwebhookconfigurations"
    return set(kubectl("get", kinds, "-o", "name").stdout.split()) | {
        f"{kind} {name}" for kind, names in vault.everything().items() for name in names
    }
