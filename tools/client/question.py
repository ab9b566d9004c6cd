"""What `make try` does: find the gateway of a stack and its key, and ask."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.client.gateway import ask
from tools.client.key import master_key
from tools.engine import operations
from tools.engine.operations import Workplace
from tools.offline.plan import checked
from tools.problem import Problem


def answer(place: Workplace, name: str, overlays: Sequence[Path], model: str | None, prompt: str) -> Iterator[str]:
    """The pieces of the answer; without a model, that of the first one of the stack.

    Raises:
        Unavailable: when nobody can say where the gateway is.
        Problem: when there is none, it has no model, or it does not answer.
    """
    deployment = operations.prepare(place, name, overlays, create_cluster=False)
    url = (deployment.outputs() or {}).get("url")
    if not url:
        raise Problem(f"stack {name} has no gateway that Pulumi knows of: `make up STACK={name}` makes one")
    models = checked(deployment.stack).gateway.models
    if not model and not models:
        raise Problem(f"stack {name} names no model in litellm:gateway.models: say which one, with MODEL=…")
    key = master_key(deployment.stack, deployment.cli.environment)
    return ask(url, key, model or models[0].name, prompt)
