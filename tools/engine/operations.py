"""What `make preview`, `up`, `destroy`, `config` and `local-down` do, with Pulumi's own command line."""

import json
import shlex
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from components.sync.shared import IN_STATE
from infra.cluster import kubeconfig_path
from infra.config.stack_yaml import STACK_FILE
from infra.own_state import HANDED_OVER
from infra.reason import reason
from tools.engine import backend, pulumi_cli, state, state_folder, state_lock
from tools.engine.backend import STATE, Backend
from tools.engine.cluster import Cluster
from tools.engine.part import Part
from tools.engine.pulumi_cli import OPERATION_SECONDS, PulumiCli
from tools.engine.rollout import await_rollout
from tools.engine.stack_file import Stack, read
from tools.engine.state_lock import Lock
from tools.engine.under_way import VARIABLES, events
from tools.engine.watching import Watching
from tools.local.cluster import LOCAL_URL, NAME, NAME_ONE, Kind, share_vault
from tools.problem import Problem, Unavailable
from tools.process import Finished, Runner, environment

PROJECT_NAME = "litellm"
LOCAL_FOLDER = f"{STATE}/local"
PICKING = frozenset({"--target", "-t", "--exclude", "-x", "--exclude-protected"})
"""Options of `pulumi destroy` that say what goes."""
LOCAL_STACK = "dev"
"""The stack that may make a cluster of its own."""


@dataclass(frozen=True)
class Workplace:
    """Everything outside of the program that a command depends on."""

    project: Path
    environment: Mapping[str, str]
    runner: Runner
    interactive: bool
    """Whether somebody can answer questions."""
    say: Callable[[str], None]
    """Prints one line for the user."""
    connect: Callable[[Path, str | None], Cluster]
    """Opens the cluster of a kubeconfig's context."""
    confirm: Callable[[str], bool] = lambda _: False
    """Asks a question of whoever is there."""
    share_vault: Callable[[str, str], None] = share_vault
    """Makes in the Vault of the local cluster what environments share."""

    @property
    def kind(self) -> Kind:
        return Kind(self.project / LOCAL_FOLDER, self.runner, self.environment, self.share_vault)


