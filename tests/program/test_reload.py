"""Who replaces the gateway's pods when a value changes in the store by somebody else's hand."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from components.sync.restarter import ROTATIONS
from components.sync.shared import FINGERPRINT
from infra.environment import deploy
from infra.target import resolve_offline
from infra.workloads import ANNOUNCEMENT, RESTARTER
from tests.program.stacks import EXAMPLES, ROOT, stack_of
from tools.engine.stack_file import Stack
from tools.offline.mock_engine import Recording, run
from tools.offline.plan import configuration, document
from tools.report.policies import violations

SECRET = "kubernetes:external-secrets.io/v1:ExternalSecret"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
DEV, FILES = ROOT / "Pulumi.dev.yaml", EXAMPLES / "Pulumi.config-file.yaml"


@cache
def recorded(reload: str | None, path: Path = DEV) -> Recording:
    """Everything known, as after an `up`, of a stack with this in `secrets.reload`."""
    whole = stack_of(path).document
    secrets: dict[str, Any] = whole["config"].get("litellm:secrets", {}) | ({"reload": reload} if reload else {})
    stack = Stack("dev", {**whole, "config": whole["config"] | {"litellm:secrets": secrets}})
    return run(lambda: deploy(resolve_offline(configuration(stack), "dev")), preview=False, stack="dev")


def watched(recording: Recording) -> list[str]:
    """The Secrets that have a hash of their values."""
    return [
        each.name for each in recording.of(SECRET) if FINGERPRINT in each.inputs["spec"]["target"]["template"]["data"]
    ]


def test_a_stack_that_does_not_ask_for_it_has_nothing_of_it():
    recording = recorded(None)
    assert {each.type for each in recorded("none").resources} == {each.type for each in recording.resources}
    assert (watched(recording), recording.of("litellm:index:Restarter")) == ([], [])
    assert "annotations" not in recording.inputs(DEPLOYMENT, "litellm-deployment")["metadata"]


def test_the_restarter_knows_a_hash_of_whatever_the_pods_read():
    assert watched(recorded("restarter")) == ["litellm-env-secret"]
    (volume,) = [
        each["projected"]["sources"]
        for each in recorded("restarter").inputs(DEPLOYMENT, f"{RESTARTER}-deployment")["spec"]["template"]["spec"][
            "volumes"
        ]
        if "projected" in each
    ]
    assert [each["secret"]["items"][0]["key"] for each in volume if "secret" in each] == [FINGERPRINT]


def test_pods_go_on_reading_all_other_keys():
    names = [
        set(each.inputs(SECRET, "litellm-env-secret")["spec"]["target"]["template"]["data"])
        for each in (recorded(None), recorded("restarter"))
    ]
    assert names[1] - names[0] == {FINGERPRINT}


MAP = "kubernetes:core/v1:ConfigMap"


def announced(**more: Any) -> str:
    """What a stack with the restarter announces, with more in its file."""
    whole = stack_of(DEV).document
    given = {"litellm:secrets": {"reload": "restarter"}} | {f"litellm:{key}": value for key, value in more.items()}
    stack = Stack("dev", {**whole, "config": whole["config"] | given})
    recording = run(lambda: deploy(resolve_offline(configuration(stack), "dev")), preview=False, stack="dev")
    return recording.inputs(MAP, ANNOUNCEMENT)["data"][ROTATIONS]


def test_the_restarter_is_told_of_rotations_before_any_value_is_written():
    recording = recorded("restarter")
    (told,) = [
        each["spec"]["template"]["spec"]["containers"][0]["args"]
        for each in [recording.inputs(DEPLOYMENT, f"{RESTARTER}-deployment")]
    ]
    assert told[-2:] == [ANNOUNCEMENT, recording.inputs(MAP, ANNOUNCEMENT)["data"][ROTATIONS]]
    order = [each.name for each in recording.resources]
    assert order.index(ANNOUNCEMENT) < min(
        order.index(each.name) for each in recording.of("vault:kv/secretV2:SecretV2")
    )


@pytest.mark.parametrize("section", ["database", "redis"])
def test_a_rotation_is_announced_and_nothing_else(section: str):
    whole = stack_of(DEV).document["config"].get(f"litellm:{section}", {})
    assert announced() == announced(networkPolicy={"enabled": False})
    assert announced(**{section: {**whole, "rotation": 1}}) != announced()
    assert announced(keys={"master": {"rotation": 1}}) != announced()


def test_reloader_is_asked_by_an_annotation_of_the_deployment_alone():
    recording = recorded("reloader")
    annotations = recording.inputs(DEPLOYMENT, "litellm-deployment")["metadata"]["annotations"]
    assert annotations == {"secret.reloader.stakater.com/auto": "true"}
    assert {each.name for each in recording.resources} == {each.name for each in recorded(None).resources}


def test_the_restarter_reaches_the_api_of_kubernetes_and_nobody_reaches_it():
    policy = recorded("restarter").inputs(
        "kubernetes:networking.k8s.io/v1:NetworkPolicy", f"network-{RESTARTER}-egress"
    )
    (rule,) = policy["spec"]["egress"]
    assert {each["port"] for each in rule["ports"]} == {443, 6443, 8443}
    assert RESTARTER not in json.dumps(
        [
            each.inputs["spec"].get("ingress")
            for each in recorded("restarter").of("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        ]
    )


@pytest.mark.parametrize("reload", ["restarter", "reloader"])
def test_every_rule_is_kept(reload: str):
    found, usual = (
        [f"{each.rule.id}: {each.name}" for each in violations("dev", document("dev", recording)["resources"])]
        for recording in (recorded(reload), recorded(None))
    )
    assert found == usual
