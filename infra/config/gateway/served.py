"""Models that settings name, and whether an entry serves them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infra.config.gateway.modules import listed, mapping, texts

FALLBACKS = ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
DEFAULTS = tuple(f"{router}_router_default_model" for router in ("auto", "complexity", "adaptive", "quality"))
EVERY = "*"


def models_named(
    router: Mapping[str, Any], litellm: Mapping[str, Any], general: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Each place that names a model, and the name. LiteLLM takes fallbacks from either of two sections."""
    for section, settings in (("routerSettings", router), ("litellmSettings", litellm)):
        for setting in FALLBACKS:
            for index, entry in enumerate(listed(settings.get(setting))):
                where = f"{section}.{setting}[{index}]"
                for model, targets in mapping(entry).items():
                    yield where, model
                    yield from ((where, target) for target in [*texts(targets), *named_in(targets)])
        yield from ((f"{section}.default_fallbacks", name) for name in texts(settings.get("default_fallbacks")))
        for alias, target in mapping(settings.get("model_group_alias")).items():
            name = mapping(target).get("model", target)
            yield from ((f"{section}.model_group_alias", text) for text in texts(name) if text != alias)
    yield from (("generalSettings.completion_model", name) for name in texts(general.get("completion_model")))


def models_of_params(params: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The same of one deployment: what its router falls back to, and what gets a copy of its requests."""
    named = {setting: params.get(setting) for setting in (*DEFAULTS, "silent_model")}
    for config in ("quality_router_config", "complexity_router_config"):
        named[f"{config}.default_model"] = mapping(params.get(config)).get("default_model")
    yield from ((setting, name) for setting, value in named.items() for name in texts(value))


def named_in(targets: Any) -> list[str]:
    """Fallbacks with parameters of their own: `[{model: a, temperature: 0}]`."""
    return [name for target in listed(targets) for name in texts(mapping(target).get("model"))]


def served_by_nobody(named: Iterable[tuple[str, str]], names: Iterable[str], aliases: Iterable[str]) -> list[str]:
    """Places that name a model which is no entry, no alias, and fits no entry with a pattern for its name."""
    known, patterns = set[str](), list[re.Pattern[str]]()
    for name in (EVERY, *names, *aliases):
        known.add(name)
        if EVERY in name and name != EVERY:
            patterns.append(re.compile(".*".join(map(re.escape, name.split(EVERY)))))
    everything = EVERY in set(names)
    return sorted(
        {
            where
            for where, name in named
            if not everything and name not in known and not any(pattern.fullmatch(name) for pattern in patterns)
        }
    )
