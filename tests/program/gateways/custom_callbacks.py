# pyright: reportMissingImports=false, reportUntypedFunctionDecorator=false
# Runs in LiteLLM, not here.
"""Counts what was answered."""

from typing import Any

from litellm.integrations.custom_logger import CustomLogger


class Counter(CustomLogger):
    def __init__(self) -> None:
        super().__init__()
        self.answered = 0

    async def async_log_success_event(self, *_: Any) -> None:
        self.answered += 1


proxy_handler_instance = Counter()
