"""From `placement` and `pods` to what the pods of a stack have in common."""

from collections.abc import Sequence

import pulumi

from components.pods import PodSettings
from infra.config.placement import Placement
from infra.config.stack import StackConfig
from infra.monitoring import annotations_of as scraped


class Pods:
    """What each kind of pod of a stack gets beside what its component gives it."""

    def __init__(self, config: StackConfig, image_pull_secrets: Sequence[pulumi.Input[str]]) -> None:
        self.config = config
        self.shared: PodSettings = {
            "image_pull_secrets": image_pull_secrets,
            "labels": config.pods.labels,
            "annotations": config.pods.annotations,
            "host_aliases": [each.model_dump(by_alias=True) for each in config.pods.host_aliases],
            "cpu_limit": config.pods.cpu_limit,
        }

    @property
    def servers(self) -> PodSettings:
        """Postgres and Redis."""
        return {**placed(self.config.placement_of_all), **self.shared}

    @property
    def bootstrap(self) -> PodSettings:
        """The Job that makes LiteLLM's role and database."""
        return self.of_a_job(self.servers)

    @property
    def migration(self) -> PodSettings:
        """The Job that brings the schema up to date: LiteLLM's image, and where that runs."""
        return self.of_a_job({**placed(self.config.placement_of_gateway), **self.shared})

    @property
    def restarter(self) -> PodSettings:
        """What replaces LiteLLM's pods: in its image, which is where they are."""
        return {**placed(self.config.placement_of_gateway), **self.shared}

    @property
    def gateway(self) -> PodSettings:
        """LiteLLM itself."""
        own = self.config.gateway
        return {
            **placed(self.config.placement_of_gateway),
            **self.shared,
            "labels": {**self.config.pods.labels, **own.pod_labels},
            "annotations": {**scraped(self.config), **self.config.pods.annotations, **own.pod_annotations},
        }

    def of_a_job(self, settings: PodSettings) -> PodSettings:
        given = self.config.pods
        return {
            **settings,
            "labels": {**given.labels, **given.job_labels},
            "annotations": {**given.annotations, **given.job_annotations},
        }


def placed(placement: Placement) -> PodSettings:
    """On which nodes pods run."""
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
