"""The stack of what belongs to a cluster: what it has, and that it has no gateway."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest

from infra.config.load import ConfigError
from tests.program.stacks import SHARED, stack_of
from tests.vault_server import rights
from tools.engine.stack_file import Stack, merge
from tools.offline.mock_engine import Recording
from tools.offline.plan import checked, document, record
from tools.problem import Problem
from tools.report.policies import violations

POLICY, ROLE = "vault:index/policy:Policy", "vault:kubernetes/authBackendRole:AuthBackendRole"
CONFIG = "vault:kubernetes/authBackendConfig:AuthBackendConfig"
USERS: dict[str, Any] = {
    "stacks": [
        {"name": "prod", "namespace": "litellm-prod", "deployer": "ci-prod"},
        {"name": "next", "deployer": "ci-next"},
        {"name": "quiet"},
    ],
    "environments": "ci-previews",
    "previewer": "ci-plans",
}
OUTSIDE = {"secrets": {"vault": {"kubernetesAuth": {"reviewer": "client"}}}}


def stack(**sections: Mapping[str, Any]) -> Stack:
    given = {"config": {f"litellm:{key}": value for key, value in sections.items()}}
    return Stack("shared", merge(stack_of(SHARED).document, given))


@cache
def plain() -> Recording:
    return record(stack(), preview=False)


@cache
def full() -> Recording:
    gateway = {"className": "traefik", "listeners": [{"name": "web", "port": 8080, "protocol": "HTTP"}]}
    issuer = {"name": "own", "spec": {"selfSigned": {}}}
    return record(stack(shared=USERS | {"gateway": gateway, "issuer": issuer}, **OUTSIDE), preview=False)


def test_it_has_no_gateway_and_no_document():
    kinds = {each.type.rpartition(":")[2] for each in full().resources}
    assert not kinds & {"Deployment", "Job", "ExternalSecret", "SecretStore", "SecretV2", "VaultSaltKey", "Ingress"}


def test_the_engine_stays_when_the_stack_goes():
    assert plain().named("vault-mount").retain_on_delete


def test_the_policies_are_the_documented_ones():
    policies = {each.inputs["name"]: each.inputs["policy"] for each in full().of(POLICY)}
    assert set(policies) == {
        "litellm-reader",
        "litellm-environments",
        *(f"litellm-{what}-{name}" for what in ("up", "preview", "drift") for name in ("prod", "next", "quiet")),
    }
    assert policies["litellm-up-prod"] == rights("vault-up.hcl", NAMESPACE="litellm-prod", STACK="prod")
    assert policies["litellm-drift-next"] == rights("vault-drift.hcl", NAMESPACE="litellm-next", STACK="next")
    assert policies["litellm-environments"] == rights("vault-environments.hcl")
    assert "ACCESSOR" not in policies["litellm-reader"].replace("# ACCESSOR", "")


def test_policies_follow_the_names_of_engine_method_and_role():
    vault = {"mount": {"path": "kv/ai"}, "kubernetesAuth": {"path": "k8s-one"}}
    recorded = record(stack(secrets={"vault": vault}, shared={"role": "gateways"}), preview=False)
    policy = recorded.named("vault-shared-gateways-up-prod").inputs["policy"]
    assert 'path "kv/ai/data/litellm-prod/*"' in policy
    assert 'path "auth/k8s-one/role/gateways"' in policy
    assert '"litellm/' not in policy


def test_roles_are_for_namespaces_of_stacks_and_of_environments():
    bound = {each.inputs["roleName"]: each.inputs["boundServiceAccountNamespaces"] for each in plain().of(ROLE)}
    assert bound == {"litellm": ["litellm-*"], "litellm-environments": ["litellm-env-*"]}
    assert {tuple(each.inputs["boundServiceAccountNames"]) for each in plain().of(ROLE)} == {("secret-reader",)}


def test_a_vault_in_the_cluster_reviews_with_its_own_account():
    assert not plain().of("kubernetes:core/v1:ServiceAccount")
    assert "tokenReviewerJwt" not in plain().inputs(CONFIG)


def test_a_vault_elsewhere_gets_the_token_of_an_account_that_may_review_and_nothing_else():
    recorded = record(stack(**OUTSIDE), preview=True)
    secret = recorded.inputs("kubernetes:core/v1:Secret")
    assert secret["type"] == "kubernetes.io/service-account-token"
    binding = recorded.inputs("kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding")
    assert binding["roleRef"]["name"] == "system:auth-delegator"


def test_rights_in_kubernetes_are_the_documented_ones_for_whom_is_named():
    kinds = "kubernetes:rbac.authorization.k8s.io/v1:"
    roles = {each.inputs["metadata"]["name"] for each in full().of(f"{kinds}ClusterRole")}
    assert {"litellm-up", "litellm-environments", "litellm-preview", "litellm-up-litellm-prod"} <= roles
    bindings = full().of(f"{kinds}ClusterRoleBinding") + full().of(f"{kinds}RoleBinding")
    subjects = {subject["name"] for each in bindings for subject in each.inputs["subjects"]}
    assert {"ci-prod", "ci-next", "ci-previews", "ci-plans"} <= subjects
    words = [
        word for each in full().resources for word in ("NAMESPACE", "DEPLOYER", "STACK") if word in str(each.inputs)
    ]
    assert not words


def test_a_stack_without_user_gets_no_rights_in_kubernetes():
    assert "litellm-quiet" not in str([each.inputs for each in full().resources if "rights-" in each.name])


def test_the_gateway_is_open_to_the_routes_of_all_namespaces():
    gateway = full().named("gateway").inputs
    assert gateway["metadata"]["namespace"] == "litellm-shared"
    (listener,) = gateway["spec"]["listeners"]
    assert listener["allowedRoutes"] == {"namespaces": {"from": "All"}}
    assert full().outputs["gateway"] == "litellm-shared/litellm"


def test_the_issuer_has_the_spec_that_is_given():
    issuer = full().named("issuer").inputs
    assert (issuer["metadata"]["name"], issuer["spec"]) == ("own", {"selfSigned": {}})


def test_what_it_prints_is_what_a_gateway_stack_takes():
    settings = plain().outputs["shared"]["secrets"]
    given = {"config": {"litellm:secrets": settings, "litellm:namespace": "litellm-prod"}}
    own = Stack("prod", merge({"config": {"litellm:ingress": {"enabled": False}}}, given))
    assert checked(own).secrets.vault.kubernetes_auth.role == "litellm"


def test_no_output_is_a_secret():
    assert not full().secret_outputs


def test_with_aws_the_oidc_provider_is_made_where_it_is_asked_for():
    aws = {"kind": "aws", "aws": {"region": "eu-west-1", "identity": {"kind": "irsa", "clusterName": "one"}}}
    recorded = record(stack(secrets=aws, shared={"oidcProvider": True}), preview=False)
    made = recorded.inputs("aws:iam/openIdConnectProvider:OpenIdConnectProvider")
    assert made["clientIdLists"] == ["sts.amazonaws.com"]
    assert not recorded.of(POLICY)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"gateway": {"replicas": 2}}, "litellm:gateway: has no effect in a stack with shared"),
        ({"shared": {"oidcProvider": True}}, "litellm:shared.oidcProvider: needs secrets.kind aws"),
        ({"secrets": {"vault": {"auth": "jwt"}}}, "litellm:secrets.vault.auth: must be kubernetes"),
        ({"shared": {"gateways": {}}}, "litellm:shared.gateways: unknown key"),
    ],
)
def test_what_makes_no_sense_is_refused(sections: dict[str, Any], said: str):
    with pytest.raises((ConfigError, Problem), match=said.replace(".", r"\.")):
        record(stack(**sections))


@pytest.mark.parametrize("known", [False, True], ids=["preview", "known"])
def test_every_rule_of_the_policy_is_kept(known: bool):
    of = stack(shared=USERS, **OUTSIDE)
    assert violations("shared", document("shared", record(of, preview=not known))["resources"]) == []
