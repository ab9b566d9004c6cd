"""What watches a gateway: by what the cluster has, and as arguments of the component."""

from typing import Any, Literal, cast

import pulumi

from components.monitoring.alerts import Scope
from components.monitoring.monitoring import RULES, MonitoringArgs
from components.monitoring.scrape import FORMS, PATH, PROMETHEUS_API, VICTORIA_METRICS_API, Scrape, annotations
from infra.config.database.cloudnative import CloudNativePgDatabase
from infra.config.ingress.settings import IngressConfig
from infra.config.monitoring import MonitoringConfig
from infra.config.stack import StackConfig
from infra.workloads import GATEWAY

MONITORING = "litellm-monitoring"

BY_API = {PROMETHEUS_API: ("pod-monitor", "prometheus-rule"), VICTORIA_METRICS_API: ("vm-pod-scrape", "vm-rule")}
"""What `auto` means where an API is there, the first one that is: VictoriaMetrics' operator converts the objects of
Prometheus', and nobody those of VictoriaMetrics'."""


def by_what_is_there(wanted: MonitoringConfig, apis: list[str]) -> MonitoringConfig:
    scrape, rules = BY_API[apis[0]] if apis else ("annotations", "none")
    alerts = wanted.alerts.model_copy(update={"kind": rules} if wanted.alerts.kind == "auto" else {})
    return wanted.model_copy(update={"alerts": alerts, "scrape": scrape if wanted.scrape == "auto" else wanted.scrape})


def unseen(wanted: MonitoringConfig) -> MonitoringConfig:
    """What is shown where nobody looked at the cluster: as if it had Prometheus' operator, like most."""
    return by_what_is_there(wanted, [PROMETHEUS_API])


def annotations_of(config: StackConfig) -> dict[str, str]:
    """Annotations of the gateway's pods, for scrapers that go by these."""
    monitoring = unseen(config.monitoring)
    return annotations(monitoring.port, PATH) if monitoring.scrape == "annotations" else {}


def watched(
    config: StackConfig, namespace: pulumi.Input[str], stack: str, key: pulumi.Input[str] | None
) -> MonitoringArgs | None:
    """Arguments of the component; None where there is nothing for it to make."""
    monitoring = unseen(config.monitoring)
    optional: dict[str, Any] = {}
    if monitoring.scrape in FORMS:
        optional["scrape"] = scrape(config, monitoring, key)
    if monitoring.alerts.kind in RULES:
        optional["alerts"] = {"kind": monitoring.alerts.kind, "scope": scope(config)}
    if monitoring.dashboard.enabled:
        shown = monitoring.dashboard
        optional["dashboard"] = {
            "title": f"LiteLLM {stack}",
            "labels": shown.labels,
            "annotations": shown.annotations,
        }
    if not optional:
        return None
    args: dict[str, Any] = {"namespace": namespace, "workload": GATEWAY, "labels": monitoring.labels}
    return cast("MonitoringArgs", args | optional)


def scrape(config: StackConfig, monitoring: MonitoringConfig, key: pulumi.Input[str] | None) -> Scrape:
    own = monitoring.metrics_port is not None
    path = "" if own else config.ingress.root_path or config.gateway.root_path
    found: dict[str, Any] = {
        "kind": monitoring.scrape,
        "port": "metrics" if own else "http",
        "path": f"{path}{PATH}",
        "interval": monitoring.interval,
    }
    return cast("Scrape", found | ({"secret": key} if key is not None else {}))


def scope(config: StackConfig) -> Scope:
    """What the alerts are about: what the stack has."""
    given = config.monitoring.alerts
    found: dict[str, Any] = {
        "thresholds": {
            "error_rate": given.error_rate,
            "overhead_seconds": given.overhead_seconds,
            "budget_left": given.budget_left,
            "database_connections": given.database_connections,
            "certificate_days": given.certificate_days,
        },
        "database": "cloudnative-pg" if isinstance(config.database, CloudNativePgDatabase) else "postgres",
        "database_name": config.database.name,
        "certificates": who_knows_the_certificate(config.ingress),
        "host": config.ingress.host or "",
        "labels": given.labels,
    }
    return cast("Scope", found | ({"runbooks": given.runbooks} if given.runbooks else {}))


def who_knows_the_certificate(ingress: IngressConfig) -> Literal["cert-manager", "endpoint", "none"]:
    """AWS renews what its load balancers have; a certificate without TLS there is none."""
    if not ingress.enabled or ingress.tls is None or not ingress.host:
        return "none"
    if ingress.tls.issuer:
        return "cert-manager"
    return "none" if ingress.used_controller == "alb" else "endpoint"
