"""The metrics of a gateway with its database: collected as its objects say, with a key that can do nothing else."""

import base64
import json
import os
import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.e2e.keyed.gateway import NAMESPACE, Gateway
from tests.e2e.support import eventually, kubectl, objects

pytestmark = pytest.mark.skipif(
    os.environ.get("LAB_LITELLM_DATABASE") == "0", reason="needs LiteLLM with its database client"
)


def pods() -> list[dict[str, Any]]:
    found = objects("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=litellm")
    return [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]


def endpoint() -> dict[str, Any]:
    (monitor,) = objects("podmonitors.monitoring.coreos.com", "-n", NAMESPACE)
    assert monitor["spec"]["selector"]["matchLabels"] == {"app.kubernetes.io/name": "litellm"}
    (one,) = monitor["spec"]["podMetricsEndpoints"]
    return one


def credential(place: dict[str, str]) -> str:
    secret = json.loads(kubectl("get", "secret", place["name"], "-n", NAMESPACE, "-o", "json").stdout)
    assert list(secret["data"]) == [place["key"]]
    return base64.b64decode(secret["data"][place["key"]]).decode()


def scraped() -> Iterator[str]:
    """What Prometheus would read: each pod, at the port, the path and with the credential that the object names."""
    wanted = endpoint()
    headers = {"Authorization": f"Bearer {credential(wanted['authorization']['credentials'])}"}
    for pod in pods():
        ports = {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}
        url = f"http://{pod['status']['podIP']}:{ports[wanted['port']]}{wanted['path']}"
        answer = requests.get(url, headers=headers, timeout=30, allow_redirects=False)
        assert answer.status_code == 200, answer.text[:300]
        yield answer.text


def test_every_pod_gives_its_metrics_as_the_object_says(keyed: Gateway):
    for _ in range(6):
        assert keyed.complete(keyed.values["ci"]).status_code == 200

    def are_all_there() -> bool:
        found = [set(re.findall(r"^(litellm_[a-z_]+)", text, re.MULTILINE)) for text in scraped()]
        assert len(found) == 2
        wanted = {"litellm_in_flight_requests", "litellm_proxy_total_requests_metric_total"}
        return all(names >= wanted for names in found)

    eventually(are_all_there, "both pods count requests", 60)


def test_metrics_say_which_key_and_what_is_left_of_budgets(keyed: Gateway):
    def is_said() -> bool:
        text = "\n".join(scraped())
        of_the_team = re.search(r'^litellm_remaining_team_budget_metric\{.*team="research"', text, re.MULTILINE)
        return of_the_team is not None and 'api_key_alias="ci"' in text

    eventually(is_said, "metrics of the team's budget", 90)


def test_metrics_ask_for_a_key(keyed: Gateway):
    wanted = endpoint()
    assert [keyed.ask("GET", wanted["path"], key).status_code for key in (None, "sk-no-such-key")] == [401, 401]
    assert keyed.ask("GET", wanted["path"], keyed.values["ci"]).status_code in (401, 403)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/key/generate", {}),
        ("/user/new", {"user_id": "intruder"}),
        ("/team/new", {"team_alias": "intruders"}),
        ("/model/new", {"model_name": "x", "litellm_params": {"model": "openai/x"}}),
        ("/credentials", {"credential_name": "x", "credential_values": {}, "credential_info": {}}),
        ("/config/update", {"general_settings": {"disable_spend_logs": True}}),
    ],
)
def test_the_credential_of_the_scraper_cannot_administrate(keyed: Gateway, path: str, body: dict[str, Any]):
    key = credential(endpoint()["authorization"]["credentials"])
    assert key not in (keyed.master_key, keyed.values["ci"])
    refused = keyed.ask("POST", path, key, body)
    assert refused.status_code in (401, 403), refused.text[:300]


def test_alerts_and_dashboard_are_where_they_are_looked_for(keyed: Gateway):
    (rules,) = objects("prometheusrules.monitoring.coreos.com", "-n", NAMESPACE)
    names = [rule["alert"] for group in rules["spec"]["groups"] for rule in group["rules"]]
    assert "LiteLLMErrorRate" in names
    (dashboard,) = objects("configmaps", "-n", NAMESPACE, "-l", "grafana_dashboard=1")
    (content,) = dashboard["data"].values()
    assert json.loads(content)["panels"]
