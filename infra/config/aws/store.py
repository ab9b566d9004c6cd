"""Config key `secrets.aws`: AWS Secrets Manager, and the IAM identity that reads it.

Credentials are no part of it: the program takes those of its environment (`AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, a role of
the machine), and so do all AWS clients with their other variables, such as `AWS_ENDPOINT_URL`.
"""

import re
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from components.secrets.aws_names import arn_field, is_arn, partition_of
from infra.config.aws.identity import Identity, IrsaIdentity, PodIdentity
from infra.config.aws.types import (
    AccountId,
    FunctionArn,
    KmsKey,
    Region,
    ReplicaKey,
    RoleArn,
    SecretPrefix,
    SecretReference,
    Text,
)
from infra.config.aws.vpc import KmsKeyArn
from infra.config.base import Section


class AssumeRole(Section):
    """A role that the program assumes, for an account other than that of its credentials."""

    role_arn: RoleArn
    """ARN of the role. Everything of the stack in AWS is made in its account."""

    external_id: Annotated[str, StringConstraints(min_length=2, max_length=1224)] | None = None
    """External ID that the role's trust policy asks for."""


class Rotation(Section):
    """Rotation of the database document by a Lambda function, with Secrets Manager's own means.

    From then on the value belongs to the function: the program writes it once and never again. Without rotation again, the
    program's own password is back in the document, and the bootstrap Job gives it to LiteLLM's role.
    """

    lambda_arn: FunctionArn
    """ARN of the function. Secrets Manager must be allowed to invoke it (`lambda:InvokeFunction` for
    `secretsmanager.amazonaws.com`). Take one that alternates between two users: the running pods keep the old password
    until they restart. docs/database.md says what it leaves to you."""

    schedule_days: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Days between two rotations. Either this or `scheduleExpression`."""

    schedule_expression: Text | None = None
    """When to rotate: `rate(10 days)` or `cron(0 8 1 * ? *)`, in UTC."""

    rotate_immediately: bool = False
    """Rotate as soon as rotation is set up. Not with a new database: its role is made later, so the function cannot log in."""

    @field_validator("schedule_expression")
    @classmethod
    def known_schedule(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"(rate|cron)\(.+\)", value):
            raise ValueError("must be rate(…) or cron(…), such as rate(10 days) or cron(0 8 1 * ? *)")
        return value

    @model_validator(mode="after")
    def one_schedule(self) -> "Rotation":
        if (self.schedule_days is None) == (self.schedule_expression is None):
            raise ValueError("needs exactly one of scheduleDays and scheduleExpression")
        return self


class AwsConfig(Section):
    """AWS Secrets Manager."""

    region: Region
    """Region of the secrets: `eu-west-1`. Its partition (aws, aws-us-gov, aws-cn) follows from it."""

    account_id: AccountId | None = None
    """Account of the secrets. With credentials of another account, nothing is touched. Defaults to that of the credentials."""

    assume_role: AssumeRole | None = None
    """A role to assume. Defaults to none: the credentials are used as they are."""

    default_tags: dict[str, str] = Field(default_factory=dict)
    """Tags of everything that the stack makes in AWS."""

    tags: dict[str, str] = Field(default_factory=dict)
    """Tags of the secrets, and of the key, beside `defaultTags`."""

    prefix: SecretPrefix | None = None
    """Start of the names of the stack's secrets; it may begin with `/`. Defaults to `litellm/<stack>`."""

    layout: Literal["documents", "bundle"] = "documents"
    """`documents`: one secret per document, `<prefix>/api-keys` and so on. `bundle`: all values in one secret, under the
    names of environment variables. The salt key is a secret of its own in either case, because it is written only once."""

    bundle_name: SecretReference | None = None
    """Name of the bundle. Defaults to `<prefix>/secrets`."""

    kms: KmsKey = "default"
    """KMS key of the secrets: `default` (AWS' own `aws/secretsmanager`), `create` (a key of the stack's own), or an ARN. From
    a key there is no way back to `default`: AWS' provider for Pulumi leaves the secrets with the key that they have."""

    decrypt_keys: tuple[KmsKeyArn, ...] = ()
    """More KMS keys that the reader may decrypt with: those of secrets that somebody else wrote."""

    adopt: bool = False
    """Take over what a state that was lost had made: secrets with the values that they have, roles and their like. With
    `secrets.generation: store` remove it afterwards. With `state` the values stay as long as this is set; to rotate one, write
    it in AWS."""

    recovery_window_days: int = 30
    """Days in which a deleted secret can be restored, and in which its name is taken: 7 to 30. With 0 a deleted secret is
    gone at once, and its name free again: for environments that come and go."""

    replica_regions: dict[Region, ReplicaKey] = Field(default_factory=dict)
    """Regions with a copy of every secret, and the KMS key of the copies there: `{eu-central-1: default}`, or an ARN."""

    resource_policy: bool = True
    """Attach a resource policy to every secret that denies all other accounts, whatever is granted elsewhere. It leaves
    principals of the own account to IAM, so it locks nobody out."""

    identity: Identity
    """How External Secrets Operator reads: `irsa`, `pod-identity`, or long-lived `static-keys`."""

    rotation: Rotation | None = None
    """Rotation of the database document. Defaults to none. Only with layout `documents`."""

    @property
    def partition(self) -> str:
        return partition_of(self.region)

    @property
    def account(self) -> str | None:
        """Account of the stack; None where only the credentials say so."""
        return self.account_id or (arn_field(self.assume_role.role_arn, "account") if self.assume_role else None)

    @property
    def kms_key_arn(self) -> str | None:
        """The given key; None with AWS' own key, or with one that is to be created."""
        return None if self.kms in ("default", "create") else self.kms

    @property
    def replica_keys(self) -> dict[str, str]:
        """Replica regions and the ARNs of their keys; empty for AWS' own."""
        return {region: "" if key == "default" else key for region, key in self.replica_regions.items()}

    def prefix_of(self, stack: str) -> str:
        return self.prefix or f"litellm/{stack}"

    def bundle_of(self, stack: str) -> str | None:
        """Name (or ARN) of the bundle; None when every document is a secret of its own."""
        return (self.bundle_name or f"{self.prefix_of(stack)}/secrets") if self.layout == "bundle" else None

    @field_validator("recovery_window_days")
    @classmethod
    def window_that_aws_takes(cls, value: int) -> int:
        if value != 0 and not 7 <= value <= 30:
            raise ValueError("must be 0 (gone at once), or 7 to 30 days")
        return value

    @field_validator("default_tags", "tags")
    @classmethod
    def tags_that_aws_takes(cls, value: dict[str, str]) -> dict[str, str]:
        for key, text in value.items():
            if not 1 <= len(key) <= 128 or len(text) > 256:
                raise ValueError(
                    "has a tag that is too long: AWS takes 128 characters for the name and 256 for the value"
                )
            if key.lower().startswith("aws:"):
                raise ValueError("has a tag that starts with aws:, which AWS keeps for itself")
        return value

    @model_validator(mode="after")
    def layout_fits(self) -> "AwsConfig":
        bundle = self.layout == "bundle"
        if self.bundle_name and not bundle:
            raise ValueError("bundleName is given, but layout is documents: set layout to bundle, or remove bundleName")
        if self.rotation and bundle:
            raise ValueError(
                "rotation is of the database document alone, and in a bundle all values are one secret: set layout to "
                "documents, or remove rotation"
            )
        if self.bundle_name:
            if is_arn(self.bundle_name) or "!" in self.bundle_name:
                raise ValueError(
                    "bundleName is of a secret that exists, and this one is written: give a name. A bundle "
                    "that is there already is referred to by keys.master.existing, providerDocuments and database.credentials"
                )
            if re.search(r"-[A-Za-z0-9]{6}$", self.bundle_name):
                raise ValueError(
                    "bundleName ends in - and six characters, which AWS mistakes for the random end of an "
                    "ARN: choose another name"
                )
        return self

    @model_validator(mode="after")
    def one_place(self) -> "AwsConfig":
        """ARNs of another region, partition or account are mistakes that AWS reports late, and in words of its own."""
        for where, arn in self.arns_here():
            if arn_field(arn, "partition") != self.partition:
                raise ValueError(f"{where} is in another partition than region, which is in {self.partition}")
            if arn_field(arn, "region") not in ("", self.region):
                raise ValueError(f"{where} is in another region than region says")
        if self.region in self.replica_regions:
            raise ValueError("replicaRegions has region itself: remove it")
        for region, key in self.replica_regions.items():
            if partition_of(region) != self.partition:
                raise ValueError(
                    f"replicaRegions has a region that is not in {self.partition}, the partition of region"
                )
            if key != "default" and arn_field(key, "region") != region:
                raise ValueError("replicaRegions has a key of another region: a copy needs a key of its own region")
        role, identity, account = self.assume_role, self.identity, self.account
        if self.account_id and role and arn_field(role.role_arn, "account") != self.account_id:
            raise ValueError(
                f"assumeRole.roleArn is in account {arn_field(role.role_arn, 'account')}, but accountId is {self.account_id}"
            )
        provider = identity.oidc_provider_arn if isinstance(identity, IrsaIdentity) else None
        if account and provider and arn_field(provider, "account") != account:
            raise ValueError(
                f"identity.oidcProviderArn is in account {arn_field(provider, 'account')}, but the secrets are in {account}: a "
                "role trusts OIDC providers of its own account only, so add one there for the issuer of the cluster"
            )
        return self

    def arns_here(self) -> list[tuple[str, str]]:
        """Every ARN that must be in this region and partition, and where the configuration says so."""
        identity = self.identity
        given = [
            ("kms", self.kms_key_arn),
            *(("decryptKeys", key) for key in self.decrypt_keys),
            ("rotation.lambdaArn", self.rotation.lambda_arn if self.rotation else None),
            ("assumeRole.roleArn", self.assume_role.role_arn if self.assume_role else None),
        ]
        if isinstance(identity, IrsaIdentity):
            given.append(("identity.oidcProviderArn", identity.oidc_provider_arn))
        if isinstance(identity, PodIdentity):
            given.append(("identity.controllerRoleArn", identity.controller_role_arn))
        return [(where, arn) for where, arn in given if arn]
