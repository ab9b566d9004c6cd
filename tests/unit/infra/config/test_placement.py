"""Config keys `placement` and `gateway.placement`: what is accepted, what is refused, and which pod goes where."""

from typing import Any

import pytest
from pydantic import ValidationError

from components.pods import PodSettings
from infra.config.placement import Placement
from infra.config.stack import StackConfig
from infra.pods import Pods

TAINT = {"key": "dedicated", "operator": "Equal", "value": "ai", "effect": "NoSchedule"}
POOL = {"pool": "gateways"}


def stack(**sections: Any) -> StackConfig:
    models = {"models": [{"provider": "mock", "name": "mock"}]}
    given = {**sections, "gateway": {**models, **sections.get("gateway", {})}, "ingress": {"host": "a.example.com"}}
    return StackConfig.model_validate(given)


def everywhere(config: StackConfig) -> PodSettings:
    return Pods(config, ()).servers


def of_gateway(config: StackConfig) -> PodSettings:
    return Pods(config, ()).gateway


def refusal(**values: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        Placement.model_validate(values)
    return str(refused.value)


def test_without_a_word_pods_run_anywhere() -> None:
    for settings in (everywhere(stack()), of_gateway(stack())):
        assert not any(settings.values())


def test_one_placement_is_for_all_pods() -> None:
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}
    config = stack(
        placement={"nodeSelector": POOL, "tolerations": [TAINT], "affinity": affinity, "priorityClassName": "high"}
    )
    expected = {"node_selector": POOL, "tolerations": [TAINT], "affinity": affinity, "priority_class": "high"}
    for settings in (everywhere(config), of_gateway(config)):
        assert expected.items() <= settings.items()


def test_the_gateway_may_differ_key_by_key() -> None:
    config = stack(
        placement={"nodeSelector": {"pool": "data"}, "tolerations": [TAINT]},
        gateway={"placement": {"nodeSelector": POOL}},
    )
    others, gateway = everywhere(config), of_gateway(config)
    assert others.get("node_selector") == {"pool": "data"}
    assert gateway.get("node_selector") == POOL
    assert gateway.get("tolerations") == others.get("tolerations") == [TAINT]


def test_the_gateway_may_leave_the_selector_of_all() -> None:
    config = stack(placement={"nodeSelector": POOL}, gateway={"placement": {"nodeSelector": {}}})
    assert of_gateway(config).get("node_selector") == {}


def test_older_tolerations_reach_all_pods_and_an_older_selector_the_gateway_alone() -> None:
    """A selector might exclude the node that has the volume of a Postgres which stands already."""
    config = stack(gateway={"nodeSelector": POOL, "tolerations": [TAINT]})
    assert of_gateway(config).get("node_selector") == POOL
    assert everywhere(config).get("node_selector") == {}
    assert of_gateway(config).get("tolerations") == everywhere(config).get("tolerations") == [TAINT]


def test_tolerations_for_all_leave_the_older_ones_to_the_gateway() -> None:
    config = stack(placement={"tolerations": []}, gateway={"tolerations": [TAINT]})
    assert everywhere(config).get("tolerations") == []
    assert of_gateway(config).get("tolerations") == [TAINT]


def test_older_and_newer_keys_of_the_gateway_are_not_mixed() -> None:
    with pytest.raises(ValidationError, match="remove the older keys"):
        stack(gateway={"placement": {"nodeSelector": POOL}, "tolerations": [TAINT]})


@pytest.mark.parametrize("spread", [[], [{"topologyKey": "topology.kubernetes.io/zone", "maxSkew": 2}]])
def test_how_the_gateway_spreads_may_be_said(spread: list[dict[str, Any]]) -> None:
    found = of_gateway(stack(placement={"topologySpread": spread})).get("topology_spread")
    assert found == [{**each, "whenUnsatisfiable": "ScheduleAnyway"} for each in spread]


def test_affinity_has_kubernetes_own_parts() -> None:
    assert "nodeAffinity, podAffinity, podAntiAffinity" in refusal(affinity={"node": {}})
    assert "each an object" in refusal(affinity={"nodeAffinity": []})


def test_seconds_of_a_toleration_are_for_no_execute() -> None:
    assert "effect NoExecute only" in refusal(tolerations=[{**TAINT, "tolerationSeconds": 60}])
    kept = {**TAINT, "effect": "NoExecute", "tolerationSeconds": 60}
    assert everywhere(stack(placement={"tolerations": [kept]})).get("tolerations") == [kept]


def test_domains_are_counted_for_strict_constraints_only() -> None:
    assert "minDomains needs" in refusal(topologySpread=[{"topologyKey": "zone", "minDomains": 2}])
