"""The adapter between the rules and Pulumi's policy SDK; in the engine itself it runs in tests/e2e."""

from collections.abc import Callable
from typing import Any

import pytest
from pulumi_policy import (
    EnforcementLevel,
    PolicyCustomTimeouts,
    PolicyResource,
    PolicyResourceOptions,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UNKNOWN_STRING_VALUE, unknown_checking_proxy

from policy import __main__ as pack
from policy.resource import UNKNOWN, Resource
from policy.rules import RULES
from policy.rules.network import network_policy
from policy.rules.pods import restricted_pods
from tests.unit.policy.resources import gateway


def options(*, protect: bool = False) -> PolicyResourceOptions:
    return PolicyResourceOptions(protect, [], None, [], PolicyCustomTimeouts(0, 0, 0), [])


def arguments(resource: Resource) -> ResourceValidationArgs:
    props = unknown_checking_proxy(dict(resource.inputs))
    return ResourceValidationArgs(resource.type, props, resource.urn, resource.name, options(), None)


def in_stack(resource: Resource) -> PolicyResource:
    props = unknown_checking_proxy(dict(resource.inputs))
    return PolicyResource(resource.type, props, resource.urn, resource.name, options(), None, None, [], {})


@pytest.fixture
def reported() -> list[tuple[str, str | None]]:
    return []


@pytest.fixture
def report(reported: list[tuple[str, str | None]]) -> Callable[[str, str | None], None]:
    return lambda message, urn: reported.append((message, urn))


def test_a_rule_about_one_resource_is_asked_before_that_is_made(reported: Any, report: Any):
    policy = pack.for_resource(restricted_pods, "mandatory")
    assert isinstance(policy, ResourceValidationPolicy)
    policy.validate(arguments(gateway(pod={"hostNetwork": True})), report)
    ((message, _),) = reported
    assert message.startswith("hostNetwork must not be set. Fix: use components/pods.py")


def test_a_rule_about_several_blames_one_of_them(reported: Any, report: Any):
    policy = pack.for_stack(network_policy, "mandatory")
    assert isinstance(policy, StackValidationPolicy)
    policy.validate(StackValidationArgs([in_stack(gateway())]), report)
    ((message, urn),) = reported
    assert "closes namespace ns" in message
    assert urn == gateway().urn


def test_what_is_not_known_yet_does_not_stop_a_rule():
    """The SDK raises an error at such a value, and a rule would be given up as a whole."""
    inputs = {"spec": {"a": UNKNOWN_STRING_VALUE, "b": [UNKNOWN_STRING_VALUE, 2.0]}}
    resource = Resource("urn", "type", "name", inputs)
    assert pack.seen(arguments(resource)).inputs == {"spec": {"a": UNKNOWN, "b": [UNKNOWN, 2]}}


def test_protection_is_seen():
    args = ResourceValidationArgs("type", {}, "urn", "name", options(protect=True), None)
    assert pack.seen(args).protect


@pytest.mark.parametrize("level", ["mandatory", "advisory", "disabled"])
def test_the_engine_gets_the_level_of_the_file(level: Any):
    assert pack.for_resource(restricted_pods, level).enforcement_level is EnforcementLevel(level)


def test_every_rule_is_in_the_pack(monkeypatch: pytest.MonkeyPatch):
    made: dict[str, Any] = {}
    monkeypatch.setattr(pack, "PolicyPack", lambda name, policies: made.update({name: policies}))
    pack.pack("dev")
    (policies,) = made.values()
    assert [policy.name for policy in policies] == [rule.id for rule in RULES]
    levels = {policy.name: policy.enforcement_level for policy in policies}
    assert levels["tls"] is EnforcementLevel.ADVISORY
    assert levels["protected-state"] is EnforcementLevel.DISABLED
    assert levels["no-plain-secrets"] is EnforcementLevel.MANDATORY
