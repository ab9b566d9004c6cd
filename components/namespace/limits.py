"""How much a namespace may take of a cluster that it shares with others."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.labels import labels


class NamespaceLimitsArgs(TypedDict):
    """Arguments of `NamespaceLimits`."""

    namespace: pulumi.Input[str]
    """Required: the namespace."""

    quota: pulumi.Input[Mapping[str, str]]
    """Required: what all objects together may take, by Kubernetes' names: `limits.memory`, `pods`, …."""

    default_requests: NotRequired[pulumi.Input[Mapping[str, str]]]
    """Optional: requests of a container that names none. Defaults to none."""

    default_limits: NotRequired[pulumi.Input[Mapping[str, str]]]
    """Optional: limits of a container that names none. Defaults to none."""

    largest: NotRequired[pulumi.Input[Mapping[str, str]]]
    """Optional: the most that one container may ask for. Defaults to anything that the quota leaves."""


class NamespaceLimits(pulumi.ComponentResource):
    """A quota for a namespace, and what its containers get when they ask for nothing.

    **Type:** `litellm:index:NamespaceLimits`. **Produces:** `v1 ResourceQuota`, `v1 LimitRange`.

    A quota on memory refuses every pod that does not say how much it takes; the LimitRange says it for them.
    """

    quota_name: pulumi.Output[str]
    """Name of the ResourceQuota."""

    def __init__(self, name: str, args: NamespaceLimitsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:NamespaceLimits", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata: Any = {"name": name, "namespace": args["namespace"], "labels": labels(name)}
        quota = kubernetes.core.v1.ResourceQuota(
            f"{name}-quota",
            # Pulumi would wait until the controller has counted; nothing here depends on the count.
            metadata=metadata | {"annotations": {"pulumi.com/skipAwait": "true"}},
            spec={"hard": args["quota"]},
            opts=child,
        )
        kubernetes.core.v1.LimitRange(
            f"{name}-containers",
            metadata=metadata,
            spec={
                "limits": [
                    {
                        "type": "Container",
                        "default_request": args.get("default_requests", {}),
                        "default": args.get("default_limits", {}),
                        "max": args.get("largest", {}),
                    }
                ]
            },
            opts=child,
        )
        self.quota_name = quota.metadata.apply(lambda metadata: str(metadata.name))
        self.register_outputs({"quota_name": self.quota_name})
