"""When somebody is told, and where it says what to do. Every expression is for the gateway of one namespace."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

ERRORS_OF_CLIENTS = "400|404|422"
"""Statuses with which a provider refuses what a client asked: no fault of the provider, nor of its key."""

DAY_SECONDS = 86400


class Thresholds(TypedDict):
    """From where on something is an alert."""

    error_rate: float
    """Required: share of requests, of 1, that may fail with a status of 500 and above."""

    overhead_seconds: float
    """Required: seconds that LiteLLM itself may take for 95 of 100 requests."""

    budget_left: float
    """Required: share of a budget, of 1, that is to be left."""

    database_connections: float
    """Required: share of the connections of Postgres, of 1, that may be in use."""

    certificate_days: int
    """Required: days for which a certificate is to be valid still."""


class Scope(TypedDict):
    """What the alerts are about."""

    thresholds: Thresholds
    """Required: from where on something is an alert."""

    database: str
    """Required: whose metrics tell of connections: `cloudnative-pg`, or `postgres` for its exporter."""

    database_name: str
    """Required: name of LiteLLM's database."""

    certificates: str
    """Required: who knows how long the certificate is valid: `cert-manager`, `endpoint` for whoever looks at it, or `none`."""

    host: NotRequired[str]
    """Optional: host name of the endpoint. Needed where that is looked at."""

    runbooks: NotRequired[str]
    """Optional: where the runbooks are. Defaults to `docs/runbooks`."""

    labels: NotRequired[dict[str, str]]
    """Optional: more labels of each alert, for its way to people. Defaults to none."""


@dataclass(frozen=True)
class Alert:
    """One alert."""

    name: str
    expr: str
    lasting: str
    """How long it is true before somebody is told, as Prometheus writes it."""
    severity: Literal["critical", "warning"]
    summary: str
    runbook: str
    """A file in docs/runbooks/."""


def groups(namespace: str, scope: Scope) -> list[dict[str, Any]]:
    """The groups of a PrometheusRule or a VMRule, which have the same form."""
    folder = scope.get("runbooks", "docs/runbooks").rstrip("/")
    return [
        {
            "name": f"{namespace}-gateway",
            "rules": [
                {
                    "alert": alert.name,
                    "expr": alert.expr,
                    "for": alert.lasting,
                    "labels": {"severity": alert.severity, "namespace": namespace, **scope.get("labels", {})},
                    "annotations": {"summary": alert.summary, "runbook_url": f"{folder}/{alert.runbook}"},
                }
                for alert in alerts(namespace, scope)
            ],
        }
    ]


def alerts(namespace: str, scope: Scope) -> Sequence[Alert]:
    """The alerts of a gateway in a namespace."""
    limits = scope["thresholds"]
    return [
        *of_requests(namespace, limits),
        *of_providers(namespace),
        *of_budgets(namespace, limits["budget_left"]),
        *of_the_database(namespace, scope, limits["database_connections"]),
        *of_the_cluster(namespace),
        *of_certificates(namespace, scope, limits["certificate_days"]),
    ]


def of_requests(namespace: str, limits: Thresholds) -> Iterator[Alert]:
    here = f'namespace="{namespace}"'
    total = "litellm_proxy_total_requests_metric_total"
    failed = f'sum(rate({total}{{{here},status_code=~"5.."}}[5m]))'
    yield Alert(
        "LiteLLMMetricsMissing",
        f"absent(litellm_in_flight_requests{{{here}}})",
        "10m",
        "critical",
        "No pod of the gateway has metrics: it is down, or not scraped",
        "metrics-missing.md",
    )
    yield Alert(
        "LiteLLMErrorRate",
        f"{failed} / sum(rate({total}{{{here}}}[5m])) > {limits['error_rate']:g}",
        "10m",
        "critical",
        "{{ $value | humanizePercentage }} of the requests fail with a status of 500 and above",
        "error-rate.md",
    )
    slow = f"sum by (le) (rate(litellm_overhead_latency_metric_bucket{{{here}}}[5m]))"
    yield Alert(
        "LiteLLMOverhead",
        f"histogram_quantile(0.95, {slow}) > {limits['overhead_seconds']:g}",
        "10m",
        "warning",
        "LiteLLM itself takes {{ $value | humanizeDuration }} for one in twenty requests",
        "overhead.md",
    )


def of_providers(namespace: str) -> Iterator[Alert]:
    """Failures without a single success. The state that LiteLLM keeps for each deployment would not do: one that is alone in
    its group is never cooled down, so it never counts as out."""
    here = f'namespace="{namespace}"'
    failures = f'litellm_deployment_failure_responses_total{{{here},exception_status!~"{ERRORS_OF_CLIENTS}"}}'
    successes = f"litellm_deployment_success_responses_total{{{here}}}"
    yield Alert(
        "LiteLLMNoProviderHealthy",
        f"sum(rate({failures}[5m])) > 0 unless sum(rate({successes}[5m])) > 0",
        "5m",
        "critical",
        "No provider has answered for five minutes, and requests fail",
        "providers.md",
    )
    by_model = "sum by (requested_model)"
    yield Alert(
        "LiteLLMModelUnavailable",
        f"{by_model} (rate({failures}[5m])) > 0 unless {by_model} (rate({successes}[5m])) > 0",
        "10m",
        "warning",
        "Nobody answers for the model {{ $labels.requested_model }}",
        "providers.md",
    )


