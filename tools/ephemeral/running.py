"""What `run` does around its command: make the environment, hand its address and key over, remove it."""

import signal
from collections.abc import Sequence
from types import FrameType

from tools.cli import explain
from tools.ephemeral.environments import Place, Wish, target_of, up
from tools.ephemeral.hook import run_command, variables
from tools.ephemeral.removal import down
from tools.problem import Problem


def command_in(place: Place, wish: Wish, command: Sequence[str]) -> int:
    from infra.secrets.documents import Contents  # noqa: PLC0415
    from infra.servers import Servers  # noqa: PLC0415
    from tools.ephemeral.template import configuration  # noqa: PLC0415

    record = up(place, wish)
    stack = place.template.stack(record.name, record.mark, wish.budget)
    target = target_of(configuration(stack), stack.name)
    reference = Contents(target.config, Servers(("", 0), None), target.store.locate).master_key()
    models = target.config.gateway.models
    key = place.keeper.read(reference)
    place.say(f"environment {record.name.safe} answers at {record.url}; running {command[0]}")
    try:
        return run_command(command, variables(record.url, key, models[0].name if models else ""))
    except Problem as problem:
        explain("error", str(problem))
        return 127


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
