"""A cluster of one's own: kind with a dev-mode Vault and Traefik, made by `make up` when no other cluster is named."""

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from infra.config.versions import PINS
from tools.private_file import create_once, private_folder
from tools.problem import Problem, Unavailable
from tools.process import Finished, Runner, child_environment, search_path

HERE = Path(__file__).parent
NAME = "litellm-dev"
NODE = f"{NAME}-control-plane"
OVERLAY = HERE / "stack.yaml"
ENVIRONMENTS_OVERLAY = HERE / "ephemeral.yaml"
VAULT_ADDRESS = "http://127.0.0.1:18200"
"""Vault's NodePort through the port mapping of `kind.yaml`: no port-forward that could die."""

LOCAL_URL = "http://localhost:8080"
"""Where stack dev answers too, as few resolvers know names below `localhost`: a route of its own in `traefik.yaml`."""

NAME_ONE = "set KUBECONFIG, VAULT_ADDR and VAULT_TOKEN to a cluster and its Vault"

DOWNLOAD_SECONDS = 300
CREATE_SECONDS = 600
READY_SECONDS = 300


def share_vault(address: str, token: str) -> None:
    """Make in Vault what environments share."""
    from tools.local import vault  # noqa: PLC0415 - no other command has to wait for Vault's client

    vault.share(address, token)


@dataclass(frozen=True)
class LocalCluster:
    """How the program and its tools reach the cluster."""

    variables: dict[str, str]
    overlay: Path = OVERLAY


@dataclass(frozen=True)
class Kind:
    """The kind cluster of this project, with everything about it in one folder."""

    folder: Path
    runner: Runner
    environment: Mapping[str, str]
    share_vault: Callable[[str, str], None] = share_vault
    """Makes in Vault, by its address and token, what environments share."""

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def token(self) -> Path:
        return self.folder / "vault-token"

    def ensure(self) -> LocalCluster:
        """Create the cluster and what belongs in it, or bring up what is there. Takes seconds when all is there.

        Raises:
            Unavailable: without Docker or kind.
            Problem: when one of the steps fails.
        """
        kind = self.tools()
        private_folder(self.folder)
        if NAME in self.run(kind, "get", "clusters").output.split():
            self.run("docker", "start", NODE)
        else:
            nodes = self.folder / "kind.yaml"
            nodes.write_text(manifest("kind.yaml"))
            self.run(
                *(kind, "create", "cluster", "--name", NAME, "--config", str(nodes)),
                *("--kubeconfig", str(self.kubeconfig), "--wait", "120s"),
                limit=CREATE_SECONDS,
            )
        self.run(kind, "export", "kubeconfig", "--name", NAME, "--kubeconfig", str(self.kubeconfig))
        self.kubectl("wait", "--for=condition=Ready", "node", "--all", f"--timeout={READY_SECONDS}s")
        token = create_once(self.token).read_text()
        manifests = [manifest(name) for name in ("vault.yaml", "traefik.yaml")]
        self.kubectl("apply", "-f", "-", stdin="\n---\n".join([*manifests, token_secret(token)]))
        for deployment in ("vault", "traefik"):
            self.kubectl(
                "-n", deployment, "rollout", "status", f"deployment/{deployment}", f"--timeout={READY_SECONDS}s"
            )
        self.share_vault(VAULT_ADDRESS, token)
        return self.described()

    def existing(self) -> LocalCluster | None:
        """The cluster that an earlier `up` made, if any; nothing is started."""
        return self.described() if self.kubeconfig.is_file() and self.token.is_file() else None

    def down(self) -> None:
        """Delete the cluster, and with it the state of what ran in it."""
        kind = self.tools()
        self.run(kind, "delete", "cluster", "--name", NAME, "--kubeconfig", str(self.kubeconfig), limit=READY_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)

    def described(self) -> LocalCluster:
        return LocalCluster(
            {
                "KUBECONFIG": str(self.kubeconfig.absolute()),
                "VAULT_ADDR": VAULT_ADDRESS,
                "VAULT_TOKEN": self.token.read_text(),
            }
        )

    def tools(self) -> str:
        """Where kind is: on PATH, or below `.cache/kind`, where the one of `versions.yaml` is put when there is none.

        Raises:
            Unavailable: without Docker, or when kind cannot be had.
        """
        if not docker_works(self.runner, self.environment):
            raise Unavailable(f"no cluster is named, and without Docker none can be made: {NAME_ONE}, or start Docker")
        own = self.folder.parents[1] / ".cache" / "kind" / PINS["kind"].version
        on_path = shutil.which("kind", path=search_path(self.environment))
        found = on_path or shutil.which("kind", path=str(own))
        if found:
            return found
        command = [sys.executable, "-m", "tools.download", "kind", str(own)]
        done = self.runner.capture(command, environment=child_environment(self.environment), limit=DOWNLOAD_SECONDS)
        if not done.ok:
            raise Unavailable(
                f"no cluster is named, and without kind none can be made: {done.reason}. Install it: "
                f"https://kind.sigs.k8s.io/docs/user/quick-start/#installation, or {NAME_ONE}"
            )
        return str(own / "kind")

    def kubectl(self, *arguments: str, stdin: str = "") -> Finished:
        """Run the kubectl of the node itself: it can reach no other cluster than this one."""
        admin = ("kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf")
        return self.run("docker", "exec", "-i", NODE, *admin, *arguments, stdin=stdin, limit=READY_SECONDS + 30)

    def run(self, *command: str, stdin: str = "", limit: float = 120) -> Finished:
        done = self.runner.capture(command, environment=child_environment(self.environment), stdin=stdin, limit=limit)
        if not done.ok:
            raise Problem(f"the local cluster: `{shown(command)}` failed: {done.reason}. See tools/local/README.md")
        return done


def manifest(name: str) -> str:
    """One of the files beside this one, with images in the versions of `versions.yaml`."""
    return Template((HERE / name).read_text()).substitute({pin.replace("-", "_"): PINS[pin].image for pin in PINS})


def shown(command: Sequence[str]) -> str:
    """The command as a user would type it."""
    words = [Path(command[0]).name, *command[1:]]
    return " ".join(words[words.index("kubectl") :] if "kubectl" in words else words)


def docker_works(runner: Runner, environment: Mapping[str, str]) -> bool:
    if not shutil.which("docker", path=search_path(environment)):
        return False
    return runner.capture(["docker", "info"], environment=child_environment(environment), limit=20).ok


def token_secret(token: str) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "vault-dev-token", "namespace": "vault"},
            "stringData": {"token": token},
        }
    )