def of_budgets(namespace: str, left: float) -> Iterator[Alert]:
    """Each pod has a view of its own of what is left: the smallest is the latest."""
    here = f'namespace="{namespace}"'
    for what, who, name in (
        ("team", "team, team_alias", "{{ $labels.team_alias }}"),
        ("api_key", "hashed_api_key, api_key_alias", "{{ $labels.api_key_alias }}"),
        ("user", "user", "{{ $labels.user }}"),
    ):
        remaining = f"min by ({who}) (litellm_remaining_{what}_budget_metric{{{here}}})"
        budget = f"max by ({who}) (litellm_{what}_max_budget_metric{{{here}}})"
        yield Alert(
            f"LiteLLM{what.title().replace('_', '')}BudgetAlmostSpent",
            f"{remaining} / {budget} < {left:g}",
            "5m",
            "warning",
            f"{{{{ $value | humanizePercentage }}}} of the budget of {what.replace('_', ' ')} {name} is left",
            "budget.md",
        )


def of_the_database(namespace: str, scope: Scope, most: float) -> Iterator[Alert]:
    here = f'namespace="{namespace}"'
    if scope["database"] == "cloudnative-pg":
        used = f"sum by (pod) (cnpg_backends_total{{{here}}})"
        allowed = f'max by (pod) (cnpg_pg_settings_setting{{{here},name="max_connections"}})'
    else:
        # Its exporter runs wherever it was put: the server is known by LiteLLM's database in it.
        ours = f'sum by (instance) (pg_stat_database_numbackends{{datname="{scope["database_name"]}"}})'
        used = f"(sum by (instance) (pg_stat_database_numbackends) and {ours})"
        allowed = "max by (instance) (pg_settings_max_connections)"
    yield Alert(
        "LiteLLMDatabaseConnections",
        f"{used} / {allowed} > {most:g}",
        "10m",
        "warning",
        "{{ $value | humanizePercentage }} of the connections of Postgres are in use",
        "database-connections.md",
    )
    yield Alert(
        "LiteLLMDatabaseErrors",
        f"sum(rate(litellm_postgres_failed_requests_total{{{here}}}[5m])) > 0",
        "10m",
        "warning",
        "LiteLLM's requests to Postgres fail",
        "database-connections.md",
    )


def of_the_cluster(namespace: str) -> Iterator[Alert]:
    migration = of_another(namespace, "kube_job_failed", 'condition="true",job_name=~"litellm-migration.*"')
    secret = of_another(namespace, "externalsecret_status_condition", 'condition="Ready",status="False"')
    yield Alert(
        "LiteLLMMigrationFailed",
        f"max by (job_name) ({migration}) == 1",
        "1m",
        "critical",
        "The migration {{ $labels.job_name }} failed; the pods before it go on",
        "migration.md",
    )
    yield Alert(
        "LiteLLMSecretNotSynced",
        f"max by (name) ({secret}) == 1",
        "15m",
        "warning",
        "External Secrets Operator cannot read what the Secret {{ $labels.name }} is made of",
        "secret-not-synced.md",
    )


def of_certificates(namespace: str, scope: Scope, days: int) -> Iterator[Alert]:
    found = {
        "cert-manager": of_another(namespace, "certmanager_certificate_expiration_timestamp_seconds"),
        "endpoint": f'probe_ssl_earliest_cert_expiry{{instance=~"(https://)?{in_a_pattern(scope.get("host", ""))}([:/].*)?"}}',
    }.get(scope["certificates"])
    if found is None:
        return
    yield Alert(
        "LiteLLMCertificateNearItsEnd",
        f"min({found}) - time() < {days * DAY_SECONDS}",
        "1h",
        "warning",
        "The certificate of the gateway is valid for {{ $value | humanizeDuration }} more",
        "certificate.md",
    )


def of_another(namespace: str, metric: str, matchers: str = "") -> str:
    """A metric of somebody else about objects of the namespace. Where that exporter's labels are not honoured, Prometheus calls
    theirs `exported_namespace`."""
    also = f",{matchers}" if matchers else ""
    return f'{metric}{{namespace="{namespace}"{also}}} or {metric}{{exported_namespace="{namespace}"{also}}}'


def in_a_pattern(host: str) -> str:
    """A host name in a regular expression, in a string of PromQL: dots stand for themselves."""
    return host.replace(".", "[.]")
