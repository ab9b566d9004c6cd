"""Which pods have fetched which credentials, as their ConfigMaps say."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from components.secrets.references import RemoteReference
from components.sync.agent import agent_template
from tests.unit.tools.credentials.cluster import EARLY, LATE, NAMESPACE
from tests.unit.tools.engine.fakes import FakeCluster
from tools.credentials.copies import Pod, Source
from tools.credentials.credential import Credential, InStore
from tools.credentials.memory import look

PASSWORD: RemoteReference = {"key": "dev/redis", "property": "password"}
AGENT = {"config.hcl": json.dumps({"template": [{"contents": agent_template("{{ .a }}", {"a": PASSWORD}, "team/kv")}]})}
PARTS = ["text", {"document": 0, "property": "a", "function": ""}, {"document": 1, "property": "", "function": ""}]
PLAN = {"plan.json": json.dumps({"documents": ["prod/keys", "prod/one"], "files": [{"path": "x", "parts": PARTS}]})}
BY_AGENT: dict[str, Any] = {"annotations": {"vault.hashicorp.com/agent-configmap": "map"}}
FETCHES = [{"name": "secrets-configuration", "configMap": {"name": "map"}}]
MOUNTS = [{"name": "values", "mountPath": "/vault/secrets"}]


def pod(name: str, started: str = LATE, volumes: list[Any] | None = None, **metadata: Any) -> dict[str, Any]:
    containers = [{"name": "litellm", "volumeMounts": MOUNTS}, {"name": "vault-agent", "volumeMounts": MOUNTS}]
    statuses = [
        {"name": "litellm", "state": {"running": {"startedAt": started}}},
        {"name": "vault-agent", "state": {"running": {"startedAt": EARLY}}},
    ]
    return {
        "metadata": {
            "name": name,
            "labels": {"app.kubernetes.io/name": "litellm"},
            "creationTimestamp": EARLY,
            **metadata,
        },
        "spec": {"containers": containers, "volumes": volumes or []},
        "status": {"phase": "Running", "containerStatuses": statuses},
    }


def found(data: dict[str, str], *pods: dict[str, Any]) -> dict[Source, tuple[Pod, ...]]:
    place = f"/api/v1/namespaces/{NAMESPACE}"
    maps = [{"metadata": {"name": "map"}, "data": data}]
    return look(FakeCluster(objects={f"{place}/configmaps": maps, f"{place}/pods": [*pods]}), NAMESPACE)


def test_what_an_agent_reads_is_in_its_templates():
    assert [*found(AGENT, pod("a", **BY_AGENT))] == [Source("dev/redis", "password", "team/kv")]


def test_what_an_init_container_fetches_is_in_its_plan():
    assert [*found(PLAN, pod("a", volumes=FETCHES))] == [Source("prod/keys", "a"), Source("prod/one", None)]


def test_pods_that_read_nothing_are_not_among_them():
    assert found(AGENT, pod("a")) == {}


def test_a_program_has_the_values_of_its_own_start_and_not_of_the_agents():
    ((one,),) = found(AGENT, pod("a", **BY_AGENT)).values()
    assert one.started == datetime.fromisoformat(LATE)


@pytest.mark.parametrize(("started", "agrees"), [(EARLY, False), (LATE, True)])
def test_a_pod_that_started_before_the_value_was_written_has_another(started: str, agrees: bool):
    ((one,),) = found(AGENT, pod("a", started, **BY_AGENT)).values()
    between = datetime(2026, 1, 1, 11, tzinfo=UTC)
    credential = Credential("litellm/x#y", InStore("0123", "2", between), (), (one,))
    assert credential.agrees is agrees
    assert ("pods a started before the store got this value" in credential.differences) is not agrees
