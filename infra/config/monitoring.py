"""Config key `monitoring`: metrics, alerts, a dashboard, traces, and how long the logs of spend are kept."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from infra.config.access import AccessConfig, KeyName
from infra.config.base import DAYS, SERVICE, Duration, Port, Section, url_such_as
from infra.config.gateway.modules import listed, texts
from infra.config.gateway.settings import GatewayConfig
from infra.config.network import ClientConfig
from infra.config.pods import Annotations, Labels
from infra.config.references import PropertyReference
from infra.config.sources import given_too

ScrapeBy = Literal[
    "none", "auto", "annotations", "service-monitor", "pod-monitor", "vm-service-scrape", "vm-pod-scrape"
]
AlertsBy = Literal["none", "auto", "prometheus-rule", "vm-rule"]

Share = Annotated[float, Field(gt=0, lt=1)]

OTLP_HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"

MASTER_KEYS = ("master-key", "LITELLM_MASTER_KEY")
"""How the property with the master key is called where this program wrote it."""

API_KEYS = "api-keys"


class AlertsConfig(Section):
    """When somebody is told, as rules of Prometheus. Each alert names its runbook in docs/runbooks/."""

    kind: AlertsBy = "none"
    """`prometheus-rule` (Prometheus' operator), `vm-rule` (VictoriaMetrics'), or `auto`: what the cluster has."""

    labels: Labels = Field(default_factory=dict)
    """More labels of each alert, beside `severity` and `namespace`: `team: platform`."""

    runbooks: Annotated[str, url_such_as("https://git.example.com/litellm/docs/runbooks")] | None = None
    """URL of the folder with the runbooks, for the link in each alert. Defaults to `docs/runbooks`, which is no link."""

    error_rate: Share = 0.05
    """Share of the requests that may fail with a status of 500 and above: 0.05 is one in twenty."""

    overhead_seconds: Annotated[float, Field(gt=0, le=60)] = 0.25
    """Seconds that LiteLLM itself may take for 95 of 100 requests, without the provider's."""

    budget_left: Share = 0.1
    """Share of the budget of a team, a key or a user at which it is almost spent."""

    database_connections: Share = 0.8
    """Share of the connections of Postgres that may be in use. Needs an exporter of Postgres, or CloudNativePG."""

    certificate_days: Annotated[int, Field(ge=1, le=365)] = 14
    """Days before its end at which the certificate of the Ingress is an alert."""


class DashboardConfig(Section):
    """A dashboard of Grafana, in a ConfigMap that its sidecar finds."""

    enabled: bool = False
    """Make it."""

    labels: Labels = Field(default_factory=lambda: {"grafana_dashboard": "1"})
    """By which labels the sidecar finds it: those of its `label` and `labelValue`."""

    annotations: Annotations = Field(default_factory=dict)
    """What else the sidecar reads: `grafana_folder: LiteLLM`."""


