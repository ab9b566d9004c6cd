"""What is measured of a setup, and how it is summed up."""

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import product
from statistics import median
from typing import Any

from bench.gateway import pods
from bench.gateway.generator import Answers, load
from bench.gateway.setups import Setup

WARM_SECONDS = 4
SIZES = {1_000: "1 KB", 200_000: "200 KB"}


@dataclass(frozen=True)
class Cell:
    """One kind of load."""

    connections: int
    streamed: bool
    prompt_bytes: int

    def __str__(self) -> str:
        size = SIZES.get(self.prompt_bytes, f"{self.prompt_bytes} bytes")
        return f"{self.connections} connections, {'streamed' if self.streamed else 'whole'}, {size}"


@dataclass(frozen=True)
class Numbers:
    """What one setup did under one load, once."""

    requests: int
    failed: int
    per_second: float
    per_core: float
    """Requests for each second of processor time of the pods."""

    cpu_ms: float
    log_bytes: float
    """Both of a request."""

    p50_ms: float
    p99_ms: float
    first_ms: float
    """Until the first bytes of the answer, in the middle."""


@dataclass(frozen=True)
class Memory:
    """MiB of all pods of a setup."""

    at_rest: float
    after: float


Results = dict[str, dict[Cell, list[Numbers]]]
"""By setup."""


def cells(connections: Iterable[int], streamed: Iterable[bool], prompts: Iterable[int]) -> list[Cell]:
    return [Cell(*each) for each in product(connections, streamed, prompts)]


def measure(
    setups: Sequence[Setup],
    wanted: Sequence[Cell],
    rounds: int,
    seconds: float,
    progress: Callable[[str], None],
) -> tuple[Results, dict[str, Memory]]:
    """Every setup under every load, in turns: each load passes all setups before the next one begins, forth and back.

    Ctrl-C ends it with what there is.
    """
    results: Results = {setup.name: {cell: [] for cell in wanted} for setup in setups}
    with pods.running(setups) as keys:
        names = {setup.name: [pod["metadata"]["name"] for pod in pods.pods(setup)] for setup in setups}
        where = {setup.name: pods.targets(setup) for setup in setups}
        rest = {setup.name: pods.usage(names[setup.name]).memory_bytes for setup in setups}
        for setup in setups:
            for streamed in {cell.streamed for cell in wanted}:
                warm = Cell(4 * len(where[setup.name]), streamed, 1000)
                asked(where[setup.name], keys[setup.name], warm, WARM_SECONDS)
        try:
            for number in range(rounds):
                for cell in wanted:
                    for setup in setups[:: -1 if number % 2 else 1]:
                        found = once(where[setup.name], names[setup.name], keys[setup.name], cell, seconds)
                        results[setup.name][cell].append(found)
                        progress(f"{setup.name}, {cell}: {found.per_core:.1f} for a core, p50 {found.p50_ms:.0f} ms")
        except KeyboardInterrupt:
            progress("interrupted: what all setups have done is shown")
            results = complete(results, wanted)
        after = {setup.name: pods.usage(names[setup.name]).memory_bytes for setup in setups}
    return results, {name: Memory(rest[name] / 2**20, after[name] / 2**20) for name in rest}


def complete(results: Results, wanted: Sequence[Cell]) -> Results:
    """The loads and rounds that every setup has."""
    rounds = {cell: min(len(by_cell[cell]) for by_cell in results.values()) for cell in wanted}
    return {
        name: {cell: found[: rounds[cell]] for cell, found in by_cell.items() if rounds[cell]}
        for name, by_cell in results.items()
    }


def asked(targets: Sequence[str], key: str, cell: Cell, seconds: float) -> Answers:
    return load(
        targets,
        key,
        connections=cell.connections,
        streamed=cell.streamed,
        prompt_bytes=cell.prompt_bytes,
        seconds=seconds,
    )


def once(targets: Sequence[str], names: Sequence[str], key: str, cell: Cell, seconds: float) -> Numbers:
    since, before = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"), pods.usage(names)
    begin = time.monotonic()
    answers = asked(targets, key, cell, seconds)
    wall = max(seconds, time.monotonic() - begin - 2)
    cpu = pods.usage(names).cpu_seconds - before.cpu_seconds
    return replace(numbers(answers, cpu, wall), log_bytes=pods.log_bytes(names, since) / max(1, len(answers.taken)))


def numbers(answers: Answers, cpu_seconds: float, seconds: float) -> Numbers:
    count = len(answers.taken)
    if not count:
        raise RuntimeError(f"not one completion, but {answers.failed[:3]}")
    return Numbers(
        requests=count,
        failed=len(answers.failed),
        per_second=count / seconds,
        per_core=count / cpu_seconds,
        cpu_ms=cpu_seconds * 1000 / count,
        log_bytes=0,
        p50_ms=percentile(answers.taken, 50) * 1000,
        p99_ms=percentile(answers.taken, 99) * 1000,
        first_ms=percentile(answers.first, 50) * 1000,
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """The value below or at which so many of them are."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def of(found: Sequence[Numbers], what: str) -> list[float]:
    return [float(getattr(each, what)) for each in found]


def ratios(results: Results, base: str, what: str) -> dict[str, dict[Cell, float]]:
    """How many times as much as the base, round by round: what disturbs one round disturbs both sides of it."""
    return {
        name: {
            cell: median(
                ours / theirs for ours, theirs in zip(of(found, what), of(results[base][cell], what), strict=True)
            )
            for cell, found in by_cell.items()
        }
        for name, by_cell in results.items()
    }


def as_json(results: Results, memory: Mapping[str, Memory]) -> dict[str, Any]:
    return {
        "results": [
            {"setup": name, **asdict(cell), "rounds": [asdict(each) for each in found]}
            for name, by_cell in results.items()
            for cell, found in by_cell.items()
        ],
        "memory": {name: asdict(each) for name, each in memory.items()},
    }
