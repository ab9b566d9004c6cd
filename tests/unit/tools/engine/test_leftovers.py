"""Objects that have a twin, and that no state knows."""

from typing import Any

import pytest

from tests.unit.tools.engine.fakes import FakeCluster
from tools.engine.leftovers import drop

PLACE = "/apis/external-secrets.io/v1/namespaces/litellm-dev"
EXTERNALS, STORES, JOBS = (
    f"{PLACE}/externalsecrets",
    f"{PLACE}/secretstores",
    "/apis/batch/v1/namespaces/litellm-dev/jobs",
)


def named(name: str, of: str, **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {"app.kubernetes.io/name": of}, **metadata}}


def state(*names: str) -> dict[str, Any]:
    return {"deployment": {"resources": [{"id": f"litellm-dev/{name}"} for name in names]}}


@pytest.mark.parametrize("kind", [EXTERNALS, STORES, JOBS])
def test_of_two_the_one_goes_that_no_state_knows(kind: str):
    cluster = FakeCluster(objects={kind: [named("one", "env"), named("two", "env")]})
    assert drop(cluster, "litellm-dev", lambda: state("two")) == ["one"]
    assert cluster.done("delete") == [f"{kind}/one?propagationPolicy=Background"]


def test_where_each_is_alone_no_state_is_asked():
    cluster = FakeCluster(objects={EXTERNALS: [named("one", "env"), named("two", "other")]})
    assert drop(cluster, "litellm-dev", pytest.fail) == []


def test_two_that_the_state_knows_stay():
    cluster = FakeCluster(objects={JOBS: [named("one", "env"), named("two", "env")]})
    assert drop(cluster, "litellm-dev", lambda: state("one", "two")) == []


def test_one_that_is_going_is_no_twin():
    going = named("one", "env", deletionTimestamp="2026-01-01T00:00:00Z")
    cluster = FakeCluster(objects={EXTERNALS: [going, named("two", "env")]})
    assert drop(cluster, "litellm-dev", pytest.fail) == []


def test_only_what_pulumi_made_of_litellms_is_asked_for():
    cluster = FakeCluster()
    drop(cluster, "litellm-dev", pytest.fail)
    assert all("part-of%3Dlitellm%2Capp.kubernetes.io/managed-by%3Dpulumi" in path for path in cluster.paths)
