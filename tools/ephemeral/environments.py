"""What can be done with environments: `up`, `list`, `extend`, `url`, and, in removal.py, `down` and `reap`."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pulumi import automation

from infra.config.load import ConfigError
from infra.config.stack import StackConfig
from infra.preflight import PreflightError, preflight
from infra.secrets.documents import SALT, documents
from infra.target import Target, resolve
from tools.engine.cluster import Cluster
from tools.engine.watching import Watching
from tools.ephemeral.engine import Engine, logged, reason_of
from tools.ephemeral.errors import Busy, Interrupted, Taken
from tools.ephemeral.kube import Conflict, Kube, cluster_id
from tools.ephemeral.lease import REMOVING, Leases
from tools.ephemeral.mark import new_mark
from tools.ephemeral.names import Name, name_of
from tools.ephemeral.progress import Progress
from tools.ephemeral.record import Record, Records
from tools.ephemeral.stores import Keeper
from tools.ephemeral.template import Template, must_open
from tools.ephemeral.ttl import in_words, timestamp
from tools.offline.plan import checked
from tools.problem import Problem


@dataclass(frozen=True)
class Wish:
    """What somebody asks for."""

    name: str
    owner: str
    ttl: str | None = None
    take_over: bool = False
    budget: float | None = None


@dataclass
class Place:
    """Where environments live: a cluster, a store and a backend for their states."""

    project: Path
    template: Template
    kube: Kube
    engine: Engine
    open_keeper: Callable[[], Keeper]
    connect: Callable[[], Cluster]
    """Opens the cluster for a look at pods."""

    progress: Callable[[], Progress]
    say: Callable[[str], None]
    now: Callable[[], datetime]

    @cached_property
    def cluster(self) -> str:
        return cluster_id(self.kube)

    @cached_property
    def records(self) -> Records:
        return Records(self.kube, self.cluster)

    @cached_property
    def leases(self) -> Leases:
        return Leases(self.kube)

    @cached_property
    def keeper(self) -> Keeper:
        return self.open_keeper()


def up(place: Place, wish: Wish) -> Record:
    """Create an environment, or bring one's own up to date, and give it time to live from now on.

    Raises:
        Taken: when somebody else has the name.
        Busy: when another run works on it.
        Problem: when something is in the way; nothing is made then.
    """
    name, ttl = name_of(wish.name), place.template.ttl(wish.ttl)
    found = place.records.read(name)
    if found is not None and found.terminating:
        place.say(f"environment {name.safe} is on its way out; waiting until it is gone")
        place.records.delete(found)
        found = None
    if found is not None:
        ensure_own(place, found, wish)
    mark = found.mark if found else new_mark(place.cluster, name.safe)
    stack = place.template.stack(name, mark, wish.budget)
    must_open(stack, place.template.file)
    target = look(target_of(checked(stack), stack.name))
    now = place.now()
    record = found or claim(place, Record(name, mark, wish.owner, now, now + ttl), wish)
    with place.leases.held(name.namespace, "up", place.say), ThreadPoolExecutor(1) as aside:
        record = place.records.change(record, owner=wish.owner, expires=now + ttl)
        place.keeper.claim(mark, [*documents(target.config), SALT])
        deployment = place.engine.create(stack, target)
        if found is not None:
            place.engine.lift_lock(stack.name)
        tagging = aside.submit(place.engine.tag, stack.name, tags(record))
        unfinished = found is not None and not found.url
        watching = Watching(place.connect, place.say, again=f"make env-up NAME={name.given}")

        def bring_up(progress: Progress) -> dict[str, Any]:
            def on_event(event: automation.EngineEvent) -> None:
                progress.on_event(event)
                watching.under_way.on_event(logged(event))

            return place.engine.up(deployment, on_event, look_first=unfinished, beside=watching)

        def afterwards() -> list[str]:
            if changing := watching.under_way.changing:
                place.engine.know_what_was_changing(stack.name, changing)
            return watching.why()

        outputs = run(place, name, bring_up, afterwards)
        tagging.result()
        return place.records.change(record, url=str(outputs["url"]), curl=str(outputs["curl"]))


def target_of(config: StackConfig, stack: str) -> Target:
    """The configuration, with what this machine's environment says."""
    try:
        return resolve(config, stack)
    except ConfigError as error:
        raise Problem(str(error)) from None


