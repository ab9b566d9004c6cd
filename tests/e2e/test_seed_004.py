"""docs/seeds/004.md: one secret of AWS that is extracted as a whole, a Postgres and a Redis that are there, two replicas, keys
and the scrape with a viewer's key. Secrets Manager is a stand-in, and VictoriaMetrics a kind without a controller.
"""

import base64
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import requests

from infra.config.versions import PINS
from tests.e2e.keyed.gateway import custom_kind, is_served
from tests.e2e.seeds import example, postgres, small
from tests.e2e.support import Project, completion, kubectl, objects

ENDPOINT = os.environ.get("LAB_AWS_ENDPOINT_IN_CLUSTER", "")
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/kubernetes.default.svc"
STACK, NAMESPACE, SERVERS = "seed004", "ops-litellm-ns", "seed004-servers"
SECRET, PREFIX = "/ops/litellm-prod-secrets", "/ops/litellm-prod"

pytestmark = [
    pytest.mark.skipif(
        not ENDPOINT or not shutil.which("pulumi-resource-aws"),
        reason="needs AWS_ENDPOINT_URL, LAB_AWS_ENDPOINT_IN_CLUSTER and a provider plugin for AWS that works with them",
    ),
    pytest.mark.skipif(os.environ.get("LAB_LITELLM_DATABASE") == "0", reason="needs LiteLLM with its database client"),
]


def redis() -> list[dict[str, Any]]:
    metadata, marks = {"name": "redis", "namespace": SERVERS}, {"app": "redis"}
    container = {"name": "redis", "image": PINS["redis"].image, "args": ["--save", "", "--protected-mode", "no"]}
    template = {"metadata": {"labels": marks}, "spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"selector": marks, "ports": [{"port": 6379}]},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {"selector": {"matchLabels": marks}, "template": template},
        },
    ]


@pytest.fixture(scope="module")
def manager() -> Iterator[Any]:
    client: Any = boto3.client("secretsmanager", region_name="us-east-1")
    yield client
    for secret in client.list_secrets(IncludePlannedDeletion=True)["SecretList"]:
        if secret["Name"].startswith(PREFIX):
            client.delete_secret(SecretId=secret["Name"], ForceDeleteWithoutRecovery=True)


