"""What each default of this program costs, and each switch for load: one at a time, beside the production example.

`python -m bench.prices`: see bench/README.md and docs/performance.md.
"""

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import typer

from bench import report
from bench.gateway.cells import Results, as_json, cells, measure, of, ratios
from bench.gateway.setups import PRODUCTION, Setup, stack
from bench.options import JsonOption

BASE = "production"

NO_REDIS: Mapping[str, Any] = {"redis": {"kind": "none"}}

TWO: Mapping[str, Any] = {"replicas": 2}
"""What the stack file says: the settings of several pods. One is measured."""


@dataclass(frozen=True)
class Switch:
    """One setting, another way."""

    what: str
    """What is bought, for readers of the table."""

    gateway: Mapping[str, Any] = field(default_factory=dict[str, Any])
    other: Mapping[str, Any] = field(default_factory=dict[str, Any])
    ours: bool = True
    """Whether it takes one of our defaults away; otherwise it adds something that is off."""

    def setup(self, name: str) -> Setup:
        changes = {"gateway": {**TWO, **self.gateway}, **self.other}
        return replace(stack(name, PRODUCTION, changes), replicas=1)


def general(**settings: Any) -> dict[str, Any]:
    return {"generalSettings": settings}


SWITCHES: dict[str, Switch] = {
    "json-logs": Switch("logs in JSON", {"litellmSettings": {"json_logs": False}}),
    "revocation": Switch("a deleted key ends after 10 s, not 60", {"revocationSeconds": 60}),
    "coordination": Switch(
        "limits, budgets and cooldowns of all pods together (Redis)",
        {"replicas": 1, "revocationSeconds": 10},
        NO_REDIS,
    ),
    "alone": Switch(
        "coordination and revocation, which one pod with one worker does without",
        {"replicas": 1},
        NO_REDIS,
    ),
    "error-logs": Switch("no stack traces in the database", general(disable_error_logs=False)),
    "batch-write": Switch("spend is written once a minute, not every 10 s", general(proxy_batch_write_at=10)),
    "stored-models": Switch("models added at run time", {"storeModelInDb": False}),
    "pool": Switch("10 connections to Postgres, not 50", {"databaseConnectionPoolLimit": 50}),
    "production-mode": Switch("no search for .env files", {"environment": {"LITELLM_MODE": "DEV"}}),
    "garbage": Switch(
        "the garbage collector waits for 10,000 objects, not 700",
        {"environment": {"PYTHON_GC_THRESHOLD": "700,10,10"}},
    ),
    "info-log": Switch("logs at INFO, with one line a request", {"logLevel": "INFO"}, ours=False),
    "auth-cache": Switch("keys known to Redis", {"litellmSettings": {"enable_redis_auth_cache": True}}, ours=False),
    "admission": Switch(
        "503 where a worker has more than 200 requests",
        general(
            max_in_flight_requests_per_worker=200,
            max_queued_requests_per_worker=200,
            admission_queue_timeout_seconds=5,
        ),
        ours=False,
    ),
    "buffer": Switch("spend gathered in Redis", general(use_redis_transaction_buffer=True), ours=False),
    "metrics": Switch(
        "metrics for Prometheus",
        {"litellmSettings": {"callbacks": ["prometheus"]}},
        ours=False,
    ),
    "relay": Switch(
        "a Postgres of the namespace that restarts is waited for",
        other={"database": {"kind": "in-cluster"}},
        ours=False,
    ),
    "collector": Switch("spend in a process of its own", {"spendCollector": {}}, ours=False),
    "rust": Switch("translation in Rust (beta)", {"rust": True}, ours=False),
    "no-spend-logs": Switch("no row for each request", general(disable_spend_logs=True), ours=False),
}

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def rows(results: Results) -> list[tuple[str, ...]]:
    """Processor time of a request without our default, or with what is off, against the base."""
    price = ratios(results, BASE, "cpu_ms")
    return [
        (
            name if name == BASE else f"{'without' if SWITCHES[name].ours else 'with'} {name}",
            *(
                f"{report.spread(of(found, 'cpu_ms'))}; {(price[name][cell] - 1) * 100:+.0f} %"
                for cell, found in by_cell.items()
            ),
            report.spread([each for found in by_cell.values() for each in of(found, "log_bytes")]),
            SWITCHES[name].what if name in SWITCHES else "",
        )
        for name, by_cell in results.items()
    ]


@app.command()
def main(
    switches: Annotated[str, typer.Option(help="Names of switches; all by default.")] = "",
    connections: Annotated[int, typer.Option(min=1, help="Number of connections.")] = 16,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 4,
    seconds: Annotated[float, typer.Option(min=1, help="How long each load lasts.")] = 8,
    as_json_: JsonOption = False,
) -> None:
    """Measure what each default and each switch costs."""
    if not shutil.which("kubectl"):
        sys.exit("error: the benchmark needs kubectl, and a cluster whose pods this machine reaches: bench/README.md")
    wanted = switches.split(",") if switches else list(SWITCHES)
    if unknown := set(wanted) - SWITCHES.keys():
        raise typer.BadParameter(f"there are {', '.join(SWITCHES)}, not {', '.join(sorted(unknown))}")
    setups = [Switch("").setup(BASE), *(SWITCHES[name].setup(name) for name in wanted)]
    before, loads = report.machine(), cells([connections], [False, True], [1000])
    results, memory = measure(setups, loads, rounds, seconds, lambda line: typer.echo(line, err=True))
    if as_json_:
        report.show_json({"machine": before, "base": BASE, **as_json(results, memory)})
        return
    columns = ("", *(f"CPU ms, {cell}" for cell in loads), "log bytes", "what it is about")
    caption = f"of a request; {before['cores']} cores, load {before['load']} before"
    report.show("Prices", columns, rows(results), caption)


if __name__ == "__main__":
    app()
