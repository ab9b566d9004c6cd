"""No text of a stack file may be a secret, wherever it stands; and what is meant can be said."""

import json
import re
from typing import Any

import pytest

from infra.config.load import ConfigError, load
from infra.config.stack import StackConfig
from infra.config.sweep import free_maps, plain_secrets
from tests.unit.infra.config.test_detector import BY_VALUE, some

KEY = "sk-" + "proj-" + some(20)
MOCK: dict[str, Any] = {"provider": "mock", "name": "mock"}
RIGHT: dict[str, Any] = {"ingress": {"host": "litellm.example.com"}, "gateway": {"models": [MOCK]}}
WHY = "a test key of the mock, which nobody checks"


def config(**sections: Any) -> StackConfig:
    merged = {**RIGHT, **sections}
    if "gateway" in sections:
        merged["gateway"] = {"models": [MOCK], **sections["gateway"]}
    if "ingress" in sections:
        merged["ingress"] = {**RIGHT["ingress"], **sections["ingress"]}
    return load({f"litellm:{key}": json.dumps(value) for key, value in merged.items()}, "dev", [])


def refusal(**sections: Any) -> str:
    with pytest.raises(ConfigError) as refused:
        config(**sections)
    return str(refused.value)


GATEWAY: list[tuple[dict[str, Any], str]] = [
    ({"generalSettings": {"master_key": KEY}}, "generalSettings.master_key"),
    ({"generalSettings": {"database_url": "postgresql://u:hunter2@db/x"}}, "generalSettings.database_url"),
    ({"generalSettings": {"alert_to_webhook_url": {"a": "https://b.example.com/T0"}}}, "alert_to_webhook_url.a"),
    ({"generalSettings": {"alert_to_webhook_url": {"a": ["https://b.example.com/T0"]}}}, "alert_to_webhook_url.a[0]"),
    ({"generalSettings": {"anything": "https://user:hunter2@example.com"}}, "generalSettings.anything"),
    ({"litellmSettings": {"cache_params": {"type": "redis", "password": "hunter2"}}}, "cache_params.password"),
    ({"litellmSettings": {"cache_params": {"url": "redis://:hunter2@redis:6379"}}}, "cache_params.url"),
    (
        {"litellmSettings": {"default_team_settings": [{"team_id": "a", "langfuse_secret": "hunter2"}]}},
        "langfuse_secret",
    ),
    ({"routerSettings": {"redis_password": "hunter2"}}, "routerSettings.redis_password"),
    ({"routerSettings": {"fallbacks": [{"a": [KEY]}]}}, "fallbacks[0].a[0]"),
    ({"models": [{**MOCK, "params": {"extra_headers": {"Authorization": "Bearer hunter2"}}}]}, "Authorization"),
    ({"models": [{**MOCK, "params": {"extra_headers": {"X-Api-Key": "hunter2"}}}]}, "extra_headers.X-Api-Key"),
    ({"models": [{**MOCK, "params": {"aws_session_token": "hunter2"}}]}, "models[0].params.aws_session_token"),
    ({"models": [{**MOCK, "info": {"contact": KEY}}]}, "models[0].info.contact"),
    ({"models": [{**MOCK, "response": KEY}]}, "models[0].response"),
    ({"models": [{**MOCK, "provider": "openai", "model": KEY}]}, "models[0].model"),
    (
        {"models": [{**MOCK, "provider": "vllm", "model": "a", "apiBase": f"https://b.example.com/?key={some(30)}"}]},
        "models[0].apiBase",
    ),
    ({"environment": {"LANGFUSE_SECRET_KEY": "hunter2"}}, "environment.LANGFUSE_SECRET_KEY"),
    ({"environment": {"SLACK": "xoxb-" + some(24)}}, "environment.SLACK"),
    ({"serviceAccountAnnotations": {"example.com/token": "hunter2"}}, "serviceAccountAnnotations.example.com/token"),
    ({"nodeSelector": {"example.com/pool": KEY}}, "nodeSelector.example.com/pool"),
]


@pytest.mark.parametrize(("settings", "where"), GATEWAY)
def test_a_secret_in_a_setting_of_the_gateway_is_refused_and_never_shown(settings: dict[str, Any], where: str) -> None:
    message = refusal(gateway=settings)
    assert f"{where}: looks like a secret" in message
    assert not any(secret in message for secret in ("hunter2", "T0", KEY))


