"""All rules, in the order in which they are reported."""

from policy.rule import AnyRule
from policy.rules.gateway import (
    keys_required,
    memory_floor,
    no_memory_target,
    probes_call_no_model,
    replicas_share_redis,
    requests_may_finish,
)
from policy.rules.identity import exact_arns, exact_vault_paths, vault_audience
from policy.rules.network import network_policy, private_metrics, public_load_balancer, retired_controller, tls
from policy.rules.placement import placements_agree
from policy.rules.pods import pinned_images, restricted_pods
from policy.rules.secrets import no_plain_secrets, operator_api
from policy.rules.state import protected_salt, protected_state

RULES: tuple[AnyRule, ...] = (
    no_plain_secrets,
    operator_api,
    vault_audience,
    exact_vault_paths,
    exact_arns,
    protected_salt,
    protected_state,
    tls,
    retired_controller,
    public_load_balancer,
    network_policy,
    private_metrics,
    restricted_pods,
    pinned_images,
    placements_agree,
    keys_required,
    memory_floor,
    replicas_share_redis,
    no_memory_target,
    requests_may_finish,
    probes_call_no_model,
)
