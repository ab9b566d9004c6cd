"""What became of the checks, in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

State = Literal["ok", "failed", "skipped"]

WHAT_TO_DO = {
    "readiness": "`kubectl logs deployment/litellm` says why the database is away",
    "models": "the pods run with another file, or LiteLLM left a model out, which it says in its log",
    "refusal": "close the way in at once, LiteLLM answers whoever asks: look for custom_auth and public_routes in its settings",
    "key": "LiteLLM's log has more of its reason",
    "completion": "correct the model or its key, or name another one in litellm:smoke.model",
    "spend": "nobody counts what is spent: look for errors of the database in LiteLLM's log; litellm:smoke.timeout must be "
    "more than proxy_batch_write_at",
    "salt": "LITELLM_SALT_KEY is not the key that wrote what is in the database: bring the old one back before anything is "
    "stored with this one (docs/smoke.md)",
    "way in": "compare DNS, the Ingress and what stands in front of it with the stack file",
}
"""By check."""


@dataclass(frozen=True)
class Result:
    """One check."""

    check: str
    state: State
    seconds: float
    said: str

    @property
    def line(self) -> str:
        return f"  {self.state:<8}{self.check:<12}{self.seconds:6.1f} s  {self.said}"


def read(found: Iterable[Mapping[str, Any]]) -> list[Result]:
    """Results as the checks write them."""
    return [Result(each["check"], each["state"], float(each["seconds"]), str(each["said"])) for each in found]


def failures(results: Iterable[Result]) -> list[Result]:
    return [result for result in results if result.state == "failed"]


def advice(results: Iterable[Result]) -> str:
    """What to do about checks that failed."""
    return "".join(f"\n  - {result.check}: {result.said}; {WHAT_TO_DO[result.check]}" for result in failures(results))
