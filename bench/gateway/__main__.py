"""Requests a second for a core, side by side: `python -m bench.gateway`, see bench/README.md."""

import shutil
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from bench import report
from bench.gateway.cells import Cell, Memory, Results, as_json, cells, measure, of, ratios
from bench.gateway.setups import Setup, all_setups
from bench.options import JsonOption

BASE = "chart-litellm-helm"
COLUMNS = ("", "for a core", "ratio", "a second", "CPU ms", "log bytes", "p50 ms", "p99 ms", "first ms", "failed")

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def numbers_of(text: str) -> list[int]:
    return [int(each) for each in text.split(",")]


def rows(results: Results, cell: Cell, base: str) -> list[tuple[str, ...]]:
    ratio = ratios(results, base, "per_core")
    return [
        (
            name,
            report.spread(of(by_cell[cell], "per_core")),
            f"{ratio[name][cell]:.2f}",
            *(
                report.spread(of(by_cell[cell], what))
                for what in ("per_second", "cpu_ms", "log_bytes", "p50_ms", "p99_ms", "first_ms")
            ),
            str(sum(each.failed for each in by_cell[cell])),
        )
        for name, by_cell in results.items()
    ]


def show(results: Results, memory: dict[str, Memory], base: str, caption: str) -> None:
    first = next(iter(results.values()))
    for cell in first:
        report.show(f"{cell}", COLUMNS, rows(results, cell, base), f"ratio: to {base}, for a core; {caption}")
    table = [(name, f"{each.at_rest:.0f}", f"{each.after:.0f}") for name, each in memory.items()]
    report.show("Memory of all pods, MiB", ("", "at rest", "after the load"), table, caption)


def chosen(names: str, found: Sequence[Setup]) -> list[Setup]:
    wanted = names.split(",") if names else [setup.name for setup in found]
    by_name = {setup.name: setup for setup in found}
    if unknown := set(wanted) - by_name.keys():
        raise typer.BadParameter(f"there are {', '.join(by_name)}, not {', '.join(sorted(unknown))}")
    return [by_name[name] for name in wanted]


@app.command()
def main(
    setups: Annotated[str, typer.Option(help="Names of setups; all by default.")] = "",
    connections: Annotated[str, typer.Option(help="Numbers of connections.")] = "1,16,64",
    prompts: Annotated[str, typer.Option(help="Bytes of the prompts.")] = "1000,200000",
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 3,
    seconds: Annotated[float, typer.Option(min=1, help="How long each load lasts.")] = 10,
    quick: Annotated[bool, typer.Option(help="16 connections and prompts of 1 KB only, less than 10 minutes.")] = False,
    as_json_: JsonOption = False,
) -> None:
    """Measure the program's gateway beside a bare LiteLLM and the defaults of the official charts."""
    if not shutil.which("kubectl"):
        sys.exit("error: the benchmark needs kubectl, and a cluster whose pods this machine reaches: bench/README.md")
    wanted = (
        cells([16], [False, True], [1000])
        if quick
        else cells(numbers_of(connections), [False, True], numbers_of(prompts))
    )
    compared, before = chosen(setups, all_setups()), report.machine()
    base = BASE if any(each.name == BASE for each in compared) else compared[0].name
    results, memory = measure(
        compared, wanted, 2 if quick else rounds, seconds, lambda line: typer.echo(line, err=True)
    )
    if as_json_:
        report.show_json({"machine": before, "base": base, **as_json(results, memory)})
        return
    show(results, memory, base, f"{before['cores']} cores, load {before['load']} before")


if __name__ == "__main__":
    app()
