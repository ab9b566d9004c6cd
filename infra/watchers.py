"""Whether a cluster has what watches a gateway, and by what that is: looked at before anything is made."""

from collections.abc import Generator

import pulumi

from components.monitoring.monitoring import RULES
from components.monitoring.scrape import FORMS, PROMETHEUS_API, VICTORIA_METRICS_API
from infra.autoscalers import serves
from infra.config.monitoring import MonitoringConfig
from infra.kubernetes_api import KubernetesApi
from infra.monitoring import BY_API, by_what_is_there

NAMES = {PROMETHEUS_API: "Prometheus' operator", VICTORIA_METRICS_API: "VictoriaMetrics' operator"}

NO_ALERTS = (
    "litellm:monitoring.alerts.kind is auto, and neither Prometheus' operator nor VictoriaMetrics' is in this cluster: there "
    "are no alerts"
)


def look(client: KubernetesApi, wanted: MonitoringConfig) -> Generator[str, None, MonitoringConfig]:
    """Every problem with what the cluster lacks; returns what is said, with what is there in the place of `auto`."""
    settled = wanted
    if "auto" in (wanted.scrape, wanted.alerts.kind):
        settled = by_what_is_there(wanted, [api for api in BY_API if serves(client, api)])
    if (wanted.alerts.kind, settled.alerts.kind) == ("auto", "none"):
        pulumi.log.warn(NO_ALERTS)
    if settled.scrape == "annotations" and wanted.with_key:
        yield (
            "litellm:monitoring.scrape is auto, and this cluster has neither Prometheus' operator nor VictoriaMetrics', but "
            "only these can carry the key of litellm:monitoring: install one, or remove key and accessKey"
        )
    for where, kind in (("scrape", wanted.scrape), ("alerts.kind", wanted.alerts.kind)):
        api = api_of(kind)
        if api and not serves(client, api):
            yield (
                f"litellm:monitoring.{where} is {kind}, and {NAMES[api]} is not in this cluster (its API {api} is not served): "
                "install it, or use another way"
            )
    return settled


def api_of(kind: str) -> str | None:
    """The API that a kind of object needs; None where it needs none, or another is taken where it is missing."""
    forms = {name: form.api_version for name, form in FORMS.items()} | {name: api for name, (api, _) in RULES.items()}
    return forms.get(kind)
