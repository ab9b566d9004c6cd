"""What a load asks of a stack: each size with its rule and where the rule is from. Plain arithmetic."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

LITELLM = "LiteLLM's recommendations for production"
PUBLISHED = "LiteLLM's published load test: 3,000 requests a second on 132 workers, half of them streamed"
OURS = "an assumption of this program"

REQUESTS_OF_WORKER = 20
"""Requests a second of one worker with one CPU, up to half of them streamed. LiteLLM scales at 83 for 4 workers, and has
published 22.7 with prompts of 50,000 tokens and more."""

MOSTLY_STREAMED = 0.5
FEWEST_PODS = 2
CPU_PERCENT = 60

FLOOR_GIB = 4
BYTES_OF_TOKEN, COPIES = 4, 10
"""How often a prompt is in memory while it is under way: as text, as parsed, for logs and the provider."""

POOL, SMALLEST_POOL = 10, 2
CONNECTIONS_OF_GIB, MOST_CONNECTIONS = 70, 5000
"""What RDS allows by default, at least; each connection takes some MiB of the server."""

BESIDE_PODS = 10
"""Connections of Jobs, of superusers, and of people who look."""

BATCH_SECONDS = 60
BUFFER_REQUESTS, BUFFER_PODS = 1000, 10
LARGEST_REQUESTS = 5000

HEADROOM, FEWEST_IN_FLIGHT = 4, 100
QUEUE_SECONDS = 5

SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 600, 86400

SECONDS_OF_YEAR = 365 * 24 * 3600
OF_PEAK = 1 / 3
BYTES_OF_LOG = 2000
GIB = 1024**3
LARGEST_GIB = 65536


RAW = {
    "gateway.admission.maxInFlight": "gateway.generalSettings.max_in_flight_requests_per_worker",
    "gateway.admission.maxQueued": "gateway.generalSettings.max_queued_requests_per_worker",
    "gateway.admission.queueTimeoutSeconds": "gateway.generalSettings.admission_queue_timeout_seconds",
    "redis.transactionBuffer": "gateway.generalSettings.use_redis_transaction_buffer",
}
"""LiteLLM's own names of keys, which older stack files have."""


@dataclass(frozen=True)
class Load:
    """What is asked of a gateway."""

    requests_per_second: float
    """At the busiest hour."""

    prompt_tokens: int = 1000
    completion_seconds: float = 5
    streaming: float = 0.5
    """Share of the requests that are streamed."""

    growth: float = 2
    """How many times as much the gateway is to bear without anybody's doing."""

    @property
    def largest(self) -> float:
        return self.requests_per_second * self.growth

    @property
    def requests_of_worker(self) -> float:
        """Requests a second that one worker serves."""
        return REQUESTS_OF_WORKER * (1 - max(0.0, self.streaming - MOSTLY_STREAMED) / 2)

    @property
    def in_flight(self) -> int:
        """Requests that one worker has under way: as many as it serves, or all there are when it is alone."""
        return math.ceil(min(self.requests_of_worker, self.largest) * self.completion_seconds)


@dataclass(frozen=True)
class Size:
    """One size of a stack."""

    path: str
    """The key of the stack file; empty for what no key says."""

    value: Any
    rule: str
    source: str
    given: bool = False
    """Whether the stack file says something about it, which wins."""

    def __str__(self) -> str:
        what = f"{self.path}: {self.value}" if self.path else str(self.value)
        wins = "; the stack file says something about it, which wins" if self.given else ""
        return f"{what} - {self.rule} ({self.source}){wins}"


@dataclass(frozen=True)
class Tier:
    """Servers for up to so many requests a second."""

    requests: float
    cpu: str
    memory_gib: int
    iops: int
    instance: str
    cache_cpu: str
    cache_gib: int
    node: str
    source: str


TIERS = (
    Tier(10, "1", 2, 3000, "db.t4g.medium", "250m", 1, "cache.t4g.small", OURS),
    Tier(100, "2", 8, 3000, "db.m7g.large", "1", 3, "cache.t4g.medium", OURS),
    Tier(1000, "4", 16, 3000, "db.m7g.xlarge", "2", 8, "cache.m7g.large", LITELLM),
    Tier(5000, "8", 32, 5000, "db.m7g.2xlarge", "4", 16, "cache.m7g.xlarge", LITELLM),
    Tier(math.inf, "16", 64, 10000, "db.m7g.4xlarge", "8", 32, "cache.m7g.2xlarge", LITELLM),
)
"""LiteLLM's table begins at 1,000 requests a second. Its CPUs and memory are followed, in instance classes that have them."""


def tier_of(requests: float) -> Tier:
    return next(tier for tier in TIERS if requests <= tier.requests)


