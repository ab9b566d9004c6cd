"""From `placement` and `pods` to what the pods of a stack have in common."""

from components.pods import PodSettings
from infra.config.placement import Placement
from infra.config.stack import StackConfig


def everywhere(config: StackConfig) -> PodSettings:
    """For every pod of the stack but the gateway's own."""
    return placed(config.placement_of_all)


def of_gateway(config: StackConfig) -> PodSettings:
    """For LiteLLM's pods: the gateway's, and those of its migration."""
    return placed(config.placement_of_gateway)


def placed(placement: Placement) -> PodSettings:
    spread = placement.topology_spread
    return {
        "node_selector": placement.node_selector,
        "tolerations": [each.model_dump(by_alias=True, exclude_none=True) for each in placement.tolerations],
        "affinity": placement.affinity,
        "priority_class": placement.priority_class_name,
        "topology_spread": None
        if spread is None
        else [each.model_dump(by_alias=True, exclude_none=True) for each in spread],
    }
