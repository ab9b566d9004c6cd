# pyright: basic
# Runs in LiteLLM's own environment, not in the project's.
"""Run `litellm --config FILE --validate_config` for many files: import LiteLLM once, fork for each file.

Arguments: the files. Prints a JSON list of [exit code, output], in the order of the files.
"""

import asyncio
import json
import os
import socket
import sys
import tempfile

AT_ONCE = 8

HERE = ("localhost", "127.0.0.1", "::1", None)

look_up = socket.getaddrinfo


def nobody_answers(host, *rest, **options):
    """No name but this machine's has an address. LiteLLM asks MCP servers for their tools beside what it loads, and a resolver
    without a network takes its time to say that there is none."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in HERE:
        return look_up(host, *rest, **options)
    raise socket.gaierror(socket.EAI_NONAME, "no network in this test")


def start(file: str) -> tuple[int, int]:
    """Fork a process that is `litellm --config FILE --validate_config`, and whose output goes to a file."""
    descriptor, path = tempfile.mkstemp()
    os.unlink(path)  # noqa: PTH108
    process = os.fork()
    if process:
        return process, descriptor
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    forget_redis(file)
    sys.argv = ["litellm", "--config", file, "--validate_config"]
    code = 1
    try:
        run_server()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def forget_redis(file: str) -> None:
    """LiteLLM takes REDIS_HOST and its like also for a file that does not name them: those are of another file."""
    with open(file, errors="replace") as opened:  # noqa: PTH123
        text = opened.read()
    for name in [name for name in os.environ if name.startswith("REDIS_") and name not in text]:
        del os.environ[name]


def finish(process: int, descriptor: int) -> tuple[int, str]:
    _, status = os.waitpid(process, 0)
    os.lseek(descriptor, 0, os.SEEK_SET)
    with os.fdopen(descriptor, errors="replace") as output:
        return os.waitstatus_to_exitcode(status), output.read()


if __name__ == "__main__":
    socket.getaddrinfo = nobody_answers
    # What asks MCP servers does not end when it is cancelled, and asyncio would wait for it after everything is loaded.
    asyncio.runners._cancel_all_tasks = lambda loop: None  # pyright: ignore[reportAttributeAccessIssue]

    from litellm import run_server  # pyright: ignore[reportMissingImports]

    # Imported here, or each process would spend seconds on it.
    from litellm.proxy import proxy_server  # noqa: F401  # pyright: ignore[reportMissingImports]

    files = sys.argv[1:]
    results: list[tuple[int, str]] = []
    for first in range(0, len(files), AT_ONCE):
        running = [start(file) for file in files[first : first + AT_ONCE]]
        results += [finish(*each) for each in running]
    json.dump(results, sys.stdout)