def pods(load: Load, requests: float, workers: int = 1) -> int:
    return max(FEWEST_PODS, math.ceil(requests / load.requests_of_worker / workers))


def memory_gib(load: Load) -> int:
    """Memory of one worker."""
    prompts = load.in_flight * load.prompt_tokens * BYTES_OF_TOKEN * COPIES
    return FLOOR_GIB + math.ceil(max(0, prompts - GIB) / GIB)


def year_gib(load: Load) -> int:
    """Storage of the spend logs of a year."""
    return math.ceil(load.requests_per_second * OF_PEAK * SECONDS_OF_YEAR * BYTES_OF_LOG / GIB)


def sizes(load: Load, given: Mapping[str, Any]) -> list[Size]:
    """Every size that a load asks for; `given` are the sections of the stack file, which win."""
    gateway = section(given, "gateway")
    workers = number(gateway, "workers", 1)
    most = most_pods(load, gateway, workers)
    processes = workers + (1 if gateway.get("spendCollector") is not None else 0)
    found = [
        *of_pods(load, gateway, workers),
        *of_gateway(load, given, most, workers),
        *of_database(load, given, most, processes),
        *of_redis(load, given),
    ]
    return [Size(each.path, each.value, each.rule, each.source, is_said(given, each.path)) for each in found]


def of_pods(load: Load, gateway: Mapping[str, Any], workers: int) -> Iterator[Size]:
    rule = f"one worker, with one CPU, for {load.requests_of_worker:g} requests a second; never fewer pods than {FEWEST_PODS}"
    least, most = pods(load, load.requests_per_second, workers), pods(load, load.largest, workers)
    if least == most or "replicas" in gateway:
        yield Size("gateway.replicas", least, rule, PUBLISHED)
        return
    yield Size("gateway.autoscaling.min", least, rule, PUBLISHED)
    yield Size("gateway.autoscaling.max", most, f"the same for {load.growth:g} times the load", PUBLISHED)
    yield Size("gateway.autoscaling.cpu", CPU_PERCENT, "scale on CPU, never on memory", LITELLM)


def most_pods(load: Load, gateway: Mapping[str, Any], workers: int) -> int:
    """The most pods of the gateway, as the stack file has them or as the load asks for them."""
    of_load = pods(load, load.largest, workers)
    return number(gateway, "replicas", number(section(gateway, "autoscaling"), "max", of_load))


def of_gateway(load: Load, given: Mapping[str, Any], most: int, workers: int) -> Iterator[Size]:
    yield Size("gateway.resources.cpu", str(workers), "one CPU for each worker", LITELLM)
    rule = (
        f"{FLOOR_GIB}Gi for each worker, and {COPIES} copies of its {load.in_flight} prompts under way beyond one GiB"
    )
    yield Size("gateway.resources.memory", f"{workers * memory_gib(load)}Gi", rule, f"{LITELLM}; {OURS}")
    if load.completion_seconds * 2 > SHORTEST_TIMEOUT:
        wanted = min(LONGEST_TIMEOUT, math.ceil(load.completion_seconds * 2))
        rule = "twice as long as an answer takes; the grace period of a pod follows from it, so that no request is cut"
        yield Size("gateway.requestTimeout", wanted, rule, OURS)
    yield Size(
        "gateway.generalSettings.proxy_batch_write_at", BATCH_SECONDS, "write spend in batches of a minute", LITELLM
    )
    has_redis = section(given, "redis").get("kind") != "none"
    if has_redis and (load.largest > BUFFER_REQUESTS or most > BUFFER_PODS):
        rule = f"above {BUFFER_REQUESTS} requests a second or {BUFFER_PODS} pods: gather spend in Redis, and one pod writes it"
        yield Size("redis.transactionBuffer", True, rule, LITELLM)
    admitted = max(FEWEST_IN_FLIGHT, HEADROOM * load.in_flight)
    rule = f"{HEADROOM} times what a worker has under way, and at least {FEWEST_IN_FLIGHT}; beyond that 503 with retry-after"
    yield Size("gateway.admission.maxInFlight", admitted, rule, OURS)
    yield Size("gateway.admission.maxQueued", admitted, "as many again wait for their turn", OURS)
    yield Size("gateway.admission.queueTimeoutSeconds", QUEUE_SECONDS, "and for no longer than a client would", OURS)


