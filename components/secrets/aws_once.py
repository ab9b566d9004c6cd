# boto3 is untyped:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
"""What must be written once in AWS Secrets Manager and never again: the salt key, and the start of a rotated document.

No resource of the AWS provider can say "create if absent, otherwise use what is there". These two can. The salt key is
made inside AWS' client, so that it is never in Pulumi's state, not even encrypted. `CreateSecret` is the only call that
writes it, and it refuses a name that is taken: a key that exists is never overwritten, whoever runs and however often.
Values are never read, either. AWS cannot list the keys of a JSON value without giving the value away, so what is checked
of a secret that is there already is that it has a value, and the operator says so when `salt-key` is not in it.
"""

import json
import secrets
import string
import time
from collections.abc import Mapping
from typing import Any

import pulumi
from botocore import exceptions
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from components.secrets.aws_client import (
    AwsConnection,
    AwsRefusalError,
    Properties,
    as_tags,
    code_of,
    connect,
    describe,
    explained,
    tags_of,
)
from components.secrets.aws_names import OWNER, arn_field, replicas
from components.secrets.aws_policies import own_account_only
from components.secrets.names import SALT
from components.secrets.plain_errors import plain_errors

plain_errors()

ALPHABET = string.ascii_letters + string.digits

AWS_OWN_KEY = "alias/aws/secretsmanager"

SETTINGS = ("kms_key_id", "tags", "replica_regions", "own_account_only", "recovery_window_days", "connection")
"""What may change about the secret without touching its value."""

RETRIES, RETRY_SECONDS = 12, 5
"""A deletion without recovery takes a moment; until then the name is still taken."""


class SaltKeyProvider(ResourceProvider):
    """The salt key's secret: made when absent, adopted when there, its value changed never."""

    def create(self, props: Properties) -> CreateResult:
        with explained(props):
            client = connect(props["connection"])
            before = describe(client, props)
            new = None if before else create_secret(client, props)
            found = before or new or describe(client, props)
            if found is None:
                raise AwsRefusalError(still_scheduled(props))
            made = outputs(props, must_hold_salt(found, props)) | {"adopted": new is None}
            if made["owned"] and made["own_account_only"]:
                guard(client, made)
        return CreateResult(secret_id(props), made)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        moved_to = secret_id(_news)
        old_account, role = arn_field(str(_olds["arn"]), "account"), _news["connection"].get("role_arn")
        new_account = _news["connection"].get("account") or (arn_field(role, "account") if role else old_account)
        if moved_to != _id or new_account != old_account:
            raise AwsRefusalError(
                f"the salt key is in {_id} of account {old_account}, and this configuration asks for {moved_to} of account "
                f"{new_account}. Another salt key would make every credential in LiteLLM's database unreadable. Set "
                "`litellm:secrets.aws` back, or name the old secret in `litellm:keys.salt.existing`"
            )
        return DiffResult(changes=any(_olds.get(setting) != _news.get(setting) for setting in SETTINGS))

    def update(self, _id: str, _olds: Properties, _news: Properties) -> UpdateResult:
        made = _news | {"arn": _olds["arn"], "owned": _olds["owned"], "adopted": _olds.get("adopted", False)}
        if _olds["owned"]:
            with explained(_news):
                apply_settings(connect(_news["connection"]), _olds, made)
        return UpdateResult(made)

    def read(self, id_: str, props: Properties) -> ReadResult:
        with explained(props):
            found = describe(connect(props["connection"]), props)
        if found is None:
            raise AwsRefusalError(
                f"the salt key's secret {id_} is not in AWS any more. Bring it back from a backup or from a replica region: "
                "without it, every credential in LiteLLM's database is unreadable"
            )
        return ReadResult(id_, outputs(props, must_hold_salt(found, props)))

    def delete(self, _id: str, _props: Properties) -> None:
        """Delete a secret that this state made. One that was there before stays: another state may have made it."""
        if not _props["owned"] or _props.get("adopted"):
            return
        days = int(_props["recovery_window_days"])
        window = {"RecoveryWindowInDays": days} if days else {"ForceDeleteWithoutRecovery": True}
        with explained(_props):
            client = connect(_props["connection"])
            found = describe(client, _props)
            if found is None or found.get("DeletedDate"):
                return
            replicate(client, _props, _props | {"replica_regions": {}})
            client.delete_secret(SecretId=_props["secret"], **window)


