"""docs/rights/ against what stacks are made of: enough for all of it, and no more than that."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.iam import allows
from tests.program.conftest import recording_of
from tests.program.stacks import FILES as STACK_FILES
from tests.program.stacks import ROOT, name_of, stack_of

RIGHTS = ROOT / "docs" / "rights"
AWS_PREVIEW = (RIGHTS / "aws-preview.json").read_text()
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:litellm/prod/salt-AbCdEf"
CHANGING = {"create", "update", "patch", "delete", "deletecollection"}
CLUSTER_WIDE = {"ClusterRoleBinding", "ClusterRole", "Release"}
"""Of an administrator's `up`: the operator, and an auth method with `reviewer: client`."""


def roles(file: str) -> list[dict[str, Any]]:
    found = yaml.safe_load_all((RIGHTS / file).read_text())
    return [rule for document in found if document["kind"] in ("ClusterRole", "Role") for rule in document["rules"]]


def may(rules: Iterable[dict[str, Any]], verb: str, group: str, resource: str) -> bool:
    return any(
        verb in rule["verbs"] and group in rule["apiGroups"] and resource in rule["resources"]
        for rule in rules
        if "resourceNames" not in rule
    )


def kinds(path: str) -> set[tuple[str, str]]:
    """Group and plural of every Kubernetes object of a stack."""
    types = {resource.type for resource in recording_of(ROOT / path).resources}
    split = [type_.removeprefix("kubernetes:").split(":") for type_ in types if type_.startswith("kubernetes:")]
    return {(group_of(version), plural(kind)) for version, kind in split if kind not in CLUSTER_WIDE}


def group_of(version: str) -> str:
    group = version.partition("/")[0]
    return "" if group == "core" else group


def plural(kind: str) -> str:
    lower = kind.lower()
    return f"{lower[:-1]}ies" if lower.endswith("y") else f"{lower}es" if lower.endswith("s") else f"{lower}s"


@pytest.mark.parametrize(
    ("file", "stack"),
    [
        ("kubernetes-up.yaml", "Pulumi.dev.yaml"),
        ("kubernetes-up.yaml", "Pulumi.prod.yaml"),
        ("kubernetes-up.yaml", "examples/Pulumi.vault-production.yaml"),
        ("kubernetes-up.yaml", "examples/Pulumi.monitoring.yaml"),
        ("kubernetes-namespace.yaml", "Pulumi.dev.yaml"),
        ("kubernetes-environments.yaml", "Pulumi.ephemeral.yaml"),
        ("kubernetes-environments.yaml", "examples/Pulumi.ephemeral-aws.yaml"),
    ],
)
def test_what_a_stack_is_made_of_may_be_made(file: str, stack: str):
    needed = kinds(stack) - {("", "namespaces")}
    assert len(needed) > 8
    lacking = {
        kind for kind in needed for verb in ("get", "create", "patch", "delete") if not may(roles(file), verb, *kind)
    }
    assert not lacking


@pytest.mark.parametrize("file", ["kubernetes-up.yaml", "kubernetes-namespace.yaml", "kubernetes-environments.yaml"])
@pytest.mark.parametrize(
    ("group", "resource"),
    [
        ("gateway.networking.k8s.io", "httproutes"),
        ("traefik.io", "middlewares"),
        ("monitoring.coreos.com", "servicemonitors"),
        ("operator.victoriametrics.com", "vmpodscrapes"),
        ("operator.victoriametrics.com", "vmservicescrapes"),
        ("operator.victoriametrics.com", "vmrules"),
    ],
)
def test_other_ways_in_and_of_monitoring_may_be_made(file: str, group: str, resource: str):
    assert all(may(roles(file), verb, group, resource) for verb in ("get", "create", "patch", "delete"))


BOUND = ["secret-store-token-requests", "litellm-restarter"]
"""Roles that may be bound before they are there. Each grants less than whoever binds it has."""

FILES = ["kubernetes-up.yaml", "kubernetes-namespace.yaml", "kubernetes-environments.yaml", "kubernetes-preview.yaml"]


@pytest.mark.parametrize("file", FILES)
def test_no_secret_of_anybody_can_be_read_and_no_pod_entered(file: str):
    resources = {resource for rule in roles(file) for resource in rule["resources"]}
    assert not resources & {"secrets", "pods/exec", "pods/attach", "pods/portforward", "*"}
    assert not [rule for rule in roles(file) if "*" in rule["verbs"] + rule["apiGroups"]]


