"""The commands behind the Makefile."""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape

from infra.cluster import kubeconfig_path
from tools.engine import operations
from tools.engine.cluster import Cluster
from tools.engine.operations import Workplace
from tools.engine.part import Part
from tools.problem import Problem, Unavailable
from tools.process import SystemRunner

PROJECT = Path(__file__).resolve().parent.parent

app = typer.Typer(
    help="LiteLLM on Kubernetes, one stack at a time. Further options are passed on to pulumi.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # tracebacks show local variables, and those may be secrets
)
passes_on = {"allow_extra_args": True, "ignore_unknown_options": True}

StackOption = Annotated[str, typer.Option(envvar="STACK", help="The stack: there is a Pulumi.<stack>.yaml for each.")]
OverlayOption = Annotated[
    list[Path] | None, typer.Option(help="A file laid over the stack's; repeatable. Also OVERLAY=path[,path].")
]


class Format(StrEnum):
    """What a report is written as."""

    text = "text"
    json = "json"
    markdown = "markdown"


FormatOption = Annotated[
    Format, typer.Option("--format", help="What to print: `markdown` is for the comment of a pull request.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
OutputOption = Annotated[
    Path | None, typer.Option(help="Write to this file, also when the command fails, and only errors to the terminal.")
]
OWN_DISPLAY = frozenset({"--diff", "--policy-pack", "--show-config", "--suppress-outputs", "--show-full-output"})
"""Options that only Pulumi's own display can follow."""


@app.command(context_settings=passes_on)
def preview(
    context: typer.Context,
    stack: StackOption = "dev",
    overlay: OverlayOption = None,
    form: FormatOption = Format.text,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Show what `up` would create or change, and the policy; without the real engine, the offline plan.

    With `--diff`, or another option of Pulumi's own display, that is what is shown.
    """
    shape = Format.json if as_json else form
    finish(lambda: preview_or_plan(stack, all_overlays(overlay, os.environ), context.args, shape, output))


@app.command(context_settings=passes_on)
def up(
    context: typer.Context,
    stack: StackOption = "dev",
    overlay: OverlayOption = None,
    gate: Annotated[
        bool, typer.Option("--smoke/--no-smoke", envvar="SMOKE", help="End with the gate, as litellm:smoke says.")
    ] = True,
) -> None:
    """Create or change everything of the stack, wait until the gateway answers, and look whether it answers well."""

    def deploy() -> int:
        overlays = all_overlays(overlay, os.environ)
        try:
            code = operations.up(workplace(), stack, overlays, context.args)
            return pass_gate(stack, overlays) if code == 0 and gate else code
        except Unavailable as reason:
            raise Problem(
                f"{reason}.\nWhat works now: `make plan STACK={stack}`, which shows offline what the stack has"
            ) from None

    finish(deploy)


@app.command(context_settings=passes_on)
def destroy(
    context: typer.Context,
    stack: StackOption = "dev",
    overlay: OverlayOption = None,
    with_operator: Annotated[
        bool, typer.Option("--with-operator", help="Also External Secrets Operator, if nobody else uses it.")
    ] = False,
    without: Annotated[
        list[Part] | None, typer.Option(help="A target that is gone for good: forget what is there. Repeatable.")
    ] = None,
) -> None:
    """Delete everything of the stack but its salt key and what others may use.

    It looks first whether Vault or AWS, the cluster and the operator answer, and deletes what holds data last.
    """
    overlays, gone = all_overlays(overlay, os.environ), without or []
    finish(
        lambda: operations.destroy(
            workplace(), stack, overlays, context.args, with_operator=with_operator, without=gone
        )
    )


@app.command(context_settings=passes_on)
def recover(
    context: typer.Context,
    stack: StackOption = "dev",
    overlay: OverlayOption = None,
    force: Annotated[bool, typer.Option("--force", help="Lift the lock without asking, whoever holds it.")] = False,
) -> None:
    """After an `up` that was killed: lift its lock, and bring the state up to date.

    Says who holds the lock, and since when. Unless that run can only be dead, it asks, or wants --force.
    """
    finish(lambda: operations.recover(workplace(), stack, all_overlays(overlay, os.environ), context.args, force=force))


@app.command()
def repair(
    stack: StackOption = "dev",
    overlay: OverlayOption = None,
    force: Annotated[bool, typer.Option("--force", help="Lift the lock of another run without asking.")] = False,
) -> None:
    """After External Secrets Operator was taken away from the cluster: bring it, the stack, and what others had back."""
    finish(lambda: operations.repair(workplace(), stack, all_overlays(overlay, os.environ), force=force))


@app.command()
def plan(
    stack: Annotated[
        str | None, typer.Option(envvar="STACK", help="The stack. Defaults to dev, with --against to all of them.")
    ] = None,
    overlay: OverlayOption = None,
    against: Annotated[
        str | None, typer.Option(metavar="REV", help="Show what the work tree changes compared with this git revision.")
    ] = None,
    form: FormatOption = Format.text,
    as_json: JsonOption = False,
    output: OutputOption = None,
) -> None:
    """Show the stack's resources and the policy offline: needs no cluster, no Vault and no Pulumi CLI."""
    shape = Format.json if as_json else form
    finish(lambda: offline_plan(stack, all_overlays(overlay, os.environ), against, shape, output))


@app.command()
def render(
    out: Annotated[Path, typer.Option(envvar="OUT", help="The folder: empty, new, or one that `render` wrote.")],
    stack: StackOption = "dev",
    overlay: OverlayOption = None,
    state: Annotated[Path | None, typer.Option(help="Values that only AWS knows: `pulumi stack export`.")] = None,
    repo: Annotated[str | None, typer.Option(help="Git repository for Argo CD. Defaults to `origin`.")] = None,
    revision: Annotated[str, typer.Option(help="Branch, tag or commit for Argo CD.")] = "HEAD",
    sealed_secrets: Annotated[
        Path | None, typer.Option(metavar="CERT.pem", help="Seal the secrets for this controller; no store.")
    ] = None,
    scope: Annotated[
        Literal["strict", "namespace-wide", "cluster-wide"], typer.Option(help="Where a sealed value may be used.")
    ] = "strict",
    values: Annotated[
        Path | None, typer.Option(help="Values to seal, YAML: `document: {property: value}`; `-` is standard input.")
    ] = None,
) -> None:
    """Write the stack's Kubernetes objects for Argo CD, offline."""

    def write() -> int:
        from tools.gitops import render as gitops  # noqa: PLC0415 - the other commands need not wait for Pulumi's SDK

        if sealed_secrets is None and values is not None:
            raise Problem("--values is for --sealed-secrets CERT.pem: without it the values come from the store")
        options = gitops.Options(out, state, repo, revision, sealed_secrets, scope, values)
        return gitops.main(PROJECT, stack, all_overlays(overlay, os.environ), options, print)

    finish(write)


@app.command()
def adopt(
    source: Annotated[
        str,
        typer.Option(
            "--from",
            envvar="FROM",
            help="A config.yaml, a ConfigMap, manifests, Helm values, or cluster:NAMESPACE/DEPLOYMENT.",
        ),
    ],
    stack: Annotated[str, typer.Option(envvar="STACK", help="Name of the new stack.")],
    store: Annotated[Literal["vault", "aws"], typer.Option(envvar="STORE", help="Where the secrets go.")] = "vault",
    region: Annotated[
        str, typer.Option(envvar=["REGION", "AWS_REGION", "AWS_DEFAULT_REGION"], help="With --store aws: its region.")
    ] = "",
    cluster: Annotated[
        str, typer.Option(envvar="EKS_CLUSTER", help="With --store aws: the EKS cluster that reads them.")
    ] = "",
) -> None:
    """Write a stack file from the gateway that you have; no secret is read. Ends with 3 when something is left to do."""

    def write() -> int:
        from infra.kubernetes_api import KubernetesApi  # noqa: PLC0415 - no other command has to wait for these
        from tools.adopt import command, stores  # noqa: PLC0415

        kept_in = stores.SecretsManager.of(region, cluster) if store == "aws" else stores.Vault()
        return command.main(
            PROJECT,
            source,
            stack,
            kept_in,
            lambda: KubernetesApi(kubeconfig_path(), None).get,
            lambda: refusals(stack),
            print,
        )

    def refusals(stack: str) -> list[str]:
        from infra.config.load import ConfigError  # noqa: PLC0415
        from tools.engine.stack_file import Stack  # noqa: PLC0415
        from tools.offline.plan import configuration  # noqa: PLC0415

        try:
            configuration(Stack.read(PROJECT, stack))
        except ConfigError as error:
            return [str(problem) for problem in error.problems]
        return []

    finish(write)


@app.command(context_settings=passes_on)
def config(context: typer.Context, stack: StackOption = "dev") -> None:
    """Run `pulumi config` on the stack file: `config set --secret --path litellm:providerKeys.OPENAI_API_KEY`."""
    finish(lambda: operations.config(workplace(), stack, context.args))


@app.command("key")
def print_key(stack: StackOption = "dev", overlay: OverlayOption = None) -> None:
    """Print the master key of the stack, from its store: `curl … -H "Authorization: Bearer $(make -s key STACK=dev)"`."""

    def show() -> int:
        print(key_of(stack, all_overlays(overlay, os.environ)))
        return 0

    finish(show)


@app.command("secrets")
def show_secrets(
    stack: StackOption = "dev",
    overlay: OverlayOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs: the same as JSON.")] = False,
) -> None:
    """Show every credential: place, version, age, who reads it, and whether store, Secrets and running pods agree.

    Values are shown as fingerprints under a key of this run, never as they are. Ends with 0 when all agree, with 3 when
    something differs, and with 4 when something cannot be known.
    """

    def show() -> int:
        from tools.credentials import command  # noqa: PLC0415 - the other commands need not wait for a client

        code, report = command.show(workplace(), stack, all_overlays(overlay, os.environ), machine=as_json)
        print(report)
        return code

    finish(show)


@app.command("try")
def try_it(
    stack: StackOption = "dev",
    overlay: OverlayOption = None,
    model: Annotated[
        str | None, typer.Option(envvar="MODEL", help="The model to ask. Defaults to the first of the stack.")
    ] = None,
    prompt: Annotated[str, typer.Option(envvar="PROMPT", help="What to ask it.")] = "Hello",
) -> None:
    """Ask the gateway of the stack, with the master key from its store, and show the answer as it comes."""

    def show() -> int:
        from tools.client.question import answer  # noqa: PLC0415 - the other commands need not wait for a client

        place = operations.quiet(workplace())
        for piece in answer(place, stack, all_overlays(overlay, os.environ), model, prompt):
            print(piece, end="", flush=True)
        print()
        return 0

    finish(show)


@app.command()
def access(
    stack: StackOption = "dev",
    overlay: OverlayOption = None,
    url: Annotated[
        str | None, typer.Option(help="Where the gateway is reached from here, such as that of a port-forward.")
    ] = None,
) -> None:
    """Show who may do what with the gateway, what is spent and left, and what differs from the stack file."""

    def show() -> int:
        from tools.client import access as client  # noqa: PLC0415 - the other commands need not wait for a client

        place = operations.quiet(workplace())
        for line in client.show(place, stack, all_overlays(overlay, os.environ), url):
            print(line)
        return 0

    finish(show)


@app.command()
def smoke(stack: StackOption = "dev", overlay: OverlayOption = None) -> None:
    """Look whether the gateway of the stack is the one that its file describes: the gate that `up` ends with."""

    def look() -> int:
        from tools.smoke import gate  # noqa: PLC0415 - the other commands need not wait for a client

        return gate.smoke(workplace(), stack, all_overlays(overlay, os.environ))

    finish(look)


def pass_gate(stack: str, overlays: list[Path]) -> int:
    from tools.smoke.gate import after_up  # noqa: PLC0415 - the other commands need not wait for a client

    after_up(workplace(), stack, overlays)
    return 0


def key_of(stack: str, overlays: list[Path]) -> str:
    from tools.client.key import master_key  # noqa: PLC0415 - the other commands need not wait for a client

    return master_key(*operations.settle(operations.quiet(workplace()), stack, overlays, create_cluster=False))


@app.command()
def local_down() -> None:
    """Delete the cluster that `up` made on this machine."""
    finish(lambda: operations.local_down(workplace()))


def preview_or_plan(stack: str, overlays: list[Path], extra: list[str], form: Format, output: Path | None) -> int:
    try:
        if OWN_DISPLAY & {option.partition("=")[0] for option in extra}:
            return operations.preview(workplace(), stack, overlays, extra)
        asked = operations.ask_preview(workplace(), stack, overlays, extra)
    except Unavailable as reason:
        why = f"no preview: {reason}.\nThis is the offline plan instead; it knows nothing of what exists already."
        explain(*why.split(": ", 1))
        return offline_plan(stack, overlays, None, form, output, notices=[why])
    from tools.report import engine  # noqa: PLC0415 - no other command has to wait for what a report needs
    from tools.report.model import Report  # noqa: PLC0415
    from tools.report.output import write  # noqa: PLC0415

    failure = "" if asked.ok else asked.reason
    return write(
        Report("preview", [engine.stack_report(stack, engine.read(asked.output), failure)]), form.value, output
    )


def offline_plan(
    stack: str | None,
    overlays: list[Path],
    against: str | None,
    form: Format,
    output: Path | None,
    notices: Sequence[str] = (),
) -> int:
    from tools.report import offline  # noqa: PLC0415 - the other commands need not wait for Pulumi's SDK
    from tools.report.output import write  # noqa: PLC0415

    if against is None:
        report = offline.plan(PROJECT, stack or "dev", overlays, notices)
    else:
        report = offline.plan_against(PROJECT, against, stack, overlays)
    return write(report, form.value, output)


def workplace() -> Workplace:
    return Workplace(
        project=PROJECT,
        environment=os.environ,
        runner=SystemRunner(PROJECT),
        interactive=sys.stdin.isatty() and sys.stdout.isatty() and not os.environ.get("CI"),
        say=lambda line: print(line, flush=True),
        connect=connect,
        confirm=lambda question: typer.confirm(question, default=False),
    )


def connect(kubeconfig: Path, context: str | None) -> Cluster:
    from infra.kubernetes_api import KubernetesApi  # noqa: PLC0415 - only `up` waits for the client to be imported

    return KubernetesApi(kubeconfig, context)


def all_overlays(options: list[Path] | None, environment: Mapping[str, str]) -> list[Path]:
    """The overlays of the environment, then those of the command line."""
    named = [Path(part.strip()) for part in environment.get("OVERLAY", "").split(",") if part.strip()]
    return [*named, *(options or [])]


def finish(command: Callable[[], int]) -> None:
    """Run a command; every error that a user can act on is one message."""
    try:
        code = command()
    except Problem as problem:
        explain("error", str(problem))
        code = 1
    except OSError as error:
        explain("error", f"{error.filename or 'system'}: {error.strerror or error}")
        code = 1
    raise typer.Exit(code)


def explain(what: str, reason: str) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"[bold red]{what}:[/] {escape(reason)}")


if __name__ == "__main__":
    app()
