"""What a stack file says to be no secret is none for the policy either."""

import json
from typing import Any

from infra.config.load import load
from policy.rules.secrets import no_plain_secrets
from tools.offline.mock_engine import run
from tools.offline.plan import document
from tools.report.policies import violations

WHY = "a test key of the mock, which nobody checks"

TEXTS: dict[str, Any] = {
    "gateway": {
        "models": [
            {"provider": "mock", "name": "mock", "params": {"token": "hunter2"}, "info": {"api_key": "hunter2"}}
        ],
        "environment": {"A_KEY": "hunter2"},
        "litellmSettings": {"a_secret": "hunter2"},
        "routerSettings": {"a_secret": "hunter2"},
        "generalSettings": {"a_secret": "hunter2"},
        "serviceAccountAnnotations": {"example.com/token": "hunter2"},
    },
    "ingress": {"host": "litellm.example.com", "annotations": {"example.com/token": "hunter2"}},
}
ALLOWED = {
    "gateway.models[0].params.token": WHY,
    "gateway.models[0].info.api_key": WHY,
    "gateway.environment.A_KEY": WHY,
    "gateway.litellmSettings.a_secret": WHY,
    "gateway.routerSettings.a_secret": WHY,
    "gateway.generalSettings.a_secret": WHY,
    "gateway.serviceAccountAnnotations.example.com/token": WHY,
    "ingress.annotations.example.com/token": WHY,
}


def found(allowed: dict[str, str]) -> list[str]:
    """What the policy says of a stack that has these texts; each of them was allowed when its file was read."""
    from infra.environment import deploy
    from infra.target import resolve_offline

    sections = {**TEXTS, "allowPlaintext": ALLOWED}
    config = load({f"litellm:{key}": json.dumps(value) for key, value in sections.items()}, "dev")
    config = config.model_copy(update={"allow_plaintext": allowed})
    recording = run(lambda: deploy(resolve_offline(config, "dev")), preview=True, stack="dev")
    resources = document("dev", recording)["resources"]
    return [each.message for each in violations("dev", resources) if each.rule.id == no_plain_secrets.id]


def test_the_policy_keeps_to_what_is_allowed():
    assert found(ALLOWED) == []


def test_without_its_exception_each_text_is_a_violation_of_its_own():
    assert len(found({})) == len(ALLOWED)