@pytest.mark.parametrize(
    ("sections", "where"),
    [
        ({"ingress": {"annotations": {"example.com/api-key": "hunter2"}}}, "ingress.annotations.example.com/api-key"),
        ({"ingress": {"alb": {"tags": {"Owner": KEY}}}}, "ingress.alb.tags.Owner"),
        (
            {"externalSecrets": {"environment": {"HTTPS_PROXY": "http://a:hunter2@proxy.example.com"}}},
            "externalSecrets.environment.HTTPS_PROXY",
        ),
        (
            {"networkPolicy": {"gateway": [{"namespaceLabels": {"example.com/a": KEY}}]}},
            "namespaceLabels.example.com/a",
        ),
        ({"secrets": {"vault": {"namespace": "hvs." + some(24)}}}, "secrets.vault.namespace"),
        ({"externalSecrets": {"image": KEY}}, "externalSecrets.image"),
        ({"redis": {"kind": "in-cluster", "password": KEY}}, "redis.password"),
        ({"providerDocuments": {"A_KEY": {"document": KEY, "property": "a"}}}, "providerDocuments.A_KEY.document"),
    ],
)
def test_a_secret_anywhere_else_is_refused_and_never_shown(sections: dict[str, Any], where: str) -> None:
    message = refusal(**sections)
    assert f"{where}: looks like a secret" in message
    assert not any(secret in message for secret in ("hunter2", KEY))


PLACES = sorted(free_maps() - {"allowPlaintext"})
"""Every map of the schema whose keys are the user's own, but for the exceptions themselves."""


def at(path: str, value: Any) -> dict[str, Any]:
    """A configuration that has a value at a path, and nothing else."""
    for part in reversed(re.findall(r"\[\]|[^.\[\]]+", path)):
        value = [value] if part == "[]" else {part: value}
    return value


@pytest.mark.parametrize("path", PLACES)
def test_every_map_with_free_keys_is_searched_by_form_and_by_name(path: str) -> None:
    assert [where for where, _ in plain_secrets(at(path, {"note": BY_VALUE["Google"]}))]
    assert [where for where, _ in plain_secrets(at(path, {"API_KEY": "hunter2"}))]


def test_keys_of_the_schema_are_no_names_of_secrets() -> None:
    """`passwordKey: password` says where a password is; a toleration has a key."""
    config(
        gateway={"tolerations": [{"key": "example.com/gpu", "operator": "Exists"}]},
        providerDocuments={"A_KEY": {"document": "shared/keys", "property": "password"}},
        database={
            "kind": "existing",
            "host": "db.example.com",
            "admin": {"kubernetesSecret": "admin", "passwordKey": "password"},
        },
    )


def test_all_secrets_of_a_file_are_named_at_once() -> None:
    message = refusal(gateway={"environment": {"A_KEY": "x1", "B_KEY": "x2"}, "replicas": 0})
    assert all(where in message for where in ("environment.A_KEY", "environment.B_KEY", "gateway.replicas"))


def test_a_key_that_looks_like_a_secret_is_not_shown_either() -> None:
    assert KEY not in refusal(gateway={"generalSettings": {KEY: KEY}})


def test_a_text_that_is_meant_can_be_allowed_with_a_reason() -> None:
    allowed = {"gateway.environment.A_KEY": WHY, "gateway.models[0].params.token": WHY}
    settings = {"environment": {"A_KEY": "hunter2"}, "models": [{**MOCK, "params": {"token": "hunter2"}}]}
    assert config(gateway=settings, allowPlaintext=allowed).allow_plaintext == allowed


def test_an_exception_is_for_one_path_only() -> None:
    settings = {"environment": {"A_KEY": "hunter2", "B_KEY": "hunter2"}}
    message = refusal(gateway=settings, allowPlaintext={"gateway.environment.A_KEY": WHY})
    assert "environment.B_KEY" in message
    assert "environment.A_KEY" not in message


@pytest.mark.parametrize(
    ("allowed", "says"),
    [
        ({"gateway.environment.B": WHY}, "allowPlaintext: has a path at which there is no text"),
        ({"gateway.environment.A_KEY": ""}, "10 characters or more"),
        ({"gateway.environment.A_KEY": KEY}, "allowPlaintext: has a reason that looks like a secret"),
    ],
)
def test_an_exception_names_a_text_and_has_a_reason(allowed: dict[str, str], says: str) -> None:
    message = refusal(gateway={"environment": {"A_KEY": "hunter2"}}, allowPlaintext=allowed)
    assert says in message
    assert KEY not in message
