"""What goes and what stays, in which order, whatever an interrupted run left."""

from datetime import timedelta

import pytest
from pulumi.automation import CommandError, CommandResult

from tests.unit.tools.ephemeral.fakes import CLUSTER, OWNER, FakeKube, World
from tools.engine import targets, vault_target
from tools.engine.targets import Sight
from tools.ephemeral import removal
from tools.ephemeral.environments import Place, Wish, extend
from tools.ephemeral.errors import Busy, Interrupted, Taken
from tools.ephemeral.kube import Object
from tools.ephemeral.mark import Mark
from tools.ephemeral.names import name_of
from tools.ephemeral.record import Record, Records
from tools.ephemeral.removal import down, reap
from tools.ephemeral.stores import Swept
from tools.problem import Problem

FAILED = CommandError(CommandResult("", "error: no", 255))
MINE = Wish("pr-1", OWNER)
PAST = timedelta(hours=-1)


def test_down_removes_the_state_the_marks_and_last_the_namespace():
    world = World()
    record = world.record("pr-1")
    in_state: list[bool] = []
    world.engine.on_destroy = lambda: in_state.append("litellm-env-pr-1" in world.kube.namespaces())
    assert down(world.place(), MINE)
    assert in_state == [True], "the record goes last"
    assert world.keeper.swept == [record.mark]
    assert not world.engine.stacks
    assert world.kube.namespaces() == {"kube-system"}


def test_nothing_to_remove_is_fine():
    assert not down(World().place(), MINE)


