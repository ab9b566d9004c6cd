"""`make render`: the Kubernetes objects of a stack as files for Argo CD."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.commands.problem import Problem
from infra.commands.stack_file import Stack
from infra.config.load import ConfigError, load
from infra.gitops import argocd, folder
from infra.gitops.answers import RenderingMocks, State, read_state
from infra.gitops.manifests import WAVES, Manifest, manifests
from infra.gitops.yaml_text import dump
from infra.mock_engine import run
from infra.plan import secret_keys, values
from infra.target import resolve_rendered


@dataclass(frozen=True)
class Rendering:
    """The objects of a stack that go into files."""

    stack: str
    namespace: str
    objects: list[Manifest]
    gitops: bool
    """Whether Pulumi leaves these objects alone."""


@dataclass(frozen=True)
class Options:
    """What a user may choose."""

    out: Path
    state: Path | None = None
    repository: str | None = None
    revision: str = "HEAD"


def main(project: Path, name: str, overlays: Sequence[Path], options: Options, say: Callable[[str], None]) -> int:
    """Write the objects of a stack.

    Raises:
        Problem: with everything that is in the way; then nothing is written.
    """
    folder.check(options.out, name)
    state = read_state(options.state) if options.state else None
    try:
        rendering = render(Stack.read(project, name, overlays), state)
    except ConfigError as error:
        raise Problem(str(error)) from None
    source = argocd.source_of(options.out, options.repository, options.revision)
    folder.write(options.out, name, files(rendering, source))
    counts = ", ".join(f"{wave} {len([o for o in rendering.objects if o.wave == wave])}" for wave in WAVES)
    say(f"{len(rendering.objects)} objects of stack {name} in {options.out} ({counts})")
    if source.repository == argocd.PLACEHOLDER:
        say(f"{argocd.APPLICATION} does not name your repository yet: render again with ARGS='--repo URL'")
    if not rendering.gitops:
        say(f"Pulumi makes these objects, too: set litellm:gitops to true in Pulumi.{name}.yaml before Argo CD does")
    return 0


def render(stack: Stack, state: State | None = None) -> Rendering:
    """Run the program of a stack offline, with its objects in the cluster, and keep these.

    Raises:
        ConfigError: with every problem of the configuration.
        Problem: when an object would need a value that no file may or can have.
    """
    config = load(values(stack), stack.name, secret_keys(stack))
    target = resolve_rendered(config.model_copy(update={"gitops": False}), stack.name)
    from infra.environment import deploy  # noqa: PLC0415 - a wrong configuration need not wait for the program

    answers = RenderingMocks(state or {})
    recording = run(lambda: deploy(target), preview=True, stack=stack.name, answers=answers)
    return Rendering(stack.name, target.namespace, manifests(recording, answers.names), config.gitops)


def files(rendering: Rendering, source: argocd.Source) -> dict[str, str]:
    """The text of each file."""
    objects = {manifest.file: dump(manifest.content) for manifest in rendering.objects}
    application = argocd.application(rendering.stack, rendering.namespace, source)
    return objects | {
        argocd.KUSTOMIZATION: dump(argocd.kustomization([*objects])),
        argocd.APPLICATION: dump(application),
    }