def look(target: Target) -> Target:
    """Whether the shared things are there that an environment builds on; returns the target with the operator that is."""
    try:
        return preflight(target, documents(target.config))
    except PreflightError as error:
        raise Problem(str(error)) from None


def claim(place: Place, record: Record, wish: Wish) -> Record:
    try:
        return place.records.claim(record)
    except Conflict:
        winner = place.records.read(record.name)
        if winner is None:
            raise Problem(f"environment {record.name.safe} came and went at this moment: try again") from None
        ensure_own(place, winner, wish)
        return winner


def ensure_own(place: Place, record: Record, wish: Wish) -> None:
    """Whether an environment is that of who asks.

    Raises:
        Taken: when it is not, with all that one needs to know to go on.
    """
    if record.name.given != name_of(wish.name).given and wish.name != record.name.safe:
        raise Taken(
            f"the name {wish.name!r} becomes {record.name.safe}, which {record.owner} uses already for {record.name.given!r}: "
            "use another name",
            record.owner,
        )
    if record.owner == wish.owner or wish.take_over:
        return
    now = place.now()
    left = (
        f"expired {in_words(now - record.expires)} ago"
        if record.expired(now)
        else f"expires {timestamp(record.expires)}"
    )
    free = "`make env-reap` frees the name. " if record.expired(now) else ""
    raise Taken(
        f"environment {record.name.safe} belongs to {record.owner}, since {timestamp(record.created)}; it {left}. {free}Use "
        f"another name, or take it over with --take-over (you are {wish.owner}; OWNER says otherwise)",
        record.owner,
    )


def run(
    place: Place, name: Name, operation: Callable[[Progress], Any], afterwards: Callable[[], list[str]] = list
) -> Any:
    """Run an operation of the engine, and turn its failure into words: also those of `afterwards`, which is called then.

    Raises:
        Interrupted: when this run was asked to stop meanwhile.
        Problem: with what the engine and the providers complained about.
    """
    progress = place.progress()
    try:
        with progress:
            return operation(progress)
    except automation.CommandError as error:
        more = afterwards()
        if number := place.engine.command.stopped_by:
            raise Interrupted(
                f"stopped half-way: `make env-up NAME={name.given}` goes on, `make env-down NAME={name.given}` removes it",
                number,
            ) from None
        reasons = progress.errors or [reason_of(error)]
        raise Problem("\n  - ".join([f"environment {name.safe} is not up:", *reasons, *more])) from None


def tags(record: Record) -> dict[str, str]:
    return {"mark": str(record.mark), "owner": record.owner, "expires": timestamp(record.expires)}


def extend(place: Place, wish: Wish) -> Record:
    """Give one's own environment time to live from now on, in the cluster and in its stack.

    Raises:
        Taken: when it is somebody else's.
        Busy: when somebody is removing it.
    """
    name, ttl = name_of(wish.name), place.template.ttl(wish.ttl)
    record = existing(place, name)
    ensure_own(place, record, wish)
    record = place.records.change(record, owner=wish.owner, expires=place.now() + ttl)
    # Who removes it takes the Lease first, and then reads when it expires: one of the two sees the other.
    if (work := place.leases.working_on(name.namespace)) in REMOVING:
        raise Busy(f"`{work}` is removing environment {name.safe}: `make env-up NAME={name.given}` makes it anew")
    place.engine.tag(name.stack, tags(record))
    return record


def existing(place: Place, name: Name) -> Record:
    record = place.records.read(name)
    if record is None:
        others = ", ".join(sorted(other.name.safe for other in place.records.all())) or "none"
        raise Problem(
            f"there is no environment {name.safe}. There are: {others}. `make env-up NAME={name.given}` makes it"
        )
    return record


def states(place: Place, records: Sequence[Record]) -> dict[str, str]:
    """What each environment is doing, by its safe name."""
    working, now = place.leases.at_work(), place.now()
    return {record.name.safe: state(record, now, working=record.name.namespace in working) for record in records}


def state(record: Record, now: datetime, *, working: bool) -> str:
    """`working`, `expired`, `interrupted` or `ready`."""
    if working or record.terminating:
        return "working"
    if record.expired(now):
        return "expired"
    return "ready" if record.url else "interrupted"
