"""A command that runs against an environment: it finds base URL and key where clients of OpenAI and LiteLLM look for them."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from types import FrameType

from tools.problem import Problem


def variables(url: str, key: str, model: str) -> dict[str, str]:
    """What is added to the environment of the command."""
    return {
        "OPENAI_BASE_URL": f"{url}/v1",
        "OPENAI_API_BASE": f"{url}/v1",
        "OPENAI_API_KEY": key,
        "LITELLM_BASE_URL": url,
        "LITELLM_API_KEY": key,
        "LITELLM_MODEL": model,
    }


def run_command(command: Sequence[str], more: Mapping[str, str]) -> int:
    """Run the command to its end, and return its exit code: 128 + n when a signal ended it.

    Signals that this process gets are passed on, and the command is waited for: its environment is still needed until then.
    """
    # A terminal signals its whole foreground group, so there the command hears Ctrl-C itself.
    interactive = sys.stdin.isatty()
    try:
        process = subprocess.Popen(command, env={**os.environ, **more}, start_new_session=not interactive)  # noqa: S603
    except FileNotFoundError:
        raise Problem(f"{command[0]}: no such command") from None
    except OSError as error:
        raise Problem(f"{command[0]} cannot be run: {error.strerror}") from None

    def pass_on(number: int, _: FrameType | None) -> None:
        if not interactive:
            os.killpg(process.pid, number)
        elif number != signal.SIGINT:
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code
