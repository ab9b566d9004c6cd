"""A state that does not know what it finds, with the real engine and a real Vault: nothing is lost. Needs no cluster."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import vault_server
from tests.program.stacks import ROOT
from tests.vault_server import VaultServer

PROGRAMS = ("pulumi", "vault", "pulumi-resource-vault", "pulumi-resource-random")
HERE = dict(os.environ)
"""Before the tests hide this machine from themselves."""
PULUMI = shutil.which("pulumi") or ""
LACKS = [program for program in PROGRAMS if not shutil.which(program)]

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(bool(LACKS), reason=f"needs {', '.join(LACKS)} on PATH"),
    pytest.mark.timeout(600),
]


@dataclass(frozen=True)
class Checkout:
    """A checkout with a state of its own."""

    folder: Path
    environment: dict[str, str]

    def run(self, verb: str, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PULUMI, verb, "--stack", "dev", "--non-interactive", *options],
            cwd=self.folder,
            env={**self.environment, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    with vault_server.running(tmp_path_factory.mktemp("vault")) as running:
        running.root.secrets.kv.v2.create_or_update_secret("shared/keys", {"value": "x"}, mount_point="litellm")
        yield running


def checkout(folder: Path, server: VaultServer) -> Checkout:
    (folder / "state").mkdir(parents=True)
    runtime = f"{{name: python, options: {{toolchain: pip, virtualenv: {ROOT / '.venv'}}}}}"
    (folder / "Pulumi.yaml").write_text(f"name: litellm\nruntime: {runtime}\n")
    (folder / "__main__.py").write_text("from tests.claims_program import main\n\nmain()\n")
    variables = {
        "VAULT_ADDR": server.address,
        "VAULT_TOKEN": server.root.token,
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": "of a test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PYTHONPATH": str(ROOT),
    }
    made = Checkout(folder, {**HERE, **variables})
    subprocess.run(
        ["pulumi", "stack", "init", "dev"], cwd=folder, env=made.environment, check=True, capture_output=True
    )
    return made


def documents(server: VaultServer) -> dict[str, Any]:
    kv = server.root.secrets.kv.v2
    names = kv.list_secrets("dev", mount_point="litellm")["data"]["keys"]
    return {
        name: kv.read_secret_version(f"dev/{name}", mount_point="litellm", raise_on_deleted_version=True)["data"]
        for name in names
    }


def values(server: VaultServer) -> dict[str, dict[str, str]]:
    return {name: found["data"] for name, found in documents(server).items()}


def versions(server: VaultServer) -> dict[str, int]:
    return {name: found["metadata"]["version"] for name, found in documents(server).items()}


def said(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout + done.stderr


def test_nothing_is_lost_with_a_state(server: VaultServer, tmp_path: Path):
    """One after the other, as it happens: a stack of an earlier release, the upgrade, a lost state, its adoption."""
    first, second = checkout(tmp_path / "first", server), checkout(tmp_path / "second", server)
    done = first.run("up", "--yes", "--skip-preview", EARLIER="1")
    assert done.returncode == 0, said(done)
    made, written = values(server), versions(server)
    assert len(made) == 4

    done = first.run("up", "--yes", "--skip-preview")
    assert done.returncode == 0, said(done)
    assert "+ 1 created" in said(done), "the identity, and nothing else"
    assert versions(server) == written, "a stack that stands does not write its documents again"

    for verb, options in (("preview", ()), ("up", ("--yes", "--skip-preview"))):
        done = second.run(verb, *options, CLUSTER="b" * 8)
        assert done.returncode != 0
        # The engine ends with the first one that is refused, whichever that is.
        assert re.search(r"litellm/dev/[a-z-]+ is in Vault already", said(done))
        assert "litellm:secrets.vault.adopt" in said(done)
        assert "litellm:secrets.vault.prefix" in said(done)
        assert versions(server) == written

    done = second.run("up", "--yes", "--skip-preview", CLUSTER="b" * 8, ADOPT="1")
    assert done.returncode == 0, said(done)
    assert values(server) == made, "value for value"
    state = (second.folder / "state/.pulumi/stacks/litellm/dev.json").read_text()
    assert not [name for name, found in made.items() if any(found[key] in state for key in found if key != "username")]
    assert second.run("preview", "--expect-no-changes", CLUSTER="b" * 8, ADOPT="1").returncode == 0

    done = first.run("up", "--yes", "--skip-preview", MASTER_ROTATION="1")
    assert done.returncode != 0
    assert "of another state of stack dev, in cluster bbbbbbbb" in said(done)
    assert values(server) == made


def test_a_stack_of_its_own_comes_changes_and_goes(server: VaultServer, tmp_path: Path):
    one = checkout(tmp_path / "one", server)
    assert one.run("up", "--yes").returncode == 0
    assert one.run("preview", "--refresh", "--expect-no-changes").returncode == 0
    made = values(server)
    done = one.run("up", "--yes", "--skip-preview", MASTER_ROTATION="1")
    assert done.returncode == 0, said(done)
    assert {name for name, found in values(server).items() if found != made[name]} == {"api-keys"}
    assert one.run("destroy", "--yes", "--skip-preview").returncode == 0
