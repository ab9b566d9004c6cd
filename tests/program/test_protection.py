"""With `protect: true`, what holds data cannot be deleted or replaced, and everything else can change as on any other day."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.program.stacks import FILES, ROOT, is_template, name_of, stack_of
from tools.engine.stack_file import Stack, merge
from tools.offline.mock_engine import Registered
from tools.offline.plan import record

REPLACED_BY: Mapping[str, tuple[str, ...]] = {
    "aws:secretsmanager/secret:Secret": ("name", "namePrefix"),
    "aws:rds/instance:Instance": (
        "availabilityZone",
        "characterSetName",
        "dbName",
        "engine",
        "kmsKeyId",
        "replicateSourceDb",
        "snapshotIdentifier",
        "storageEncrypted",
        "timezone",
        "username",
    ),
    "aws:elasticache/replicationGroup:ReplicationGroup": (
        "atRestEncryptionEnabled",
        "dataTieringEnabled",
        "engine",
        "kmsKeyId",
        "networkType",
        "port",
        "replicationGroupId",
        "snapshotArns",
        "snapshotName",
        "subnetGroupName",
        "transitEncryptionEnabled",
    ),
    "kubernetes:core/v1:Namespace": ("metadata.name",),
    "kubernetes:apps/v1:StatefulSet": (
        "metadata.name",
        "metadata.namespace",
        "spec.podManagementPolicy",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    # These three refuse what would replace them.
    "pulumi-python:dynamic/litellm:AwsKey": (),
    "pulumi-python:dynamic/litellm:AwsSaltKey": (),
    "pulumi-python:dynamic/litellm:VaultSaltKey": (),
}
"""Every type that is protected, and which of its properties replace it (a change of the others is an update).

A type belongs here when it holds data. One that everyday changes replace, such as a version, a policy, a rule or a parameter
group, must never be here: with `protect` it could not be changed at all.
"""

EVERYDAY: dict[str, dict[str, Any]] = {
    "prod": {
        "keys": {"master": {"rotation": 3, "length": 64}},
        "database": {
            "rotation": 3,
            "engineVersion": "17",
            "allowMajorVersionUpgrade": True,
            "instanceClass": "db.m7g.xlarge",
            "allocatedStorage": 50,
            "multiAz": False,
            "clientSecurityGroupIds": ["sg-0fedcba9876543210"],
            "parameters": {"log_min_duration_statement": "500"},
        },
        "redis": {"rotation": 3, "nodeType": "cache.m7g.large", "numCacheClusters": 3, "tokenStrategy": "set"},
        "secrets": {"aws": {"resourcePolicy": False, "recoveryWindowDays": 7, "tags": {"cost": "42"}}},
        "gateway": {"replicas": 4, "models": [{"name": "mock", "provider": "mock"}]},
    },
    "vault-production": {
        "keys": {"master": {"rotation": 3}},
        "gateway": {"models": [{"name": "mock", "provider": "mock"}]},
    },
}


def custom(stack: Stack) -> Iterator[Registered]:
    return (resource for resource in record(stack, preview=False).resources if resource.custom)


def with_config(stack: Stack, changes: Mapping[str, Any]) -> Stack:
    return Stack(
        stack.name, merge(stack.document, {"config": {f"litellm:{key}": value for key, value in changes.items()}})
    )


def protected_stacks() -> list[Stack]:
    """Every stack file as it would be in production, a database in the cluster included."""
    stacks = [with_config(stack_of(path), {"protect": True}) for path in FILES if not is_template(path)]
    prod = with_config(stack_of(ROOT / "Pulumi.prod.yaml"), {"database": {"kind": "in-cluster", "storage": "1Gi"}})
    return [*stacks, prod]


def test_what_is_protected_holds_data_and_everything_else_is_not():
    protected = {resource.type for stack in protected_stacks() for resource in custom(stack) if resource.protect}
    assert protected == set(REPLACED_BY)


def test_all_that_hold_data_are_protected():
    bare = {
        f"{stack.name}: {resource.type}::{resource.name}"
        for stack in protected_stacks()
        for resource in custom(stack)
        if resource.type in REPLACED_BY and not resource.protect and resource.name != "external-secrets-namespace"
    }
    assert not bare


@pytest.mark.parametrize("name", sorted(EVERYDAY))
def test_an_everyday_change_replaces_nothing_that_is_protected(name: str):
    (path,) = [path for path in FILES if name_of(path) == name]
    before = with_config(stack_of(path), {"protect": True})
    after = {resource.urn: resource for resource in custom(with_config(before, EVERYDAY[name]))}
    replaced = [
        f"{resource.name}.{path}"
        for resource in custom(before)
        if resource.protect
        for path in REPLACED_BY[resource.type]
        if at(resource.inputs, path) != at(after[resource.urn].inputs, path)
    ]
    assert not replaced


@pytest.mark.parametrize("name", sorted(EVERYDAY))
def test_the_everyday_change_is_one(name: str):
    """Or the test above would prove nothing."""
    (path,) = [path for path in FILES if name_of(path) == name]
    before = {resource.urn: resource.inputs for resource in custom(stack_of(path))}
    after = {resource.urn: resource.inputs for resource in custom(with_config(stack_of(path), EVERYDAY[name]))}
    changed = {urn.split("::")[2].rpartition("$")[2] for urn in before if before[urn] != after.get(urn)}
    assert "random:index/randomPassword:RandomPassword" in changed


def at(inputs: Mapping[str, Any], path: str) -> Any:
    value: Any = inputs
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
