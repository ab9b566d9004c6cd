"""`make adopt FROM=… STACK=mine`: read what there is, write a stack file, and say what is left to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import yaml

from infra.config.gateway.modules import MODULE, modules_named, supplied
from tools.adopt import charts, live
from tools.adopt.running import Running, Tree, at, tree_at
from tools.adopt.stack import Adopted, adopt, as_stack_file
from tools.engine.stack_file import NAME
from tools.problem import Problem

LEFT = 3
"""Exit code when something was left to do by hand."""

HEADER = (
    "# yaml-language-server: $schema=docs/stack.schema.json\n"
    "# Adopted by `make adopt`. Every key is described in docs/configuration.md.\n"
)
FILE_HEADER = "# LiteLLM's own configuration, as it was; secrets by the name of their variable.\n"


def main(project: Path, source: str, stack: str, get: Callable[[], live.Get], say: Callable[[str], None]) -> int:
    """Adopt a gateway; returns 3 when something was left.

    Args:
        project: where the stack file goes.
        source: a file (config.yaml, a ConfigMap, Helm values) or `cluster:NAMESPACE/DEPLOYMENT`.
        stack: name of the new stack.
        get: opens the cluster, for the latter.
        say: prints a line.

    Raises:
        Problem: when there is nothing to adopt, or when a file of that name is there.
    """
    check(project, stack)
    try:
        adopted = adopt(read(source, get), stack)
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
            "\nSecrets. Each line puts one into Vault. Where a line reads no Secret, paste the value, and end it with Ctrl-D:"
        )
    for what, command in adopted.commands:
        say(f"\n# {what}\n{command}")
    if adopted.left:
        say("\nNot translated:")
    for left in adopted.left:
        say(f"  - {left.where}: {left.why}")
    say(f"\nThen: make plan STACK={stack}")
    return LEFT if adopted.left else 0


def check(project: Path, stack: str) -> None:
    if not NAME.match(stack):
        raise Problem("STACK must be a name of letters, digits, - _ and . for the new stack")
    for path in files(project, stack):
        if path.exists():
            raise Problem(f"{path.name} is there already: choose another STACK, or move it away")


def files(project: Path, stack: str) -> tuple[Path, Path]:
    return project / f"Pulumi.{stack}.yaml", project / "litellm" / f"{stack}.yaml"


def read(source: str, get: Callable[[], live.Get]) -> Running:
    if source.startswith("cluster:"):
        namespace, _, name = source.removeprefix("cluster:").partition("/")
        if not namespace or not name:
            raise Problem("FROM=cluster:… needs a namespace and a Deployment: FROM=cluster:litellm/litellm")
        return live.from_cluster(get(), namespace, name)
    running = from_document(read_file(Path(source)))
    add_modules(running, Path(source).parent)
    return running


def add_modules(running: Running, folder: Path) -> None:
    """The Python modules that settings name, where they stand beside the file."""
    for where, text in modules_named(running.config):
        if not MODULE.fullmatch(text) or supplied(text, running.files):
            continue
        name = f"{text.rpartition('.')[0].replace('.', '/')}.py"
        try:
            running.files[name] = (folder / name).read_text()
        except (OSError, UnicodeDecodeError):
            running.leave(
                where, "names a Python module that is not beside the file: put it there, or add it to gateway.files"
            )


def read_file(path: Path) -> Tree:
    try:
        content: Any = yaml.safe_load(path.read_text())  # as LiteLLM reads it
    except OSError as error:
        raise Problem(f"cannot read the file that FROM names: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError):
        raise Problem("the file that FROM names is no YAML that can be read") from None
    if not isinstance(content, dict):
        raise Problem(
            "the file that FROM names is no map of keys: give a config.yaml, a ConfigMap or the values of a chart"
        )
    return cast("Tree", content)


def from_document(document: Tree) -> Running:
    if document.get("kind") == "ConfigMap":
        for text in tree_at(document, "data").values():
            if (config := live.configuration(str(text))) is not None:
                return Running(config=config, namespace=str(at(document, "metadata.namespace") or ""))
        raise Problem("the ConfigMap that FROM names holds no configuration of LiteLLM")
    if charts.is_litellm_helm(document):
        return charts.from_litellm_helm(document)
    if charts.is_litellm(document):
        return charts.from_litellm(document)
    if live.configuration(yaml.safe_dump(document)) is not None:
        return Running(config=document)
    raise Problem(
        "FROM names nothing that is known here: a config.yaml (with model_list, litellm_settings or general_settings), a "
        "ConfigMap with one, values of the charts litellm-helm or litellm, or cluster:NAMESPACE/DEPLOYMENT"
    )


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
