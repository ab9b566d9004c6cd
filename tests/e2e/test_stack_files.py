"""Stack files as the real engine reads them, next to how the project reads them, and how its refusals look there.

It needs the Pulumi CLI alone: nothing is deployed.
"""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import COPIED, ROOT
from tests.unit.infra.config.yaml_values import READ, REFUSED_BY_PULUMI

PROGRAM = "import os, pathlib\npathlib.Path('seen.json').write_text(os.environ['PULUMI_CONFIG'])\n"
PROJECT = {"name": "litellm", "runtime": {"name": "python", "options": {"toolchain": "pip", "virtualenv": ".venv"}}}
SOME_REFUSED = REFUSED_BY_PULUMI[::7]
PASSWORD = secrets.token_hex(12)


class Folder:
    """A Pulumi project in a folder of its own, with a state of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / ".venv").symlink_to(ROOT / ".venv")
        (path / "state").mkdir()
        self.environment = {
            **os.environ,
            "PULUMI_BACKEND_URL": f"file://{path}/state",
            "PULUMI_CONFIG_PASSPHRASE": PASSWORD,
            "KUBECONFIG": "/nonexistent",
            "VAULT_ADDR": "https://vault.invalid",
        }

    def pulumi(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", *arguments, "--stack", "dev", "--non-interactive"]
        return subprocess.run(
            command, cwd=self.path, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )

    def seen(self, values: Mapping[str, str]) -> dict[str, str] | None:
        """What the engine gives to a program; nothing where it refuses the file."""
        lines = "".join(f"  litellm:{name}: {text}\n" for name, text in values.items())
        self.write(f"config:\n{lines}")
        (self.path / "seen.json").unlink(missing_ok=True)
        self.pulumi("preview")
        if not (self.path / "seen.json").exists():
            return None
        found: dict[str, str] = json.loads((self.path / "seen.json").read_text())
        return {name.partition(":")[2]: text for name, text in found.items()}

    def write(self, content: str) -> None:
        """The stack file, with the salt that belongs to the passphrase."""
        path = self.path / "Pulumi.dev.yaml"
        salt = (
            [line for line in path.read_text().splitlines() if line.startswith("encryptionsalt")]
            if path.exists()
            else []
        )
        path.write_text("\n".join([*salt, content]))


@pytest.fixture
def plain(tmp_path: Path) -> Folder:
    """A program that writes down what it gets."""
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump(PROJECT))
    (tmp_path / "__main__.py").write_text(PROGRAM)
    folder = Folder(tmp_path)
    folder.pulumi("stack", "init")
    return folder


@pytest.fixture
def real(tmp_path: Path) -> Folder:
    """The project itself."""
    for name in COPIED:
        source = ROOT / name
        copied = shutil.copytree if source.is_dir() else shutil.copy
        copied(source, tmp_path / name)
    folder = Folder(tmp_path)
    (tmp_path / "Pulumi.dev.yaml").unlink()
    folder.pulumi("stack", "init")
    return folder


def test_the_engine_reads_every_value_as_the_project_does(plain: Folder):
    seen = plain.seen({f"value{number}": text for number, (text, _) in enumerate(READ)})
    assert seen is not None
    different = {text: seen[f"value{n}"] for n, (text, expected) in enumerate(READ) if seen[f"value{n}"] != expected}
    assert not different


def test_what_is_no_value_to_the_engine_is_none_to_the_project(plain: Folder):
    assert {text: seen for text in SOME_REFUSED if (seen := plain.seen({"value": text})) is not None} == {}


def refusal(folder: Folder) -> str:
    """The last words of a preview that is refused."""
    done = folder.pulumi("preview")
    said = f"{done.stdout}{done.stderr}"
    assert done.returncode != 0
    assert "unhandled error" not in said
    assert "Traceback" not in said
    assert PASSWORD not in said
    return said


def test_an_encrypted_value_in_the_wrong_place_is_named_and_not_shown(real: Folder):
    real.write("config:\n  litellm:ingress: {host: a.example.com}\n")
    real.pulumi("config", "set", "--secret", "--path", "litellm:gateway.environment.FOO", PASSWORD)
    real.pulumi("config", "set", "--secret", "--path", "litellm:providerKeys.A_KEY", PASSWORD)
    real.pulumi("config", "set", "--path", "litellm:providerKeys.B_KEY", f"{PASSWORD}x")
    said = refusal(real)
    assert "litellm:gateway.environment.FOO: is encrypted, but would come out in plain text" in said
    assert "litellm:providerKeys.B_KEY: is plain text in the stack file" in said
    assert "litellm:providerKeys.A_KEY" not in said


def test_foreign_keys_and_dates_are_refused_by_the_program_as_offline(real: Folder):
    real.write("config:\n  litellm:ingress: {host: a.example.com}\n  aws:region: eu-west-1\n")
    assert "aws:region: has no effect" in refusal(real)
    real.write("config:\n  litellm:ingress: {host: a.example.com}\n  litellm:context: 2024-10-21\n")
    assert "a date without quotes" in refusal(real)