class TracingConfig(Section):
    """Traces by OpenTelemetry: a span for each request, and for what LiteLLM asks for it."""

    endpoint: Annotated[str, url_such_as("http://otel-collector.monitoring:4318")]
    """URL of the collector: `http://otel-collector.monitoring:4318` for http, port 4317 for grpc."""

    protocol: Literal["http", "grpc"] = "http"
    """How the collector is spoken to: OTLP over HTTP with protobuf, or over gRPC."""

    headers: PropertyReference | None = None
    """Where in the store the headers are that the collector wants to see, as OpenTelemetry writes them: `x-key=…,x-team=…`."""

    sampling: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of the requests that are traced. A request that belongs to a trace already follows what was decided there."""

    prompts: bool = False
    """Put prompts and answers into the spans. LiteLLM's own default is to do so."""

    service_name: Annotated[str, StringConstraints(pattern=SERVICE)] = "litellm"
    """Name of the service in the traces."""

    @property
    def variables(self) -> dict[str, str]:
        """What LiteLLM and OpenTelemetry read."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": {"http": "http/protobuf", "grpc": "grpc"}[self.protocol],
            "OTEL_SERVICE_NAME": self.service_name,
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": f"{self.sampling:g}",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "SPAN_ONLY" if self.prompts else "NO_CONTENT",
        }


class SpendLogsConfig(Section):
    """What LiteLLM writes to its database for each request."""

    retention: Annotated[str, StringConstraints(pattern=DAYS)] | None = None
    """How long it is kept, in days: `90d`. Spend of keys, teams and users is kept elsewhere, and stays. Defaults to forever."""


class MonitoringConfig(Section):
    """Metrics, alerts, a dashboard, traces, and the retention of spend logs. See docs/monitoring.md."""

    scrape: ScrapeBy = "none"
    """By what LiteLLM's metrics are collected: an object of Prometheus' operator (`service-monitor`, `pod-monitor`) or of
    VictoriaMetrics' (`vm-service-scrape`, `vm-pod-scrape`), `annotations` of the pods, or `auto`: by what the cluster has."""

    clients: tuple[ClientConfig, ...] = ()
    """Where the scraper is: `[{namespace: monitoring}]`. Nobody else reaches the metrics' port."""

    port: Port = 4001
    """Port of the metrics, from a process of their own that asks for no key. No Ingress leads to it."""

    key: PropertyReference | None = None
    """In the place of that port: where in the store the key of a viewer is, with which the scraper asks the gateway's own port.
    A virtual key of a user with the role `proxy_admin_viewer`; never the master key."""

    access_key: KeyName | None = None
    """In the place of `key`, where the stack makes it: one of `access.keys`, of a user with the role `proxy_admin_viewer`."""

    interval: Duration = "30s"
    """How often metrics are collected."""

    labels: Labels = Field(default_factory=dict)
    """More labels of what operators look for, where they choose by them: `release: kube-prometheus-stack`."""

    alerts: AlertsConfig = AlertsConfig.model_construct()

    dashboard: DashboardConfig = DashboardConfig.model_construct()

    tracing: TracingConfig | None = None

    spend_logs: SpendLogsConfig = SpendLogsConfig.model_construct()

    @model_validator(mode="after")
    def one_key_and_who_carries_it(self) -> "MonitoringConfig":
        if self.key and self.access_key:
            raise ValueError("key and accessKey are two ways to say which key: keep one")
        if self.scrape == "annotations" and self.with_key:
            raise ValueError(
                "scrape is annotations, which cannot carry a key: remove it, as the metrics' port asks for none, or use an "
                "operator"
            )
        return self

    @property
    def scraped(self) -> bool:
        """Whether LiteLLM's metrics are collected."""
        return self.scrape != "none"

    @property
    def with_key(self) -> bool:
        """Whether the scraper shows a key, on the gateway's own port."""
        return self.key is not None or self.access_key is not None

    @property
    def metrics_port(self) -> int | None:
        """The port that asks for no key; None without one."""
        return None if self.with_key or not self.scraped else self.port

    @property
    def documents(self) -> dict[str, PropertyReference]:
        """Where the variables are that are secrets."""
        headers = self.tracing.headers if self.tracing else None
        return {OTLP_HEADERS: headers} if headers else {}

    def references(self) -> Iterator[tuple[str, PropertyReference]]:
        """What is read from documents of somebody else, and where the configuration says so."""
        if self.key:
            yield "monitoring.key", self.key
        if self.tracing and self.tracing.headers:
            yield "monitoring.tracing.headers", self.tracing.headers

    @property
    def variables(self) -> dict[str, str]:
        return self.tracing.variables if self.tracing else {}


def monitored(gateway: GatewayConfig, monitoring: MonitoringConfig) -> GatewayConfig:
    """The gateway with what it needs to be watched, under what its own settings say."""
    litellm, general = dict(gateway.litellm_settings), dict(gateway.general_settings)
    wanted = [
        *(["prometheus"] if monitoring.scraped and not gateway.has_prometheus_metrics else []),
        *(["otel"] if monitoring.tracing else []),
    ]
    if wanted:
        litellm["callbacks"] = with_more(litellm.get("callbacks"), *wanted)
    if monitoring.scraped:
        litellm["service_callback"] = with_more(litellm.get("service_callback"), "prometheus_system")
        litellm.setdefault("prometheus_initialize_budget_metrics", True)
    if retention := monitoring.spend_logs.retention:
        general.setdefault("maximum_spend_logs_retention_period", retention)
    return gateway.model_copy(
        update={
            "litellm_settings": litellm,
            "general_settings": general,
            "environment": {**monitoring.variables, **gateway.environment},
        }
    )


