"""The commands behind `make env-…`. What they print on stdout is the result; progress and messages go to stderr."""

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tools.cli import PROJECT, all_overlays, explain
from tools.ephemeral.environments import Wish, existing, extend, states, up
from tools.ephemeral.errors import Busy, Interrupted, Taken
from tools.ephemeral.names import name_of
from tools.ephemeral.opening import open_place
from tools.ephemeral.record import Record
from tools.ephemeral.removal import down, reap
from tools.ephemeral.running import command_in, key_of, tear_down
from tools.ephemeral.template import read_template
from tools.ephemeral.ttl import in_words, timestamp
from tools.ephemeral.who import default_owner
from tools.problem import Problem

NOT_MADE = 125
"""Exit code of `run` when there never was an environment for the command."""

app = typer.Typer(
    help="Gateways that live as long as a branch, on a shared cluster. See docs/ephemeral.md.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # tracebacks show local variables, and those may be secrets
)

NameArgument = Annotated[str, typer.Argument(envvar="NAME", help="Name of the environment, such as pr-123.")]
TtlOption = Annotated[
    str | None,
    typer.Option(envvar="TTL", help="How long it lives from now on: 90m, 4h, 2d. The template has a default."),
]
OwnerOption = Annotated[str | None, typer.Option(envvar="OWNER", help="Whose it is. Defaults to git's user.email.")]
TemplateOption = Annotated[
    Path | None,
    typer.Option(envvar="TEMPLATE", help="The stack file to make it of. Defaults to Pulumi.ephemeral.yaml."),
]
OverlayOption = Annotated[
    list[Path] | None, typer.Option(help="A file laid over the template; repeatable. Also OVERLAY=path[,path].")
]
BudgetOption = Annotated[
    float | None,
    typer.Option(envvar="BUDGET", min=0.01, help="US dollars that its models may cost; real models need it."),
]
TakeOverOption = Annotated[bool, typer.Option("--take-over", help="Even when it belongs to somebody else.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
CommandArgument = Annotated[list[str], typer.Argument(help="The command, after --.")]


@app.command("up")
def up_command(
    name: NameArgument,
    ttl: TtlOption = None,
    owner: OwnerOption = None,
    template: TemplateOption = None,
    overlay: OverlayOption = None,
    budget: BudgetOption = None,
    take_over: TakeOverOption = False,
    as_json: JsonOption = False,
) -> None:
    """Create an environment, or bring it up to date, and let it live for TTL from now on."""

    def work() -> int:
        place = open_place(template, overlay, budget)
        begin = time.monotonic()
        record = up(place, Wish(name, owner or default_owner(), ttl, take_over, budget))
        seconds = round(time.monotonic() - begin, 1)
        if as_json:
            show_json(described(record, "ready") | {"curl": record.curl, "seconds": seconds})
        else:
            print(f"environment {record.name.safe} answers at {record.url} (after {seconds} s)")
            print(f"it lives until {timestamp(record.expires)}, and belongs to {record.owner}")
            print(f"try it:\n\n{record.curl}\n")
        return 0

    finish(work, as_json=as_json)


@app.command("list")
def list_command(template: TemplateOption = None, overlay: OverlayOption = None, as_json: JsonOption = False) -> None:
    """Show the environments of the cluster."""

    def work() -> int:
        place = open_place(template, overlay)
        records = sorted(place.records.all(), key=lambda record: record.expires)
        state = states(place, records)
        if as_json:
            show_json({"environments": [described(record, state[record.name.safe]) for record in records]})
            return 0
        table = Table("name", "state", "owner", "age", "lives for", "url", box=None)
        for record in records:
            age, left = in_words(place.now() - record.created), in_words(record.expires - place.now())
            table.add_row(record.name.safe, state[record.name.safe], record.owner, age, left, record.url)
        Console().print(table if records else "no environments")
        return 0

    finish(work, as_json=as_json)


@app.command("extend")
def extend_command(
    name: NameArgument,
    ttl: TtlOption = None,
    owner: OwnerOption = None,
    template: TemplateOption = None,
    overlay: OverlayOption = None,
    take_over: TakeOverOption = False,
    as_json: JsonOption = False,
) -> None:
    """Let an environment live for TTL from now on."""

    def work() -> int:
        place = open_place(template, overlay)
        record = extend(place, Wish(name, owner or default_owner(), ttl, take_over))
        if as_json:
            show_json(described(record, states(place, [record])[record.name.safe]))
        else:
            print(f"environment {record.name.safe} lives until {timestamp(record.expires)}")
        return 0

    finish(work, as_json=as_json)


@app.command("url")
def url_command(
    name: NameArgument, template: TemplateOption = None, overlay: OverlayOption = None, as_json: JsonOption = False
) -> None:
    """Print where an environment answers."""

    def work() -> int:
        place = open_place(template, overlay)
        record = existing(place, name_of(name))
        if not record.url:
            raise Problem(
                f"environment {record.name.safe} has not answered yet: `make env-up NAME={name}` goes on with it"
            )
        if as_json:
            show_json(described(record, states(place, [record])[record.name.safe]))
        else:
            print(record.url)
        return 0

    finish(work, as_json=as_json)


@app.command("key")
def key_command(name: NameArgument, template: TemplateOption = None, overlay: OverlayOption = None) -> None:
    """Print the key of an environment, from its store: its virtual key `environment`, or without one the master key."""

    def work() -> int:
        place = open_place(template, overlay)
        print(key_of(place, existing(place, name_of(name))))
        return 0

    finish(work)


@app.command("down")
def down_command(
    name: NameArgument,
    owner: OwnerOption = None,
    template: TemplateOption = None,
    overlay: OverlayOption = None,
    take_over: TakeOverOption = False,
    leave_database: Annotated[
        bool, typer.Option("--leave-database", help="Leave what it has in a shared Postgres, which cannot be reached.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove an environment, whatever state it is in. Nothing to remove is fine."""

    def work() -> int:
        begin = time.monotonic()
        place = open_place(template, overlay)
        wish = Wish(name, owner or default_owner(), take_over=take_over)
        removed = down(place, wish, leave_database=leave_database)
        seconds = round(time.monotonic() - begin, 1)
        safe = name_of(name).safe
        if as_json:
            show_json({"name": safe, "removed": removed, "seconds": seconds})
        else:
            print(f"environment {safe} is gone (after {seconds} s)" if removed else f"there is no environment {safe}")
        return 0

    finish(work, as_json=as_json)


@app.command("reap")
def reap_command(
    template: TemplateOption = None,
    overlay: OverlayOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Remove every environment that has expired, and what interrupted runs left behind."""

    def work() -> int:
        done = reap(open_place(template, overlay), dry_run=dry_run)
        if as_json:
            failed = [{"name": name, "message": message} for name, message in done.failed.items()]
            show_json({"reaped": done.reaped, "failed": failed, "kept": done.kept, "dryRun": dry_run})
        else:
            print(f"{'would reap' if dry_run else 'reaped'}: {', '.join(done.reaped) or 'nothing'}")
            print(f"kept: {', '.join(done.kept) or 'nothing'}")
            for name, message in done.failed.items():
                explain(name, message)
        return 1 if done.failed else 0

    finish(work, as_json=as_json)


@app.command("run")
def run_in_environment(
    name: NameArgument,
    command: CommandArgument,
    ttl: TtlOption = None,
    owner: OwnerOption = None,
    template: TemplateOption = None,
    overlay: OverlayOption = None,
    budget: BudgetOption = None,
    take_over: TakeOverOption = False,
) -> None:
    """Make an environment, run a command with OPENAI_BASE_URL and OPENAI_API_KEY of it, and remove it whatever happens.

    An environment that was there before stays. The exit code is that of the command.
    """

    def work() -> int:
        place = open_place(template, overlay, budget)
        wish = Wish(name, owner or default_owner(), ttl, take_over, budget)
        there = place.records.read(name_of(name)) is not None
        try:
            return command_in(place, wish, command)
        finally:
            if not there:
                tear_down(place, wish)

    finish(work, failed=NOT_MADE)


@app.command("plan")
def plan_command(
    name: NameArgument,
    template: TemplateOption = None,
    overlay: OverlayOption = None,
    budget: BudgetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show offline what an environment consists of: needs no cluster, no store, no Pulumi CLI."""

    def work() -> int:
        from tools.ephemeral.mark import Mark  # noqa: PLC0415
        from tools.report.model import Report  # noqa: PLC0415
        from tools.report.offline import report_of  # noqa: PLC0415
        from tools.report.output import write  # noqa: PLC0415

        read = read_template(PROJECT, template, all_overlays(overlay, os.environ), budget)
        safe = name_of(name)
        stack = read.stack(safe, Mark("offline0", safe.safe, "00000000"), budget)
        return write(Report("plan", [report_of(stack)]), "json" if as_json else "text", None)

    finish(work, as_json=as_json)


def described(record: Record, state: str) -> dict[str, Any]:
    return {
        "name": record.name.safe,
        "given": record.name.given,
        "owner": record.owner,
        "namespace": record.name.namespace,
        "stack": record.name.stack,
        "url": record.url,
        "created": timestamp(record.created),
        "expires": timestamp(record.expires),
        "state": state,
    }


def show_json(content: Mapping[str, Any]) -> None:
    print(json.dumps(content, indent=2))


def finish(work: Callable[[], int], *, as_json: bool = False, failed: int | None = None) -> None:
    """Run a command; every error that a user can act on is one message and one exit code."""
    error: dict[str, str] = {}
    try:
        code = work()
    except (Taken, Busy) as problem:
        code, error = failed or problem.code, {"kind": problem.kind, "message": str(problem)}
        if isinstance(problem, Taken):
            error["owner"] = problem.owner
    except Interrupted as interruption:
        code, error = interruption.code, {"kind": "interrupted", "message": str(interruption)}
    except Problem as problem:
        code, error = failed or 1, {"kind": "problem", "message": str(problem)}
    except OSError as problem:
        code, error = failed or 1, {"kind": "problem", "message": f"{problem.filename or 'system'}: {problem.strerror}"}
    if error:
        explain("error", error["message"])
        if as_json:
            show_json({"error": error})
    raise typer.Exit(code)
