"""The report of the offline plan, alone or against another revision."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from infra.config.gateway.expected import sizes_of
from infra.config.ingress.settings import IngressConfig
from infra.config.load import ConfigError
from infra.ingress_class import UNNAMED
from tools.engine.stack_file import Stack, stack_names
from tools.offline.plan import document, record
from tools.problem import Problem
from tools.report.compare import changes
from tools.report.model import Planned, Report, StackReport
from tools.report.policies import violations
from tools.report.revision import Revision, read_revision, stacks_at

SIZED = ("gateway", "database", "redis")
FOLLOWS = "What follows from litellm:gateway.load:"


def plan(project: Path, stack: str, overlays: Sequence[Path] = (), notices: Sequence[str] = ()) -> Report:
    """What a stack consists of."""
    return Report("plan", [stack_report(project, stack, overlays)], notices=notices)


def plan_against(project: Path, revision: str, stack: str | None = None, overlays: Sequence[Path] = ()) -> Report:
    """What the work tree changes in a stack, or in all of them.

    Raises:
        Problem: when there is no such revision or stack.
    """
    there, here = stacks_at(project, revision), stack_names(project)
    chosen = [stack] if stack else sorted({*here, *there})
    for name in chosen:
        if name not in here and name not in there:
            raise Problem(
                f"no stack {name!r}, neither here nor at {revision}. Stacks here: {', '.join(here) or 'none'}; there: "
                f"{', '.join(there) or 'none'}"
            )
    with ThreadPoolExecutor(max_workers=1) as elsewhere:
        asked = elsewhere.submit(read_revision, project, revision, chosen, overlays, os.environ)
        now = [stack_report(project, name, overlays) if name in here else StackReport(name) for name in chosen]
        other = asked.result()
    reports = [compared(report, other, exists=report.stack in here) for report in now]
    return Report("plan", reports, against=revision, notices=other.notices)


def stack_report(project: Path, stack: str, overlays: Sequence[Path]) -> StackReport:
    return report_of(Stack.read(project, stack, overlays))


def report_of(stack: Stack) -> StackReport:
    try:
        planned: Sequence[Planned] = document(stack.name, record(stack))["resources"]
    except ConfigError as error:
        return StackReport(stack.name, problems=[str(error)])
    # Checked already: whatever is wrong with it is said above.
    unnamed = IngressConfig.model_validate(stack.config.get("litellm:ingress")).names_no_class
    follows = sizes_of({key: stack.setting(key) for key in SIZED})
    notes = [*([UNNAMED] if unnamed else []), *([FOLLOWS] if follows else []), *(f"  {size}" for size in follows)]
    return StackReport(stack.name, planned, violations=violations(stack.name, planned), note="\n".join(notes))


def compared(now: StackReport, other: Revision, *, exists: bool) -> StackReport:
    if now.problems:
        return now
    found = changes(other.resources.get(now.stack, ()), now.resources)
    unchanged = len(now.resources) - sum(change.operation != "delete" for change in found)
    notes = [now.note, note(now.stack, other, exists=exists)]
    return replace(now, changes=found, unchanged=unchanged, note="\n".join(filter(None, notes)))


def note(stack: str, other: Revision, *, exists: bool) -> str:
    if stack in other.problems:
        return f"its configuration is wrong at {other.name}, so that everything counts as new: {other.problems[stack]}"
    if stack not in other.resources:
        return f"new: it is not there at {other.name}"
    return "" if exists else f"its file is gone; at {other.name} it is there"