class InitialValueProvider(ResourceProvider):
    """The first value of a secret that somebody else changes later: written when there is none, left alone ever after.

    `aws.secretsmanager.SecretVersion` with `ignore_changes` does not do: AWS deletes a version that two rotations have
    replaced, a refresh then no longer finds it, and the next `up` writes the first password over the one in use.
    """

    def create(self, props: Properties) -> CreateResult:
        with explained(props):
            client = connect(props["connection"])
            found = client.describe_secret(SecretId=props["secret"])
            version = current_version(found)
            if version is None:
                written = client.put_secret_value(SecretId=props["secret"], SecretString=props["value"])
                version = str(written["VersionId"])
        return CreateResult(f"{props['secret']}#{version}", {"secret": props["secret"], "version_id": version})

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        replaces = ["secret"] if _olds["secret"] != _news["secret"] else []
        return DiffResult(changes=bool(replaces), replaces=replaces)

    def read(self, id_: str, props: Properties) -> ReadResult:
        return ReadResult(id_, props)


def secret_id(props: Properties) -> str:
    return f"{props['connection']['region']}:{props['secret']}#{props['property']}"


def outputs(props: Properties, found: Mapping[str, Any]) -> Properties:
    return props | {"arn": found["ARN"], "owned": tags_of(found).get(OWNER) == props["tags"][OWNER]}


def current_version(found: Mapping[str, Any]) -> str | None:
    versions: Mapping[str, list[str]] = found.get("VersionIdsToStages", {})
    return next((version for version, stages in versions.items() if "AWSCURRENT" in stages), None)


def create_secret(client: Any, props: Properties) -> dict[str, Any] | None:
    """Make the secret. None when somebody else was faster, or when the name does not become free."""
    value = "sk-" + "".join(secrets.choice(ALPHABET) for _ in range(int(props["length"])))
    settings: dict[str, Any] = {
        "Name": props["secret"],
        "SecretString": json.dumps({props["property"]: value}),
        "Description": "LiteLLM's salt key. It can never be changed: the credentials in LiteLLM's database need it.",
        "Tags": as_tags(props["tags"]),
    }
    if props.get("kms_key_id"):
        settings["KmsKeyId"] = props["kms_key_id"]
    if regions := props.get("replica_regions"):
        settings["AddReplicaRegions"] = replicas(regions)
    for _ in range(RETRIES):
        try:
            made = client.create_secret(**settings)
        except exceptions.ClientError as error:
            if code_of(error) == "ResourceExistsException":
                return None
            if "scheduled for deletion" not in str(error):
                raise
            time.sleep(RETRY_SECONDS)
        else:
            stages = {made["VersionId"]: ["AWSCURRENT"]}
            return {"ARN": made["ARN"], "Tags": settings["Tags"], "VersionIdsToStages": stages}
    return None


def must_hold_salt(found: Mapping[str, Any], props: Properties) -> Mapping[str, Any]:
    """Check that the secret is there to stay and has a value, without reading it."""
    if found.get("DeletedDate"):
        raise AwsRefusalError(still_scheduled(props))
    if not current_version(found):
        raise AwsRefusalError(
            f"{props['secret']} exists in AWS Secrets Manager and has no value: delete it, or store a JSON object with "
            f"{props['property']!r} in it"
        )
    return found


