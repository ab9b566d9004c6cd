"""Config key `smoke`: the gate behind `make up`, and what it asks the gateway."""

from typing import Annotated

from pydantic import Field

from infra.config.base import Duration, Section
from infra.config.gateway.models import Text


class SmokeConfig(Section):
    """The gate behind `make up`, which `make smoke` runs alone. See docs/smoke.md."""

    enabled: bool = True
    """`make up` ends with the gate, and fails with it. With false only `make smoke` asks."""

    model: Text | None = None
    """Whom to ask for a completion: a name of `gateway.models`, or of `gateway.modelsInDatabase`. It costs what a few tokens of
    that model cost, at each `make up`. Defaults to the first model with provider `mock`; without one nobody is asked."""

    max_tokens: Annotated[int, Field(ge=1, le=1000)] = 5
    """The most tokens of that answer. Models that think before they answer need more."""

    timeout: Duration = "2m"
    """How long each check may wait for what takes its time, such as the spend row: longer than LiteLLM's
    `proxy_batch_write_at`."""
