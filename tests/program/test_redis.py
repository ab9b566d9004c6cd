"""What whole stacks make of the ways to have a Redis."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.program.test_database import AUTHORITY, of_dev, pod_of, synced
from tools.offline.mock_engine import Recording

SENTINELS = {
    "nodes": [{"host": "s1"}, {"host": "s2"}],
    "password": {"document": "shared/redis", "property": "sentinel"},
}


def variables(recording: Recording) -> dict[str, Any]:
    (gateway,) = pod_of(recording, "kubernetes:apps/v1:Deployment", "litellm-deployment")["containers"]
    return {each["name"]: each.get("value") for each in gateway["env"] if each["name"].startswith("REDIS_")}


def coordination(recording: Recording) -> dict[str, Any]:
    (text,) = [
        each.inputs["data"]["config.yaml"]
        for each in recording.resources
        if "config.yaml" in each.inputs.get("data", {})
    ]
    return yaml.safe_load(text)["general_settings"]["coordination_redis"]


def test_sentinels_are_asked_for_the_server() -> None:
    recording = of_dev(redis={"kind": "existing", "sentinel": SENTINELS, "database": 3})
    assert coordination(recording) == {
        "sentinel_nodes": [["s1", 26379], ["s2", 26379]],
        "service_name": "mymaster",
        "sentinel_password": "os.environ/REDIS_SENTINEL_PASSWORD",
        "db": 3,
    }
    found = variables(recording)
    assert json.loads(found["REDIS_SENTINEL_NODES"]) == [["s1", 26379], ["s2", 26379]]
    assert (found["REDIS_SERVICE_NAME"], found["REDIS_DB"]) == ("mymaster", "3")
    assert "REDIS_HOST" not in found
    keys = synced(recording, "litellm-env")["target"]["template"]["data"]
    assert "REDIS_SENTINEL_PASSWORD" in keys


def test_a_cluster_is_known_by_some_of_its_servers() -> None:
    recording = of_dev(
        redis={"kind": "existing", "cluster": [{"host": "r1"}, {"host": "r2", "port": 6380}], "tls": True}
    )
    nodes = [{"host": "r1", "port": 6379}, {"host": "r2", "port": 6380}]
    assert coordination(recording)["startup_nodes"] == nodes
    assert json.loads(variables(recording)["REDIS_CLUSTER_NODES"]) == nodes


def test_an_authority_of_its_own_is_in_the_pods(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("infra.config.load.CERTIFICATES", tmp_path)
    (tmp_path / "redis.pem").write_text(AUTHORITY)
    recording = of_dev(redis={"kind": "existing", "host": "redis", "tls": True, "caCertFile": "redis.pem"})
    assert coordination(recording)["ssl_ca_certs"] == "/etc/litellm-certificates/redis.crt"
    assert variables(recording)["REDIS_SSL_CA_CERTS"] == "/etc/litellm-certificates/redis.crt"
    (config_map,) = [each for each in recording.resources if "redis.crt" in each.inputs.get("data", {})]
    volumes = json.dumps(pod_of(recording, "kubernetes:apps/v1:Deployment", "litellm-deployment")["volumes"])
    assert config_map.inputs["metadata"]["name"] in volumes


def test_elasticache_takes_tokens_of_the_pods_role() -> None:
    login = {"user": "litellm", "cache": "gateway", "region": "eu-west-1"}
    role = {"serviceAccountAnnotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/litellm"}}
    gateway = {"allowMemoryBelowFloor": True, "resources": {"memory": "1Gi"}, **role}
    recording = of_dev(redis={"kind": "existing", "host": "redis", "tls": True, "iam": login}, gateway=gateway)
    found = coordination(recording)
    assert (found["aws_iam_auth"], found["aws_iam_user_name"], found["aws_iam_cache_name"]) == (
        True,
        "litellm",
        "gateway",
    )
    assert "password" not in found
    assert variables(recording)["REDIS_AWS_IAM_AUTH"] == "True"


def test_a_single_server_is_as_it_was() -> None:
    assert variables(of_dev(redis={"kind": "existing", "host": "redis"})) == {
        "REDIS_HOST": "redis",
        "REDIS_PORT": "6379",
        "REDIS_SSL": "False",
    }


def test_who_rotates_an_existing_server_says_whose_password_it_is() -> None:
    """The user comes with the password, in one sync: never the password of one with the name of another."""
    password = {"document": "shared/redis", "property": "password"}
    redis = {"kind": "existing", "host": "redis.example.com", "password": password, "usernameProperty": "username"}
    recording = of_dev(redis=redis)
    gateway = synced(recording, "litellm-env")
    sources = {each["secretKey"]: each["remoteRef"] for each in gateway["data"]}
    assert sources["REDIS_USERNAME"] == {"key": "shared/redis", "property": "username"}
    assert sources["REDIS_PASSWORD"] == {"key": "shared/redis", "property": "password"}
    assert {"REDIS_USERNAME", "REDIS_PASSWORD"} <= gateway["target"]["template"]["data"].keys()
    assert "REDIS_USERNAME" not in variables(recording), "a variable of the pod would win over the Secret"
    assert coordination(recording)["username"] == "os.environ/REDIS_USERNAME"


def general(recording: Recording) -> dict[str, Any]:
    (text,) = [
        each.inputs["data"]["config.yaml"]
        for each in recording.resources
        if "config.yaml" in each.inputs.get("data", {})
    ]
    return yaml.safe_load(text)["general_settings"]


def test_one_process_counts_for_itself() -> None:
    recording = of_dev()
    assert "coordination_redis" not in general(recording)
    # LiteLLM would take a Redis that it finds in its environment.
    assert variables(recording) == {}


@pytest.mark.parametrize(
    "sections",
    [
        {"redis": {"coordination": True}},
        {"gateway": {"replicas": 2}},
        {"gateway": {"workers": 2, "resources": {"cpu": "2", "memory": "8Gi"}}},
        {"gateway": {"litellmSettings": {"cache": True}}},
        {"gateway": {"generalSettings": {"use_redis_transaction_buffer": True}}},
        {"gateway": {"routerSettings": {"redis_host": "os.environ/REDIS_HOST"}}},
    ],
)
def test_redis_counts_where_it_has_something_to_do(sections: dict[str, Any]) -> None:
    recording = of_dev(**sections)
    assert general(recording)["coordination_redis"]["host"] == "os.environ/REDIS_HOST"
    assert variables(recording)["REDIS_HOST"] == "redis"
