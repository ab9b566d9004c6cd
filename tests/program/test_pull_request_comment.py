"""What a reviewer reads in a pull request, as Markdown: the offline plan of production against its base, and a preview.

After a change that is meant: UPDATE_GOLDEN=1 make test.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.program.stacks import ROOT, stack_of
from tools.engine.stack_file import Stack, merge
from tools.offline.plan import document, record
from tools.report.compare import changes
from tools.report.engine import stack_report
from tools.report.markdown import markdown
from tools.report.model import Planned, Report, StackReport
from tools.report.policies import violations

GOLDEN = ROOT / "tests" / "program" / "golden" / "comments"
DIGESTS = ROOT / "tests" / "program" / "digests"
"""Out of `pulumi preview --json --show-sames`, with what the report does not read taken away."""

PROD = ROOT / "Pulumi.prod.yaml"
MODELS: list[dict[str, str]] = stack_of(PROD).config["litellm:gateway"]["models"]

PULL_REQUESTS: dict[str, dict[str, Any]] = {
    "model": {"gateway": {"models": [*MODELS, {"name": "gpt-4.1", "provider": "openai", "model": "gpt-4.1"}]}},
    "replicas": {"gateway": {"replicas": 3}},
    "rotation": {"keys": {"master": {"rotation": 1}}},
    "violation": {"networkPolicy": {"enabled": False}},
}


def planned(config: dict[str, Any]) -> list[Planned]:
    sections = {"config": {f"litellm:{key}": value for key, value in config.items()}}
    stack = Stack("prod", merge(stack_of(PROD).document, sections))
    return document("prod", record(stack))["resources"]


@pytest.fixture(scope="module")
def base() -> list[Planned]:
    return planned({})


@pytest.mark.parametrize("name", PULL_REQUESTS)
def test_the_comment_of_a_pull_request(name: str, base: list[Planned]):
    now = planned(PULL_REQUESTS[name])
    found = changes(base, now)
    unchanged = len(now) - sum(change.operation != "delete" for change in found)
    report = StackReport("prod", now, found, unchanged, violations("prod", now))
    expect(GOLDEN / f"plan-{name}.md", markdown(Report("plan", [report], against="main")))


def test_the_comment_of_a_preview():
    """A model, a replica and a rotation in one pull request: what Pulumi's engine said of a stack that was deployed."""
    digest = json.loads((DIGESTS / "pull-request.json").read_text())
    text = markdown(Report("preview", [stack_report("dev", digest)]))
    expect(GOLDEN / "preview-pull-request.md", text)


def expect(golden: Path, text: str) -> None:
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text)
    assert text == golden.read_text()