def with_more(given: Any, *wanted: str) -> list[Any]:
    """A list of callbacks with more of them; a single one may be given without a list."""
    there = [] if given is None else listed(given)
    return [*there, *(name for name in wanted if name not in texts(given))]


def metrics_are_kept_in(monitoring: Any, network_policy: Any) -> Iterator[tuple[str, str]]:
    """A port without a key has nothing but NetworkPolicies between it and everybody."""
    if monitoring.metrics_port is None:
        return
    if not network_policy.enabled:
        yield (
            "monitoring.key",
            "is missing: metrics have a port that asks for no key, and networkPolicy.enabled is false, so every pod of the "
            "cluster would read names of keys and teams there: give the key of a viewer, or enable networkPolicy",
        )
    elif not monitoring.clients:
        yield (
            "monitoring.clients",
            "is empty, so that nobody reaches the metrics' port: name where the scraper is ([{namespace: monitoring}])",
        )


def port_is_free(monitoring: Any) -> Iterator[tuple[str, str]]:
    if monitoring.metrics_port == 4000:
        yield "monitoring.port", "is 4000, LiteLLM's own: use another one, such as 4001"


def nobody_guesses(monitoring: Any, gitops: Any) -> Iterator[tuple[str, str]]:
    given: Mapping[str, str] = {
        "monitoring.scrape": monitoring.scrape,
        "monitoring.alerts.kind": monitoring.alerts.kind,
    }
    for where, kind in given.items():
        if gitops and kind == "auto":
            yield where, "is auto, but with gitops nobody looks at the cluster: say which"


def metrics_are_there(monitoring: Any, gateway: Any) -> Iterator[tuple[str, str]]:
    if monitoring.scraped or gateway.has_prometheus_metrics:
        return
    for where, wanted in (
        ("monitoring.alerts.kind", monitoring.alerts.kind != "none"),
        ("monitoring.dashboard.enabled", monitoring.dashboard.enabled),
    ):
        if wanted:
            yield (
                where,
                "needs LiteLLM's metrics, and monitoring.scrape is none: say by what they are collected, or, where you collect "
                "them yourself, add prometheus to gateway.litellmSettings.callbacks",
            )
    if gateway.autoscaling and gateway.autoscaling.by_keda:
        yield (
            "gateway.autoscaling",
            "reads LiteLLM's metrics from Prometheus, and LiteLLM has none: set monitoring.scrape, or add prometheus to "
            "litellmSettings.callbacks",
        )


def metrics_have_a_key_of_their_own(monitoring: Any, keys: Any) -> Iterator[tuple[str, str]]:
    key = monitoring.key
    if key is None:
        return
    document = key.document.rpartition("/")[2]
    if key == keys.master.existing or key.property in MASTER_KEYS or document == API_KEYS:
        yield (
            "monitoring.key",
            "is the master key, which may do everything: make a user with the role proxy_admin_viewer, and name the document "
            "with the key of that one",
        )


def the_key_is_a_viewers(monitoring: Any, access: AccessConfig) -> Iterator[tuple[str, str]]:
    """LiteLLM shows its metrics to administrators and to viewers, and these cannot change anything."""
    if monitoring.access_key is None:
        return
    key = access.keys.get(monitoring.access_key)
    if key is None:
        yield "monitoring.accessKey", "names no entry of access.keys: add it there, or correct the name"
        return
    user = access.users.get(key.user or "")
    if user is None or user.role != "proxy_admin_viewer":
        yield (
            "monitoring.accessKey",
            "names a key that is not a viewer's: give it a user of access.users with role proxy_admin_viewer, which may see "
            "the metrics, and change nothing",
        )


def headers_are_said_once(
    monitoring: Any, gateway: Any, provider_keys: Any, provider_documents: Any, secret_environment: Any
) -> Iterator[tuple[str, str]]:
    for place, _ in given_too(monitoring.documents, gateway, provider_keys, provider_documents, secret_environment):
        yield place, "is set by monitoring.tracing.headers, too: remove one of them"
