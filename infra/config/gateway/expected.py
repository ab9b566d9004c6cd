"""Config key `gateway.load`: what is asked of the gateway, from which the program works out how large everything is."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, ValidationError

from infra.config.base import Section
from infra.sizing import Load, Size, laid_under, section, sizes


class LoadConfig(Section):
    """What is asked of the gateway. `make plan` shows every size that follows, with its rule and where that is from; what the
    stack file says itself wins."""

    requests_per_second: Annotated[float, Field(gt=0, le=10000)]
    """Requests per second at the busiest hour."""

    prompt_tokens: Annotated[int, Field(ge=1, le=2_000_000)] = 1000
    """Tokens of a prompt."""

    completion_seconds: Annotated[float, Field(gt=0, le=3600)] = 5
    """Seconds that a provider takes for an answer."""

    streaming: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the requests that are streamed, from 0 to 1."""

    growth: Annotated[float, Field(ge=1, le=10)] = 2
    """How many times as much the gateway is to bear without anybody's doing: the autoscaler's `max`, and the servers. With 1
    the number of pods is fixed."""

    @property
    def as_load(self) -> Load:
        return Load(self.requests_per_second, self.prompt_tokens, self.completion_seconds, self.streaming, self.growth)


def sizes_of(sections: Mapping[str, Any]) -> list[Size]:
    """Every size that follows from the load in a stack file; none without one, or where it is wrong, which others say."""
    try:
        load = LoadConfig.model_validate(section(sections, "gateway")["load"])
    except (KeyError, ValidationError):
        return []
    return sizes(load.as_load, sections)


def with_sizes(sections: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of a stack file, and under them what follows from its load."""
    return laid_under(sections, sizes_of(sections))
