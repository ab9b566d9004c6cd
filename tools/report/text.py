"""A report for a terminal."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from policy.check import Violation
from tools.report.model import Change, Operation, Planned, Report, StackReport, short_type
from tools.report.values import lines

LABEL = "Offline plan: what the stack consists of. It knows nothing of what exists already."
COMPARED = (
    "Offline: what the program of each revision asks for. It knows nothing of what exists already, nor of what follows from a "
    "value that changes, such as pods that roll over to a new password: `make preview` does."
)

FILE_WIDTH = 120
"""Columns where there is no terminal."""

SIGNS: Mapping[Operation, str] = {"create": "+", "update": "~", "replace": "±", "delete": "-"}
COLORS: Mapping[Operation, str] = {"create": "green", "update": "yellow", "replace": "magenta", "delete": "red"}
WORDS: Mapping[Operation, str] = {
    "create": "to create",
    "update": "to change",
    "replace": "to replace",
    "delete": "to delete",
}


def show(report: Report, console: Console) -> None:
    for stack in report.stacks:
        if stack.problems and not stack.resources:
            continue
        console.print(changes_tree(stack) if stack.changes is not None else resources_tree(stack))
        console.print(summary(stack), highlight=False, soft_wrap=True)
        if stack.note:
            console.print(escape(stack.note), highlight=False, soft_wrap=True)
        show_policy(stack.violations, console)
    for notice in [*report.notices, *footer(report)]:
        console.print(escape(notice), style="dim", soft_wrap=True)


def footer(report: Report) -> list[str]:
    if not report.offline or all(stack.problems for stack in report.stacks):
        return []
    return [COMPARED if report.against else LABEL]


def summary(stack: StackReport) -> str:
    """The counts, on one line."""
    if stack.changes is None:
        return contents(stack.resources)
    parts = [f"{count} {WORDS[operation]}" for operation, count in stack.counts.items()]
    return f"{', '.join(parts) or 'no changes'}, {stack.unchanged} unchanged"


def contents(resources: Sequence[Planned]) -> str:
    made = [resource for resource in resources if not is_component(resource)]
    counts = Counter(str(resource["type"]).partition(":")[0] for resource in made)
    by_provider = ", ".join(f"{count} {provider}" for provider, count in sorted(counts.items()))
    return f"{len(made)} resources ({by_provider}) in {len(resources) - len(made)} components"


def is_component(resource: Planned) -> bool:
    return str(resource["type"]).startswith("litellm:index:")


def resources_tree(stack: StackReport) -> Tree:
    """Every resource below its parent, in the order of registration."""
    root = Tree(f"[bold]litellm-{stack.stack}[/bold]")
    branches: dict[str, Tree] = {}
    for resource in stack.resources:
        branches[resource["urn"]] = branches.get(resource["parent"], root).add(described(resource))
    return root


def changes_tree(stack: StackReport) -> Tree:
    """Every change below the component it belongs to."""
    root = Tree(f"[bold]litellm-{stack.stack}[/bold]")
    known = {resource["urn"]: resource for resource in stack.resources}
    branches: dict[str, Tree] = {}
    for change in stack.changes or ():
        parent = known.get(change.urn, {}).get("parent", "")
        branch = branch_of(parent, known, branches, root)
        branches[change.urn] = leaf = branch.add(changed(change))
        for text in difference_lines(change):
            color = {"+": "green", "-": "red"}.get(text[:1], "dim")
            leaf.add(f"[{color}]{escape(text)}[/{color}]", guide_style="dim")
    return root


def branch_of(urn: str, known: Mapping[str, Planned], branches: dict[str, Tree], root: Tree) -> Tree:
    if urn not in branches:
        if urn not in known:
            return root
        parent = branch_of(known[urn]["parent"], known, branches, root)
        branches[urn] = parent.add(f"{known[urn]['name']} [dim]{short_type(known[urn]['type'])}[/dim]")
    return branches[urn]


def changed(change: Change) -> str:
    color = COLORS[change.operation]
    return f"[{color}]{SIGNS[change.operation]} {escape(change.name)}[/] [cyan]{short_type(change.type)}[/cyan]"


def difference_lines(change: Change) -> Iterator[str]:
    for difference in change.differences:
        yield from lines(difference)


def described(resource: Planned) -> str:
    given = (("protected", resource["protect"]), ("retained", resource["retainOnDelete"]))
    marks = [mark for mark, is_set in given if is_set]
    physical = physical_name(resource)
    shown = f" [dim]{physical}[/dim]" if physical and physical != resource["name"] else ""
    return f"{resource['name']} [cyan]{short_type(resource['type'])}[/cyan]{shown}" + (
        f" [yellow]{', '.join(marks)}[/yellow]" if marks else ""
    )


def physical_name(resource: Planned) -> str:
    inputs: dict[str, Any] = resource["inputs"]
    name = (inputs.get("metadata") or inputs).get("name")
    return name if isinstance(name, str) and not name.startswith("[") else ""


def show_policy(violations: Sequence[Violation], console: Console) -> None:
    if not violations:
        console.print("policy: [green]every rule is kept[/]", highlight=False)
    for violation in violations:
        color = "red" if violation.mandatory else "yellow"
        rule = violation.rule
        console.print(
            f"[{color}]policy, {violation.level}:[/] {rule.id}: {escape(violation.name)}: {escape(violation.message)}\n"
            f"  [dim]why:[/] {escape(rule.reason)}\n  [dim]fix:[/] {escape(rule.fix)}",
            highlight=False,
            soft_wrap=True,
        )