@pytest.fixture(scope="module")
def values() -> dict[str, str]:
    return {
        "LITELLM_MASTER_KEY": f"sk-{secrets.token_hex(16)}",
        **{name: f"sk-{secrets.token_hex(16)}" for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")},
        **{name: secrets.token_hex(16) for name in ("ARIZE_SPACE_ID", "ARIZE_API_KEY")},
        "DATABASE_USERNAME": "ops_litellm_user",
    }


@pytest.fixture(scope="module")
def stack(project: Project, manager: Any, values: dict[str, str]) -> Iterator[str]:
    """The example, with the servers and the ingress of this cluster, and without what is sent to others."""
    config = example("seed-004")
    kinds = [] if is_served("VMPodScrape") else [custom_kind("VMPodScrape", "operator.victoriametrics.com", "v1beta1")]
    try:
        with postgres(SERVERS, "ops_litellm_user", "ops_litellm_db") as password:
            values["DATABASE_PASSWORD"] = password
            manager.create_secret(Name=SECRET, SecretString=json.dumps(values))
            items = [*redis(), *kinds]
            kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
            kubectl("rollout", "status", "deployment/redis", "-n", SERVERS, "--timeout=60s")
            identity = {"kind": "irsa", "oidcProviderArn": PROVIDER}
            aws = config["secrets"]["aws"] | {"recoveryWindowDays": 0, "identity": identity}
            endpoints = {"AWS_SECRETSMANAGER_ENDPOINT": ENDPOINT, "AWS_STS_ENDPOINT": ENDPOINT}
            settings = {key: value for key, value in config["gateway"]["litellmSettings"].items() if key != "callbacks"}
            changed = {
                "protect": False,
                "secrets": {"kind": "aws", "aws": aws},
                "externalSecrets": {"install": True, "environment": endpoints},
                "database": config["database"] | {"host": f"postgres.{SERVERS}.svc", "sslmode": "prefer"},
                "redis": {"kind": "existing", "host": f"redis.{SERVERS}.svc", "tls": False},
                "gateway": small(config["gateway"]) | {"replicas": 2, "litellmSettings": settings},
                "monitoring": {key: value for key, value in config["monitoring"].items() if key != "tracing"},
                "ingress": {"host": "seed004.localhost"},
            }
            project.write_stack(STACK, config | changed)
            project.make("up", STACK)
            yield STACK
            project.make("destroy", STACK, check=False)
    finally:
        if kinds:
            kubectl("delete", "crd", *(each["metadata"]["name"] for each in kinds), "--ignore-not-found")


def secret(name: str) -> dict[str, str]:
    data = json.loads(kubectl("get", "secret", name, "-n", NAMESPACE, "-o", "json").stdout)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def key_of(manager: Any, name: str) -> str:
    return json.loads(manager.get_secret_value(SecretId=f"{PREFIX}/keys/{name}")["SecretString"])["key"]


def pods() -> list[dict[str, Any]]:
    found = objects("pods", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=litellm")
    return [pod for pod in found if not pod["metadata"].get("deletionTimestamp")]


def test_the_secret_is_extracted_as_a_whole(stack: str, values: dict[str, str]):
    extracted = {
        each["extract"]["key"]: external["metadata"]["name"]
        for external in objects("externalsecrets", "-n", NAMESPACE)
        for each in external["spec"].get("dataFrom", ())
    }
    assert SECRET in extracted
    found = secret(extracted[SECRET])
    assert {name: found[name] for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")} == {
        name: values[name] for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
    }


def test_two_pods_run_where_critical_services_may_and_one_at_most_is_drained(stack: str):
    running = pods()
    assert len(running) == 2
    for pod in running:
        effects = {each["effect"] for each in pod["spec"]["tolerations"] if each.get("key") == "CriticalAddonsOnly"}
        assert effects == {"NoSchedule", "NoExecute"}
    (budget,) = [each for each in objects("poddisruptionbudgets", "-n", NAMESPACE) if "litellm" in str(each["spec"])]
    assert budget["status"]["disruptionsAllowed"] == 1


def test_reloader_is_told_to_look_at_the_deployment(stack: str):
    (found,) = objects("deployments", "-n", NAMESPACE, "-l", "app.kubernetes.io/name=litellm")
    assert found["metadata"]["annotations"]["reloader.stakater.com/auto"] == "true"


def test_the_gateway_answers_with_the_master_key_of_the_secret(project: Project, stack: str, values: dict[str, str]):
    assert completion(project.outputs(stack)["url"], values["LITELLM_MASTER_KEY"], "claude-sonnet-4-6").ok


def test_claude_code_talks_to_the_gateway_with_a_virtual_key(project: Project, manager: Any, stack: str):
    url, key = project.outputs(stack)["url"], key_of(manager, "claude-code")
    address, host = f"http://127.0.0.1:{url.rpartition(':')[2]}", url.partition("://")[2].partition(":")[0]
    asked = requests.post(
        f"{address}/v1/messages",
        headers={"Host": host, "Authorization": f"Bearer {key}", "anthropic-version": "2023-06-01"},
        json={"model": "claude-sonnet-4-6", "max_tokens": 64, "messages": [{"role": "user", "content": "Hello"}]},
        timeout=30,
    )
    assert asked.status_code == 200, asked.text[:300]
    assert asked.json()["content"][0]["text"] == "Hello."
    assert completion(url, key, "gpt-5-5").status_code in (401, 403)


def test_every_pod_is_scraped_with_the_viewers_key_and_without_one_says_nothing(manager: Any, stack: str):
    (scrape,) = objects("vmpodscrapes.operator.victoriametrics.com", "-n", NAMESPACE)
    (endpoint,) = scrape["spec"]["podMetricsEndpoints"]
    place = endpoint["authorization"]["credentials"]
    key = secret(place["name"])[place["key"]]
    assert key == key_of(manager, "metrics")
    for pod in pods():
        ports = {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}
        url = f"http://{pod['status']['podIP']}:{ports[endpoint['port']]}{endpoint['path']}"
        answer = requests.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=30)
        assert "litellm_in_flight_requests" in answer.text
        assert requests.get(url, timeout=30).status_code == 401
