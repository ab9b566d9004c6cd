"""What whole stacks make of `database.waitSeconds`: a relay in LiteLLM's pods that waits for a Postgres that restarts."""

from typing import Any

import pytest

from infra.config.load import ConfigError
from policy.rules import RULES
from tests.program.stacks import ROOT
from tests.program.test_database import of_dev, synced
from tests.program.test_pods import pods, stack
from tools.offline.plan import document, record
from tools.report.policies import violations

RELAY = "database-relay"
DEV = ROOT / "Pulumi.dev.yaml"


def gateway(**sections: Any) -> dict[str, Any]:
    return pods(of_dev(**sections))["litellm-deployment"]


def relay(pod: dict[str, Any]) -> dict[str, Any]:
    (found,) = [each for each in pod["initContainers"] if each["name"] == RELAY]
    return found


def values(container: dict[str, Any]) -> dict[str, Any]:
    return {each["name"]: each.get("value") for each in container["env"]}


def test_the_host_of_litellms_url_is_the_relay_in_its_pods_and_the_server_in_the_relay() -> None:
    recording = of_dev()
    pod = pods(recording)["litellm-deployment"]
    (line,) = pod["hostAliases"]
    assert line == {"ip": "127.0.0.1", "hostnames": ["postgres"]}
    assert "@postgres:5432/" in synced(recording, "litellm-env")["target"]["template"]["data"]["DATABASE_URL"]
    found = values(relay(pod))
    assert (found["SERVER_HOST"], found["SERVER_PORT"]) == ("postgres.litellm-dev.svc", "5432")
    assert found["WAIT_SECONDS"] == "10"


def test_the_relay_is_there_before_all_others_and_ends_after_them() -> None:
    pod = gateway()
    assert pod["initContainers"][0]["name"] == RELAY
    assert relay(pod)["restartPolicy"] == "Always"
    assert relay(pod)["image"] == pod["containers"][0]["image"]


def test_no_other_pod_goes_through_it() -> None:
    found = pods(of_dev())
    assert [name for name, pod in found.items() if "hostAliases" in pod] == ["litellm-deployment"]


def test_the_lines_of_a_stack_for_all_pods_stay() -> None:
    line = {"ip": "10.0.0.1", "hostnames": ["llm.corp.example"]}
    pod = gateway(pods={"hostAliases": [line]})
    assert pod["hostAliases"] == [{"ip": "127.0.0.1", "hostnames": ["postgres"]}, line]


def test_nobody_waits_with_zero_seconds() -> None:
    pod = gateway(database={"waitSeconds": 0})
    assert "initContainers" not in pod
    assert "hostAliases" not in pod


def test_nobody_waits_who_answers_without_a_database() -> None:
    """A pod that waited would not be ready, and nobody would answer."""
    open_gateway = {
        "allowRequestsWithoutKey": True,
        "generalSettings": {"allow_requests_on_db_unavailable": True},
    }
    found = pods(record(stack(DEV, gateway=open_gateway)))["litellm-deployment"]
    assert "initContainers" not in found
    assert "hostAliases" not in found


@pytest.mark.parametrize(
    ("pooler", "host"),
    [({}, "postgres-rw"), ({"pooler": {"instances": 2}}, "postgres-pooler")],
    ids=["server", "pooler"],
)
def test_a_server_of_cloudnative_pg_is_awaited_or_its_pooler(pooler: dict[str, Any], host: str) -> None:
    pod = gateway(database={"kind": "cloudnative-pg", **pooler})
    assert pod["hostAliases"] == [{"ip": "127.0.0.1", "hostnames": [host]}]
    assert values(relay(pod))["SERVER_HOST"] == f"{host}.litellm-dev.svc"


def test_a_server_elsewhere_has_no_such_key() -> None:
    with pytest.raises(ConfigError, match="waitSeconds"):
        of_dev(database={"kind": "existing", "host": "db.example.com", "waitSeconds": 5})


def test_a_container_of_yours_cannot_have_its_name() -> None:
    own = {"name": RELAY, "image": "ghcr.io/example/proxy:1.0.0", "resources": {"limits": {"memory": "64Mi"}}}
    with pytest.raises(ConfigError, match="extraContainers"):
        record(stack(DEV, gateway={"extraContainers": [own]}))


def test_the_policy_accepts_it() -> None:
    assert len(RULES) > 0
    assert not [each for each in violations("dev", document("dev", record(stack(DEV)))["resources"]) if each.mandatory]
