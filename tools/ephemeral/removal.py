"""The end of an environment: `down` for one, `reap` for all that have expired or are left over.

In this order: what only the namespace can still do (drop the database), what the state knows, what the marks in the store show,
the state, and last the namespace, which is the record. Killed anywhere in between, the next `down` or `reap` on whatever
machine finds the record, and does the rest. None of the steps minds that it was done before.
"""

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass, field

from pulumi import automation

from tools.engine import targets
from tools.engine.part import Part
from tools.ephemeral.database import drop_database
from tools.ephemeral.engine import reason_of
from tools.ephemeral.environments import Place, Wish, ensure_own
from tools.ephemeral.errors import Interrupted
from tools.ephemeral.mark import Mark, parse_mark
from tools.ephemeral.names import Name, name_of
from tools.ephemeral.progress import step
from tools.ephemeral.record import Record, name_of_stack
from tools.problem import Problem

SWEPT = (
    "kubernetes:",
    "vault:kv/secretV2:",
    "vault:index/policy:",
    "vault:kubernetes/authBackendRole:",
    "aws:secretsmanager/",
    "aws:iam/role:",
    "aws:iam/rolePolicy:",
    "pulumi-python:dynamic/litellm:AwsGenerated",
    "pulumi-python:dynamic/litellm:AwsInitialValue",
    "pulumi-python:dynamic/litellm:AwsSaltKey",
    "pulumi-python:dynamic/litellm:VaultGenerated",
    "pulumi-python:dynamic/litellm:VaultSaltKey",
    "random:",
    "pulumi:",
)
"""Types of what is found without the state, too: by the namespace, and by the marks in the store."""


@dataclass(frozen=True)
class Removal:
    """How one environment is removed."""

    place: Place
    name: Name
    work: str
    """`down` or `reap`."""

    still: Callable[[Record], bool]
    """Asked when nobody else can work on it any more: is the environment, as it is now, still to go?"""

    leave_database: bool = False

    def remove(self, record: Record | None, marks: Iterable[Mark]) -> bool:
        """Remove all there is; False when there was nothing, or when it is not to go any more."""
        place = self.place
        old = {*marks, *([record.mark] if record else [])}
        held = place.leases.held(self.name.namespace, self.work, place.say) if record else nullcontext()
        with held:
            # Others worked until the Lease was ours: what was read before then may be of yesterday.
            now = place.records.read(self.name)
            if now is not None and now.mark not in old:
                # The name has been given again: only what carries an old mark goes.
                self._sweep(old)
                return bool(old)
            if now is not None and not self.still(now):
                return False
            has_state = place.engine.exists(self.name.stack)
            self._remove(now, old, has_state=has_state)
        return has_state or bool(old)

    def _remove(self, record: Record | None, marks: Iterable[Mark], *, has_state: bool) -> None:
        place, stack = self.place, self.name.stack
        if has_state:
            self._look_at_targets(record)
        if record is not None and not record.terminating:
            if not self.leave_database:
                with step("dropped its database", place.say):
                    drop_database(place.kube, record, place.say)
            # From here on it is not whole any more, whoever sees it.
            record = place.records.change(record, url="")
            place.records.quiet(record)
        if has_state:
            with step("destroyed what its state knows", place.say):
                self._destroy()
        self._sweep(marks)
        if has_state:
            place.engine.remove(stack)
        if record is not None:
            with step("deleted its namespace", place.say):
                place.records.delete(record)

    def _look_at_targets(self, record: Record | None) -> None:
        """Whether all of it can go: otherwise its database would be gone, and its namespace hang."""
        place, again = self.place, f"run `make env-down NAME={self.name.given}` again"
        # Without a namespace there is nothing in it that would wait for the operator.
        without = set[Part]() if record else {Part.operator}
        operator_namespace = place.template.config.external_secrets.namespace
        sight = targets.look(place.engine.state(self.name.stack), place.connect, operator_namespace, without)
        if sight.obstacles:
            found = "".join(f"\n  - {each.why}\n    {each.back}, and {again}" for each in sight.obstacles)
            raise Problem(f"environment {self.name.safe} cannot go as a whole; nothing was deleted:{found}")

    def _sweep(self, marks: Iterable[Mark]) -> None:
        for mark in sorted(marks, key=str):
            for left in self.place.keeper.sweep(mark).foreign:
                self.place.say(f"left alone, because it does not carry the mark of this environment: {left}")

    def _destroy(self) -> None:
        engine, stack = self.place.engine, self.name.stack
        complaints: list[str] = []
        for look_first in (False, True):
            progress = self.place.progress()
            try:
                with progress:
                    engine.destroy(stack, progress.on_event, look_first=look_first)
            except automation.CommandError as error:
                if number := engine.command.stopped_by:
                    again = f"run `make env-down NAME={self.name.given}` again"
                    raise Interrupted(f"stopped half-way: {again}", number) from None
                complaints = progress.errors or [reason_of(error)]
            else:
                return
        others = sorted(kind for kind in engine.kinds(stack) if not kind.startswith(SWEPT))
        if others:
            reasons = "\n  - ".join(["", *complaints])
            raise Problem(
                f"stack {stack} could not be destroyed, and its state also knows {', '.join(others)}, which nobody would find "
                f"without it:{reasons}"
            )
        # A state that cannot be read, for want of its passphrase for example, need not be: all of it is found by its marks.
        self.place.say(f"the state of {stack} was of no use ({complaints[0]}); going by the marks")


