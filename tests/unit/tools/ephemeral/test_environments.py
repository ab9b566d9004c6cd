"""`up`, `extend` and `list`: what is written where, and what a failure leaves."""

from datetime import timedelta
from typing import Any

import pytest
from pulumi.automation import CommandError, CommandResult, EngineEvent

from infra.target import resolve_offline
from tests.unit.tools.engine import broken
from tests.unit.tools.ephemeral.fakes import CLUSTER, OWNER, World
from tools.ephemeral import environments
from tools.ephemeral.environments import Place, Wish, extend, states, up
from tools.ephemeral.errors import Interrupted, Taken
from tools.ephemeral.names import name_of
from tools.ephemeral.record import Records
from tools.problem import Problem

WISH = Wish("pr-1", OWNER, "2h")
FAILED = CommandError(CommandResult("", "error: update failed", 255))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(environments, "resolve", resolve_offline)
    monkeypatch.setattr(environments, "look", lambda target: target)
    return World()


def record(world: World, name: str = "pr-1") -> Any:
    return Records(world.kube, CLUSTER).read(name_of(name))


def test_the_namespace_comes_first_and_is_complete(world: World):
    up(world.place(), WISH)
    assert world.kube.log[0] == "create /api/v1/namespaces/litellm-env-pr-1"
    made = record(world)
    assert (made.owner, made.expires - made.created, made.url) == (
        OWNER,
        timedelta(hours=2),
        "http://env-pr-1.example.com",
    )


def test_documents_are_claimed_the_salt_too(world: World):
    up(world.place(), WISH)
    assert set(world.keeper.claimed) == {"api-keys", "database", "database-admin", "redis", "salt"}


def test_the_stack_says_the_same_as_the_namespace(world: World):
    made = up(world.place(), WISH)
    assert world.engine.stacks["env-pr-1"] == {
        "mark": str(made.mark),
        "owner": OWNER,
        "expires": "2026-11-21T14:00:00Z",
    }


def test_a_second_up_keeps_the_environment_and_moves_its_end(world: World):
    first = up(world.place(), WISH)
    world.now += timedelta(hours=1)
    second = up(world.place(), WISH)
    assert second.mark == first.mark
    assert second.created == first.created
    assert second.expires - first.expires == timedelta(hours=1)


def test_the_lock_of_a_killed_up_is_lifted_by_the_next_one(world: World):
    """Which holds the Lease, so nobody else can be at it."""
    up(world.place(), WISH)
    assert "lift lock of env-pr-1" not in world.engine.log
    up(world.place(), WISH)
    assert world.engine.log[-2:] == ["lift lock of env-pr-1", "up env-pr-1"]


def test_after_a_run_that_did_not_end_well_the_engine_looks_first(world: World):
    """What a `down` that was killed had deleted already is in the state still."""
    world.record("pr-1", url="")
    up(world.place(), WISH)
    assert world.engine.log[-1] == "up env-pr-1 look_first"


def test_what_is_in_the_way_is_found_before_anything_is_made(world: World, monkeypatch: pytest.MonkeyPatch):
    def missing(_: object) -> None:
        raise Problem("Vault has no secrets engine at litellm/")

    monkeypatch.setattr(environments, "look", missing)
    with pytest.raises(Problem, match="no secrets engine"):
        up(world.place(), WISH)
    assert not world.kube.log
    assert not world.keeper.claimed


def test_a_name_that_is_taken_changes_nothing(world: World):
    world.record("pr-1", owner="bob@example.com")
    with pytest.raises(Taken):
        up(world.place(), WISH)
    assert not world.kube.log
    assert not world.engine.log


def test_somebody_who_was_faster_keeps_the_name(world: World):
    """Between the look and the claim."""
    place = world.place()
    real = place.records.read
    looks: list[Any] = []

    def read(name: Any) -> Any:
        looks.append(name)
        return real(name) if len(looks) > 1 else None

    place.records.read = read  # type: ignore[method-assign]
    world.record("pr-1", owner="bob@example.com")
    with pytest.raises(Taken):
        up(place, WISH)


def test_taking_over_changes_the_owner(world: World):
    world.record("pr-1", owner="bob@example.com")
    up(world.place(), Wish("pr-1", OWNER, take_over=True))
    assert record(world).owner == OWNER


def test_a_failure_says_what_the_engine_said_and_leaves_the_record(world: World):
    world.engine.fails = [FAILED]
    with pytest.raises(Problem, match=r"environment pr-1 is not up:\n  - update failed"):
        up(world.place(), WISH)
    assert record(world).url == ""
    assert states(world.place(), [record(world)]) == {"pr-1": "interrupted"}


def test_an_environment_whose_gateway_cannot_start_says_why(world: World):
    world.cluster = broken.cluster(broken.pod("one", broken.RUNNING))
    step = EngineEvent.from_json({"sequence": 1, "timestamp": 1, **broken.BEGINS})
    world.engine.events = [step, step]
    first = world.cluster.get

    def get(path: str, accept: str = "") -> dict[str, Any]:
        found = first(path, accept)
        if "/pods?" in path:
            world.cluster.objects[broken.PODS] = [broken.pod("one", broken.waiting("CrashLoopBackOff", restarts=2))]
        return found

    world.cluster.get = get  # type: ignore[method-assign]
    with pytest.raises(Problem, match=r"RuntimeError: no such model(.|\n)*run `make env-up NAME=pr-1` again"):
        up(world.place(), WISH)
    assert any(line.startswith("apply again in") for line in world.engine.log)


def test_who_is_stopped_is_told_how_to_go_on(world: World):
    world.engine.fails = [FAILED]
    world.engine.command.stopped_by = 15
    with pytest.raises(Interrupted, match="`make env-down NAME=pr-1` removes it") as caught:
        up(world.place(), WISH)
    assert caught.value.code == 143


def test_extending_moves_the_end_in_the_cluster_and_in_the_stack(world: World):
    world.record("pr-1")
    extend(world.place(), Wish("pr-1", OWNER, "10h"))
    assert record(world).expires == world.now + timedelta(hours=10)
    assert world.engine.stacks["env-pr-1"]["expires"] == "2026-11-21T22:00:00Z"


def test_what_is_not_there_cannot_be_extended(world: World):
    world.record("other")
    with pytest.raises(Problem, match=r"there is no environment pr-1\. There are: other"):
        extend(world.place(), WISH)


@pytest.mark.parametrize(
    ("lives", "url", "expected"), [(1, "http://x", "ready"), (-1, "http://x", "expired"), (1, "", "interrupted")]
)
def test_states(world: World, lives: int, url: str, expected: str):
    made = world.record("pr-1", lives=timedelta(hours=lives), url=url)
    place: Place = world.place()
    assert states(place, [made]) == {"pr-1": expected}
