"""Metrics of the pinned LiteLLM, which alerts and dashboards are checked with: written anew with `python -m
tests.litellm_metrics`."""

import json
from pathlib import Path

from tests.litellm_env import CACHE, environment, interpreter, run

TESTS = Path(__file__).parent
FILE = TESTS / "litellm_metrics.json"


def text() -> str:
    """The file as the pinned LiteLLM makes it."""
    finished = run([str(interpreter()), str(TESTS / "litellm_metrics_asked.py")], environment([]))
    assert finished.returncode == 0, finished.stderr
    asked = json.loads(finished.stdout.splitlines()[-1])
    series = ",\n".join(f"    {json.dumps(name)}: {json.dumps(labels)}" for name, labels in asked["series"].items())
    return f'{{\n  "series": {{\n{series}\n  }}\n}}\n'


def known() -> dict[str, frozenset[str]]:
    """The labels of each metric, by the name under which it is scraped."""
    series: dict[str, list[str]] = json.loads(FILE.read_text(encoding="utf-8"))["series"]
    return {name: frozenset(labels) for name, labels in series.items()}


if __name__ == "__main__":
    CACHE.mkdir(exist_ok=True)
    FILE.write_text(text(), encoding="utf-8")
