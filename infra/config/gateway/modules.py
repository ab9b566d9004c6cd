"""Python modules that LiteLLM's settings name: each comes with LiteLLM, or is one of `gateway.files`."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast

SHIPPED = ("litellm", "litellm_enterprise", "enterprise")
"""Packages of the image that settings may name."""

MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+")
"""`custom_callbacks.handler`: a module, and what is called in it."""

CALLED = {
    "litellm_settings": (
        *("callbacks", "success_callback", "failure_callback", "input_callback", "service_callback"),
        *("audit_log_callbacks", "post_call_rules"),
    ),
    "general_settings": (
        *(
            "custom_auth",
            "custom_key_generate",
            "custom_key_update",
            "custom_key_policy",
            "custom_team_metadata_validate",
        ),
        *("custom_sso", "custom_ui_sso_sign_in_handler"),
    ),
}
"""Settings whose texts, with a dot in them, are modules of somebody."""


def modules_named(sections: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Each setting that names something in a module, and what it names; `sections` as in config.yaml."""
    for section, settings in CALLED.items():
        given = mapping(sections.get(section))
        for setting in settings:
            yield from ((f"{section}.{setting}", text) for text in texts(given.get(setting)))
    for entry in listed(mapping(sections.get("litellm_settings")).get("custom_provider_map")):
        yield from (
            ("litellm_settings.custom_provider_map", text) for text in texts(mapping(entry).get("custom_handler"))
        )
    jwt = mapping(mapping(sections.get("general_settings")).get("litellm_jwtauth"))
    yield from (
        ("general_settings.litellm_jwtauth.custom_validate", text) for text in texts(jwt.get("custom_validate"))
    )
    for entry in listed(sections.get("guardrails")):
        params = mapping(mapping(entry).get("litellm_params"))
        yield from (("guardrails", text) for text in texts(params.get("guardrail")))
    for entry in listed(sections.get("mcp_tools")):
        yield from (("mcp_tools", text) for text in texts(mapping(entry).get("handler")))


def missing_modules(sections: Mapping[str, Any], files: Collection[str]) -> list[str]:
    """Settings that name a module which is none of the files and does not come with LiteLLM."""
    return sorted(
        {where for where, text in modules_named(sections) if MODULE.fullmatch(text) and not supplied(text, files)}
    )


def supplied(text: str, files: Collection[str]) -> bool:
    first, *_ = parts = text.split(".")
    module = "/".join(parts[:-1])
    return first in SHIPPED or f"{module}.py" in files or f"{module}/__init__.py" in files


def texts(value: Any) -> list[str]:
    return [text for text in listed(value) if isinstance(text, str)]


def listed(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}
