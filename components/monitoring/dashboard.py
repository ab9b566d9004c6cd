"""A dashboard of Grafana for one gateway: requests, what LiteLLM and the providers take, spend and budgets."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

FILE = "litellm.json"

WIDTH, HEIGHT, COLUMNS = 8, 8, 3
"""Of a panel, in Grafana's grid of 24 columns."""

SOURCE = {"type": "prometheus", "uid": "${datasource}"}

HERE = 'namespace="$namespace"'
RATE = "$__rate_interval"


@dataclass(frozen=True)
class Panel:
    """One panel: what it shows, in which unit of Grafana, and its queries with their legends."""

    title: str
    unit: str
    queries: Sequence[tuple[str, str]]


def rate(metric: str, by: str = "", matchers: str = "") -> str:
    """How much a counter grows in a second, together or by labels."""
    grouped = f" by ({by}) " if by else ""
    return f"sum{grouped}(rate({metric}{{{HERE}{matchers}}}[{RATE}]))"


def with_status(pattern: str) -> str:
    return f',status_code=~"{pattern}"'


def quantile(share: float, metric: str, by: str = "") -> str:
    return f"histogram_quantile({share:g}, {rate(f'{metric}_bucket', f'le, {by}' if by else 'le')})"


def budget_left(what: str, who: str) -> str:
    return (
        f"min by ({who}) (litellm_remaining_{what}_budget_metric{{{HERE}}}) / "
        f"max by ({who}) (litellm_{what}_max_budget_metric{{{HERE}}})"
    )


TOTAL = "litellm_proxy_total_requests_metric_total"

PANELS: Sequence[Panel] = (
    Panel("Requests", "reqps", [(rate(TOTAL, "status_code"), "{{status_code}}")]),
    Panel(
        "Failing requests",
        "percentunit",
        [
            (f"{rate(TOTAL, matchers=with_status('5..'))} / {rate(TOTAL)}", "5xx"),
            (f"{rate(TOTAL, matchers=with_status('4..'))} / {rate(TOTAL)}", "4xx"),
        ],
    ),
    Panel("In flight", "short", [(f"sum by (pod) (litellm_in_flight_requests{{{HERE}}})", "{{pod}}")]),
    Panel(
        "Time of a request",
        "s",
        [
            (quantile(share, "litellm_request_total_latency_metric"), f"p{share:.0%}"[:-1])
            for share in (0.5, 0.95, 0.99)
        ],
    ),
    Panel(
        "LiteLLM's own part of it",
        "s",
        [(quantile(share, "litellm_overhead_latency_metric"), f"p{share:.0%}"[:-1]) for share in (0.5, 0.95, 0.99)],
    ),
    Panel(
        "Time to the first token, p95",
        "s",
        [(quantile(0.95, "litellm_llm_api_time_to_first_token_metric", "requested_model"), "{{requested_model}}")],
    ),
    Panel(
        "Tokens",
        "short",
        [
            (rate("litellm_input_tokens_metric_total", "requested_model"), "in {{requested_model}}"),
            (rate("litellm_output_tokens_metric_total", "requested_model"), "out {{requested_model}}"),
        ],
    ),
    Panel(
        "Spend in an hour",
        "currencyUSD",
        [(f"3600 * {rate('litellm_spend_metric_total', 'team_alias')}", "{{team_alias}}")],
    ),
    Panel(
        "Budget left",
        "percentunit",
        [
            (budget_left("team", "team_alias"), "team {{team_alias}}"),
            (budget_left("api_key", "api_key_alias"), "key {{api_key_alias}}"),
        ],
    ),
    Panel(
        "Deployments: 0 well, 1 failing, 2 out",
        "short",
        [(f"max by (litellm_model_name, api_base) (litellm_deployment_state{{{HERE}}})", "{{litellm_model_name}}")],
    ),
    Panel(
        "Failures of providers",
        "reqps",
        [
            (
                rate("litellm_deployment_failure_responses_total", "api_provider, exception_class"),
                "{{api_provider}} {{exception_class}}",
            )
        ],
    ),
    Panel(
        "Fallbacks",
        "reqps",
        [
            (rate("litellm_deployment_successful_fallbacks_total", "fallback_model"), "to {{fallback_model}}"),
            (rate("litellm_deployment_failed_fallbacks_total", "fallback_model"), "failed {{fallback_model}}"),
        ],
    ),
    Panel(
        "Postgres and Redis, p95",
        "s",
        [(quantile(0.95, "litellm_postgres_latency"), "Postgres"), (quantile(0.95, "litellm_redis_latency"), "Redis")],
    ),
    Panel(
        "Failures of Postgres and Redis",
        "reqps",
        [
            (rate("litellm_postgres_failed_requests_total", "error_class"), "Postgres {{error_class}}"),
            (rate("litellm_redis_failed_requests_total", "error_class"), "Redis {{error_class}}"),
        ],
    ),
    Panel(
        "Spend that waits to be written",
        "short",
        [
            (f"sum(litellm_in_memory_spend_update_queue_size{{{HERE}}})", "in the pods"),
            (f"sum(litellm_redis_spend_update_queue_size{{{HERE}}})", "in Redis"),
        ],
    ),
)


def dashboard(namespace: str, title: str) -> str:
    """The dashboard as JSON, of the gateway in a namespace; others can be chosen in it."""
    return json.dumps(
        {
            "uid": f"litellm-{namespace}"[:40],
            "title": title,
            "tags": ["litellm"],
            "editable": False,
            "schemaVersion": 39,
            "refresh": "1m",
            "time": {"from": "now-6h", "to": "now"},
            "templating": {"list": [source(), namespaces(namespace)]},
            "panels": [drawn(number, panel) for number, panel in enumerate(PANELS)],
        },
        indent=1,
    )


def source() -> dict[str, Any]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def namespaces(namespace: str) -> dict[str, Any]:
    return {
        "name": "namespace",
        "label": "Namespace",
        "type": "query",
        "datasource": SOURCE,
        "query": "label_values(litellm_in_flight_requests, namespace)",
        "refresh": 2,
        "current": {"text": namespace, "value": namespace},
    }


def drawn(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, COLUMNS)
    return {
        "id": number + 1,
        "title": panel.title,
        "type": "timeseries",
        "datasource": SOURCE,
        "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "expr": expr, "legendFormat": legend, "datasource": SOURCE}
            for index, (expr, legend) in enumerate(panel.queries)
        ],
    }
