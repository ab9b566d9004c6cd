"""Alerts: what they read is there, they are readable, and they say what to do."""

import json
import re
import shutil
import subprocess
from itertools import product
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from components.monitoring.alerts import Alert, Scope, alerts, groups

ROOT = Path(__file__).resolve().parents[4]
CASES = Path(__file__).parent / "alerts_test.yaml"
NAMESPACE = "litellm-prod"

PROMTOOL = shutil.which("promtool")

SCOPE: dict[str, Any] = {
    "thresholds": {
        "error_rate": 0.05,
        "overhead_seconds": 0.25,
        "budget_left": 0.1,
        "database_connections": 0.8,
        "certificate_days": 14,
    },
    "database": "postgres",
    "database_name": "litellm",
    "certificates": "cert-manager",
    "host": "litellm.example.com",
}

SCOPES = [
    {"database": database, "certificates": certificates}
    for database, certificates in product(("postgres", "cloudnative-pg"), ("cert-manager", "endpoint", "none"))
]


def scope(**values: Any) -> Scope:
    return cast("Scope", SCOPE | values)


def every() -> dict[str, Alert]:
    """Each alert that there can be, by a name for the test."""
    return {f"{alert.name} {alert.expr}": alert for given in SCOPES for alert in alerts(NAMESPACE, scope(**given))}


EVERY = pytest.mark.parametrize("alert", [pytest.param(alert, id=alert.name) for alert in every().values()])


@EVERY
def test_what_an_alert_reads_is_exported(alert: Alert) -> None:
    pytest.importorskip("promql_parser", reason="the parser of PromQL is in the lock file of development")
    from tests.promql import problems

    assert problems(alert.expr) == []


def test_a_metric_or_a_label_that_nobody_exports_is_found() -> None:
    """Or the test above would prove nothing."""
    pytest.importorskip("promql_parser", reason="the parser of PromQL is in the lock file of development")
    from tests.promql import problems

    assert problems("sum(rate(litellm_requests_of_yesterday_total[5m]))") == [
        "nobody exports litellm_requests_of_yesterday_total"
    ]
    assert problems('litellm_deployment_state{colour="red"}') == ["litellm_deployment_state has no label colour"]
    assert problems("sum by (colour) (litellm_deployment_state)") == ["litellm_deployment_state has no label colour"]
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        problems("sum by (")


@EVERY
def test_an_alert_is_about_one_gateway(alert: Alert) -> None:
    """Series of other stacks of the cluster have the same names."""
    assert NAMESPACE in alert.expr or "datname" in alert.expr or "litellm[.]example[.]com" in alert.expr


@EVERY
def test_an_alert_names_a_runbook_that_is_there(alert: Alert) -> None:
    text = (ROOT / "docs" / "runbooks" / alert.runbook).read_text(encoding="utf-8")
    assert len(text.splitlines()) > 5
    assert alert.name in text


@EVERY
def test_the_summary_names_labels_that_the_alert_has(alert: Alert) -> None:
    for label in re.findall(r"\$labels\.(\w+)", alert.summary):
        assert re.search(rf"by \([^)]*\b{label}\b", alert.expr)


@EVERY
def test_an_alert_waits_and_has_a_severity(alert: Alert) -> None:
    assert re.fullmatch(r"[1-9]\d*[mh]", alert.lasting)
    assert alert.severity in ("critical", "warning")


@pytest.mark.parametrize("given", SCOPES, ids=lambda given: "-".join(given.values()))
def test_every_alert_has_a_name_of_its_own(given: dict[str, str]) -> None:
    names = [alert.name for alert in alerts(NAMESPACE, scope(**given))]
    assert len(names) == len(set(names)) > 10


def test_a_gateway_without_a_certificate_has_no_alert_of_one() -> None:
    with_one, without = (
        {alert.name for alert in alerts(NAMESPACE, scope(certificates=known))} for known in ("cert-manager", "none")
    )
    assert with_one - without == {"LiteLLMCertificateNearItsEnd"}


def test_thresholds_are_those_of_the_stack() -> None:
    changed = scope(
        thresholds={
            "error_rate": 0.011,
            "overhead_seconds": 0.22,
            "budget_left": 0.033,
            "database_connections": 0.44,
            "certificate_days": 5,
        }
    )
    text = " ".join(alert.expr for alert in alerts(NAMESPACE, changed))
    assert all(each in text for each in ("> 0.011", "> 0.22", "< 0.033", "> 0.44", "< 432000"))


def test_rules_have_the_form_of_prometheus() -> None:
    (group,) = groups(NAMESPACE, scope(labels={"team": "platform"}, runbooks="https://git.example.com/runbooks/"))
    for rule in group["rules"]:
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["team"] == "platform"
        assert rule["labels"]["namespace"] == NAMESPACE
        assert re.fullmatch(r"https://git.example.com/runbooks/[a-z-]+\.md", rule["annotations"]["runbook_url"])


def test_a_label_of_the_stack_is_not_taken_for_another() -> None:
    """Alertmanager groups by it."""
    (group,) = groups(NAMESPACE, scope(labels={"severity": "page"}))
    assert {rule["labels"]["severity"] for rule in group["rules"]} == {"page"}


def test_every_alert_has_a_case_in_which_it_is_raised_and_one_in_which_it_is_not() -> None:
    cases = yaml.safe_load(CASES.read_text(encoding="utf-8"))
    asked = [each for test in cases["tests"] for each in test["alert_rule_test"]]
    raised = {each["alertname"] for each in asked if each.get("exp_alerts")}
    silent = {each["alertname"] for each in asked if not each.get("exp_alerts")}
    names = {alert.name for alert in alerts(NAMESPACE, scope())}
    assert raised == silent == names


@pytest.mark.skipif(PROMTOOL is None, reason="promtool, of Prometheus, is not on PATH")
def test_alerts_are_raised_when_they_should_be(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text(json.dumps({"groups": groups(NAMESPACE, scope())}), encoding="utf-8")
    shutil.copy(CASES, tmp_path / CASES.name)
    assert PROMTOOL
    command = [PROMTOOL, "test", "rules", CASES.name]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
