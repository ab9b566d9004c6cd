"""What watches a gateway: who collects its metrics, when somebody is told, and a dashboard."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as k8s

from components.labels import labels
from components.monitoring.alerts import Scope, groups
from components.monitoring.dashboard import FILE, dashboard
from components.monitoring.scrape import FORMS, PROMETHEUS_API, VICTORIA_METRICS_API, Scrape, scrape_spec

RULES: Mapping[str, tuple[str, str]] = {
    "prometheus-rule": (PROMETHEUS_API, "PrometheusRule"),
    "vm-rule": (VICTORIA_METRICS_API, "VMRule"),
}
"""API and kind of the object that has alerts in it."""


class Alerts(TypedDict):
    """Alerts, and for whom."""

    kind: str
    """Required: `prometheus-rule` or `vm-rule`: which object of which operator."""

    scope: Scope
    """Required: what they are about."""


class Dashboard(TypedDict):
    """A dashboard that Grafana's sidecar finds."""

    title: str
    """Required: its title."""

    labels: Mapping[str, str]
    """Required: by which labels the sidecar finds it."""

    annotations: NotRequired[Mapping[str, str]]
    """Optional: what else the sidecar reads, such as a folder. Defaults to none."""


class MonitoringArgs(TypedDict):
    """Arguments of `Monitoring`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the gateway, and of everything here."""

    workload: str
    """Required: name of the gateway, which its pods and its Service have as a label."""

    labels: NotRequired[Mapping[str, str]]
    """Optional: more labels of what operators look for, where they choose by them. Defaults to none."""

    scrape: NotRequired[Scrape]
    """Optional: who collects the metrics. Defaults to nobody."""

    alerts: NotRequired[Alerts]
    """Optional: when somebody is told. Defaults to never."""

    dashboard: NotRequired[Dashboard]
    """Optional: a dashboard. Defaults to none."""


class Monitoring(pulumi.ComponentResource):
    """What watches a gateway.

    **Type:** `litellm:index:Monitoring`. **Produces:** as asked, a `ServiceMonitor`, `PodMonitor`, `VMServiceScrape` or
    `VMPodScrape`; a `PrometheusRule` or `VMRule`; a `v1 ConfigMap` with a dashboard.
    """

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:Monitoring", name, None, opts)
        if scrape := args.get("scrape"):
            form = FORMS[scrape["kind"]]
            self._custom(f"{name}-scrape", args, form.api_version, form.kind, scrape_spec(args["workload"], scrape))
        if alerts := args.get("alerts"):
            api_version, kind = RULES[alerts["kind"]]
            scope = alerts["scope"]
            spec = pulumi.Output.from_input(args["namespace"]).apply(lambda known: {"groups": groups(known, scope)})
            self._custom(f"{name}-alerts", args, api_version, kind, spec)
        if shown := args.get("dashboard"):
            title = shown["title"]
            k8s.core.v1.ConfigMap(
                f"{name}-dashboard",
                metadata={
                    "name": f"{name}-dashboard",
                    "namespace": args["namespace"],
                    "labels": {**labels(name), **shown["labels"]},
                    "annotations": dict(shown.get("annotations", {})),
                },
                data={
                    FILE: pulumi.Output.from_input(args["namespace"]).apply(lambda known: dashboard(known, title)),
                },
                opts=pulumi.ResourceOptions(parent=self),
            )
        self.register_outputs({})

    def _custom(self, called: str, args: MonitoringArgs, api_version: str, kind: str, spec: Any) -> None:
        metadata: Any = {
            "name": called,
            "namespace": args["namespace"],
            "labels": {**labels(args["workload"]), **args.get("labels", {})},
        }
        k8s.apiextensions.CustomResource(
            called,
            api_version=api_version,
            kind=kind,
            metadata=metadata,
            spec=spec,
            opts=pulumi.ResourceOptions(parent=self),
        )
