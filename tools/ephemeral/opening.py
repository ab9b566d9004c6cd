"""Everything that a command works with, put together from the template and the machine."""

import os
import signal
from contextlib import suppress
from pathlib import Path
from types import FrameType

from rich.console import Console

from infra.cluster import kubeconfig_path
from infra.config.stack import StackConfig
from tools.cli import PROJECT, all_overlays
from tools.engine import backend, pulumi_cli
from tools.engine.operations import LOCAL_FOLDER
from tools.engine.stack_file import Stack
from tools.ephemeral.environments import Place
from tools.ephemeral.errors import Interrupted
from tools.ephemeral.template import Template, read_template
from tools.ephemeral.ttl import now
from tools.local.cluster import ENVIRONMENTS_OVERLAY, NAME, Kind, LocalCluster
from tools.problem import Problem
from tools.process import SystemRunner

messages = Console(stderr=True)


def open_place(template: Path | None, overlay: list[Path] | None, budget: float | None = None) -> Place:
    """Everything that a command works with; the cheap checks first."""
    from infra.kubernetes_api import KubernetesApi  # noqa: PLC0415
    from tools.ephemeral.engine import Command, Engine  # noqa: PLC0415 - a wrong template need not wait for Pulumi's SDK
    from tools.ephemeral.kube import RealKube  # noqa: PLC0415
    from tools.ephemeral.progress import Progress  # noqa: PLC0415
    from tools.ephemeral.stores import open_keeper  # noqa: PLC0415

    overlays = all_overlays(overlay, os.environ)
    read = read_template(PROJECT, template, overlays, budget)
    local = local_cluster(read.config)
    if local is not None:
        messages.print(f"no cluster is named: using {NAME}, a kind cluster on this machine", style="dim")
        os.environ.update(local.variables)
        read = read_template(PROJECT, template, [ENVIRONMENTS_OVERLAY, *overlays], budget)
    config = read.config
    if not os.environ.get("KUBECONFIG") and not config.context:
        raise Problem(
            f"no cluster is named: set KUBECONFIG, or litellm:context in {read.file} or an OVERLAY. `make up` with neither "
            "of them makes a cluster on this machine, with Docker"
        )
    chosen = choose_backend(read, local)
    cli = pulumi_cli.find(PROJECT, SystemRunner(PROJECT), os.environ)
    place = Place(
        project=PROJECT,
        template=read,
        kube=RealKube(config.context or None),
        engine=Engine(PROJECT, Command(cli), chosen),
        open_keeper=lambda: open_keeper(config)[0],
        connect=lambda: KubernetesApi(kubeconfig_path(), config.context or None),
        progress=lambda: Progress(messages),
        say=lambda line: messages.print(line, markup=False, highlight=False, soft_wrap=True),
        now=now,
    )
    listen(place)
    return place


def local_cluster(config: StackConfig) -> LocalCluster | None:
    """The cluster that `make up` made on this machine, when nothing names another one."""
    vault = os.environ.get("VAULT_ADDR") or config.secrets.vault.address or config.secrets.kind != "vault"
    if vault or os.environ.get("KUBECONFIG") or config.context:
        return None
    return Kind(PROJECT / LOCAL_FOLDER, SystemRunner(PROJECT), os.environ).existing()


def choose_backend(template: Template, local: LocalCluster | None) -> backend.Backend:
    """State of what is in the local cluster lives and ends with it, unless the environment names a backend."""
    stack = Stack("ephemeral", template.document)
    if local is not None and not os.environ.get("PULUMI_BACKEND_URL"):
        return backend.local(PROJECT / LOCAL_FOLDER, stack, os.environ)
    chosen = backend.choose(PROJECT, stack, os.environ)
    if chosen.notice:
        messages.print(f"{chosen.notice}. Set PULUMI_BACKEND_URL to share it", style="dim", highlight=False)
    return chosen


def listen(place: Place) -> None:
    """Hear SIGINT and SIGTERM: the engine ends in good order, anything else at once."""

    def stop(number: int, _: FrameType | None) -> None:
        if place.engine.command.running:
            messages.print("stopping; a second time stops at once", style="dim")
            place.engine.command.stop(number)
        else:
            raise Interrupted("stopped; the same command again goes on where this one was", number)

    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(ValueError):  # not in the main thread: in a test
            signal.signal(number, stop)
