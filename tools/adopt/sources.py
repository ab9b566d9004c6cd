"""What `FROM` may name: a file of LiteLLM, of Kubernetes or of Helm, or a Deployment in a cluster."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from infra.config.gateway.modules import MODULE, modules_named, supplied
from tools.adopt import live
from tools.adopt.charts import leave_other_values, values_of
from tools.adopt.litellm_components import from_litellm, is_litellm
from tools.adopt.litellm_helm import from_litellm_helm, is_litellm_helm
from tools.adopt.running import Running, Tree, at, list_at, tree_at
from tools.problem import Problem

NOTHING_KNOWN = (
    "FROM names nothing that is known here: a config.yaml (with model_list, litellm_settings or general_settings), a "
    "ConfigMap with one, manifests with a Deployment, values of the charts litellm-helm or litellm, or "
    "cluster:NAMESPACE/DEPLOYMENT"
)


def read(source: str, get: Callable[[], live.Get]) -> Running:
    """What runs, by a file or a Deployment.

    Raises:
        Problem: when that is no gateway.
    """
    if source.startswith("cluster:"):
        namespace, _, name = source.removeprefix("cluster:").partition("/")
        if not namespace or not name:
            raise Problem("FROM=cluster:… needs a namespace and a Deployment: FROM=cluster:litellm/litellm")
        return live.from_cluster(get(), namespace, name)
    path = Path(source)
    running = from_documents(read_file(path), path)
    add_modules(running, path.parent)
    return running


def read_file(path: Path) -> list[Tree]:
    """The documents of a file; one for a file of LiteLLM or of Helm."""
    try:
        documents: list[Any] = [each for each in yaml.safe_load_all(path.read_text()) if each is not None]
    except OSError as error:
        raise Problem(f"cannot read the file that FROM names: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError):
        raise Problem("the file that FROM names is no YAML that can be read") from None
    if not documents or not all(isinstance(each, dict) for each in documents):
        raise Problem(
            "the file that FROM names is no map of keys: give a config.yaml, manifests or the values of a chart"
        )
    return cast("list[Tree]", documents)


def from_documents(documents: list[Tree], path: Path) -> Running:
    kinds = {str(each.get("kind")) for each in documents}
    if kinds & {"Deployment", "StatefulSet", "List"}:
        return live.from_manifests(documents)
    if kinds == {"ConfigMap"}:
        return from_config_map(documents[0])
    if len(documents) > 1:
        documents = [each for each in documents if each.get("kind") in ("HelmRelease", "Application")] or documents
    running = from_values_or_config(values_of(documents[0]), path)
    leave_other_values(running, documents[0])
    return running


def from_config_map(document: Tree) -> Running:
    data = {str(name): str(text) for name, text in tree_at(document, "data").items()}
    for name, text in data.items():
        if (config := live.configuration(text)) is not None:
            running = Running(config=config, namespace=str(at(document, "metadata.namespace") or ""))
            running.files = {other: beside for other, beside in data.items() if other != name}
            return running
    raise Problem("the ConfigMap that FROM names holds no configuration of LiteLLM")


def from_values_or_config(document: Tree, path: Path) -> Running:
    if is_litellm_helm(document):
        return from_litellm_helm(document)
    if is_litellm(document):
        return from_litellm(document)
    if live.configuration(yaml.safe_dump(document)) is not None or "include" in document:
        return included(document, path)
    return from_dependency(document, path)


def from_dependency(document: Tree, path: Path) -> Running:
    """Values of a chart that has one of LiteLLM's as a dependency: they stand below its name."""
    below = {key: cast("Tree", value) for key, value in document.items() if isinstance(value, Mapping)}
    ours = [key for key, value in below.items() if is_litellm_helm(value) or is_litellm(value)]
    if len(ours) != 1:
        raise Problem(NOTHING_KNOWN)
    running = from_values_or_config(below[ours[0]], path)
    for key in sorted(set(document) - set(ours)):
        if document[key]:
            running.leave(key, "is of another chart than LiteLLM's")
    return running


def included(document: Tree, path: Path) -> Running:
    """A file of LiteLLM with those that it includes, as LiteLLM reads them: lists grow, everything else is replaced."""
    config = {key: value for key, value in document.items() if key != "include"}
    running = Running(config=config)
    waiting = [(str(name), path) for name in list_at(document, "include")]
    seen = {path.resolve()}
    while waiting:
        name, above = waiting.pop(0)
        file = next((each for each in (above.parent / name, path.parent / name) if each.is_file()), None)
        if file is None:
            running.leave(
                "include", "names a file that is not there: put it beside, or into the file of gateway.configFile"
            )
            continue
        if file.resolve() in seen:
            continue
        seen.add(file.resolve())
        (found,) = read_file(file)[:1]
        waiting += [(str(each), file) for each in list_at(found, "include")]
        for key, value in found.items():
            if key != "include":
                both = isinstance(value, list) and isinstance(config.get(key), list)
                config[key] = [*config[key], *value] if both else value
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
