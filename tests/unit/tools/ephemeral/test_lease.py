"""One run at a time: who holds the Lease, who waits, and who may take it from a dead one."""

import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.tools.ephemeral.fakes import FakeKube, World
from tools.ephemeral.errors import Busy
from tools.ephemeral.lease import Leases, hardware, path_of

NAMESPACE = "litellm-env-pr-1"


@pytest.fixture
def kube() -> FakeKube:
    world = World()
    world.record("pr-1")
    return world.kube


def leave(kube: FakeKube, holder: str, age: float = 1) -> None:
    """A Lease as another run has it."""
    renewed = (datetime.now(UTC) - timedelta(seconds=age)).isoformat()
    spec = {"holderIdentity": holder, "renewTime": renewed, "acquireTime": renewed}
    kube.create(path_of(NAMESPACE, ""), {"metadata": {"name": "environment"}, "spec": spec})


@contextmanager
def held(kube: FakeKube, sleep=lambda _: None):
    with Leases(kube, sleep).held(NAMESPACE, "up", lambda _: None):
        yield


def holder(kube: FakeKube) -> str:
    return kube.objects[path_of(NAMESPACE)]["spec"]["holderIdentity"]


def test_it_is_held_meanwhile_and_given_back(kube: FakeKube):
    with held(kube):
        assert holder(kube).startswith(f"{socket.gethostname()}/{os.getpid()}/up/")
    assert path_of(NAMESPACE) not in kube.objects


def test_it_is_given_back_after_a_failure(kube: FakeKube):
    with pytest.raises(ZeroDivisionError), held(kube):
        _ = 1 / 0
    assert path_of(NAMESPACE) not in kube.objects


def test_a_holder_that_lives_is_waited_for_by_nobody(kube: FakeKube):
    leave(kube, "elsewhere/7/down/ab")

    def renews(_: float) -> None:
        kube.patch(path_of(NAMESPACE), {"spec": {"renewTime": datetime.now(UTC).isoformat()}})

    with pytest.raises(Busy, match=r"`down` works on this environment, on elsewhere \(process 7\)"), held(kube, renews):
        pass
    assert holder(kube) == "elsewhere/7/down/ab"


def test_a_holder_that_does_not_renew_is_dead_whatever_its_clock_says(kube: FakeKube):
    leave(kube, "elsewhere/7/up/ab", age=-1000)
    with held(kube):
        assert "elsewhere" not in holder(kube)


def test_a_process_of_this_machine_that_is_gone_is_not_waited_for(kube: FakeKube):
    leave(kube, f"{socket.gethostname()}/{gone()}/up/{hardware()}-ab")

    def no(_: float) -> None:
        raise AssertionError("waited")

    with held(kube, no):
        pass


def gone() -> int:
    """The number of a process that was there, and is no more."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.mark.parametrize("unique", ["000000000000-ab", "ab"], ids=["of its name", "unknown"])
def test_a_process_of_another_machine_of_the_same_name_is_waited_for(kube: FakeKube, unique: str):
    leave(kube, f"{socket.gethostname()}/{gone()}/up/{unique}")
    waited: list[float] = []
    with held(kube, waited.append):
        pass
    assert waited


def test_a_living_process_is_not_dead_where_there_is_no_proc(kube: FakeKube, monkeypatch: pytest.MonkeyPatch):
    """macOS has no such folder."""
    monkeypatch.setattr(Path, "exists", lambda _: False)
    leave(kube, f"{socket.gethostname()}/{os.getpid()}/up/{hardware()}-ab")
    assert Leases(kube).at_work() == {NAMESPACE}
    waited: list[float] = []
    with held(kube, waited.append):
        pass
    assert waited


def test_in_a_namespace_on_its_way_out_there_is_none_to_hold(kube: FakeKube):
    kube.objects[f"/api/v1/namespaces/{NAMESPACE}"]["metadata"]["deletionTimestamp"] = "now"
    with held(kube):
        assert path_of(NAMESPACE) not in kube.objects


def test_a_list_tells_who_seems_to_work(kube: FakeKube):
    assert Leases(kube).at_work() == set()
    leave(kube, "elsewhere/7/up/ab")
    assert Leases(kube).at_work() == {NAMESPACE}
    kube.patch(path_of(NAMESPACE), {"spec": {"renewTime": "2026-01-01T00:00:00Z"}})
    assert Leases(kube).at_work() == set()
