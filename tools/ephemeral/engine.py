"""Pulumi's Automation API: one stack for each environment, with the project's program run in this process.

The folder that Pulumi works in is private to the environment and can be made again anywhere: all that counts is in the backend.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from threading import Thread
from typing import Any, cast

import pulumi
from pulumi import automation
from pulumi.automation.errors import create_command_error
from semver import VersionInfo

from infra import generation, salt
from infra import turns as users
from infra.environment import deploy
from infra.target import Target
from infra.urls import without_secrets
from infra.watch import watch
from tools.engine import state, state_folder
from tools.engine.backend import Backend
from tools.engine.pulumi_cli import PulumiCli
from tools.engine.stack_file import Stack, project_file
from tools.ephemeral.errors import Busy
from tools.ephemeral.names import STACK_PREFIX
from tools.problem import Problem
from tools.process import GRACE_SECONDS, Beside, child_environment, nothing, wait

PROJECT_NAME = "litellm"
LIMIT_SECONDS = 3600
NAMESPACE_TYPE = "kubernetes:core/v1:Namespace"

OnEvent = Callable[[automation.EngineEvent], None]


class Command(automation.PulumiCommand):
    """The Pulumi command line, in a session of its own: it hears each signal once, from here, and ends in good order."""

    def __init__(self, cli: PulumiCli) -> None:
        # Not the base's constructor: it would ask for the version, which is known.
        self.command = cli.executable
        self.version = VersionInfo.parse(str(cli.version))
        self.stopped_by: int = 0
        self.beside: Beside = nothing
        """Asked while an `up` runs whether it waits in vain."""

        self._processes: list[subprocess.Popen[str]] = []

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: Callable[[str], None] | None = None,
        on_error: Callable[[str], None] | None = None,
    ) -> automation.CommandResult:
        process = subprocess.Popen(  # noqa: S603
            [self.command, "--non-interactive", *args],
            cwd=cwd,
            env={**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._processes.append(process)
        lines: tuple[list[str], list[str]] = ([], [])
        readers = [
            Thread(target=collect, args=(stream, kept, callback), daemon=True)
            for stream, kept, callback in zip(
                (process.stdout, process.stderr), lines, (on_output, on_error), strict=True
            )
        ]
        for reader in readers:
            reader.start()
        try:
            code = wait(process, LIMIT_SECONDS, self.beside if args[:1] == ["up"] else nothing)
        except subprocess.TimeoutExpired:
            self.stop(signal.SIGINT)
            code = process.wait(GRACE_SECONDS)
        finally:
            self._processes.remove(process)
        for reader in readers:
            reader.join(5)
        result = automation.CommandResult(stdout="\n".join(lines[0]), stderr="\n".join(lines[1]), code=code)
        if code:
            raise create_command_error(result)
        return result

    @property
    def running(self) -> bool:
        return bool(self._processes)

    def stop(self, number: int) -> None:
        """Ask what runs to end: the first time as soon as its current steps are done, the second time at once."""
        for process in [*self._processes]:
            process.send_signal(signal.SIGKILL if self.stopped_by else signal.SIGINT)
        self.stopped_by = number


def collect(stream: Any, kept: list[str], callback: Callable[[str], None] | None) -> None:
    for line in stream:
        kept.append(line.rstrip())
        if callback:
            callback(line.rstrip())
    stream.close()


@dataclass(frozen=True)
class Engine:
    """Pulumi with the backend that holds the states of environments."""

    project: Path
    command: Command
    backend: Backend
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def names(self) -> list[str]:
        """The stacks of environments in the backend."""
        self._mend("*")
        listed = self._ask("list", "stack", "ls", "--json")
        stacks = [str(entry["name"]).rpartition("/")[2] for entry in json.loads(listed or "[]")]
        return [stack for stack in stacks if stack.startswith(STACK_PREFIX)]

    def tags(self, stack: str) -> dict[str, str]:
        """What `tag` wrote; nothing in a backend that knows no tags."""
        try:
            return dict(self._workspace(self._folder(stack), None).list_tags(stack))
        except (automation.CommandError, ValueError):
            return {}

    def exists(self, stack: str) -> bool:
        self._mend(stack)
        workspace = self._workspace(self._folder(stack), None)
        try:
            workspace.select_stack(stack)
        except automation.StackNotFoundError:
            return False
        except automation.CommandError as error:
            raise Problem(
                f"cannot read the state of stack {stack} in {self.backend.shown}: {reason_of(error)}"
            ) from None
        return True

    def create(self, stack: Stack, target: Target) -> automation.Stack:
        """Make sure that the stack is in the backend, and that its configuration is this one."""
        self._mend(stack.name)
        folder = self._folder(stack.name)
        stack.write(folder, keep_encryption=True)
        workspace = self._workspace(folder, lambda: register(target))
        try:
            return automation.Stack.create_or_select(stack.name, workspace)
        except automation.CommandError as error:
            raise Problem(f"cannot create stack {stack.name} in {self.backend.shown}: {reason_of(error)}") from None

    def tag(self, stack: str, tags: Mapping[str, str]) -> None:
        """What a list of stacks shows without reading their states. Not every backend has tags: the namespace says it, too."""
        workspace = self._workspace(self._folder(stack), None)
        for name, value in tags.items():
            try:
                workspace.set_tag(stack, name, value)
            except automation.CommandError:
                return

    def lift_lock(self, name: str) -> None:
        """Lift the lock that a run left which is known to be dead."""
        if self._may_be_locked(name):
            self._ask(name, "cancel", name, "--yes")

    def up(
        self, stack: automation.Stack, on_event: OnEvent, *, look_first: bool = False, beside: Beside = nothing
    ) -> dict[str, Any]:
        """Create or update everything, and return the outputs.

        Args:
            stack: the stack.
            on_event: gets every event of the engine.
            look_first: bring the state up to date before: after a run that did not end well, it may say too much.
            beside: asked again and again whether this waits in vain, and so is to end.

        Raises:
            Busy: when somebody else does.
            automation.CommandError: when it did not work; the events say why.
        """
        self.command.beside = beside
        try:
            done = stack.up(
                on_event=on_event, refresh=look_first, suppress_outputs=True, suppress_progress=True, color="never"
            )
        except automation.ConcurrentUpdateError as error:
            raise Busy(locked(stack.name, reason_of(error))) from None
        finally:
            self.command.beside = nothing
        return {name: output.value for name, output in done.outputs.items()}

    def know_what_was_changing(self, name: str, urns: Collection[str]) -> None:
        """After an `up` that did not end well: what it was changing is applied again by the next one."""
        stack = automation.Stack.select(name, self._workspace(self._folder(name), None))
        exported = stack.export_stack()
        if state.apply_again({"deployment": exported.deployment}, urns):
            stack.import_stack(exported)

    def destroy(self, name: str, on_event: OnEvent, *, look_first: bool = False) -> None:
        """Delete everything that the state knows, whatever became of the run before.

        A lock is lifted: who comes here holds the Lease, or there is no namespace, and then nobody can be at work.

        Args:
            name: the stack.
            on_event: gets every event of the engine.
            look_first: bring the state up to date before, which takes longer.

        Raises:
            Busy: when another run works on the stack.
            automation.CommandError: when something could not be deleted.
        """
        self.lift_lock(name)
        stack = automation.Stack.select(name, self._workspace(self._folder(name), None))
        try:
            if look_first:
                stack.refresh(clear_pending_creates=True, on_event=on_event, color="never")
            stack.destroy(on_event=on_event, suppress_progress=True, color="never", continue_on_error=True)
        except automation.ConcurrentUpdateError as error:
            raise Busy(locked(name, reason_of(error))) from None

    def state(self, name: str) -> dict[str, Any]:
        """What the state knows; nothing of it is decrypted."""
        return json.loads(self._ask(name, "stack", "export", "--stack", name))

    def kinds(self, name: str) -> set[str]:
        """The types of everything that the state knows."""
        resources: list[dict[str, Any]] = self.state(name)["deployment"].get("resources") or []
        return {str(resource["type"]) for resource in resources if resource.get("custom")}

    def remove(self, name: str) -> None:
        """Forget the stack."""
        workspace = self._workspace(self._folder(name), None)
        try:
            workspace.remove_stack(name, force=True)
        except automation.CommandError as error:
            raise Problem(f"the state of stack {name} could not be removed: {reason_of(error)}") from None
        shutil.rmtree(self._folder(name), ignore_errors=True)

    def _mend(self, name: str) -> None:
        """What runs that were killed may have left unreadable; one such stack, and the backend lists none."""
        if folder := self.backend.state_folder:
            state_folder.mend(folder, PROJECT_NAME, name)

    def _may_be_locked(self, name: str) -> bool:
        """In a backend that is a folder, a look tells; elsewhere `cancel` finds out, which takes a moment."""
        folder = self.backend.state_folder
        return folder is None or any(folder.glob(f".pulumi/locks/organization/{PROJECT_NAME}/{name}/*"))

    def _ask(self, stack: str, *arguments: str) -> str:
        workspace = self._workspace(self._folder(stack), None)
        try:
            done = self.command.run([*arguments], cwd=workspace.work_dir, additional_env=workspace.env_vars)
        except automation.CommandError as error:
            if arguments[0] == "stack":
                raise Problem(f"the state backend {self.backend.shown} cannot be read: {reason_of(error)}") from None
            return ""
        return done.stdout

    def _folder(self, stack: str) -> Path:
        folder = self.backend.folder / "ephemeral" / stack
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = {
            "name": PROJECT_NAME,
            "runtime": {"name": "python", "options": {"toolchain": "pip", "virtualenv": str(self.project / ".venv")}},
            "config": {key: value for key, value in project_file(self.project)["config"].items() if ":" in key},
        }
        (folder / "Pulumi.yaml").write_text(json.dumps(settings))
        return folder.absolute()

    def _workspace(self, folder: Path, program: Callable[[], None] | None) -> automation.LocalWorkspace:
        variables = child_environment(self.environment, self.backend.variables)
        search = [str(self.project), *filter(None, [variables.get("PYTHONPATH", "")])]
        variables |= {
            "PULUMI_BACKEND_URL": self.backend.url,
            # The provider of what the project makes itself imports its modules by name.
            "PYTHONPATH": os.pathsep.join(search),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), variables.get("PATH", os.defpath)]),
        }
        return automation.LocalWorkspace(
            work_dir=str(folder), program=program, env_vars=variables, pulumi_command=self.command
        )


def register(target: Target) -> None:
    """The program of the project, but the namespace, and with it what is in it, is not Pulumi's to delete.

    It is also the record of the environment, and so the last thing that goes: see removal.py.
    """
    namespaces: list[pulumi.Resource] = []

    def goes_with_namespace(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
        if args.type_ == NAMESPACE_TYPE:
            namespaces.append(args.resource)
            kept = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(retain_on_delete=True))
            return pulumi.ResourceTransformationResult(args.props, kept)
        if not namespaces or not args.type_.startswith("kubernetes:") or not is_namespaced(args.props):
            return None
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(deleted_with=namespaces[0]))
        return pulumi.ResourceTransformationResult(args.props, opts)

    state = salt.state()
    known, target = salt.salts(state), replace(target, turns=users.turns(target.config, state))
    problems = (salt.check(target, known), generation.check(target, state), users.check(target.config, state))
    if problems := [*chain(*problems)]:
        raise pulumi.RunError("; ".join(problems))
    watch(target)
    pulumi.runtime.register_stack_transformation(goes_with_namespace)
    for name, value in deploy(salt.kept(target, known)).items():
        pulumi.export(name, value)


def is_namespaced(props: Mapping[str, Any]) -> bool:
    metadata: Any = props.get("metadata")
    if isinstance(metadata, Mapping):
        return "namespace" in cast("Mapping[str, Any]", metadata)
    return getattr(metadata, "namespace", None) is not None


def reason_of(error: automation.CommandError) -> str:
    """What Pulumi says of its failure, on one line."""
    found = re.search(r"error: (.*)", str(error))
    return without_secrets(found[1].strip() if found else " ".join(str(error).split()))


def locked(stack: str, reason: str) -> str:
    return f"another run works on stack {stack}: {reason}. Wait until it is done; if it was killed, `env-down` clears its lock"


def logged(event: automation.EngineEvent) -> dict[str, Any]:
    """What the engine's event log has of an event, as far as it is about a resource that is made."""
    if begins := event.resource_pre_event:
        metadata = begins.metadata
        inputs: Mapping[str, Any] | None = metadata.new.inputs if metadata.new else None
        made: dict[str, Any] = {
            "op": metadata.op.value,
            "urn": metadata.urn,
            "type": metadata.type,
            "new": {"inputs": inputs},
        }
        return {"resourcePreEvent": {"metadata": made, "planning": begins.planning}}
    if ends := event.res_outputs_event:
        return {"resOutputsEvent": {"metadata": {"urn": ends.metadata.urn}, "planning": ends.planning}}
    return {}
