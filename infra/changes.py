"""A live stack that changes its mind: what the next `up` would delete, and nobody could bring back, is refused with steps."""

from collections.abc import Iterator, Mapping
from typing import Any

from infra.config.base import bytes_of
from infra.config.database.kinds import InClusterDatabase
from infra.target import Target

State = Mapping[str, Mapping[str, Any]]

SERVERS = {
    "kubernetes:apps/v1:StatefulSet": "in-cluster",
    "aws:rds/instance:Instance": "rds",
    "kubernetes:postgresql.cnpg.io/v1:Cluster": "cloudnative-pg",
}
"""What has a stack's data, and the kind of database that makes it."""

OWN_KEY = ":AwsKey"

STEPS = "docs/runbooks/changes.md"


def check(target: Target, state: State) -> Iterator[str]:
    """Everything that the configuration does not ask for any more, and that has what is nowhere else."""
    if target.config.shared:
        return
    yield from data_stays(target, state)
    yield from key_stays(target, state)


def data_stays(target: Target, state: State) -> Iterator[str]:
    database = target.config.database
    for each in state.values():
        had = SERVERS.get(str(each["type"]))
        if had is None or database.replaces == had:
            continue
        home = namespace(each)
        lost = f"which would be deleted: copy it first ({STEPS}), then say so with litellm:database.replaces: {had}"
        if had != database.kind:
            yield (
                f"litellm:database.kind is {database.kind}, and the data of stack {target.stack} is in the Postgres of kind "
                f"{had}, {lost}; or set kind back"
            )
        elif home and home != target.namespace:
            yield (
                f"litellm:namespace is another one than before, and the data of stack {target.stack} is in a Postgres in "
                f"{home}, {lost}; or set litellm:namespace to {home}"
            )
        elif isinstance(database, InClusterDatabase) and (claim := volume(each)) and claim != wanted_volume(database):
            yield (
                f"litellm:database.storage or storageClass is another one than before, and the volume has the data of stack "
                f"{target.stack}, {lost}; or set them back. A volume grows without that: {STEPS}"
            )


def volume(resource: Mapping[str, Any]) -> tuple[float, str] | None:
    """Bytes and class of the volume that a Postgres in the cluster claims; None where its data lives as long as its pod."""
    outputs: Mapping[str, Any] = resource.get("outputs") or {}
    spec: Mapping[str, Any] = outputs.get("spec") or {}
    for each in spec.get("volumeClaimTemplates") or ():
        claim: Mapping[str, Any] = each["spec"]
        return bytes_of(claim["resources"]["requests"]["storage"]), str(claim.get("storageClassName") or "")
    return None


def wanted_volume(database: InClusterDatabase) -> tuple[float, str] | None:
    return (bytes_of(database.storage), database.storage_class or "") if database.storage else None


def namespace(resource: Mapping[str, Any]) -> str:
    outputs: Mapping[str, Any] = resource.get("outputs") or {}
    metadata: Mapping[str, Any] = outputs.get("metadata") or {}
    return str(metadata.get("namespace") or "")


def key_stays(target: Target, state: State) -> Iterator[str]:
    """A KMS key of the stack's own encrypts the salt key as long as there is one, and versions of before."""
    made = [each for each in state.values() if str(each["type"]).endswith(OWN_KEY)]
    aws = target.config.secrets.aws
    if made and aws and aws.kms != "create":
        yield (
            f"litellm:secrets.aws.kms is another one than before, and the salt key of stack {target.stack} is encrypted with "
            f"the key that the stack has made: set it back to create ({STEPS})"
        )
