"""Rules about what must not be lost."""

from collections.abc import Iterator

from policy.resource import Resource, differs
from policy.rule import rule

SALT = ("litellm:VaultSaltKey", "litellm:AwsSaltKey")

STATEFUL = (
    "kubernetes:core/v1:Namespace",
    "kubernetes:core/v1:PersistentVolumeClaim",
    "kubernetes:apps/v1:StatefulSet",
    "kubernetes:postgresql.cnpg.io/v1:Cluster",
    "aws:rds/instance:Instance",
    "aws:rds/cluster:Cluster",
    "aws:kms/key:Key",
)

SHARED_NAMESPACES = ("external-secrets-namespace",)
"""Namespaces with nothing in them that a new installation would not bring back."""


@rule(
    "protected-salt",
    reason="LiteLLM cannot change its salt key: without it, every stored provider key is unreadable",
    fix="keep protect and retain_on_delete on the salt key",
)
def protected_salt(resource: Resource) -> Iterator[str]:
    if resource.type.endswith(SALT) and not resource.protect:
        yield "the salt key is not protected"


@rule(
    "protected-state",
    reason="one wrong change of a name would delete the data with the resource",
    fix="set litellm:protect to true",
)
def protected_state(resource: Resource) -> Iterator[str]:
    if resource.type in STATEFUL and resource.name not in SHARED_NAMESPACES and not resource.protect:
        yield f"{resource.kind} is not protected"
    if resource.type == "aws:rds/instance:Instance":
        if differs(resource.inputs.get("deletionProtection"), True):
            yield "deletionProtection is off"
        if differs(resource.inputs.get("skipFinalSnapshot"), False, None):
            yield "no final snapshot is taken"
