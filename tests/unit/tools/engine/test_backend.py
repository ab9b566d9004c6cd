"""Where state is kept, and what encrypts it."""

import json
import stat
from pathlib import Path

import pytest

from tests.unit.tools.engine.fakes import Machine
from tools.engine import backend
from tools.engine.backend import Backend
from tools.engine.stack_file import Stack
from tools.private_file import create_once
from tools.problem import Problem, Unavailable


def choose(machine: Machine, stack: str = "dev", **variables: str) -> Backend:
    return backend.choose(machine.project, Stack.read(machine.project, stack), machine.environment | variables)


def log_in(machine: Machine, url: str) -> None:
    (machine.project / ".pulumi").mkdir()
    (machine.project / ".pulumi" / "credentials.json").write_text(json.dumps({"current": url}))


def test_without_a_backend_state_is_kept_in_the_project(machine: Machine) -> None:
    chosen = choose(machine)
    assert chosen.url == f"file://{machine.project}/.state/backend"
    assert (machine.project / ".state" / "backend").is_dir()


def test_the_passphrase_is_given_by_file_and_never_said(machine: Machine) -> None:
    chosen = choose(machine)
    file = Path(chosen.variables["PULUMI_CONFIG_PASSPHRASE_FILE"])
    assert len(file.read_text()) >= 32
    assert file.read_text() not in f"{chosen.notice}{chosen.variables}"
    assert "PULUMI_CONFIG_PASSPHRASE" not in chosen.variables


def test_only_the_owner_can_read_the_passphrase(machine: Machine) -> None:
    choose(machine)
    passphrase = machine.project / ".state" / "passphrase"
    assert stat.S_IMODE(passphrase.stat().st_mode) == 0o600
    assert stat.S_IMODE(passphrase.parent.stat().st_mode) == 0o700


def test_the_passphrase_is_generated_once(machine: Machine) -> None:
    choose(machine)
    first = (machine.project / ".state" / "passphrase").read_text()
    choose(machine)
    assert (machine.project / ".state" / "passphrase").read_text() == first


def test_a_value_that_another_process_made_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "passphrase"

    def made_meanwhile(_: int) -> str:
        path.write_text("theirs")
        return "mine"

    monkeypatch.setattr("tools.private_file.secrets.token_urlsafe", made_meanwhile)
    assert create_once(path).read_text() == "theirs"
    assert [file.name for file in tmp_path.iterdir()] == ["passphrase"]


@pytest.mark.parametrize("name", backend.PASSPHRASE_VARIABLES)
def test_the_users_own_passphrase_is_used(machine: Machine, name: str) -> None:
    chosen = choose(machine, **{name: "theirs"})
    assert not (machine.project / ".state" / "passphrase").exists()
    assert set(chosen.variables) == {"PULUMI_BACKEND_URL"}


def test_a_lost_passphrase_is_not_replaced_while_there_is_state(machine: Machine) -> None:
    """A new one would only move the failure to a message about a wrong passphrase."""
    choose(machine)
    (machine.project / ".state" / "passphrase").unlink()
    stacks = machine.project / ".state" / "backend" / ".pulumi" / "stacks" / "litellm"
    stacks.mkdir(parents=True)
    (stacks / "dev.json").touch()
    with pytest.raises(Problem, match=r"\.state/passphrase is gone"):
        choose(machine)


def test_a_stack_file_that_somebody_encrypted_needs_their_passphrase(machine: Machine) -> None:
    machine.write("Pulumi.dev.yaml", "encryptionsalt: v1:theirs\nconfig:\n  litellm:protect: false\n")
    with pytest.raises(Problem, match="PULUMI_CONFIG_PASSPHRASE"):
        choose(machine)


def test_a_stack_file_that_was_encrypted_here_is_readable_here(machine: Machine) -> None:
    """`make config ARGS='set --secret …'` leaves the salt of the generated passphrase in the stack file."""
    choose(machine)
    machine.write("Pulumi.dev.yaml", "encryptionsalt: v1:ours\nconfig:\n  litellm:protect: false\n")
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" in choose(machine).variables


def test_a_protected_stack_needs_a_backend(machine: Machine) -> None:
    with pytest.raises(Unavailable, match=r"PULUMI_BACKEND_URL.*PULUMI_CONFIG_PASSPHRASE.*PULUMI_ACCESS_TOKEN"):
        choose(machine, "prod")
    assert not (machine.project / ".state").exists()


def test_the_backend_of_the_environment_is_used(machine: Machine) -> None:
    chosen = choose(machine, "prod", PULUMI_BACKEND_URL="s3://state", PULUMI_CONFIG_PASSPHRASE="x")
    assert chosen.variables == {"PULUMI_BACKEND_URL": "s3://state"}


def test_the_backend_of_the_project_file_is_used(machine: Machine) -> None:
    machine.write("Pulumi.yaml", "name: litellm\nbackend:\n  url: https://pulumi.example.com\n")
    assert choose(machine, "prod").url == "https://pulumi.example.com"


def test_the_backend_of_the_login_is_used(machine: Machine) -> None:
    log_in(machine, "https://api.pulumi.com")
    assert choose(machine, "prod").url == "https://api.pulumi.com"


def test_the_environment_wins_over_the_login(machine: Machine) -> None:
    log_in(machine, "https://api.pulumi.com")
    assert choose(machine, PULUMI_BACKEND_URL="gs://x", PULUMI_CONFIG_PASSPHRASE="x").url == "gs://x"


def test_an_access_token_is_a_login(machine: Machine) -> None:
    chosen = choose(machine, "prod", PULUMI_ACCESS_TOKEN="pul-token")
    assert chosen.url == "https://api.pulumi.com"
    assert "pul-token" not in str(chosen)


@pytest.mark.parametrize("url", ["s3://state", "gs://state", "azblob://state", "file:///state"])
def test_a_backend_that_encrypts_with_a_passphrase_needs_one(machine: Machine, url: str) -> None:
    with pytest.raises(Unavailable, match="set PULUMI_CONFIG_PASSPHRASE"):
        choose(machine, PULUMI_BACKEND_URL=url)


def test_a_stack_with_a_key_of_its_own_needs_no_passphrase(machine: Machine) -> None:
    machine.write("Pulumi.dev.yaml", "secretsprovider: awskms://alias/pulumi\n")
    assert choose(machine, PULUMI_BACKEND_URL="s3://state").url == "s3://state"


def test_an_empty_passphrase_is_a_passphrase(machine: Machine) -> None:
    """It is what Pulumi's documentation shows for states without secrets."""
    assert choose(machine, PULUMI_BACKEND_URL="s3://state", PULUMI_CONFIG_PASSPHRASE="").url == "s3://state"


def test_merged_files_of_two_backends_do_not_meet(machine: Machine) -> None:
    """The salt in one of them belongs to the passphrase of its backend."""
    folders = {
        choose(machine, PULUMI_BACKEND_URL=url, PULUMI_CONFIG_PASSPHRASE="x").folder for url in ("s3://a", "s3://b")
    }
    assert len({*folders, choose(machine).folder}) == 3


def test_a_relative_backend_means_the_same_from_every_folder(machine: Machine) -> None:
    chosen = choose(machine, PULUMI_BACKEND_URL="file://./mine", PULUMI_CONFIG_PASSPHRASE="x")
    assert chosen.variables == {"PULUMI_BACKEND_URL": f"file://{machine.project}/mine"}