@pytest.mark.parametrize("file", FILES)
def test_no_right_can_be_granted_that_one_does_not_have(file: str):
    """Kubernetes sees to it, but for these verbs."""
    may_bind = {"resources": ["roles"], "resourceNames": BOUND, "verbs": ["bind"]}
    others = [rule for rule in roles(file) if {key: rule.get(key) for key in may_bind} != may_bind]
    verbs = {verb for rule in others for verb in rule["verbs"]}
    resources = {resource for rule in roles(file) for resource in rule["resources"]}
    assert not verbs & {"escalate", "bind", "impersonate"}
    assert not resources & {"clusterroles", "clusterrolebindings"}


BY_PULUMI = [path for path in STACK_FILES if "litellm:gitops" not in stack_of(path).config]
"""Stacks whose objects Pulumi makes: those of the others are made with the rights of Argo CD."""


@pytest.mark.parametrize("path", BY_PULUMI, ids=name_of)
def test_a_role_that_a_stack_binds_may_be_bound_before_it_is_there(path: Path):
    """A preview of a first `up` asks the API server, which finds no Role yet to compare rights with."""
    bindings = recording_of(path).of("kubernetes:rbac.authorization.k8s.io/v1:RoleBinding")
    bound = {each.inputs["roleRef"]["name"] for each in bindings if each.inputs["roleRef"]["kind"] == "Role"}
    assert bound <= {*BOUND}


def test_a_given_namespace_cannot_be_changed():
    rules = [rule for rule in roles("kubernetes-namespace.yaml") if "namespaces" in rule["resources"]]
    assert [rule["verbs"] for rule in rules] == [["get"]]


def test_a_preview_changes_nothing():
    assert not CHANGING & {verb for rule in roles("kubernetes-preview.yaml") for verb in rule["verbs"]}


def test_who_makes_environments_is_kept_to_their_namespaces():
    documents = yaml.safe_load_all((RIGHTS / "kubernetes-environments.yaml").read_text())
    (policy,) = [document for document in documents if document["kind"] == "ValidatingAdmissionPolicy"]
    assert policy["spec"]["failurePolicy"] == "Fail"
    (validation,) = policy["spec"]["validations"]
    assert validation["expression"].count("startsWith('litellm-env-')") == 2


@pytest.mark.parametrize("action", ["secretsmanager:GetSecretValue", "secretsmanager:BatchGetSecretValue"])
def test_a_preview_on_aws_reads_no_value(action: str):
    assert not allows(AWS_PREVIEW, action, SECRET)


def test_no_other_policy_of_the_role_gives_a_preview_a_value():
    """Such as AWS' own ReadOnlyAccess, which somebody may attach as well."""
    more = {"Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*"}
    both = json.loads(AWS_PREVIEW)
    both["Statement"].append(more)
    assert not allows(json.dumps({"Version": "2012-10-17", "Statement": both["Statement"]}), ACTION, SECRET)


ACTION = "secretsmanager:GetSecretValue"


@pytest.mark.parametrize("action", ["secretsmanager:DescribeSecret", "kms:DescribeKey", "rds:DescribeDBInstances"])
def test_a_preview_on_aws_sees_what_is_there(action: str):
    assert allows(AWS_PREVIEW, action, SECRET)


@pytest.mark.parametrize(
    "action",
    [
        "secretsmanager:PutSecretValue",
        "secretsmanager:CreateSecret",
        "iam:PassRole",
        "iam:PutRolePolicy",
        "sts:AssumeRole",
        "s3:PutObject",
        "kms:Decrypt",
        "rds-db:connect",
        "eks:CreatePodIdentityAssociation",
    ],
)
def test_a_preview_on_aws_changes_nothing_and_becomes_nobody_else(action: str):
    assert not allows(AWS_PREVIEW, action, SECRET)


def test_a_preview_on_aws_decrypts_the_state_and_nothing_else():
    key = "arn:aws:kms:REGION:ACCOUNT:key"
    assert allows(AWS_PREVIEW, "kms:Decrypt", f"{key}/STATE-KEY")
    assert not allows(AWS_PREVIEW, "kms:Decrypt", f"{key}/litellm-prod")
