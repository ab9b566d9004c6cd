"""Whole stacks whose secrets Vault Agent brings into the pods."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from components.delivery import FILES, INJECTOR, SECRETS, START
from infra.environment import deploy
from infra.turns import Turn, Turns
from tests.unit.infra.stacks import target
from tools.offline.mock_engine import Recording, run
from tools.offline.plan import document
from tools.report.policies import violations

WORKLOADS = ("litellm-deployment", "redis-server", "postgres-server", "litellm-migration-job", "database-bootstrap-job")
EXTERNAL = "external-secrets.io"


@cache
def stack(*, agent: bool = True, turn: int = 0) -> Recording:
    sections: dict[str, Any] = {
        "secrets": {
            "vault": {"address": "https://vault.example.com"},
            **({"delivery": "vault-agent"} if agent else {}),
        },
        "gateway": {
            "replicas": 2,
            "models": [{"name": "mock", "provider": "mock"}],
            "secretFiles": {"google/account.json": {"document": "google", "property": "json"}},
        },
        "access": {"users": {"ada@example.com": {}}, "keys": {"ada": {"user": "ada@example.com"}}},
        "networkPolicy": {"egress": {"gateway": True}},
        "secretEnvironment": {"OPENAI_API_KEY": {"document": "shared", "property": "openai", "mount": "other"}},
    }
    made = replace(target(**sections), turns=Turns(database=Turn(turn)))
    return run(lambda: deploy(made), preview=False, stack="dev")


def pods(recording: Recording) -> dict[str, Mapping[str, Any]]:
    """The templates of all pods, by the name of the resource."""
    found: dict[str, Any] = {each.name: each.inputs.get("spec", {}) for each in recording.resources}
    return {name: spec["template"] for name, spec in found.items() if "template" in spec}


def text_of(recording: Recording) -> str:
    return json.dumps([each.inputs for each in recording.resources], default=str)


def main(template: Mapping[str, Any]) -> Mapping[str, Any]:
    return template["spec"]["containers"][0]


def keys(recording: Recording) -> Iterator[str]:
    for each in recording.resources:
        if each.type.startswith(f"kubernetes:{EXTERNAL}") and each.inputs["kind"] == "ExternalSecret":
            name = {"litellm-env-secret": "litellm-env"}.get(each.name, each.name)
            yield from (f"{name}/{key}" for key in each.inputs["spec"]["target"]["template"]["data"])


def configuration(recording: Recording, name: str) -> Any:
    (found,) = [
        each.inputs["data"]["config.hcl"] for each in recording.resources if each.name == f"{name}-agent-config"
    ]
    return json.loads(found)


def destinations(recording: Recording, name: str) -> list[str]:
    return [each["destination"] for each in configuration(recording, name)["template"]]


def test_there_is_no_secret_and_nothing_of_the_operator():
    types = {each.type for each in stack().resources}
    assert not {kind for kind in types if EXTERNAL in kind or kind == "kubernetes:core/v1:Secret"}


def test_no_pod_refers_to_a_secret():
    for name, template in pods(stack()).items():
        assert not [word for word in ("secretKeyRef", "secretRef", "secretName") if word in json.dumps(template)], name


def test_the_gateway_gets_the_same_variables():
    own = {key for key in keys(stack(agent=False)) if key.startswith("litellm-env/")}
    found = {
        each.removeprefix(f"{SECRETS}/")
        for each in destinations(stack(), "litellm")
        if f"{SECRETS}/litellm-env/" in each
    }
    assert found == own


@pytest.mark.parametrize("name", [*WORKLOADS, "litellm-access-job"])
def test_the_injector_finds_every_pod_that_has_secrets(name: str):
    notes = pods(stack())[name]["metadata"]["annotations"]
    assert notes[f"{INJECTOR}/agent-inject"] == "true"


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_program_starts_with_its_values(name: str):
    assert main(pods(stack())[name])["command"][:2] == ["/bin/sh", START]


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("litellm-deployment", "watch"),
        ("redis-server", "watch"),
        ("postgres-server", "once"),
        ("litellm-migration-job", "once"),
    ],
)
def test_programs_that_read_their_values_at_their_start_only_are_started_again(name: str, mode: str):
    assert main(pods(stack())[name])["command"][2] == mode


def test_a_container_beside_litellm_does_not_see_its_values():
    sidecar = {"name": "beside", "image": "proxy:1.0.0", "resources": {"limits": {"memory": "64Mi"}}}
    gateway = {"models": [{"name": "mock", "provider": "mock"}], "extraContainers": [sidecar]}
    vault = {"delivery": "vault-agent", "vault": {"address": "https://vault.example.com"}}
    made = run(lambda: deploy(target(secrets=vault, gateway=gateway)), preview=False, stack="dev")
    notes = pods(made)["litellm-deployment"]["metadata"]["annotations"]
    assert notes[f"{INJECTOR}/agent-inject-containers"] == "litellm"


def test_a_job_has_no_agent_that_keeps_it_from_ending():
    for name in ("litellm-migration-job", "database-bootstrap-job", "litellm-access-job"):
        assert pods(stack())[name]["metadata"]["annotations"][f"{INJECTOR}/agent-pre-populate-only"] == "true"


def test_the_agent_is_whoever_the_program_is():
    for name, template in pods(stack()).items():
        user = str(template["spec"]["securityContext"]["runAsUser"])
        assert template["metadata"]["annotations"][f"{INJECTOR}/agent-run-as-user"] == user, name


def test_the_token_is_for_vault_alone():
    for template in pods(stack()).values():
        (token,) = [
            each["projected"]["sources"] for each in template["spec"]["volumes"] if each["name"] == "vault-token"
        ]
        assert token[0]["serviceAccountToken"]["audience"] == "vault"
        assert template["spec"]["automountServiceAccountToken"] is False


def test_the_role_is_for_the_serviceaccount_of_the_pods():
    role = stack().inputs("vault:kubernetes/authBackendRole:AuthBackendRole")
    accounts = {template["spec"]["serviceAccountName"] for template in pods(stack()).values()}
    assert accounts == set(role["boundServiceAccountNames"])


def test_the_probes_of_redis_know_its_password():
    probe = main(pods(stack())["redis-server"])["readinessProbe"]["exec"]["command"]
    assert f"REDISCLI_AUTH={SECRETS}/redis-config/password" in probe
    assert probe[-3:] == ["redis-cli", "-e", "ping"]


def test_files_of_the_gateway_are_where_they_are_with_a_secret():
    template = pods(stack())["litellm-deployment"]
    assert f"{FILES}/litellm-files/google/account.json" in destinations(stack(), "litellm")
    patch = json.loads(template["metadata"]["annotations"][f"{INJECTOR}/agent-json-patch"])
    assert patch[0]["value"] == {"name": "secret-files", "mountPath": f"{FILES}/litellm-files"}
    mounts = {each["name"]: each["mountPath"] for each in main(template)["volumeMounts"]}
    assert mounts["secret-files"] == "/etc/litellm-secrets"


def test_the_migration_gets_the_url_and_nothing_else():
    _, *files = destinations(stack(), "litellm-migration")
    assert files == [f"{SECRETS}/litellm-migration/DATABASE_URL"]


def test_another_password_is_no_reason_to_migrate_again():
    notes = {name: template["metadata"]["annotations"] for name, template in pods(stack()).items()}
    assert notes["litellm-deployment"]["litellm/delivered"]
    assert notes["litellm-migration-job"]["litellm/delivered"] == ""


def test_a_gateway_that_stays_keeps_its_login_when_a_rotation_writes_the_next_one():
    """The next one is of the other user, who is there a moment later."""
    (template,) = [
        each for each in configuration(stack(), "litellm")["template"] if "DATABASE_URL" in each["destination"]
    ]
    assert re.search(r'secret "litellm/data/dev/database\?version=\w+"', template["contents"])
    others = [each["contents"] for each in configuration(stack(), "litellm")["template"] if each != template]
    assert "?version=" not in "".join(others)


def test_another_login_is_no_reason_to_migrate_again():
    assert "?version=" not in json.dumps(configuration(stack(), "litellm-migration"))


def test_the_job_that_ends_a_rotation_gets_its_logins_from_vault():
    lock = pods(stack(turn=1))["database-lock-job"]
    assert lock["metadata"]["annotations"][f"{INJECTOR}/agent-inject"] == "true"
    assert main(lock)["command"][:2] == ["/bin/sh", START]
    exits = stack(turn=1).inputs("kubernetes:networking.k8s.io/v1:NetworkPolicy", "network-database-lock-egress")
    assert '"port": 443' in json.dumps(exits["spec"]["egress"])


def test_a_document_of_another_engine_is_read_there():
    assert 'secret \\"other/data/shared\\"' in json.dumps(configuration(stack(), "litellm"))


def test_pods_with_limited_exits_reach_vault():
    policies = {
        each.name: json.dumps(each.inputs["spec"]["egress"])
        for each in stack().of("kubernetes:networking.k8s.io/v1:NetworkPolicy")
        if each.name.endswith("-egress")
    }
    assert {name for name, exits in policies.items() if '"port": 443' in exits} == set(policies)


def test_no_value_is_anywhere_in_the_cluster():
    """Offline, generated values are of the letter x alone."""
    value = "x" * 32
    assert value in text_of(stack())
    objects = [each.inputs for each in stack().resources if each.type.startswith("kubernetes:")]
    assert value not in json.dumps(objects, default=str)


def test_no_policy_is_broken():
    assert [each for each in violations("dev", document("dev", stack())["resources"]) if each.mandatory] == []


def test_with_the_operator_nothing_of_the_agent_is_there():
    assert INJECTOR not in text_of(stack(agent=False))
