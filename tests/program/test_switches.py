"""What a whole stack makes of the parts that LiteLLM has for much load, all of them at once."""

from typing import Any

import pytest
import yaml

from policy.rules import RULES
from tests import litellm_env
from tests.program.stacks import ROOT, stack_of
from tools.engine.stack_file import Stack
from tools.offline.mock_engine import Recording
from tools.offline.plan import document, record
from tools.report.policies import violations

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"

SWITCHED: dict[str, dict[str, Any]] = {
    "gateway": {
        "workers": 2,
        "resources": {"cpu": "2", "memory": "8Gi"},
        "rust": True,
        "spendCollector": {"onUnavailable": "fallback"},
        "workerRecycling": {"maxRequests": 10000, "jitter": 500},
        "keepAliveSeconds": 700,
        "admission": {"maxInFlight": 200, "maxQueued": 100, "queueTimeoutSeconds": 2},
    },
    "redis": {"transactionBuffer": True},
    "database": {"podPooler": {"maxConnections": 12}},
    "monitoring": {"scrape": "pod-monitor", "clients": [{"namespace": "monitoring"}]},
}


@pytest.fixture(scope="module")
def recording() -> Recording:
    """The production example, with every switch on."""
    found = stack_of(ROOT / "Pulumi.prod.yaml").document
    config = dict(found["config"])
    for section, keys in SWITCHED.items():
        config[f"litellm:{section}"] = {**config.get(f"litellm:{section}", {}), **keys}
    return record(Stack("prod", {**found, "config": config}), preview=False)


def pod(recording: Recording) -> dict[str, Any]:
    return recording.inputs(DEPLOYMENT, "litellm-deployment")["spec"]["template"]["spec"]


def values(container: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in container["env"]}


def test_the_policy_accepts_all_of_them(recording: Recording) -> None:
    assert len(RULES) > 0
    assert violations("prod", document("prod", recording)["resources"]) == []


def test_litellms_file_has_what_is_its_own(recording: Recording) -> None:
    (text,) = [
        each.inputs["data"]["config.yaml"]
        for each in recording.resources
        if each.type == CONFIG_MAP and "config.yaml" in each.inputs.get("data", {})
    ]
    general = yaml.safe_load(text)["general_settings"]
    assert general["max_in_flight_requests_per_worker"] == 200
    assert general["max_queued_requests_per_worker"] == 100
    assert general["admission_queue_timeout_seconds"] == 2
    assert general["use_redis_transaction_buffer"] is True


def test_litellm_is_started_with_the_others(recording: Recording) -> None:
    (litellm,) = pod(recording)["containers"]
    args = litellm["args"]
    given = {name: args[args.index(name) + 1] for name in args if name.startswith("--")}
    assert given["--keepalive_timeout"] == "700"
    assert given["--max_requests_before_restart"] == "10000"
    assert given["--max_requests_before_restart_jitter"] == "500"
    assert given["--prometheus_metrics_port"] == "4001"
    assert values(litellm)["LITELLM_RUST"] == "true"
    assert values(litellm)["LITELLM_PGBOUNCER_ENABLED"] == "true"


def test_the_collector_is_beside_it(recording: Recording) -> None:
    (collector,) = [each for each in pod(recording)["initContainers"] if each["name"] == "spend-collector"]
    assert values(collector)["LITELLM_PGBOUNCER_ENABLED"] == "false"
    assert "PROMETHEUS_MULTIPROC_DIR" not in values(collector)
    (litellm,) = pod(recording)["containers"]
    assert values(litellm)["LITELLM_COLLECTOR_ADDRESS"] == values(collector)["LITELLM_COLLECTOR_ADDRESS"]


def test_the_pinned_litellm_has_each_of_them() -> None:
    package = next(litellm_env.interpreter().parents[1].glob("lib/*/site-packages/litellm"))
    collector = (package / "proxy" / "spend_tracking" / "spend_event_producer.py").read_text()
    assert (package / "proxy" / "collector.py").is_file()
    assert 'COLLECTOR_ENV_PREFIX: Final = "LITELLM_COLLECTOR_"' in collector
    assert 'UnavailablePolicy: TypeAlias = Literal["fallback", "drop"]' in collector
    command = (package / "proxy" / "proxy_cli.py").read_text()
    for option in ("keepalive_timeout", "max_requests_before_restart", "max_requests_before_restart_jitter"):
        assert f'"--{option}"' in command
    assert '"LITELLM_RUST"' in (package / "rust_bridge" / "configuration.py").read_text()