@dataclass(frozen=True)
class Deployment:
    """One stack with all that the real engine needs to work on it."""

    stack: Stack
    cli: PulumiCli
    backend: Backend

    def outputs(self) -> dict[str, Any] | None:
        """The stack's outputs, secrets masked; None when the backend has no such stack."""
        answer = self.cli.ask("stack", "output", "--json", "--stack", self.stack.name)
        if answer.ok:
            return json.loads(answer.output)
        if "no stack named" in answer.errors:
            return None
        raise Problem(self.unreadable(answer))

    def create(self) -> None:
        """Create the stack in a backend that has none of this name.

        `pulumi stack init` knows no `--config-file` and would write its salt into the committed file, so it runs beside
        the merged one.
        """
        self.stack.write(self.backend.folder, keep_encryption=False)
        project = "name: litellm\nruntime: python\n"
        (self.backend.folder / "Pulumi.yaml").write_text(project)
        answer = self.cli.ask(
            "--cwd", str(self.backend.folder.absolute()), "stack", "init", self.stack.name, "--no-select"
        )
        if not answer.ok:
            raise Problem(f"cannot create stack {self.stack.name} in {self.backend.shown}: {answer.reason}")

    def write(self) -> None:
        """Write the merged file of a stack that exists, for encryption with the same key on every machine.

        Pulumi would make up a new salt for a file without one: harmless for the state, but a plan that another machine
        saved could not be decrypted.
        """
        path = self.stack.write(self.backend.folder, keep_encryption=True)
        if not Stack(self.stack.name, read(path)).encrypted and (encryption := self.encryption_of_the_state()):
            Stack(self.stack.name, self.stack.document | encryption).write(self.backend.folder, keep_encryption=True)

    def encryption_of_the_state(self) -> dict[str, str]:
        """What a stack file would say about it; empty for a backend that keeps the key itself."""
        answer = self.cli.ask("stack", "export", "--stack", self.stack.name)
        exported: dict[str, Any] = json.loads(answer.output)["deployment"] if answer.ok else {}
        provider: dict[str, Any] = exported.get("secrets_providers") or {}
        state: dict[str, str] = provider.get("state") or {}
        if provider.get("type") == "passphrase":
            return {"encryptionsalt": state["salt"]}
        if provider.get("type") == "cloud":
            return {"secretsprovider": state["url"], "encryptedkey": state["encryptedkey"]}
        return {}

    def lock(self) -> Lock | None:
        """Who has the state locked; None when it is free.

        Every backend says so to a command that wants the lock, and this one does next to nothing with it: it refreshes
        the stack itself, which no provider is asked about.
        """
        name = self.stack.name
        itself = f"urn:pulumi:{name}::{PROJECT_NAME}::pulumi:pulumi:Stack::{PROJECT_NAME}-{name}"
        answer = self.ask("refresh", "--yes", "--skip-preview", "--skip-pending-creates", "--target", itself)
        return None if answer.ok else state_lock.read(f"{answer.errors}\n{answer.output}")

    def state(self) -> dict[str, Any]:
        """The state as it is, secrets encrypted."""
        answer = self.cli.ask("stack", "export", "--stack", self.stack.name)
        if not answer.ok:
            raise Problem(self.unreadable(answer))
        return json.loads(answer.output)

    def unreadable(self, answer: Finished) -> str:
        name, cut_off = self.stack.name, self.backend.state_folder and "failed to load checkpoint" in answer.errors
        way_out = (
            f". If a run was killed: `make recover STACK={name}` (docs/runbooks/interrupted-up.md)" if cut_off else ""
        )
        return f"cannot read the state of stack {name} in {self.backend.shown}: {answer.reason}{way_out}"

    def replace_state(self, exported: Mapping[str, Any]) -> None:
        answer = self.cli.ask("stack", "import", "--stack", self.stack.name, stdin=json.dumps(exported))
        if not answer.ok:
            raise Problem(f"cannot write the state of stack {self.stack.name}: {answer.reason}")

    def informed(self, exported: Mapping[str, Any] | None = None) -> "Deployment":
        """The same for a program that knows whether its state has the operator, where that makes a difference."""
        if self.stack.installs_operator is False:
            return self
        has = str(state.operator(exported or self.state()) is not None).lower()
        return replace(self, cli=self.cli.with_variables({IN_STATE: has}))

    def operate(self, verb: str, *options: str, interactive: bool) -> int:
        return self.cli.operate(*self._command(verb), *options, interactive=interactive)

    def operate_watched(self, verb: str, *options: str, interactive: bool, watching: Watching) -> int:
        """The same for what waits for pods, which are looked at meanwhile; what they say of a failure is said at its end."""
        cli = self.cli.with_variables(VARIABLES)
        with events(watching.under_way.on_event) as address:
            command = (*self._command(verb), "--event-log", address, *options)
            code = cli.operate(*command, interactive=interactive, beside=watching)
        if code:
            self.know_what_was_changing(watching.under_way.changing)
            for line in watching.why():
                watching.say(line)
        return code

    def know_what_was_changing(self, urns: Collection[str]) -> None:
        """After an operation that did not end well: what it was changing is applied again by the next one."""
        if urns and state.apply_again(exported := self.state(), urns):
            self.replace_state(exported)

    def ask(self, verb: str, *options: str) -> Finished:
        """Run a command whose output is data."""
        return self.cli.ask(*self._command(verb), *options, limit=OPERATION_SECONDS)

    def _command(self, verb: str) -> tuple[str, ...]:
        return verb, "--stack", self.stack.name, "--config-file", str(self.backend.stack_file(self.stack.name))


def preview(place: Workplace, name: str, overlays: Sequence[Path], extra: Sequence[str]) -> int:
    """Show what `up` would do, as Pulumi itself displays it.

    Raises:
        Unavailable: when the real engine cannot be asked.
    """
    deployment = prepare(place, name, overlays, create_cluster=False)
    ensure_stack(place, deployment)
    return deployment.informed().operate("preview", *extra, interactive=place.interactive)


