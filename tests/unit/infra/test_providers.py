"""What the providers of a stack are told, and what they do not depend on."""

import pytest

from infra.providers import providers
from infra.target import resolve_offline
from tests.recording import run
from tests.unit.infra.stacks import config


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_the_cluster_is_known_by_the_stack_and_not_by_an_address(stack: str):
    """Another server name in a kubeconfig would otherwise replace the provider, and with it every object of the stack."""
    recorded = run(lambda: {"kubernetes": providers(resolve_offline(config(), stack))[0].id})
    assert recorded.inputs("pulumi:providers:kubernetes")["clusterIdentifier"] == f"litellm-{stack}"


@pytest.mark.parametrize(("adopt", "forced"), [(True, True), (False, None)])
def test_only_who_takes_over_a_lost_stack_overrides_field_managers(adopt: bool, forced: bool | None):
    of = config(secrets={"vault": {"adopt": adopt}})
    recorded = run(lambda: {"kubernetes": providers(resolve_offline(of, "dev"))[0].id})
    assert recorded.inputs("pulumi:providers:kubernetes").get("enablePatchForce") in (forced, str(forced).lower())
