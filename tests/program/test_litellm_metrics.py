"""Metrics of the pinned LiteLLM: their names, and the port on which they are asked for without a key."""

import json
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from components.monitoring.scrape import PATH
from tests import litellm_metrics
from tests.litellm_env import environment, interpreter

SERIES = """
from prometheus_client import Counter
Counter("litellm_of_a_worker", "made by a process that is gone").inc(7)
"""


def test_the_metrics_are_those_of_the_pinned_litellm() -> None:
    assert litellm_metrics.FILE.read_text(encoding="utf-8") == litellm_metrics.text(), (
        "run `python -m tests.litellm_metrics`"
    )


def test_the_metrics_port_answers_at_our_path_without_a_key(tmp_path: Path) -> None:
    variables = environment([]) | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    subprocess.run([str(interpreter()), "-c", SERIES], env=variables, check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(interpreter()), "-m", "litellm.proxy.prometheus_metrics_server"]
    with subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)], env=variables) as server:
        try:
            assert "litellm_of_a_worker_total 7.0" in answer(f"http://127.0.0.1:{port}{PATH}")
        finally:
            server.terminate()


def answer(url: str) -> str:
    """What is answered without a redirect, once somebody answers."""
    end = time.monotonic() + 120
    while True:
        try:
            return open_directly(url)
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert time.monotonic() < end, "nobody answers"
            time.sleep(0.5)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: Any, code: Any, msg: Any, headers: Any, newurl: Any) -> None:
        return None


def open_directly(url: str) -> str:
    with urllib.request.build_opener(NoRedirect).open(url, timeout=10) as found:
        return found.read().decode()


def test_every_series_is_listed_with_its_labels() -> None:
    listed = json.loads(litellm_metrics.FILE.read_text(encoding="utf-8"))["series"]
    assert "le" in listed["litellm_overhead_latency_metric_bucket"]
    assert "status_code" in listed["litellm_proxy_total_requests_metric_total"]
