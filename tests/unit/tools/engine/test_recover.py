"""`recover` lifts the lock of a dead run, and of no other unless somebody says so."""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from tests.unit.tools.engine.fakes import CLUSTER, NO_STACK, Machine
from tools.engine import operations
from tools.problem import Problem
from tools.process import Finished

SHARED = {"PULUMI_BACKEND_URL": "s3://state", "PULUMI_CONFIG_PASSPHRASE": "a passphrase"}
ITSELF = "urn:pulumi:dev::litellm::pulumi:pulumi:Stack::litellm-dev"
PROBE = "pulumi refresh --stack dev"


def locked(*holders: str) -> Finished:
    """As Pulumi says it."""
    return Finished(
        255,
        errors="error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete "
        "the lock file with `pulumi cancel`.\n"
        + "\n".join(f"  s3://state/x.json: created by {each}" for each in holders),
    )


def holder(process: int, host: str = socket.gethostname(), minutes: int = 75) -> str:
    since = (datetime.now(UTC) - timedelta(minutes=minutes, seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"ann@{host} (pid {process}) at {since}"


@pytest.fixture
def gone() -> int:
    """The number of a process that was there, and is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def lock(machine: Machine, *holders: str) -> None:
    machine.runner.answers[PROBE] = locked(*holders)


def test_the_lock_of_a_dead_run_is_lifted_before_it_looks_at_what_is_there(machine: Machine, gone: int) -> None:
    lock(machine, holder(gone))
    operations.recover(machine.place(**CLUSTER), "dev", [], [])
    _, cancel, look, refresh = machine.runner.lines[-4:]
    assert cancel.startswith("pulumi cancel dev --yes")
    assert look.startswith("pulumi stack export")
    assert "--target" not in refresh
    assert "--clear-pending-creates" in refresh


@pytest.mark.parametrize("variables", [{}, SHARED], ids=["own backend", "shared backend"])
def test_the_lock_of_a_living_run_stays(machine: Machine, variables: dict[str, str]) -> None:
    lock(machine, holder(os.getpid()))
    with pytest.raises(Problem, match="ARGS=--force"):
        operations.recover(machine.place(**CLUSTER, **variables), "dev", [], [])
    assert not machine.runner.starting("pulumi cancel")
    assert len(machine.runner.starting("pulumi refresh")) == 1, "only the one that asked for the lock"


def test_a_run_on_another_machine_may_live(machine: Machine, gone: int) -> None:
    lock(machine, holder(gone, "elsewhere"))
    with pytest.raises(Problem, match="nothing was changed"):
        operations.recover(machine.place(**CLUSTER), "dev", [], [])
    assert not machine.runner.starting("pulumi cancel")


def test_in_a_shared_backend_another_machine_may_have_the_same_name(machine: Machine, gone: int) -> None:
    lock(machine, holder(gone))
    with pytest.raises(Problem, match="stays locked"):
        operations.recover(machine.place(**CLUSTER, **SHARED), "dev", [], [])
    assert not machine.runner.starting("pulumi cancel")


def test_one_of_several_that_lives_is_enough(machine: Machine, gone: int) -> None:
    lock(machine, holder(gone), holder(os.getpid()))
    with pytest.raises(Problem, match="stays locked"):
        operations.recover(machine.place(**CLUSTER), "dev", [], [])


def test_it_says_who_where_and_since_when(machine: Machine) -> None:
    lock(machine, holder(4711, "elsewhere"))
    with pytest.raises(Problem):
        operations.recover(machine.place(**CLUSTER), "dev", [], [])
    assert machine.said[-1] == (
        "locked by ann on elsewhere, process 4711, 1 h 15 min ago: that process is of another machine and may be running"
    )


def test_it_says_of_a_process_of_this_machine_that_it_runs(machine: Machine) -> None:
    lock(machine, holder(os.getpid(), minutes=3))
    with pytest.raises(Problem):
        operations.recover(machine.place(**CLUSTER), "dev", [], [])
    assert machine.said[-1].endswith("3 min ago: that process is still running")


def test_forced_it_lifts_the_lock_of_a_living_run(machine: Machine) -> None:
    lock(machine, holder(os.getpid()))
    operations.recover(machine.place(**CLUSTER), "dev", [], [], force=True)
    assert machine.runner.starting("pulumi cancel")


@pytest.mark.parametrize("answer", [True, False])
def test_whoever_is_there_is_asked(machine: Machine, answer: bool) -> None:
    machine.interactive = True
    machine.answer = answer
    lock(machine, holder(os.getpid()))
    if answer:
        operations.recover(machine.place(**CLUSTER), "dev", [], [])
    else:
        with pytest.raises(Problem, match="stays locked"):
            operations.recover(machine.place(**CLUSTER), "dev", [], [])
    assert bool(machine.runner.starting("pulumi cancel")) == answer
    assert machine.questions == ["Is that run dead, and shall its lock be lifted?"]


def test_a_backend_that_names_nobody_is_said_to(machine: Machine) -> None:
    machine.runner.answers[PROBE] = Finished(
        255, errors="error: [409] Conflict: Another update is currently in progress."
    )
    with pytest.raises(Problem, match="stays locked"):
        operations.recover(machine.place(**CLUSTER, **SHARED), "dev", [], [])
    assert "does not name" in machine.said[-1]


def test_without_a_lock_none_is_lifted(machine: Machine) -> None:
    assert operations.recover(machine.place(**CLUSTER), "dev", [], []) == 0
    assert not machine.runner.starting("pulumi cancel")
    probe, refresh = machine.runner.starting("pulumi refresh")
    assert f"--target {ITSELF}" in probe.line
    assert "--target" not in refresh.line


def test_a_look_that_fails_for_another_reason_is_left_to_the_refresh_to_explain(machine: Machine) -> None:
    machine.runner.answers[PROBE] = Finished(255, errors="error: incorrect passphrase")
    assert operations.recover(machine.place(**CLUSTER), "dev", [], []) == 255
    assert not machine.runner.starting("pulumi cancel")


def test_recovery_of_what_does_not_exist_changes_nothing(machine: Machine) -> None:
    machine.runner.answers["pulumi stack output"] = NO_STACK
    assert operations.recover(machine.place(**CLUSTER), "dev", [], []) == 0
    assert not machine.runner.starting("pulumi cancel")
    assert not machine.runner.starting("pulumi refresh")


def test_a_state_that_was_cut_off_while_it_was_written_is_mended_first(machine: Machine) -> None:
    attributes = machine.project / ".state/backend/.pulumi/stacks/litellm/dev.json.attrs"
    attributes.parent.mkdir(parents=True)
    attributes.touch()
    (machine.project / ".state/passphrase").write_text("a passphrase")
    assert operations.recover(machine.place(**CLUSTER), "dev", [], []) == 0
    assert not attributes.exists()
    assert any("dev.json.attrs was cut off while it was written" in line for line in machine.said)


def test_whoever_cannot_read_such_a_state_is_told_the_way_out(machine: Machine) -> None:
    cut_off = Finished(255, errors="error: failed to load checkpoint: EOF")
    machine.runner.answers["pulumi stack output"] = cut_off
    with pytest.raises(Problem, match="make recover STACK=dev"):
        operations.up(machine.place(**CLUSTER), "dev", [], [])


def test_nobody_is_sent_to_mend_a_backend_that_is_elsewhere(machine: Machine) -> None:
    machine.runner.answers["pulumi stack output"] = Finished(
        255, errors="error: failed to load checkpoint: access denied"
    )
    with pytest.raises(Problem, match="access denied") as raised:
        operations.up(machine.place(**CLUSTER, **SHARED), "dev", [], [])
    assert "make recover" not in str(raised.value)
