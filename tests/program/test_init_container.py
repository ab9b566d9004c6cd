"""Whole stacks whose pods fetch their secrets themselves, before they start."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from components.delivery import FETCH, RENDER
from infra.environment import deploy
from tests.unit.infra.stacks import target
from tools.offline.mock_engine import Recording, run
from tools.offline.plan import document
from tools.report.policies import violations

PROVIDER = "arn:aws:iam::123456789012:oidc-provider/kubernetes.default.svc"
STORES: dict[str, dict[str, Any]] = {
    "vault": {"vault": {"address": "https://vault.example.com"}},
    "aws": {"kind": "aws", "aws": {"region": "us-east-1", "identity": {"kind": "irsa", "oidcProviderArn": PROVIDER}}},
}
WORKLOADS = ("litellm-deployment", "redis-server", "postgres-server", "litellm-migration-job", "database-bootstrap-job")


@cache
def stack(kind: str) -> Recording:
    sections: dict[str, Any] = {
        "secrets": {**STORES[kind], "delivery": "init-container"},
        "gateway": {
            "models": [{"name": "mock", "provider": "mock"}],
            "secretFiles": {"google/account.json": {"document": "google", "property": "json"}},
        },
        "access": {"users": {"ada@example.com": {}}, "keys": {"ada": {"user": "ada@example.com"}}},
        "networkPolicy": {"egress": {"gateway": True}},
    }
    return run(lambda: deploy(target(**sections)), preview=False, stack="dev")


@pytest.fixture(params=STORES)
def made(request: pytest.FixtureRequest) -> Recording:
    return stack(request.param)


def pods(recording: Recording) -> dict[str, Mapping[str, Any]]:
    """The specs of all pods, by the name of the resource."""
    found: dict[str, Any] = {each.name: each.inputs.get("spec", {}) for each in recording.resources}
    return {name: spec["template"]["spec"] for name, spec in found.items() if "template" in spec}


def test_there_is_no_secret_and_nothing_of_the_operator(made: Recording):
    types = {each.type for each in made.resources}
    assert not {kind for kind in types if "external-secrets.io" in kind or kind == "kubernetes:core/v1:Secret"}


def test_no_pod_refers_to_a_secret(made: Recording):
    for name, spec in pods(made).items():
        assert not [word for word in ("secretKeyRef", "secretRef", "secretName") if word in json.dumps(spec)], name


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_pod_with_secrets_fetches_them_first(made: Recording, name: str):
    spec = pods(made)[name]
    assert spec["initContainers"][0]["name"] == FETCH
    assert spec["containers"][0]["command"][:3] == ["/bin/sh", "/vault/secrets/start.sh", "once"]


def test_only_what_fetches_has_the_token(made: Recording):
    for name, spec in pods(made).items():
        holders = [
            each["name"]
            for each in (*spec["initContainers"], *spec["containers"])
            if "vault-token" in [mount["name"] for mount in each.get("volumeMounts", ())]
        ]
        assert holders == [FETCH], name
        assert spec["automountServiceAccountToken"] is False


def test_values_are_in_memory_and_the_program_cannot_change_them(made: Recording):
    spec = pods(made)["litellm-deployment"]
    volumes = {each["name"]: each for each in spec["volumes"]}
    assert volumes["secrets-values"]["emptyDir"]["medium"] == "Memory"
    mounts = {each["name"]: each for each in spec["containers"][0]["volumeMounts"]}
    assert mounts["secrets-values"] == {"name": "secrets-values", "mountPath": "/vault/secrets", "readOnly": True}


def test_no_value_is_anywhere_in_the_cluster(made: Recording):
    """Offline, generated values are of the letter x alone."""
    objects = [each.inputs for each in made.resources if each.type.startswith("kubernetes:")]
    assert "x" * 32 not in json.dumps(objects, default=str)


def test_no_policy_is_broken(made: Recording):
    assert [each for each in violations("dev", document("dev", made)["resources"]) if each.mandatory] == []


def test_the_role_of_vault_is_for_the_serviceaccount_of_the_pods():
    role = stack("vault").inputs("vault:kubernetes/authBackendRole:AuthBackendRole")
    assert {spec["serviceAccountName"] for spec in pods(stack("vault")).values()} == set(
        role["boundServiceAccountNames"]
    )


def test_the_role_of_aws_is_for_the_serviceaccount_of_the_pods():
    (role,) = stack("aws").of("aws:iam/role:Role")
    (account,) = {spec["serviceAccountName"] for spec in pods(stack("aws")).values()}
    assert f"system:serviceaccount:litellm-dev:{account}" in role.inputs["assumeRolePolicy"]


def test_with_aws_the_files_are_written_by_an_image_that_has_python():
    spec = pods(stack("aws"))["postgres-server"]
    fetch, render = spec["initContainers"][:2]
    assert (fetch["image"].rpartition(":")[0], render["name"]) == ("public.ecr.aws/aws-cli/aws-cli", RENDER)
    assert render["image"] == pods(stack("aws"))["litellm-deployment"]["containers"][0]["image"]


def test_with_vault_its_own_image_fetches_without_a_shell():
    (fetch, *_) = pods(stack("vault"))["litellm-deployment"]["initContainers"]
    assert fetch["args"] == ["agent", "-config=/vault/configs/config-init.hcl"]
    assert "command" not in fetch