def of_database(load: Load, given: Mapping[str, Any], most: int, each: int) -> Iterator[Size]:
    database, tier = section(given, "database"), tier_of(load.largest)
    kind = database.get("kind", "in-cluster")
    processes = (most + 1) * each
    limit = number(database, "maxConnections", min(MOST_CONNECTIONS, tier.memory_gib * CONNECTIONS_OF_GIB))
    pool = max(SMALLEST_POOL, min(POOL, (limit - BESIDE_PODS) // processes))
    rule = f"{POOL}, or what the server has for {most} pods and one more, and never fewer than {SMALLEST_POOL}"
    yield Size("gateway.databaseConnectionPoolLimit", pool, rule, LITELLM)
    pool = number(section(given, "gateway"), "databaseConnectionPoolLimit", pool)
    needed = max(100, processes * pool + BESIDE_PODS)
    connections = f"{most} pods and one more, {pool} connections of each worker, and {BESIDE_PODS} beside them"
    server = f"{tier.cpu} CPU, {tier.memory_gib} GiB, {tier.iops} IOPS for {load.largest:g} requests a second"
    year = f"a year of spend logs takes {year_gib(load)} GiB: {BYTES_OF_LOG} bytes a request, a third of the busiest hour's"
    if kind == "rds":
        yield Size("database.instanceClass", tier.instance, server, tier.source)
        yield Size("database.maxConnections", needed, connections, LITELLM)
        yield Size("database.maxAllocatedStorage", min(LARGEST_GIB, max(100, year_gib(load))), year, LITELLM)
    elif kind in ("in-cluster", "cloudnative-pg"):
        yield Size("database.resources.cpu", tier.cpu, server, tier.source)
        yield Size("database.resources.memory", f"{tier.memory_gib}Gi", server, tier.source)
        yield Size("database.maxConnections", needed, connections, LITELLM)
        yield Size(
            "", f"storage of Postgres: {year_gib(load)}Gi", f"{year}. Not set: it would replace a volume", LITELLM
        )
    else:
        yield Size("", f"your Postgres: {server}", f"{needed} connections; {year}", tier.source)
    if year_gib(load) > LARGEST_GIB:
        rule = "a year does not fit on one server: set general_settings.maximum_spend_logs_retention_period"
        yield Size("", f"spend logs of {365 * LARGEST_GIB // year_gib(load)} days at most", rule, OURS)
    if load.largest > LARGEST_REQUESTS:
        yield Size("", "a read replica of Postgres", f"above {LARGEST_REQUESTS} requests a second", LITELLM)


def of_redis(load: Load, given: Mapping[str, Any]) -> Iterator[Size]:
    kind, tier = section(given, "redis").get("kind", "in-cluster"), tier_of(load.largest)
    server = f"{tier.cache_cpu} CPU and {tier.cache_gib} GiB for {load.largest:g} requests a second"
    if kind == "elasticache":
        yield Size("redis.nodeType", tier.node, server, tier.source)
    elif kind == "in-cluster":
        yield Size("redis.resources.cpu", tier.cache_cpu, server, tier.source)
        yield Size("redis.resources.memory", f"{tier.cache_gib}Gi", server, tier.source)
        yield Size(
            "redis.maxMemory", f"{tier.cache_gib * 1024 * 5 // 8}Mi", "the rest is for fragments and clients", OURS
        )
    elif kind == "existing":
        yield Size("", f"your Redis: {server}", "7.0 or newer, no eviction", tier.source)
    if load.largest > LARGEST_REQUESTS:
        yield Size("", "a cluster of Redis", f"above {LARGEST_REQUESTS} requests a second", LITELLM)


def laid_under(given: Mapping[str, Any], found: list[Size]) -> dict[str, Any]:
    """The sections of a stack file with every size that they do not say themselves."""
    filled = dict(given)
    for each in found:
        if each.path and not each.given:
            filled = with_value(filled, each.path.split("."), each.value)
    return filled


def with_value(tree: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    first, rest = path[0], path[1:]
    below = tree.get(first)
    if not rest:
        return {**tree, first: value}
    # What is no map is for the checks of the configuration.
    if below is not None and not isinstance(below, Mapping):
        return dict(tree)
    return {**tree, first: with_value(cast("Mapping[str, Any]", below or {}), rest, value)}


def is_said(given: Mapping[str, Any], path: str) -> bool:
    """Whether a stack file has a key, by its name or by LiteLLM's."""
    return is_given(given, path) or is_given(given, RAW.get(path, ""))


def is_given(given: Mapping[str, Any], path: str) -> bool:
    value: Any = given
    for key in path.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return False
        value = cast("Mapping[str, Any]", value)[key]
    return bool(path)


def number(tree: Mapping[str, Any], key: str, otherwise: int) -> int:
    """A whole number of the stack file; what is none is for the checks of the configuration."""
    value = tree.get(key, otherwise)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else otherwise


def section(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = given.get(name)
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
