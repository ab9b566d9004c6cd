"""What counts as ours: the record of a namespace, and the mark on everything else."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.tools.ephemeral.fakes import CLUSTER, OWNER, World
from tools.ephemeral.environments import Wish, ensure_own
from tools.ephemeral.errors import Taken
from tools.ephemeral.kube import Conflict
from tools.ephemeral.mark import Mark, new_mark, parse_mark
from tools.ephemeral.names import name_of
from tools.ephemeral.record import LABEL, PREFIX, Records, record_of
from tools.problem import Problem


def test_a_mark_comes_back_from_its_text():
    mark = new_mark(CLUSTER, "pr-1")
    assert parse_mark(str(mark)) == mark


def test_the_next_environment_of_a_name_has_another_mark():
    assert new_mark(CLUSTER, "pr-1") != new_mark(CLUSTER, "pr-1")


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "litellm/dev",
        "litellm/ephemeral/0c1a55e5/pr-1",
        "litellm/ephemeral/0c1a55e5/pr-1/00000001/more",
        "xlitellm/ephemeral/0c1a55e5/pr-1/00000001",
        "litellm/ephemeral/0c1a55e5/PR-1/00000001",
        "litellm/ephemeral/0c1a55e5/../00000001",
    ],
)
def test_what_only_looks_like_a_mark_is_none(text: str | None):
    assert parse_mark(text) is None


@pytest.fixture
def namespace() -> Any:
    world = World()
    world.record("Feature/One")
    return next(value for at, value in world.kube.objects.items() if "litellm-env-" in at)


def test_a_namespace_is_its_own_record(namespace: Any):
    record = record_of(namespace)
    assert record
    assert (record.name, record.owner) == (name_of("Feature/One"), OWNER)
    assert record.expires - record.created == timedelta(hours=4)


@pytest.mark.parametrize("missing", ["mark", "owner", "expires", "created"])
def test_a_namespace_without_all_of_the_record_is_not_ours(namespace: Any, missing: str):
    del namespace["metadata"]["annotations"][PREFIX + missing]
    assert record_of(namespace) is None


def test_a_namespace_with_a_copied_record_is_not_ours(namespace: Any):
    """Somebody made theirs with the YAML of one of ours."""
    namespace["metadata"]["name"] = "litellm-env-other"
    assert record_of(namespace) is None


def test_a_namespace_with_the_label_of_another_name_is_not_ours(namespace: Any):
    namespace["metadata"]["labels"][LABEL] = "other"
    assert record_of(namespace) is None


def test_a_lookalike_is_not_taken_for_an_environment():
    world = World()
    world.kube.create("/api/v1/namespaces", {"metadata": {"name": "litellm-env-pr-1", "labels": {LABEL: "pr-1"}}})
    with pytest.raises(Problem, match="which is no environment made by `env-up`: use another name"):
        Records(world.kube, CLUSTER).read(name_of("pr-1"))
    assert Records(world.kube, CLUSTER).all() == []


def test_of_two_who_claim_a_name_at_once_one_gets_it():
    world = World()
    record = world.record("pr-1")
    with pytest.raises(Conflict):
        Records(world.kube, CLUSTER).claim(record)


def test_somebody_elses_environment_is_refused_with_all_that_one_needs():
    world = World()
    record = world.record("pr-1", owner="bob@example.com")
    with pytest.raises(Taken) as caught:
        ensure_own(world.place(), record, Wish("pr-1", OWNER))
    message = str(caught.value)
    assert "belongs to bob@example.com, since 2026-11-21T12:00:00Z; it expires 2026-11-21T16:00:00Z" in message
    assert "Use another name, or take it over with --take-over" in message
    assert caught.value.owner == "bob@example.com"


def test_an_expired_one_can_be_freed():
    world = World()
    record = world.record("pr-1", owner="bob@example.com", lives=timedelta(hours=-1))
    with pytest.raises(Taken, match=r"expired 1h ago. `make env-reap` frees the name"):
        ensure_own(world.place(), record, Wish("pr-1", OWNER))


def test_who_takes_over_may():
    world = World()
    record = world.record("pr-1", owner="bob@example.com")
    ensure_own(world.place(), record, Wish("pr-1", OWNER, take_over=True))


def test_a_name_that_collides_with_a_hashed_one_is_told():
    world = World()
    record = world.record("Feature/One")
    with pytest.raises(Taken, match="uses already for 'Feature/One'"):
        ensure_own(world.place(), record, Wish("Other", OWNER))


def test_the_safe_name_of_ones_own_environment_will_do():
    world = World()
    record = world.record("Feature/One")
    ensure_own(world.place(), record, Wish(record.name.safe, OWNER))


def test_a_mark_of_another_cluster_is_another_mark():
    assert Mark("aaaaaaaa", "pr-1", "00000001") != Mark(CLUSTER, "pr-1", "00000001")


def test_a_mark_is_written_as_it_was():
    """What stands carries it: another form would be nobody's, and stay for ever."""
    assert str(Mark("0c1a55e5", "pr-1", "00000001")) == "litellm/ephemeral/0c1a55e5/pr-1/00000001"
    assert parse_mark("litellm/ephemeral/0c1a55e5/pr-1/00000001") == Mark("0c1a55e5", "pr-1", "00000001")