def still_scheduled(props: Properties) -> str:
    """Restoring would be harmless for the value. But somebody deleted it on purpose, and only they know whether the key
    leaked, or whether a database still needs it: the two answers are opposite, and one of them is final."""
    name, region = props["secret"], props["connection"]["region"]
    return (
        f"{name} in AWS Secrets Manager is scheduled for deletion, and its name is taken until then. If a database of LiteLLM "
        f"was ever used with it: `aws secretsmanager restore-secret --region {region} --secret-id {name}`. If no such "
        f"database is left: `aws secretsmanager delete-secret --region {region} --secret-id {name} "
        "--force-delete-without-recovery`, and a new key is made"
    )


def apply_settings(client: Any, olds: Properties, news: Properties) -> None:
    """Bring key, tags, policy and replicas up to date. None of these calls touches the value."""
    if olds.get("kms_key_id") != news.get("kms_key_id"):
        client.update_secret(SecretId=news["secret"], KmsKeyId=news.get("kms_key_id") or AWS_OWN_KEY)
    if removed := sorted(set(olds["tags"]) - set(news["tags"])):
        client.untag_resource(SecretId=news["secret"], TagKeys=removed)
    if olds["tags"] != news["tags"]:
        client.tag_resource(SecretId=news["secret"], Tags=as_tags(news["tags"]))
    if olds["own_account_only"] and not news["own_account_only"]:
        client.delete_resource_policy(SecretId=news["secret"])
    elif news["own_account_only"] and not olds["own_account_only"]:
        guard(client, news)
    replicate(client, olds, news)


def guard(client: Any, made: Properties) -> None:
    policy = own_account_only(made["arn"])
    client.put_resource_policy(SecretId=made["secret"], ResourcePolicy=policy, BlockPublicPolicy=True)


def replicate(client: Any, olds: Properties, news: Properties) -> None:
    before: dict[str, str] = olds.get("replica_regions") or {}
    after: dict[str, str] = news.get("replica_regions") or {}
    changed = {region: key for region, key in after.items() if before.get(region) != key}
    if removed := sorted({region for region in before if region not in after or region in changed}):
        client.remove_regions_from_replication(SecretId=news["secret"], RemoveReplicaRegions=removed)
    if changed:
        client.replicate_secret_to_regions(SecretId=news["secret"], AddReplicaRegions=replicas(changed))


class AwsSaltKey(Resource, module="litellm", name="AwsSaltKey"):
    """The secret that holds LiteLLM's salt key. Give it `protect` and `retain_on_delete`."""

    arn: pulumi.Output[str]
    """ARN of the secret."""

    property: pulumi.Output[str]
    """Name of the property that holds the key."""

    def __init__(
        self,
        name: str,
        secret: pulumi.Input[str],
        connection: AwsConnection,
        owner: pulumi.Input[str],
        length: pulumi.Input[int] = 48,
        kms_key_id: pulumi.Input[str] | None = None,
        recovery_window_days: pulumi.Input[int] = 30,
        replica_regions: Mapping[str, str] | None = None,
        own_account_only: pulumi.Input[bool] = True,
        tags: Mapping[str, pulumi.Input[str]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {
            "secret": secret,
            "property": SALT[1],
            "length": length,
            "kms_key_id": kms_key_id,
            "recovery_window_days": recovery_window_days,
            "replica_regions": dict(replica_regions or {}),
            "own_account_only": own_account_only,
            "tags": {**(tags or {}), OWNER: owner},
            "connection": connection,
            "arn": None,
        }
        super().__init__(SaltKeyProvider(), name, props, opts)


class AwsInitialValue(Resource, module="litellm", name="AwsInitialValue"):
    """The value that a secret starts with. Whatever it becomes later, this program does not touch it."""

    version_id: pulumi.Output[str]
    """ID of the version that was current when this was made; it does not change."""

    def __init__(
        self,
        name: str,
        secret: pulumi.Input[str],
        value: pulumi.Input[str],
        connection: AwsConnection,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        props = {"secret": secret, "value": pulumi.Output.secret(value), "connection": connection, "version_id": None}
        super().__init__(InitialValueProvider(), name, props, opts)
