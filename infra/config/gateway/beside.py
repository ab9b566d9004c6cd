"""Files beside the stack file that belong to the gateway's configuration, read once, when the configuration is parsed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import yaml

from infra.config.project_files import PROJECT, Finding, UnusableError, text_of
from infra.config.words import name as shown

SECTION_KEYS = {
    "litellm_settings": "litellmSettings",
    "router_settings": "routerSettings",
    "general_settings": "generalSettings",
}
"""Sections of config.yaml that have a key of their own here."""


def with_files(gateway: Any, folder: Path = PROJECT) -> tuple[Any, list[Finding]]:
    """The section `gateway` with what its files say: `configFile` laid under it, and the texts of `files` for their paths."""
    if not isinstance(gateway, Mapping):
        return gateway, []
    section, problems = dict(cast("Mapping[str, Any]", gateway)), list[Finding]()
    if isinstance(section.get("configFile"), str) and section["configFile"]:
        try:
            section = laid_under(mapping(text_of(section["configFile"], folder)), section)
        except UnusableError as error:
            problems.append(("gateway.configFile", str(error)))
    if isinstance(section.get("files"), Mapping):
        texts: dict[str, Any] = {}
        for name, path in cast("Mapping[str, Any]", section["files"]).items():
            try:
                texts[name] = text_of(path, folder) if isinstance(path, str) else path
            except UnusableError as error:
                problems.append((f"gateway.files.{shown(name)}", str(error)))
        section["files"] = texts
    return section, problems


def mapping(text: str) -> dict[str, Any]:
    try:
        content: Any = yaml.safe_load(text) or {}
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise UnusableError(f"is no YAML at its line {line}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UnusableError("is no YAML") from None
    if not isinstance(content, dict):
        raise UnusableError("must have sections such as model_list at its top, as LiteLLM's config.yaml has")
    return cast("dict[str, Any]", content)


def laid_under(file: Mapping[str, Any], gateway: Mapping[str, Any]) -> dict[str, Any]:
    """What LiteLLM's file says, as far as the stack file says nothing else. Maps are merged; what is no map is replaced, and
    the models of one name are replaced as a whole."""
    below: dict[str, Any] = {SECTION_KEYS[name]: file[name] for name in SECTION_KEYS if file.get(name)}
    rest = {name: value for name, value in file.items() if name not in SECTION_KEYS and name != "model_list" and value}
    merged = merge({**below, **({"config": rest} if rest else {})}, gateway)
    if file.get("model_list"):
        merged["models"] = [*models(gateway.get("models")), *other_models(file["model_list"], gateway.get("models"))]
    return merged


def models(given: Any) -> list[Any]:
    return cast("list[Any]", given) if isinstance(given, list) else [] if given is None else [given]


def other_models(entries: Any, given: Any) -> Iterator[Any]:
    """LiteLLM's entries in our words, but for those of a name that the stack file has."""
    named = [cast("dict[str, Any]", model).get("name") for model in models(given) if isinstance(model, dict)]
    for entry in models(entries):
        if not isinstance(entry, dict):
            yield entry
        elif cast("dict[str, Any]", entry).get("model_name") not in named:
            yield model_of(cast("dict[str, Any]", entry))


def model_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in entry.items() if key not in ("model_name", "litellm_params", "model_info")}
    params: Any = entry.get("litellm_params")
    given = dict(cast("Mapping[str, Any]", params)) if isinstance(params, Mapping) else {}
    called = {"name": entry.get("model_name"), "model": given.pop("model", None)}
    return {**rest, "provider": "litellm", **called, "params": given, "info": entry.get("model_info") or {}}


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(under, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(cast("Mapping[str, Any]", under), cast("Mapping[str, Any]", value)) if both else value
    return merged
