"""Parts that LiteLLM has for much load, each a key of its own: admission control, the spend collector, recycled workers."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic.alias_generators import to_camel

from components.gateway.collector import SOCKET
from infra.config.base import Compute, Section

ADMISSION = {
    "max_in_flight": "max_in_flight_requests_per_worker",
    "max_queued": "max_queued_requests_per_worker",
    "queue_timeout_seconds": "admission_queue_timeout_seconds",
}
"""LiteLLM's `general_settings` of admission control."""

RECYCLING = {"max_requests": "MAX_REQUESTS_BEFORE_RESTART", "jitter": "MAX_REQUESTS_BEFORE_RESTART_JITTER"}
"""LiteLLM's variables of recycled workers."""

COLLECTOR_ = "LITELLM_COLLECTOR_"
KEEP_ALIVE_VARIABLE = "KEEPALIVE_TIMEOUT"
RUST_VARIABLE = "LITELLM_RUST"
BUFFER = "use_redis_transaction_buffer"

IDLE_SECONDS = {"nginx": 60, "traefik": 90}
"""How long ingress controllers keep an idle connection to a pod."""

Requests = Annotated[int, Field(ge=1, le=1_000_000)]


class Admission(Section):
    """Admission control: a worker takes so many requests at once, and answers those beyond with 503 and `retry-after`. Probes
    and metrics pass."""

    max_in_flight: Requests | None = None
    """Requests that one worker has under way at most (`max_in_flight_requests_per_worker`). Required where neither
    `gateway.load` nor `generalSettings` says it."""

    max_queued: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """Requests of one worker that wait for their turn (`max_queued_requests_per_worker`). Defaults to as many as
    `maxInFlight`."""

    queue_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    """Seconds that a request waits at most (`admission_queue_timeout_seconds`). Defaults to LiteLLM's, which is 1."""

    @property
    def settings(self) -> dict[str, Any]:
        """What is given, in LiteLLM's words."""
        found = {raw: getattr(self, name) for name, raw in ADMISSION.items()}
        return {raw: int(value) if value % 1 == 0 else value for raw, value in found.items() if value is not None}


class SpendCollector(Section):
    """LiteLLM's collector (`python -m litellm.proxy.collector`) in a container beside the proxy, of the same image and with the
    same environment: it works out what requests cost, and writes it, in another process than the requests'. An image without
    that module does not start it."""

    on_unavailable: Literal["fallback", "drop"] = "fallback"
    """What becomes of spend while the collector is not there, or does not keep up (`LITELLM_COLLECTOR_ON_UNAVAILABLE`): with
    `fallback` the worker works it out itself. With `drop` it is lost: rows, and what budgets count."""

    resources: Compute = Compute.model_construct(cpu="250m", memory="2Gi")
    """CPU and memory of the container."""


class WorkerRecycling(Section):
    """A worker ends after so many requests, and a new one takes its place: against memory that grows. Only with several
    `workers`, as the others serve meanwhile."""

    max_requests: Requests
    """Requests after which a worker ends, those of probes included (`--max_requests_before_restart`)."""

    jitter: Annotated[int, Field(ge=0, le=1_000_000)] | None = None
    """As many more at most, by chance for each worker, so that not all end at once (`--max_requests_before_restart_jitter`).
    Defaults to a tenth of `maxRequests`."""

    @property
    def most_more(self) -> int:
        """The jitter."""
        return self.max_requests // 10 if self.jitter is None else self.jitter


def said_twice(
    section: str, given: Mapping[str, Any], typed: Mapping[str, tuple[str, Any]], where: str = "gateway."
) -> Iterator[tuple[str, str]]:
    """What two keys say differently: `typed` has key and value by LiteLLM's own name, `given` is the section with these."""
    for raw, (key, value) in typed.items():
        if raw in given and value is not None and str(given[raw]).lower() != f"{value}".lower():
            yield (
                f"{where}{key}",
                f"has another value than gateway.{section}.{raw}, which is the same: remove one of them",
            )


def switches_are_said_once(gateway: Any, redis: Any) -> Iterator[tuple[str, str]]:
    """What has a key of its own has also a name in LiteLLM's settings, where older stack files have it."""
    admission, recycling = gateway.admission_settings, gateway.worker_recycling
    typed = {raw: (f"admission.{to_camel(name)}", admission.get(raw)) for name, raw in ADMISSION.items()}
    yield from said_twice("generalSettings", gateway.general_settings, typed)
    if "transaction_buffer" in redis.model_fields_set:
        buffer = {BUFFER: ("redis.transactionBuffer", redis.transaction_buffer)}
        yield from said_twice("generalSettings", gateway.general_settings, buffer, where="")
    started: dict[str, tuple[str, Any]] = {KEEP_ALIVE_VARIABLE: ("keepAliveSeconds", gateway.keep_alive_seconds)}
    if "rust" in gateway.model_fields_set:
        started[RUST_VARIABLE] = ("rust", gateway.rust)
    if recycling:
        started[RECYCLING["max_requests"]] = ("workerRecycling.maxRequests", recycling.max_requests)
        started[RECYCLING["jitter"]] = ("workerRecycling.jitter", recycling.most_more)
    if collector := gateway.spend_collector:
        started[f"{COLLECTOR_}ENABLED"] = ("spendCollector", True)
        started[f"{COLLECTOR_}ADDRESS"] = ("spendCollector", SOCKET)
        started[f"{COLLECTOR_}ON_UNAVAILABLE"] = ("spendCollector.onUnavailable", collector.on_unavailable)
    yield from said_twice("environment", gateway.environment, started)


def collectors_have_their_secrets(gateway: Any, secrets: Any) -> Iterator[tuple[str, str]]:
    """Whoever fetches secrets into a pod fetches them for LiteLLM."""
    if gateway.spend_collector and secrets.by_pods:
        yield (
            "gateway.spendCollector",
            f"has no secrets with secrets.delivery {secrets.delivery}, which gives them to LiteLLM's container alone: use "
            "external-secrets, or remove spendCollector",
        )


def idle_connections_outlive_the_controllers(gateway: Any, ingress: Any) -> Iterator[tuple[str, str]]:
    """Whoever closes first must be the one that sends requests."""
    if not ingress.enabled or gateway.keep_alive_seconds is None:
        return
    idle = IDLE_SECONDS | {"alb": ingress.stream_timeout(gateway.request_timeout)}
    least = idle.get(ingress.used_controller, 0)
    if gateway.keep_alive_seconds <= least:
        yield (
            "gateway.keepAliveSeconds",
            f"is {gateway.keep_alive_seconds}, but the controller {ingress.used_controller} keeps an idle connection for "
            f"{least} seconds, and would now and then lose a request: give more than {least}, or remove it",
        )