@pytest.fixture
def dropped(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The environments whose database was dropped."""
    names: list[str] = []
    monkeypatch.setattr(removal, "drop_database", lambda _kube, record, _say: names.append(record.name.safe))
    return names


def test_its_database_is_dropped_while_everything_else_is_there(monkeypatch: pytest.MonkeyPatch):
    """The Job that drops it needs the Secret of the admin, which is in the namespace."""
    world = World()
    world.record("pr-1")
    seen: list[tuple[bool, bool, bool]] = []

    def drop(*_: object) -> None:
        seen.append((not world.engine.log, not world.keeper.swept, "litellm-env-pr-1" in world.kube.namespaces()))

    monkeypatch.setattr(removal, "drop_database", drop)
    assert down(world.place(), MINE)
    assert seen == [(True, True, True)]


def test_a_database_that_is_to_stay_is_not_dropped(dropped: list[str]):
    world = World()
    world.record("pr-1")
    assert down(world.place(), MINE, leave_database=True)
    assert dropped == []
    assert not world.engine.stacks
    assert world.kube.namespaces() == {"kube-system"}


def test_reap_drops_the_databases_of_what_has_expired_alone(dropped: list[str]):
    world = World()
    world.record("old", lives=PAST)
    world.record("young", unique="00000002")
    reap(world.place(), dry_run=False)
    assert dropped == ["old"]


@pytest.mark.parametrize("work", ["down", "reap"])
def test_a_database_that_could_not_be_dropped_keeps_everything(monkeypatch: pytest.MonkeyPatch, work: str):
    """Nobody could drop it later."""
    world = World()
    record = world.record("pr-1", lives=PAST)

    def refuse(*_: object) -> None:
        raise Problem("the server does not answer")

    monkeypatch.setattr(removal, "drop_database", refuse)
    if work == "down":
        with pytest.raises(Problem, match="does not answer"):
            down(world.place(), MINE)
    else:
        assert reap(world.place(), dry_run=False).failed == {"pr-1": "the server does not answer"}
    assert [*world.engine.stacks] == ["env-pr-1"]
    assert record.mark in world.keeper.held
    assert not world.engine.log
    found = Records(world.kube, CLUSTER).read(name_of("pr-1"))
    assert found
    assert found.url == record.url


def test_what_runs_in_it_is_stopped_before_the_state_goes():
    world = World()
    world.record("pr-1")
    before: list[str] = []
    world.engine.on_destroy = lambda: before.extend(world.kube.log)
    down(world.place(), MINE)
    assert "delete /apis/apps/v1/namespaces/litellm-env-pr-1/deployments" in before
    assert "delete /api/v1/namespaces/litellm-env-pr-1" not in before


def test_its_pods_are_told_of_their_short_grace_period_before_their_owners_go():
    """Afterwards the kubelet would keep the long one, with which what made them takes them along."""
    world = World()
    world.record("pr-1")
    down(world.place(), MINE)
    of_pods = world.kube.log.index("delete /api/v1/namespaces/litellm-env-pr-1/pods")
    assert of_pods < world.kube.log.index("delete /apis/apps/v1/namespaces/litellm-env-pr-1/deployments")


class PodsThatEndSlowly(FakeKube):
    """A pod is there for a few looks."""

    looks = 4

    def get(self, path: str, **query: str) -> Object | None:
        if path.endswith("/litellm-env-pr-1/pods") and self.looks:
            self.looks -= 1
            return {"items": [{}]}
        return super().get(path, **query)


def test_its_namespace_goes_when_its_pods_are_gone():
    """With pods that still end, Kubernetes looks again after half of their grace period."""
    kube = PodsThatEndSlowly()
    world = World(kube=kube)
    record = world.record("pr-1")
    world.place().records.delete(record, lambda _: None)
    assert kube.looks == 0
    assert world.kube.namespaces() == {"kube-system"}


def test_its_namespace_does_not_wait_for_pods_that_stay():
    kube = PodsThatEndSlowly()
    kube.looks = 1_000
    world = World(kube=kube)
    record = world.record("pr-1")
    world.place().records.delete(record, lambda _: None)
    assert world.kube.namespaces() == {"kube-system"}


def test_what_does_not_carry_the_mark_is_named_and_left(monkeypatch: pytest.MonkeyPatch):
    world = World()
    world.record("pr-1")
    monkeypatch.setattr(world.keeper, "sweep", lambda _: Swept(("litellm/a",), ("litellm/ephemeral/pr-1/theirs",)))
    assert down(world.place(), MINE)
    (line,) = [line for line in world.said if "left alone" in line]
    assert line.endswith(": litellm/ephemeral/pr-1/theirs")


def test_the_state_goes_after_what_its_marks_show(monkeypatch: pytest.MonkeyPatch):
    """Killed in between, the next run finds what is left by the state."""
    world = World()
    world.record("pr-1")
    seen: list[bool] = []

    def sweep(_: Mark) -> Swept:
        seen.append("env-pr-1" in world.engine.stacks)
        return Swept(())

    monkeypatch.setattr(world.keeper, "sweep", sweep)
    assert down(world.place(), MINE)
    assert seen == [True]


def test_environments_of_other_names_stay_with_all_they_have():
    world = World()
    world.record("pr-1")
    other = world.record("pr-2", unique="00000002")
    left = Mark(CLUSTER, "pr-3", "00000009")
    world.keeper.held[left] = ["ephemeral/pr-3/salt"]
    assert down(world.place(), MINE)
    assert set(world.keeper.held) == {other.mark, left}
    assert [*world.engine.stacks] == ["env-pr-2"]
    assert world.kube.namespaces() == {"kube-system", "litellm-env-pr-2"}


def test_all_that_environments_of_one_name_left_goes():
    world = World()
    record = world.record("pr-1", unique="00000002")
    older = [Mark(CLUSTER, "pr-1", f"0000000{number}") for number in (3, 1)]
    world.keeper.held |= {mark: ["ephemeral/pr-1/salt"] for mark in older}
    assert down(world.place(), MINE)
    assert world.keeper.swept == [older[1], record.mark, older[0]]


def test_without_a_namespace_there_is_nobody_to_keep_out():
    """A Lease would need one to be in."""
    world = World()
    world.record("pr-1")
    del world.kube.objects["/api/v1/namespaces/litellm-env-pr-1"]
    assert down(world.place(), MINE)
    assert not [line for line in world.kube.log if "/leases" in line]


class SlowToEnd(FakeKube):
    """A namespace that is being deleted is still there for a few looks."""

    looks = 4

    def _vanish(self, namespace: str) -> None:
        self.looks -= 1
        if not self.looks:
            super()._vanish(namespace)


def test_in_a_namespace_that_is_on_its_way_out_nothing_is_made_any_more(dropped: list[str]):
    """Kubernetes refuses it: what only the namespace could do is done, or lost."""
    world = World(kube=SlowToEnd())
    record = world.record("pr-1")
    place = world.place()
    with place.leases.held("litellm-env-pr-1", "down", place.say):
        pass
    world.kube.objects["/api/v1/namespaces/litellm-env-pr-1"]["metadata"]["deletionTimestamp"] = "now"
    assert down(place, MINE)
    assert dropped == []
    assert world.keeper.swept == [record.mark]
    assert not world.engine.stacks


def test_somebody_elses_environment_stays():
    world = World()
    world.record("pr-1", owner="bob@example.com")
    with pytest.raises(Taken):
        down(world.place(), MINE)
    assert "litellm-env-pr-1" in world.kube.namespaces()
    assert not world.keeper.swept


def test_without_its_state_everything_is_found_by_its_marks():
    world = World()
    record = world.record("pr-1")
    world.engine.stacks.clear()
    assert down(world.place(), MINE)
    assert world.keeper.swept == [record.mark]
    assert not world.engine.log
    assert "litellm-env-pr-1" not in world.kube.namespaces()


def test_without_its_namespace_state_and_marks_go():
    """Somebody deleted it by hand."""
    world = World()
    record = world.record("pr-1")
    del world.kube.objects["/api/v1/namespaces/litellm-env-pr-1"]
    assert down(world.place(), MINE)
    assert world.keeper.swept == [record.mark]
    assert not world.engine.stacks


def test_what_failed_once_is_tried_again_with_a_look_at_what_is_there():
    world = World()
    world.record("pr-1")
    world.engine.fails = [FAILED]
    assert down(world.place(), MINE)
    assert world.engine.log[:2] == [
        "destroy env-pr-1 look_first=False",
        "destroy env-pr-1 look_first=True",
    ]


def test_a_state_that_cannot_be_read_is_not_needed():
    """Another machine does not have the passphrase."""
    world = World()
    record = world.record("pr-1")
    world.engine.fails = [FAILED, FAILED]
    world.engine.kinds_in_state = {
        "kubernetes:core/v1:Namespace",
        "vault:kv/secretV2:SecretV2",
        "vault:index/policy:Policy",
        "vault:kubernetes/authBackendRole:AuthBackendRole",
        "aws:secretsmanager/secret:Secret",
        "aws:iam/role:Role",
        "aws:iam/rolePolicy:RolePolicy",
        "pulumi-python:dynamic/litellm:AwsInitialValue",
        "pulumi-python:dynamic/litellm:AwsSaltKey",
        "pulumi-python:dynamic/litellm:VaultSaltKey",
        "random:index/randomPassword:RandomPassword",
        "pulumi:pulumi:Stack",
    }
    assert down(world.place(), MINE)
    assert world.keeper.swept == [record.mark]
    assert not world.engine.stacks
    assert [line for line in world.said if "env-pr-1 was of no use (no)" in line]


@pytest.mark.parametrize(
    "kind",
    [
        "aws:rds/instance:Instance",
        "pulumi-python:dynamic/litellm:AwsKey",
        "pulumi-python:dynamic/litellm:VaultMount",
    ],
)
def test_a_state_with_more_than_the_marks_show_is_kept(kind: str):
    """Or nobody would ever find a key that costs money, or a whole secrets engine."""
    world = World()
    world.record("pr-1")
    world.engine.fails = [FAILED, FAILED]
    world.engine.kinds_in_state = {kind, "vault:index/policy:Policy", "pulumi-python:dynamic/litellm:VaultSaltKey"}
    world.engine.on_destroy = lambda: world.progresses[-1].errors.append("the bucket is not empty")
    with pytest.raises(Problem, match=rf"its state also knows {kind},[^\n]*\n  - the bucket is not empty"):
        down(world.place(), MINE)
    assert world.engine.stacks
    assert "litellm-env-pr-1" in world.kube.namespaces()


def test_interrupted_it_says_how_to_go_on_and_the_record_is_there():
    world = World()
    world.record("pr-1")
    world.engine.fails = [FAILED]
    world.engine.command.stopped_by = 2
    with pytest.raises(Interrupted, match="run `make env-down NAME=pr-1` again"):
        down(world.place(), MINE)
    assert "litellm-env-pr-1" in world.kube.namespaces()


def test_a_removal_that_fails_leaves_an_environment_that_says_it_is_not_whole():
    world = World()
    world.record("pr-1")
    world.engine.fails = [FAILED, FAILED]
    world.engine.kinds_in_state = {"aws:rds/instance:Instance"}
    with pytest.raises(Problem):
        down(world.place(), MINE)
    found = Records(world.kube, CLUSTER).read(name_of("pr-1"))
    assert found
    assert not found.url


def test_reap_removes_what_has_expired_and_nothing_else():
    world = World()
    old = world.record("old", lives=PAST, owner="bob@example.com")
    young = world.record("young", unique="00000002")
    done = reap(world.place(), dry_run=False)
    assert (done.reaped, done.kept, done.failed) == (["old"], ["young"], {})
    assert world.keeper.swept == [old.mark]
    assert young.mark in world.keeper.held
    assert [*world.engine.stacks] == ["env-young"]
    assert world.kube.namespaces() == {"kube-system", "litellm-env-young"}


def test_one_that_was_extended_while_reap_worked_on_another_stays():
    world = World()
    world.record("a", lives=PAST)
    extended = world.record("b", lives=PAST, unique="00000002")
    place = world.place()
    world.engine.on_destroy = lambda: extend_if_there(place, "b")
    done = reap(place, dry_run=False)
    assert (done.reaped, done.kept, done.failed) == (["a"], ["b"], {})
    assert extended.mark in world.keeper.held
    assert [*world.engine.stacks] == ["env-b"]
    assert world.kube.namespaces() == {"kube-system", "litellm-env-b"}


def test_one_that_stays_after_all_does_not_keep_the_others():
    world = World()
    for number, name in enumerate("abc"):
        world.record(name, lives=PAST, unique=f"0000000{number}")
    place = world.place()
    world.engine.on_destroy = lambda: extend_if_there(place, "b")
    done = reap(place, dry_run=False)
    assert (done.reaped, done.kept, done.failed) == (["a", "c"], ["b"], {})
    assert "b: not any more, while this worked on others" in world.said
    assert "a: expired" in world.said


def extend_if_there(place: Place, name: str) -> None:
    if place.records.read(name_of(name)):
        extend(place, Wish(name, OWNER, "4h"))


def test_one_that_was_made_again_while_reap_worked_on_another_stays():
    """What was left in the store bears an old mark; state and namespace are by now those of a new environment."""
    world = World()
    world.record("a", lives=PAST)
    left = Mark(CLUSTER, "b", "00000009")
    world.keeper.held[left] = ["ephemeral/b/salt"]
    made: list[Record] = []
    world.engine.on_destroy = lambda: made.append(world.record("b", unique="00000002")) if not made else None
    done = reap(world.place(), dry_run=False)
    assert (done.reaped, done.failed) == (["a", "b"], {})
    assert left not in world.keeper.held
    assert made[0].mark in world.keeper.held
    assert [*world.engine.stacks] == ["env-b"]


def test_down_does_not_remove_what_somebody_took_over_meanwhile():
    world = World()
    record = world.record("pr-1")
    place = world.place()

    def taken_over(path: str) -> None:
        if path.endswith("/leases/environment"):
            world.kube.on_read = lambda _: None
            place.records.change(record, owner="bob@example.com")

    world.kube.on_read = taken_over
    with pytest.raises(Taken):
        down(place, MINE)
    assert "litellm-env-pr-1" in world.kube.namespaces()
    assert not world.keeper.swept


@pytest.mark.parametrize("work", ["down", "reap"])
def test_what_is_being_removed_is_not_extended(work: str):
    world = World()
    world.record("pr-1")
    place = world.place()
    with place.leases.held("litellm-env-pr-1", work, place.say), pytest.raises(Busy, match=f"`{work}` is removing"):
        extend(place, MINE)


@pytest.mark.parametrize("work", ["down", "reap"])
def test_nobody_extends_what_goes_at_this_moment(work: str):
    world = World()
    world.record("pr-1", lives=PAST)
    place = world.place()
    refused: list[str] = []

    def extend_it() -> None:
        with pytest.raises(Busy) as caught:
            extend(place, Wish("pr-1", OWNER, "4h"))
        refused.append(str(caught.value))

    world.engine.on_destroy = extend_it
    if work == "down":
        down(place, MINE)
    else:
        reap(place, dry_run=False)
    (text,) = refused
    assert f"`{work}` is removing" in text


def test_reap_says_of_each_why_it_goes():
    world = World()
    world.record("old", lives=PAST)
    world.keeper.held[Mark(CLUSTER, "left", "00000009")] = ["ephemeral/left/salt"]
    world.engine.stacks["env-gone"] = {"mark": str(Mark(CLUSTER, "gone", "00000001"))}
    reap(world.place(), dry_run=True)
    assert world.said == [
        "old: expired (dry run)",
        "left: left in the store (dry run)",
        "gone: left in the state backend (dry run)",
    ]


def test_what_is_being_brought_up_is_extended():
    world = World()
    world.record("pr-1", lives=PAST)
    place = world.place()
    with place.leases.held("litellm-env-pr-1", "up", place.say):
        assert extend(place, Wish("pr-1", OWNER, "4h")).expires == world.now + timedelta(hours=4)


def test_a_dry_run_changes_nothing():
    world = World()
    world.record("old", lives=PAST)
    world.record("young", unique="00000002")
    done = reap(world.place(), dry_run=True)
    assert (done.reaped, done.kept) == (["old"], ["young"])
    assert world.keeper.held
    assert world.engine.stacks
    assert not world.kube.log


def test_marks_without_a_namespace_are_reaped_at_once():
    """Whoever removed it was killed before the end."""
    world = World()
    left = Mark(CLUSTER, "gone", "00000001")
    world.keeper.held[left] = ["ephemeral/gone/salt"]
    assert reap(world.place(), dry_run=False).reaped == ["gone"]
    assert not world.keeper.held


def test_what_is_left_of_several_goes_and_each_is_named_once():
    world = World()
    expired = world.record("a", lives=PAST, unique="00000005")
    left = [Mark(CLUSTER, "a", "00000001"), Mark(CLUSTER, "b", "00000002")]
    world.keeper.held |= {mark: ["ephemeral/salt"] for mark in left}
    assert reap(world.place(), dry_run=False).reaped == ["a", "b"]
    assert set(world.keeper.swept) == {expired.mark, *left}


def test_marks_of_another_cluster_are_somebody_elses():
    """Two clusters may share one Vault."""
    world = World()
    theirs = Mark("ffffffff", "gone", "00000001")
    world.keeper.held[theirs] = ["ephemeral/gone/salt"]
    world.engine.stacks["env-gone"] = {"mark": str(theirs)}
    assert reap(world.place(), dry_run=False).reaped == []
    assert theirs in world.keeper.held
    assert "env-gone" in world.engine.stacks


def test_an_old_mark_does_not_take_the_next_environment_of_that_name_along():
    world = World()
    record = world.record("pr-1", unique="00000002")
    old = Mark(CLUSTER, "pr-1", "00000001")
    world.keeper.held[old] = ["ephemeral/pr-1/redis"]
    done = reap(world.place(), dry_run=False)
    assert world.keeper.swept == [old]
    assert record.mark in world.keeper.held
    assert "env-pr-1" in world.engine.stacks
    assert done.kept == ["pr-1"]


def test_a_stack_without_a_namespace_is_reaped():
    world = World()
    world.engine.stacks["env-gone"] = {"mark": str(Mark(CLUSTER, "gone", "00000001"))}
    assert reap(world.place(), dry_run=False).reaped == ["gone"]
    assert world.engine.log[0] == "destroy env-gone look_first=False"


def test_a_stack_that_says_of_no_environment_stays():
    """Somebody called an ordinary stack env-prod."""
    world = World()
    world.engine.stacks |= {"env-prod": {}, "env-odd": {"mark": str(Mark(CLUSTER, "other", "00000001"))}}
    assert reap(world.place(), dry_run=False).reaped == []
    assert set(world.engine.stacks) == {"env-prod", "env-odd"}


def test_one_that_fails_does_not_keep_the_others():
    world = World()
    world.record("a", lives=PAST)
    world.record("b", lives=PAST, unique="00000002")
    world.engine.fails = [FAILED, FAILED]
    world.engine.kinds_in_state = {"aws:rds/instance:Instance"}
    done = reap(world.place(), dry_run=False)
    assert done.reaped == ["b"]
    assert "aws:rds/instance:Instance" in done.failed["a"]


POLICY = {
    "urn": "urn:policy",
    "type": "vault:index/policy:Policy",
    "provider": "urn:vault::id",
    "inputs": {"name": "litellm-env-pr-1"},
}
IN_VAULT = [{"urn": "urn:vault", "type": "pulumi:providers:vault", "inputs": {"address": "https://v"}}, POLICY]


@pytest.mark.parametrize("work", ["down", "reap"])
def test_a_store_that_does_not_answer_is_said_before_anything_goes(
    monkeypatch: pytest.MonkeyPatch, dropped: list[str], work: str
):
    """The database was dropped, and the namespace marked as half gone, before the first word about Vault."""
    world = World()
    world.record("pr-1", lives=PAST)
    world.engine.resources = IN_VAULT
    monkeypatch.setattr(
        vault_target, "look", lambda *_: ("Vault at https://v is sealed: unseal it first", frozenset[str]())
    )
    if work == "down":
        with pytest.raises(Problem) as caught:
            down(world.place(), MINE)
        said = str(caught.value)
    else:
        said = reap(world.place(), dry_run=False).failed["pr-1"]
    assert "environment pr-1 cannot go as a whole; nothing was deleted" in said
    assert "Vault at https://v is sealed" in said
    assert "run `make env-down NAME=pr-1` again" in said
    assert (dropped, world.keeper.swept) == ([], [])
    assert [line for line in world.engine.log if line.startswith("destroy")] == []
    assert "litellm-env-pr-1" in world.kube.namespaces()


@pytest.mark.parametrize("there", [True, False], ids=["with its namespace", "when that is gone"])
def test_only_a_namespace_waits_for_the_operator(monkeypatch: pytest.MonkeyPatch, dropped: list[str], there: bool):
    world = World()
    record = world.record("pr-1")
    asked: list[set[str]] = []

    def look(_state: object, _connect: object, _namespace: str, without: set[str]) -> Sight:
        asked.append(without)
        return Sight()

    monkeypatch.setattr(targets, "look", look)
    if not there:
        Records(world.kube, CLUSTER).delete(record)
    down(world.place(), MINE)
    assert asked == [set() if there else {"operator"}]
