"""Where a report goes, and in which form."""

import json
import os
import sys
from io import StringIO
from pathlib import Path
from typing import Literal

from rich.console import Console

from tools.report import text
from tools.report.markdown import markdown
from tools.report.model import Report

Format = Literal["text", "json", "markdown"]


def write(report: Report, form: Format, output: Path | None) -> int:
    """Print a report, or write it to a file, and return the exit code.

    A file gets the report also when the exit code is not 0: the comment of a pull request should say why.
    """
    if output is None and form == "text":
        for_people(report)
        return report.exit_code
    content = rendered(report, form)
    if output is None:
        sys.stdout.write(content)
    else:
        temporary = output.with_name(f".{output.name}.{os.getpid()}")
        temporary.write_text(content)
        temporary.replace(output)
        complain(report)
    return report.exit_code


def for_people(report: Report) -> None:
    """Errors go where errors belong, so that they are seen when the rest is not."""
    complain(report)
    text.show(report, Console())


def complain(report: Report) -> None:
    errors = Console(stderr=True, soft_wrap=True, highlight=False)
    for stack in report.stacks:
        for problem in stack.problems:
            errors.print(f"error: {problem}", markup=False)
        if stack.mandatory:
            errors.print(f"error: stack {stack.stack} violates {stack.mandatory} mandatory rule(s)", markup=False)


def rendered(report: Report, form: Format) -> str:
    if form == "json":
        return json.dumps(report.as_data(), indent=2, ensure_ascii=False) + "\n"
    if form == "markdown":
        return markdown(report)
    buffer = StringIO()
    text.show(report, Console(file=buffer, width=text.FILE_WIDTH, no_color=True))
    return buffer.getvalue()