def down(place: Place, wish: Wish, *, leave_database: bool = False) -> bool:
    """Remove one's own environment; False when there was none.

    Raises:
        Taken: when it is somebody else's.
        Busy: when another run works on it.
    """
    name = name_of(wish.name)
    record = place.records.read(name)
    if record is not None:
        ensure_own(place, record, wish)
    marks = place.keeper.marks(place.cluster, name.safe)

    def still_own(found: Record) -> bool:
        ensure_own(place, found, wish)
        return True

    removal = Removal(place, name, "down", still_own, leave_database=leave_database)
    return removal.remove(record, marks)


@dataclass
class Reaped:
    """What `reap` did, or would do."""

    reaped: list[str] = field(default_factory=list[str])
    failed: dict[str, str] = field(default_factory=dict[str, str])
    kept: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Due:
    """Something to remove."""

    name: Name
    record: Record | None
    marks: frozenset[Mark]
    why: str


def due(place: Place) -> tuple[list[Due], list[Record]]:
    """What has to go, and what stays.

    Marks and stacks are listed before the namespaces: what is there without one by then was left behind, as the namespace is
    made first and deleted last.
    """
    marks = place.keeper.marks(place.cluster)
    stacks = place.engine.names()
    records = {record.name.safe: record for record in place.records.all()}
    now = place.now()
    found = [Due(record.name, record, frozenset(), "expired") for record in records.values() if record.expired(now)]
    living = {record.mark for record in records.values()}
    found += [
        Due(Name(mark.name, mark.name), None, frozenset({mark}), "left in the store")
        for mark in sorted(marks - living, key=str)
    ]
    alone = [safe for stack in stacks if (safe := name_of_stack(stack)) and safe not in records]
    for safe in alone:
        mark = parse_mark(place.engine.tags(Name(safe, safe).stack).get("mark"))
        # A backend may hold the states of several clusters.
        if mark is not None and mark.cluster == place.cluster and mark.name == safe:
            found.append(Due(Name(safe, safe), None, frozenset(), "left in the state backend"))
    return found, [record for record in records.values() if not record.expired(now)]


def reap(place: Place, *, dry_run: bool) -> Reaped:
    """Remove every environment that has expired, and what any left behind. One that fails does not keep the others."""
    to_go, staying = due(place)

    def still_expired(record: Record) -> bool:
        return record.expired(place.now())

    result = Reaped(kept=[record.name.safe for record in staying])
    for each in to_go:
        safe = each.name.safe
        place.say(f"{safe}: {each.why}" + (" (dry run)" if dry_run else ""))
        try:
            if dry_run:
                pass
            elif not Removal(place, each.name, "reap", still_expired).remove(each.record, each.marks):
                place.say(f"{safe}: not any more, while this worked on others")
                result.kept.append(safe)
                continue
        except Problem as problem:
            result.failed[safe] = str(problem)
        else:
            if safe not in result.reaped:
                result.reaped.append(safe)
    return result
