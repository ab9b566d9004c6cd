"""`make adopt FROM=… STACK=mine`: read what there is, write a stack file, and say what is left to do."""

from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from tools.adopt import live
from tools.adopt.sources import read
from tools.adopt.stack import Adopted, adopt, as_stack_file
from tools.adopt.stores import Store
from tools.engine.stack_file import NAME
from tools.problem import Problem

LEFT = 3
"""Exit code when something was left to do by hand."""

HEADER = (
    "# yaml-language-server: $schema=docs/stack.schema.json\n"
    "# Adopted by `make adopt`. Every key is described in docs/configuration.md.\n"
)
FILE_HEADER = "# LiteLLM's own configuration, as it was; secrets by the name of their variable.\n"


def main(
    project: Path,
    source: str,
    stack: str,
    store: Store,
    get: Callable[[], live.Get],
    refusals: Callable[[], Sequence[str]],
    say: Callable[[str], None],
) -> int:
    """Adopt a gateway; returns 3 when something was left.

    Args:
        project: where the stack file goes.
        source: a file (config.yaml, a ConfigMap, Helm values) or `cluster:NAMESPACE/DEPLOYMENT`.
        stack: name of the new stack.
        store: where the secrets go.
        get: opens the cluster, for the latter.
        refusals: what the program has against the new stack's configuration.
        say: prints a line.

    Raises:
        Problem: when there is nothing to adopt, or when a file of that name is there.
    """
    check(project, stack)
    try:
        adopted = adopt(read(source, get), stack, store)
    except (TypeError, ValueError, KeyError, AttributeError, RecursionError):
        # Whatever a source has in the place of a number, a quantity or a map; it may be a secret, so it is not repeated.
        raise Problem(
            "what FROM names has a value of another type than its kind of file allows, such as text for a number of replicas: "
            "check it with the chart or LiteLLM first"
        ) from None
    for path in write(project, stack, adopted):
        say(f"wrote {path}")
    if adopted.commands:
        say(
            f"\nSecrets. Each line puts one into {store.name}. Where a line reads no Secret, paste the value, and end it with "
            "a new line and Ctrl-D:"
        )
    for what, command in adopted.commands:
        say(f"\n# {what}\n{command}")
    if adopted.left:
        say("\nNot translated:")
    for left in adopted.left:
        say(f"  - {left.where}: {left.why}")
    refused = refusals()
    if refused:
        say("\nTo be corrected, here or in the source, before the stack can be planned:")
    for problem in refused:
        say(f"  - {problem}")
    say(f"\nThen: make plan STACK={stack}")
    return LEFT if adopted.left or refused else 0


def check(project: Path, stack: str) -> None:
    if not NAME.match(stack):
        raise Problem("STACK must be a name of letters, digits, - _ and . for the new stack")
    for path in files(project, stack):
        if path.exists():
            raise Problem(f"{path.name} is there already: choose another STACK, or move it away")


def files(project: Path, stack: str) -> tuple[Path, Path]:
    return project / f"Pulumi.{stack}.yaml", project / "litellm" / f"{stack}.yaml"


def write(project: Path, stack: str, adopted: Adopted) -> list[Path]:
    stack_file, config_file = files(project, stack)
    written = [stack_file]
    stack_file.write_text(
        HEADER + yaml.safe_dump(as_stack_file(adopted), sort_keys=False, allow_unicode=True, width=120)
    )
    if adopted.config:
        config_file.parent.mkdir(exist_ok=True)
        config_file.write_text(
            FILE_HEADER + yaml.safe_dump(adopted.config, sort_keys=False, allow_unicode=True, width=120)
        )
        written.append(config_file)
    for name, text in adopted.files.items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        written.append(path)
    return written
