"""The guardrail of examples/: what it keeps of a conversation, counted by LiteLLM itself."""

import json
import subprocess
from functools import cache
from typing import Any

from tests.litellm_env import interpreter
from tests.program.stacks import EXAMPLES

PROGRAM = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[1])
from message_overflow import MessageOverflow
async def main():
    for given in json.loads(sys.argv[2]):
        guardrail = MessageOverflow(guardrail_name="x", event_hook="pre_call", max_input_tokens=given["limit"])
        data = {"model": "gpt-4o", "messages": given["messages"]}
        print(json.dumps((await guardrail.async_pre_call_hook(None, None, data=data, call_type="completion"))["messages"]))
asyncio.run(main())
"""

LONG = "word " * 200
SYSTEM = {"role": "system", "content": "Be brief."}
OLD, OLDER_ANSWER = {"role": "user", "content": f"old {LONG}"}, {"role": "assistant", "content": LONG}
CALL = {
    "role": "assistant",
    "content": LONG,
    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
ANSWER = {"role": "tool", "tool_call_id": "1", "content": "42"}
NEW = {"role": "user", "content": "new"}

CASES: dict[str, dict[str, Any]] = {
    "short": {"limit": 1000, "messages": [SYSTEM, {"role": "user", "content": "a"}, NEW]},
    "long": {"limit": 250, "messages": [SYSTEM, OLD, OLDER_ANSWER, NEW]},
    "tool": {"limit": 100, "messages": [SYSTEM, CALL, ANSWER, NEW]},
    "too long by itself": {"limit": 10, "messages": [SYSTEM, OLD]},
}


@cache
def kept() -> dict[str, list[dict[str, Any]]]:
    """What is left of each conversation."""
    folder = str(EXAMPLES / "litellm" / "custom_guardrails")
    command = [str(interpreter()), "-c", PROGRAM, folder, json.dumps(list(CASES.values()))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = [line for line in done.stdout.splitlines() if line.startswith("[")]
    return dict(zip(CASES, map(json.loads, lines), strict=True))


def test_what_fits_stays_as_it_is():
    assert kept()["short"] == CASES["short"]["messages"]


def test_the_oldest_messages_go_and_instructions_stay():
    assert kept()["long"] == [SYSTEM, OLDER_ANSWER, NEW]


def test_the_answer_of_a_tool_goes_with_its_call():
    assert kept()["tool"] == [SYSTEM, NEW]


def test_the_last_message_stays_however_long_it_is():
    assert kept()["too long by itself"] == [SYSTEM, OLD]
