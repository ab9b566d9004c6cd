"""What `make smoke` does, and `make up` at its end."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra.config.stack import StackConfig
from infra.workloads import SMOKE
from tools.client.key import master_key
from tools.engine import operations
from tools.engine.operations import Deployment, Workplace
from tools.offline.plan import checked
from tools.problem import Problem
from tools.smoke import inside, outside
from tools.smoke.results import Result, advice


def smoke(place: Workplace, name: str, overlays: Sequence[Path]) -> int:
    """Ask the gateway of a stack everything that the gate asks.

    Raises:
        Unavailable: when nobody can say where the gateway is.
        Problem: when there is none, a check failed, or it could not be asked.
    """
    deployment = operations.prepare(place, name, overlays, create_cluster=False)
    outputs = deployment.outputs() or {}
    if "namespace" not in outputs:
        raise Problem(f"stack {name} has no gateway that Pulumi knows of: `make up STACK={name}` makes one")
    pass_through(place, deployment, checked(deployment.stack), outputs)
    return 0


def after_up(place: Workplace, name: str, overlays: Sequence[Path]) -> None:
    """The same at the end of an `up`, unless the stack file says otherwise. What Argo CD makes may not be there yet.

    Raises:
        Problem: when a check failed, or the gateway could not be asked.
    """
    deployment = operations.prepare(replace(place, say=nothing), name, overlays, create_cluster=False)
    outputs = deployment.outputs() or {}
    if "url" not in outputs or "namespace" not in outputs:
        return
    config = checked(deployment.stack)
    if config.smoke.enabled:
        pass_through(place, deployment, config, outputs)


def nothing(line: str) -> None:
    """What has been said already."""
    del line


def pass_through(place: Workplace, deployment: Deployment, config: StackConfig, outputs: dict[str, Any]) -> None:
    """Show what became of each check, and stop when one failed."""
    namespace = str(outputs["namespace"])
    place.say("the gate: what the gateway answers")
    results: list[Result] = []
    for result in inside.ask(operations.connect(place, deployment), config, namespace):
        place.say(result.line)
        results.append(result)
    if url := outputs.get("url"):
        results.append(from_here(deployment, config, str(url)))
        place.say(results[-1].line)
    if found := advice(results):
        raise Problem(
            f"the stack is deployed, and its gateway is not as it should be:{found}\nThe log of the gate: `kubectl logs -n "
            f"{namespace} -l app.kubernetes.io/name={SMOKE}`. `make smoke STACK={deployment.stack.name}` asks again"
        )


def from_here(deployment: Deployment, config: StackConfig, url: str) -> Result:
    return outside.ask(
        url,
        lambda: master_key(deployment.stack, deployment.cli.environment),
        [model.name for model in config.gateway.models],
        open_paths=config.ingress.paths,
        keyless=config.gateway.allow_requests_without_key,
    )
