"""A guardrail of one's own: requests must say something."""

from typing import Any

from litellm.integrations.custom_guardrail import CustomGuardrail  # pyright: ignore[reportMissingImports]


class Greeting(CustomGuardrail):
    """Refuses messages without content."""

    async def async_pre_call_hook(self, *_: Any, data: dict[str, Any], **__: Any) -> dict[str, Any]:
        if any(not message.get("content") for message in data.get("messages", [])):
            raise ValueError("a message has no content")
        return data
