# pyright: basic, reportMissingImports=false
# Runs in Locust's environment (bench/gateway/generator.py).
"""Clients that ask for a completion as soon as they have got one, each over a connection of its own."""

import itertools
import json
import os
import sys
import time

from locust import FastHttpUser, constant, events, task

TARGETS = os.environ["BENCH_TARGETS"].split(",")
STREAMED = os.environ["BENCH_STREAMED"] == "true"
BODY = json.dumps(
    {
        "model": "bench",
        "messages": [{"role": "user", "content": "x" * int(os.environ["BENCH_PROMPT_BYTES"])}],
        "stream": STREAMED,
    }
)
HEADERS = {"Authorization": f"Bearer {os.environ['BENCH_KEY']}", "Content-Type": "application/json"}

taken, first, failed = [], [], []
turns = itertools.cycle(TARGETS)


class Client(FastHttpUser):
    wait_time = constant(0)
    host = TARGETS[0]
    network_timeout = connection_timeout = 120

    def on_start(self):
        self.target = next(turns)

    @task
    def complete(self):
        begin = time.perf_counter()
        url = f"{self.target}/v1/chat/completions"
        with self.client.post(
            url, data=BODY, headers=HEADERS, name="completion", stream=True, catch_response=True
        ) as answer:
            try:
                text = b""
                if answer.status_code == 200:
                    chunks = iter(lambda: answer._response.read(512), b"")
                    text = bytes(next(chunks, b""))
                    first.append(time.perf_counter() - begin)
                    text += b"".join(bytes(each) for each in chunks)
            except Exception as error:
                failed.append(type(error).__name__)
                answer.failure("broken")
                return
            good = answer.status_code == 200 and (b"[DONE]" if STREAMED else b'"usage"') in text
            if good:
                taken.append(time.perf_counter() - begin)
                answer.success()
            else:
                failed.append(answer.status_code)
                answer.failure("wrong")


@events.quitting.add_listener
def report(environment, **_):
    environment.process_exit_code = 0
    json.dump({"taken": taken, "first": first, "failed": failed}, sys.stdout)
