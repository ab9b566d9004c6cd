"""`make render`: the Kubernetes objects of a stack as files for Argo CD."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infra.config.load import ConfigError
from infra.config.stack import StackConfig
from infra.target import Target, resolve_offline, resolve_rendered, with_authorities
from tools.engine.stack_file import Stack
from tools.gitops import argocd, folder
from tools.gitops.answers import RenderingMocks, State, read_state
from tools.gitops.manifests import SEALED_WAVE_OF, WAVE_OF, WAVES, Manifest, manifests
from tools.gitops.yaml_text import dump
from tools.offline.mock_engine import run
from tools.offline.plan import configuration
from tools.problem import Problem

if TYPE_CHECKING:
    from tools.gitops.sealing import Scope


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
    certificate: Path | None = None
    """Of a Sealed Secrets controller, which then takes the place of the store."""

    scope: "Scope" = "strict"
    values: Path | None = None
    """Values to seal; `-` is standard input."""


def main(project: Path, name: str, overlays: Sequence[Path], options: Options, say: Callable[[str], None]) -> int:
    """Write the objects of a stack.

    Raises:
        Problem: with everything that is in the way; then nothing is written.
    """
    folder.check(options.out, name)
    state = read_state(options.state, name) if options.state else None
    try:
        stack = Stack.read(project, name, overlays)
        rendering = render(stack, state) if options.certificate is None else render_sealed(stack, state, options)
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
    config = configuration(stack)
    target = resolve_rendered(everything(config), stack.name)
    return Rendering(stack.name, target.namespace, objects_of(target, state, WAVE_OF), config.gitops)


def render_sealed(stack: Stack, state: State | None, options: Options) -> Rendering:
    """The same without a store: Sealed Secrets bring the values, and Argo CD makes the namespace, too."""
    from tools.gitops.sealed import read_values, sealed  # noqa: PLC0415 - cryptography is for those who seal
    from tools.gitops.sealing import read_certificate  # noqa: PLC0415

    if options.certificate is None:
        raise ValueError("no certificate to seal with")
    key = read_certificate(options.certificate)
    given = read_values(options.values) if options.values else None
    config = configuration(stack)
    target = with_authorities(resolve_offline(everything(config), stack.name))
    objects = objects_of(target, state, SEALED_WAVE_OF)
    before = folder.read(options.out, stack.name)
    mount = config.secrets.vault.mount.path if config.secrets.kind == "vault" else ""
    made = sealed(objects, key, options.scope, given or {}, before, mount)
    return Rendering(stack.name, target.namespace, made, gitops=True)


def everything(config: StackConfig) -> StackConfig:
    return config.model_copy(update={"gitops": False})


def objects_of(target: Target, state: State | None, waves: Mapping[str, str]) -> list[Manifest]:
    from infra.environment import deploy  # noqa: PLC0415 - a wrong configuration need not wait for the program

    answers = RenderingMocks(state or {})
    recording = run(lambda: deploy(target), preview=True, stack=target.stack, answers=answers)
    return manifests(recording, answers.names, waves)


def files(rendering: Rendering, source: argocd.Source) -> dict[str, str]:
    """The text of each file."""
    objects = {manifest.file: dump(manifest.content) for manifest in rendering.objects}
    application = argocd.application(rendering.stack, rendering.namespace, source)
    return objects | {
        argocd.KUSTOMIZATION: dump(argocd.kustomization([*objects])),
        argocd.APPLICATION: dump(application),
    }
