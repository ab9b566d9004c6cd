"""A report as the comment of a pull request: the counts first, everything long folded, nothing secret."""

from collections.abc import Iterator, Sequence
from io import StringIO

from rich.console import Console
from rich.tree import Tree

from policy.check import Violation
from tools.report.model import Change, Report, StackReport, short_type
from tools.report.redact import hidden
from tools.report.text import FILE_WIDTH, SIGNS, contents, difference_lines, footer, resources_tree, summary

LONGEST = 60_000
"""Characters of a comment; GitHub takes 65,536."""


def markdown(report: Report) -> str:
    """The whole comment. What does not fit is left out, and the comment says so."""
    parts = [marker(report), *(f"> {one_line(notice)}\n" for notice in report.notices)]
    room = (LONGEST - 2_000) // max(1, len(report.stacks))
    parts += [section(stack, report, room) for stack in report.stacks]
    parts += [f"<sub>{text}</sub>\n" for text in footer(report)]
    return "\n".join(parts)


def marker(report: Report) -> str:
    """By this line a comment is found again, to be edited in place."""
    names = [stack.stack for stack in report.stacks]
    return f"<!-- litellm-{report.kind}:{names[0]} -->" if len(names) == 1 else f"<!-- litellm-{report.kind} -->"


def section(stack: StackReport, report: Report, room: int) -> str:
    against = f" against `{report.against}`" if report.against else ""
    parts = [f"### {report.kind.capitalize()} of `{stack.stack}`{against}\n", f"**{headline(stack)}**\n"]
    if stack.note:
        parts.append(f"{one_line(stack.note)}\n")
    parts += [fenced(str(hidden(problem))) for problem in stack.problems]
    parts += policy_table(stack.violations)
    if stack.changes:
        parts += fitting(changes_of(stack.changes), room - sum(map(len, parts)))
    elif stack.changes is None and stack.resources:
        parts.append(folded("Resources", fenced(plain(resources_tree(stack)))))
    return "\n".join(parts)


def headline(stack: StackReport) -> str:
    if stack.problems and not stack.resources:
        return "failed"
    levels = {"mandatory": stack.mandatory, "advisory": len(stack.violations) - stack.mandatory}
    broken = ", ".join(f"{count} {level}" for level, count in levels.items() if count)
    changed = summary(stack) if stack.changes is not None else contents(stack.resources)
    return f"{changed}; policy: {broken or 'every rule is kept'}"


def policy_table(violations: Sequence[Violation]) -> list[str]:
    if not violations:
        return []
    rows = [
        f"| {each.level} | `{each.rule.id}` | `{each.name}` | {cell(each.message)} | {cell(each.rule.fix)} |"
        for each in violations
    ]
    return ["\n".join(["| level | rule | resource | what is wrong | fix |", "|---|---|---|---|---|", *rows]) + "\n"]


def changes_of(changes: Sequence[Change]) -> list[tuple[str, str]]:
    """What is folded, with its title: the list of changes, then the differences of each resource."""
    rows = [f"{SIGNS[change.operation]} {change.name}  {short_type(change.type)}" for change in changes]
    folds = [("Changes", fenced("\n".join(rows), "diff"))]
    texts = [(change, "\n".join(difference_lines(change))) for change in changes]
    return folds + [
        (f"{SIGNS[change.operation]} {change.name} ({short_type(change.type)})", fenced(text, "diff"))
        for change, text in texts
        if text
    ]


def fitting(folds: Sequence[tuple[str, str]], room: int) -> Iterator[str]:
    left_out = 0
    for title, content in folds:
        text = folded(title, content)
        if len(text) > room:
            left_out += 1
            continue
        room -= len(text)
        yield text
    if left_out:
        yield f"{left_out} more did not fit; the whole is in the log of the job, or with `--format text`.\n"


def folded(title: str, content: str) -> str:
    return f"<details><summary>{html(title)}</summary>\n\n{content}\n</details>\n"


def fenced(text: str, language: str = "") -> str:
    """A code block, with a fence that the text cannot close."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}\n"


def plain(tree: Tree) -> str:
    buffer = StringIO()
    Console(file=buffer, width=FILE_WIDTH, no_color=True).print(tree)
    return buffer.getvalue().rstrip()


def one_line(text: str) -> str:
    return html(" ".join(text.split()))


def cell(text: str) -> str:
    return one_line(text).replace("|", "\\|")


def html(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
