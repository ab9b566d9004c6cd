"""What `run` does around its command: make the environment, hand its address and key over, remove it."""

import signal
from collections.abc import Sequence
from types import FrameType

from tools.cli import explain
from tools.ephemeral.environments import Place, Wish, target_of, up
from tools.ephemeral.hook import run_command, variables
from tools.ephemeral.record import Record
from tools.ephemeral.removal import down
from tools.ephemeral.template import ENVIRONMENT_KEY
from tools.offline.plan import checked
from tools.problem import Problem


def command_in(place: Place, wish: Wish, command: Sequence[str]) -> int:
    record = up(place, wish)
    models = place.template.config.gateway.models
    key = key_of(place, record)
    place.say(f"environment {record.name.safe} answers at {record.url}; running {command[0]}")
    try:
        return run_command(command, variables(record.url, key, models[0].name if models else ""))
    except Problem as problem:
        explain("error", str(problem))
        return 127


def key_of(place: Place, record: Record) -> str:
    """What is handed to whoever uses an environment, from its store: its virtual key, or without one the master key."""
    from infra.secrets.documents import KEY, Contents, document_of_key  # noqa: PLC0415
    from infra.servers import Servers  # noqa: PLC0415

    # A template with real models is none without a budget, which does not matter to the key.
    stack = place.template.stack(record.name, record.mark, budget=1)
    target = target_of(checked(stack), stack.name)
    if ENVIRONMENT_KEY in target.config.access.keys:
        return place.keeper.read(target.store.locate(document_of_key(ENVIRONMENT_KEY), KEY))
    return place.keeper.read(Contents(target.config, Servers(("", 0), None), target.store.locate).master_key())


def tear_down(place: Place, wish: Wish) -> None:
    """Remove the environment; whoever asks to stop meanwhile has to wait until it is done."""

    def wait(_: int, __: FrameType | None) -> None:
        place.say("removing the environment; that takes a few seconds")

    before = {number: signal.signal(number, wait) for number in (signal.SIGINT, signal.SIGTERM)}
    place.engine.command.stopped_by = 0
    try:
        down(place, wish)
    except Problem as problem:
        explain("the environment could not be removed", f"{problem}\n`make env-reap` does it once it has expired")
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