def ask_preview(place: Workplace, name: str, overlays: Sequence[Path], extra: Sequence[str]) -> Finished:
    """What `up` would do, as the engine's digest, also of what stays as it is.

    Raises:
        Unavailable: when the real engine cannot be asked.
    """
    deployment = prepare(quiet(place), name, overlays, create_cluster=False)
    ensure_stack(quiet(place), deployment)
    return deployment.informed().ask("preview", "--json", "--show-sames", *extra)


def quiet(place: Workplace) -> Workplace:
    """The same place for a command whose output is read by programs."""

    def to_stderr(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    return replace(place, say=to_stderr)


def up(place: Workplace, name: str, overlays: Sequence[Path], extra: Sequence[str]) -> int:
    """Create or change the stack, and say how to use it."""
    deployment = prepare(place, name, overlays, create_cluster=True)
    is_new = not ensure_stack(place, deployment)
    exported = deployment.state()
    # Whoever holds the lock may be making it now.
    if state.being_made(exported) and deployment.lock() is None:
        know_what_was_made(place, deployment)
    deployment = hand_over_documents(deployment.informed(exported), exported)
    if deployment.stack.installs_operator and deployment.cli.environment[IN_STATE] == "false":
        from tools.engine import sharing  # noqa: PLC0415 - only here and after an `up` is the client of the API needed

        cluster, namespace = connect(place, deployment), deployment.stack.operator_namespace
        if sharing.left_behind(cluster, namespace):
            # What the program refuses must leave the operator as it is.
            if code := deployment.operate("preview", interactive=place.interactive):
                return code
            sharing.take_over(cluster, namespace, place.say)
    asks = deployment.stack.protected and place.interactive
    # A rule about several resources is asked when all of them are known: without preview, after they were made.
    # And whether a new state meets what another one made, the engine is asked of each resource as it comes to it.
    previews = deployment.stack.protected or is_new or any(option.startswith("--policy-pack") for option in extra)
    options = () if asks else ("--yes",) if previews else ("--yes", "--skip-preview")
    watching = Watching(lambda: connect(place, deployment), place.say, again=f"make up STACK={name}")
    code = deployment.operate_watched("up", *options, *extra, interactive=place.interactive, watching=watching)
    if code == 0:
        outputs = deployment.outputs() or {}
        if deployment.stack.takes_over:
            know_what_was_made(place, deployment)
        if namespace := outputs.get("namespace"):
            await_rollout(connect(place, deployment), namespace, say=place.say)
            tidy(place, deployment, namespace)
        for line in usage(name, outputs, overlays, local=is_local(place, deployment.stack)):
            place.say(line)
    return code


def hand_over_documents(deployment: Deployment, exported: dict[str, Any]) -> Deployment:
    """Where Vault's client makes the values from now on, leave the documents in Vault that Vault's provider has written."""
    if not deployment.stack.generates_in_store:
        return deployment
    if state.retain(exported, dict.fromkeys(state.documents(exported), True)):
        deployment.replace_state(exported)
    return replace(deployment, cli=deployment.cli.with_variables({HANDED_OVER: "true"}))


def connect(place: Workplace, deployment: Deployment) -> Cluster:
    return place.connect(kubeconfig_path(deployment.cli.environment), deployment.stack.context)


def tidy(place: Workplace, deployment: Deployment, namespace: str) -> None:
    """Delete what nobody knows and uses any more. What cannot be looked at stays until the next time."""
    from infra.kubernetes_api import UNREACHABLE, RefusedError  # noqa: PLC0415 - the client takes long to import
    from tools.engine import leftovers, sharing  # noqa: PLC0415

    try:
        cluster = connect(place, deployment)
        leftovers.drop(cluster, namespace, deployment.state)
        sharing.drop_unused_secrets(cluster, namespace)
    except (RefusedError, *UNREACHABLE) as error:
        place.say(f"Secrets that nobody uses any more may be left in namespace {namespace}: {reason(error)}")


def know_what_was_made(place: Workplace, deployment: Deployment) -> None:
    """Take into the state what a run had made when it was killed. What cannot be looked at is left to the next `up`."""
    from infra.kubernetes_api import UNREACHABLE, RefusedError  # noqa: PLC0415 - the client takes long to import
    from tools.engine import interrupted  # noqa: PLC0415

    exported = deployment.state()
    if not state.being_made(exported) and not any(map(state.is_whole_object, state.resources(exported))):
        return
    try:
        cluster = connect(place, deployment)
        if taken := interrupted.take_in(exported, cluster):
            deployment.replace_state(exported)
            place.say(f"the interrupted run had made, and the state knows it now: {', '.join(taken)}")
        if handed := interrupted.hand_over(exported, cluster):
            place.say(f"what earlier runs had set is under the field manager of the state now: {', '.join(handed)}")
    except (Problem, RefusedError, *UNREACHABLE) as error:
        place.say(f"whether the interrupted run has made what the state does not know, is not known: {reason(error)}")


def destroy(
    place: Workplace,
    name: str,
    overlays: Sequence[Path],
    extra: Sequence[str],
    *,
    with_operator: bool = False,
    without: Collection[Part] = (),
) -> int:
    """Delete everything of the stack except the salt key and what others may use, and say where that is.

    Args:
        place: where the command runs.
        name: the stack.
        overlays: files laid over the stack's.
        extra: further options of `pulumi destroy`.
        with_operator: also uninstall External Secrets Operator, if the stack has it and nobody else uses it.
        without: targets that are gone for good: what the stack has there is forgotten.

    Raises:
        Problem: when the stack is protected, others use what was to go, or a target does not answer.
    """
    stack = Stack.read(place.project, name, overlays)
    if stack.protected:
        raise Problem(
            f"stack {name} is protected. To destroy it: set litellm:protect to false in Pulumi.{name}.yaml, run "
            f"`make up STACK={name}`, then `make destroy STACK={name}` again"
        )
    deployment = prepare(place, name, overlays, create_cluster=False)
    outputs = deployment.outputs()
    if outputs is None:
        place.say(f"stack {name} does not exist in {deployment.backend.shown}: nothing to destroy")
        return 0
    deployment.write()
    forgotten = look_at_targets(place, deployment, without)
    if stack.shared and Part.cluster not in without:
        nobody_uses(place, deployment)
    keep_what_others_use(place, deployment, outputs.get("namespace"), with_operator=with_operator)
    make_ready_to_go(place, deployment, forgotten, without)
    release_retained(deployment)
    code = delete(place, deployment, extra)
    if code == 0 and (namespace := outputs.get("namespace")):
        tidy(place, deployment, namespace)
    if code == 0 and (salt := outputs.get("saltDocument")):
        place.say(f"kept: the salt key, in {salt}. The next `make up STACK={name}` adopts it")
    return code


def look_at_targets(place: Workplace, deployment: Deployment, without: Collection[Part]) -> list[str]:
    """Make sure that what the stack has can be deleted, and return the URNs of what is gone already, or shall be forgotten.

    Raises:
        Problem: with everything that stands in the way, before anything is deleted, and with the ways out.
    """
    from tools.engine import targets  # noqa: PLC0415 - clients of the cluster and of Vault take long to import

    name, exported = deployment.stack.name, deployment.state()
    with environment(deployment.cli.environment):
        sight = targets.look(
            exported, lambda: connect(place, deployment), deployment.stack.operator_namespace, frozenset(without)
        )
    if sight.obstacles:
        found = "".join(f"\n  - {each.ways_out(name)}" for each in sight.obstacles)
        raise Problem(f"stack {name} cannot go as a whole; nothing was deleted:{found}")
    left, lines = targets.forgotten(exported, without)
    for line in (*sight.lines, *lines):
        place.say(line)
    return [*sight.gone, *left]


def make_ready_to_go(
    place: Workplace, deployment: Deployment, forgotten: Sequence[str], without: Collection[Part]
) -> None:
    """Write into the state what nobody can delete, and let go what waits for an operator that is gone."""
    from infra.kubernetes_api import UNREACHABLE, RefusedError  # noqa: PLC0415 - the client takes long to import
    from tools.engine import targets  # noqa: PLC0415

    exported = deployment.state()
    news = (state.retain(exported, dict.fromkeys(forgotten, True)), state.free_data(exported))
    if any(news):
        deployment.replace_state(exported)
    if Part.operator in without:
        try:
            freed = targets.let_go(exported, connect(place, deployment))
        except (RefusedError, *UNREACHABLE) as error:
            raise Problem(
                f"the ExternalSecrets of stack {deployment.stack.name} cannot be let go: {reason(error)}; nothing was deleted. "
                "A webhook of the operator that is gone refuses it, too: docs/runbooks/destroy.md"
            ) from None
        place.say(f"{freed} ExternalSecrets no longer wait for the operator")


def delete(place: Workplace, deployment: Deployment, extra: Sequence[str]) -> int:
    """Delete what holds no data first: whatever stops it half-way has cost none. What is picked by hand goes at once."""
    options = ("--yes", "--skip-preview", *extra)
    holders = state.hold_data(deployment.state())
    if holders and not PICKING & {option.partition("=")[0] for option in extra}:
        excluded = [part for urn in holders for part in ("--exclude", urn)]
        if code := deployment.operate("destroy", *options, *excluded, interactive=place.interactive):
            name, kept = deployment.stack.name, ", ".join(urn.rpartition("::")[2] for urn in holders)
            place.say(f"stopped, and what holds data is still there: {kept}. `make destroy STACK={name}` goes on")
            return code
    return deployment.operate("destroy", *options, interactive=place.interactive)


def recover(place: Workplace, name: str, overlays: Sequence[Path], extra: Sequence[str], *, force: bool = False) -> int:
    """After an `up` that was killed: lift its lock, and make the state what is really there.

    Args:
        place: where the command runs.
        name: the stack.
        overlays: files laid over the stack's.
        extra: further options of `pulumi refresh`.
        force: lift the lock without asking, whoever holds it.

    Raises:
        Problem: when the lock may be that of a run that lives, and nobody said to lift it.
    """
    deployment = prepare(place, name, overlays, create_cluster=False)
    if folder := deployment.backend.state_folder:
        for path in state_folder.mend(folder, PROJECT_NAME, name):
            place.say(f"{path} was cut off while it was written, and is mended")
    if deployment.outputs() is None:
        place.say(f"stack {name} does not exist in {deployment.backend.shown}: nothing to recover")
        return 0
    deployment.write()
    if lock := deployment.lock():
        lift(place, deployment, lock, force=force)
    know_what_was_made(place, deployment)
    code = deployment.operate("refresh", "--yes", "--clear-pending-creates", *extra, interactive=place.interactive)
    if code == 0:
        place.say(f"the state is what is really there; go on with `make up STACK={name}`")
    return code


def repair(place: Workplace, name: str, overlays: Sequence[Path], *, force: bool = False) -> int:
    """Bring back a cluster from which External Secrets Operator was taken away, then the stack, and then what others had.

    Args:
        place: where the command runs.
        name: the stack; with `externalSecrets.install` at `auto` or `true` it brings the operator back.
        overlays: files laid over the stack's.
        force: lift the lock of another run without asking.

    Raises:
        Problem: when something in the cluster does not go, or refuses.
    """
    from infra.kubernetes_api import UNREACHABLE, RefusedError  # noqa: PLC0415 - the client takes long to import
    from tools.engine import healing  # noqa: PLC0415

    deployment = prepare(place, name, overlays, create_cluster=False)
    try:
        cluster = connect(place, deployment)
        # One for all stacks of the cluster: what one of them wrote down, another may have to make again.
        file = place.project / STATE / f"repair-{healing.identity(cluster)}.json"
        healing.heal(cluster, file, place.say)
        if code := recover(place, name, overlays, [], force=force) or up(place, name, overlays, []):
            return code
        namespace = str((deployment.outputs() or {}).get("namespace"))
        healing.restore(cluster, file, namespace, place.say)
    except (RefusedError, *UNREACHABLE) as error:
        raise Problem(f"the cluster cannot be brought in order: {reason(error)}") from None
    return 0


def lift(place: Workplace, deployment: Deployment, lock: Lock, *, force: bool) -> None:
    """Lift the lock of a run that is dead. Two runs at once would each write over what the other knows."""
    name = deployment.stack.name
    for line in lock.lines(datetime.now(UTC)):
        place.say(line)
    dead = lock.is_dead(local=deployment.backend.state_folder is not None)
    if not (dead or force or (place.interactive and place.confirm("Is that run dead, and shall its lock be lifted?"))):
        raise Problem(
            f"stack {name} stays locked, and nothing was changed: wait until that run is done, or end it. If it is dead: "
            f"`make recover STACK={name} ARGS=--force`"
        )
    answer = deployment.cli.ask("cancel", name, "--yes")
    place.say("the lock of the interrupted run is lifted" if answer.ok else f"no lock was lifted: {answer.reason}")


def local_down(place: Workplace) -> int:
    place.kind.down()
    place.say("the local cluster is gone, and the state of what ran in it")
    return 0


def config(place: Workplace, name: str, extra: Sequence[str]) -> int:
    """Run `pulumi config` on the committed stack file, with the encryption that the other commands use."""
    stack = Stack.read(place.project, name)
    chosen = choose_backend(place, stack)
    cli = pulumi_cli.find(place.project, place.runner, place.environment)
    deployment = Deployment(stack, cli.with_variables(chosen.variables), chosen)
    ensure_stack(place, deployment)
    file = str(place.project / f"Pulumi.{name}.yaml")
    # A value is typed or piped in, so that it is on no command line.
    return deployment.cli.operate("config", "--stack", name, "--config-file", file, *extra, interactive=True)


def prepare(place: Workplace, name: str, overlays: Sequence[Path], *, create_cluster: bool) -> Deployment:
    """Gather what the real engine needs; the cheap checks first, a cluster last."""
    stack = Stack.read(place.project, name, overlays)
    must_have_a_cluster(place, stack)
    chosen = choose_backend(place, stack)
    cli = pulumi_cli.find(place.project, place.runner, place.environment)
    stack, variables = settle(place, name, overlays, create_cluster=create_cluster)
    if chosen.notice:
        place.say(chosen.notice)
    file = {STACK_FILE: str(chosen.stack_file(name))}
    return Deployment(stack, cli.with_variables(variables, chosen.variables, file), chosen)


def settle(
    place: Workplace, name: str, overlays: Sequence[Path], *, create_cluster: bool
) -> tuple[Stack, dict[str, str]]:
    """The stack as it is deployed from here, and the variables with which what it needs is found.

    Raises:
        Unavailable: when it goes to the local cluster, and there is none.
    """
    stack = Stack.read(place.project, name, overlays)
    if not is_local(place, stack):
        return stack, {}
    place.say(f"no cluster is named: using {NAME}, a kind cluster on this machine (tools/local/README.md)")
    cluster = place.kind.ensure() if create_cluster else place.kind.existing()
    if cluster is None:
        raise Unavailable(f"no cluster is named, and there is no local one yet: `make up` creates it, or {NAME_ONE}")
    return Stack.read(place.project, name, [cluster.overlay, *overlays]), cluster.variables


def must_have_a_cluster(place: Workplace, stack: Stack) -> None:
    """Make sure that somebody named a cluster, or that the stack goes to the local one.

    Raises:
        Unavailable: when not.
    """
    if not is_named(place, stack) and not is_local(place, stack):
        why = "a Vault is named, but no cluster" if stack.name == LOCAL_STACK else "no cluster is named"
        vault = ", and VAULT_ADDR" if stack.uses_vault else ""
        raise Unavailable(f"{why}: set KUBECONFIG, or litellm:context in Pulumi.{stack.name}.yaml{vault}")


def is_named(place: Workplace, stack: Stack) -> bool:
    """Whether the user named a cluster. The current context of `~/.kube/config` is not named by being there."""
    return bool(place.environment.get("KUBECONFIG") or stack.context)


def is_local(place: Workplace, stack: Stack) -> bool:
    """Whether the stack goes to the cluster that this project makes: it has none, and no Vault, of its own."""
    vault = place.environment.get("VAULT_ADDR") or stack.vault_address
    return stack.name == LOCAL_STACK and not vault and not is_named(place, stack)


def choose_backend(place: Workplace, stack: Stack) -> Backend:
    """State of what is in the local cluster lives and ends with it, unless the environment names a backend."""
    if is_local(place, stack) and not place.environment.get("PULUMI_BACKEND_URL"):
        return backend.local(place.kind.folder, stack, place.environment)
    return backend.choose(place.project, stack, place.environment)


def ensure_stack(place: Workplace, deployment: Deployment) -> bool:
    """Make sure that the backend has the stack; returns whether it was ever deployed as a whole."""
    outputs = deployment.outputs()
    if outputs is None:
        place.say(f"creating stack {deployment.stack.name} in {deployment.backend.shown}")
        deployment.create()
    else:
        deployment.write()
    return bool(outputs)


def nobody_uses(place: Workplace, deployment: Deployment) -> None:
    """What belongs to a cluster goes only when nothing in it needs it any more.

    Raises:
        Problem: with everybody who does, or when nobody can tell.
    """
    from infra.kubernetes_api import UNREACHABLE, RefusedError  # noqa: PLC0415 - the client takes long to import
    from tools.engine import shared_users  # noqa: PLC0415

    name = deployment.stack.name
    try:
        with environment(deployment.cli.environment):
            users = shared_users.look(deployment.state(), connect(place, deployment))
    except (RefusedError, *UNREACHABLE) as error:
        raise Problem(f"who uses what stack {name} has is not known: {reason(error)}; nothing was changed") from None
    if users:
        listed = "".join(f"\n  - {user}" for user in users)
        raise Problem(f"what stack {name} has is used by others; nothing was changed. Destroy those first:{listed}")


def keep_what_others_use(
    place: Workplace, deployment: Deployment, namespace: str | None, *, with_operator: bool
) -> None:
    """Look who else uses what the stack has, say so, and write into the state that it stays."""
    from tools.engine import leaving  # noqa: PLC0415 - clients of the cluster and of Vault take long to import

    exported = deployment.state()
    with environment(deployment.cli.environment):
        found = leaving.look(exported, namespace, lambda: connect(place, deployment), with_operator=with_operator)
    for line in found.lines:
        place.say(line)
    if state.retain(exported, found.retained):
        deployment.replace_state(exported)


def release_retained(deployment: Deployment) -> None:
    """Let the salt key leave the state: it is protected for good, and retained in the store all the same.

    Whatever else is protected stops the command before anything is touched.
    """
    protected = [resource for resource in state.resources(deployment.state()) if resource.get("protect")]
    if guarded := [resource["urn"].split("::")[-1] for resource in protected if not resource.get("retainOnDelete")]:
        name = deployment.stack.name
        raise Problem(
            f"stack {name} was deployed with protection of {', '.join(guarded)}: run `make up STACK={name}` with "
            "litellm:protect set to false first"
        )
    for resource in protected:
        answer = deployment.cli.ask("state", "unprotect", resource["urn"], "--yes", "--stack", deployment.stack.name)
        if not answer.ok:
            raise Problem(f"cannot lift the protection of {resource['urn']} in the state: {answer.reason}")


def usage(name: str, outputs: Mapping[str, Any], overlays: Sequence[Path] = (), *, local: bool = False) -> list[str]:
    """The lines after a successful `up`: what is printed runs where it is printed."""
    lines: list[str] = []
    here = f"STACK={name}"
    laid_over = f"{here} OVERLAY={shlex.quote(','.join(map(str, overlays)))}" if overlays else here
    if "url" in outputs:
        lines.append(f"LiteLLM answers at {outputs['url']} (namespace {outputs.get('namespace', 'unknown')})")
    elif "namespace" in outputs:
        lines.append(
            f"what runs in namespace {outputs['namespace']} is Argo CD's: `make render` writes it (docs/gitops.md)"
        )
    if local:
        lines.append(f"for programs that do not know this name: {LOCAL_URL}")
    if shared := outputs.get("shared"):
        settings = yaml.safe_dump({f"litellm:{key}": value for key, value in shared.items()}, sort_keys=False)
        lines.append(
            f"a stack of this cluster uses it with\n\n{settings}\nand its documents below the name of its namespace "
            "(secrets.vault.prefix): docs/shared.md"
        )
    if "curl" in outputs:
        curl = str(outputs["curl"]).replace(here, laid_over)
        lines.append(f"try it:\n\nmake try {laid_over}\n\nor:\n\n{curl}\n")
    return lines
