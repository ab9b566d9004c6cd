"""A guardrail that keeps a conversation within what its model takes: the oldest messages go, instructions and the last stay."""

from collections.abc import Mapping, Sequence
from typing import Any

from litellm.integrations.custom_guardrail import CustomGuardrail  # pyright: ignore[reportMissingImports]
from litellm.utils import token_counter  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

DEFAULT_LIMIT = 32768
"""Tokens of a conversation where the guardrail's `max_input_tokens` does not say."""

KEPT = ("system", "developer")
"""Roles whose messages are instructions."""

Message = Mapping[str, Any]


class MessageOverflow(CustomGuardrail):
    """Drops the oldest messages of a request that is too long, as many as it takes.

    In config.yaml `max_input_tokens` of its `litellm_params` is the limit, without what the answer needs.
    """

    def __init__(self, max_input_tokens: int = DEFAULT_LIMIT, **rest: Any) -> None:
        self.limit = int(max_input_tokens)
        super().__init__(**rest)

    async def async_pre_call_hook(self, *_: Any, data: dict[str, Any], **__: Any) -> dict[str, Any]:
        """The request with the messages that fit."""
        messages = data.get("messages")
        if isinstance(messages, list):
            data["messages"] = fitting(messages, self.limit, str(data.get("model", "")))
        return data


def fitting(messages: Sequence[Message], limit: int, model: str) -> list[Message]:
    """The instructions, and as many of the newest messages as fit; the last one is always there."""
    kept = list(messages)
    while length(kept, model) > limit and (oldest := droppable(kept)) is not None:
        # What answers a tool call makes no sense without it, and a provider refuses it.
        end = oldest + 1
        while end < len(kept) - 1 and kept[end].get("role") == "tool":
            end += 1
        del kept[oldest:end]
    return kept


def droppable(messages: Sequence[Message]) -> int | None:
    """Place of the oldest message that may go; None when there is none."""
    return next((index for index, each in enumerate(messages[:-1]) if each.get("role") not in KEPT), None)


def length(messages: Sequence[Message], model: str) -> int:
    """Tokens of a conversation."""
    return int(token_counter(model=model, messages=list(messages)))
