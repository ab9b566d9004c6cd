"""The engine's events, as somebody reads them."""

from io import StringIO
from typing import Any

from pulumi.automation import EngineEvent
from rich.console import Console

from tools.ephemeral.progress import Progress

DEPLOYMENT = "urn:pulumi:env-pr-1::litellm::litellm:index:Gateway$kubernetes:apps/v1:Deployment::litellm-deployment"
COMPONENT = "urn:pulumi:env-pr-1::litellm::litellm:index:Gateway::litellm"
STACK = "urn:pulumi:env-pr-1::litellm::pulumi:pulumi:Stack::litellm-env-pr-1"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def event(kind: str, **content: Any) -> EngineEvent:
    return EngineEvent.from_json({"sequence": 1, "timestamp": 1, kind: content})


def metadata(urn: str, op: str) -> dict[str, Any]:
    return {"metadata": {"urn": urn, "op": op, "type": urn.split("::")[2], "provider": ""}}


def begins(urn: str, op: str = "create") -> EngineEvent:
    return event("resourcePreEvent", **metadata(urn, op))


def ends(urn: str, op: str = "create") -> EngineEvent:
    return event("resOutputsEvent", **metadata(urn, op))


def follow(*events: tuple[float, EngineEvent]) -> tuple[Progress, str]:
    clock, printed = Clock(), StringIO()
    progress = Progress(Console(file=printed, width=200), clock)
    with progress:
        for moment, each in events:
            clock.now = moment
            progress.on_event(each)
    return progress, printed.getvalue()


def test_what_is_done_has_a_line_with_its_seconds():
    progress, printed = follow((1, begins(DEPLOYMENT)), (13.5, ends(DEPLOYMENT)))
    assert printed == "   12.5 s  created litellm-deployment Deployment\n"
    assert progress.done == 1


def test_what_was_quick_has_none():
    progress, printed = follow((1, begins(DEPLOYMENT)), (1.9, ends(DEPLOYMENT)))
    assert not printed
    assert progress.done == 1


def test_what_is_under_way_is_shown_with_its_seconds():
    clock = Clock()
    progress = Progress(Console(file=StringIO()), clock)
    progress.on_event(begins(DEPLOYMENT, "delete"))
    clock.now = 7
    shown = StringIO()
    Console(file=shown, width=100).print(progress.render())
    assert "7.0 s  deleting litellm-deployment Deployment" in shown.getvalue()


def test_nobody_waits_for_components_the_stack_or_what_stays_the_same():
    progress, _ = follow((0, begins(COMPONENT)), (0, begins(STACK)), (0, begins(DEPLOYMENT, "same")))
    assert not progress.started


def test_what_failed_is_not_under_way_any_more():
    failed = event("resOpFailedEvent", **metadata(DEPLOYMENT, "create"), status=1, steps=1)
    progress, _ = follow((0, begins(DEPLOYMENT)), (1, failed))
    assert not progress.started


def test_an_error_says_what_it_is_about():
    said = {"message": "error: no memory left\n", "color": "never", "severity": "error", "urn": DEPLOYMENT}
    progress, _ = follow((0, event("diagnosticEvent", **said)))
    assert progress.errors == ["litellm-deployment Deployment: no memory left"]


def test_the_engines_last_word_says_nothing_new():
    said = {"message": "update failed\n", "color": "never", "severity": "error", "urn": STACK}
    assert follow((0, event("diagnosticEvent", **said)))[0].errors == []
