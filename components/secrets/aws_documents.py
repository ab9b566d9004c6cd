"""Documents in AWS Secrets Manager: one secret each, or all of them in one bundle."""

from collections.abc import Mapping
from typing import NotRequired, TypedDict, TypeVar

import pulumi
import pulumi_aws as aws

from components.secrets.aws_client import AwsConnection
from components.secrets.aws_generated import AwsGenerated
from components.secrets.aws_names import OWNER, locate
from components.secrets.aws_once import AwsInitialValue
from components.secrets.aws_policies import own_account_only
from components.secrets.generation import GeneratedValue
from components.secrets.names import is_single, variable
from components.secrets.references import RemoteReference

Properties = Mapping[str, pulumi.Input[str]]
Value = TypeVar("Value")


class RotationArgs(TypedDict):
    """Rotation of one document by a Lambda function. From then on its value belongs to the function."""

    document: str
    """Required: which document."""

    connection: AwsConnection
    """Required: how the program reaches AWS, to write the first value."""

    lambda_arn: pulumi.Input[str]
    """Required: ARN of the function; Secrets Manager must be allowed to invoke it."""

    schedule_days: NotRequired[pulumi.Input[int] | None]
    """Optional: days between two rotations. Either this or `schedule_expression` is required."""

    schedule_expression: NotRequired[pulumi.Input[str] | None]
    """Optional: a schedule such as `rate(10 days)` or `cron(0 8 1 * ? *)`."""

    rotate_immediately: NotRequired[pulumi.Input[bool]]
    """Optional: rotate at once, not only when the schedule says so. Defaults to false: at first nobody can log in yet."""


class AwsDocumentsArgs(TypedDict):
    """Arguments of `AwsDocuments`."""

    prefix: str
    """Required: start of the names of this environment's secrets, such as `litellm/prod` or `/ops/litellm`."""

    documents: Mapping[str, Properties]
    """Required: name of each document and its properties. Values are stored as secrets."""

    generated: NotRequired[Mapping[str, Mapping[str, GeneratedValue]]]
    """Optional: further properties of these documents, whose values are made in AWS' client and are in no state. Defaults to
    none. With any, `connection` is required."""

    connection: NotRequired[AwsConnection]
    """Optional: how the program reaches AWS, to make `generated` there."""

    owner: pulumi.Input[str]
    """Required: who manages the secrets; written as the tag `managed-by`."""

    bundle: NotRequired[str | None]
    """Optional: name of the one secret that holds all documents. Defaults to none: one secret per document."""

    kms_key_id: NotRequired[pulumi.Input[str] | None]
    """Optional: KMS key. Defaults to AWS' own `aws/secretsmanager`."""

    recovery_window_days: NotRequired[pulumi.Input[int]]
    """Optional: days in which a deleted secret can be restored: 0, or 7 to 30. Defaults to 30."""

    replica_regions: NotRequired[Mapping[str, str]]
    """Optional: regions with a copy, and the KMS key of the copy there; `""` is AWS' own. Defaults to none."""

    own_account_only: NotRequired[bool]
    """Optional: attach a resource policy that denies other accounts, whatever is granted elsewhere. Defaults to true."""

    rotation: NotRequired[RotationArgs | None]
    """Optional: rotation of one document; not for a bundle. Defaults to none."""

    tags: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Optional: tags of every secret. Defaults to none."""


class AwsDocuments(pulumi.ComponentResource):
    """JSON documents in Secrets Manager.

    **Type:** `litellm:index:AwsDocuments`. **Produces:** per secret `aws.secretsmanager.Secret`, `SecretVersion` and
    `SecretPolicy`; for a rotated document `AwsInitialValue` instead of `SecretVersion`, and `SecretRotation`; where
    some of a secret is `generated`, `AwsGenerated` instead of either; nothing for a bundle that exists or has no documents.

    Without a bundle, a document is the secret `<prefix>/<document>` with its properties as JSON keys. In a bundle every
    value has the name of an environment variable (`components.secrets.names.variable`). The salt key is always a secret
    of its own, because a bundle is written again whenever one of its values changes; and so are virtual keys (`keys/…`), each
    of which has readers of its own.

    Raises:
        ValueError: when the arguments contradict each other.
    """

    arns: list[pulumi.Output[str]]
    """ARNs of the secrets written here, with their random ends."""

    arn_of: dict[str, pulumi.Output[str]]
    """The same, by the name of each secret."""

    revision: pulumi.Output[str]
    """Changes whenever the content of a document changes: the versions of all secrets, in the order of their names."""

    def __init__(self, name: str, args: AwsDocumentsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:AwsDocuments", name, None, opts)
        check(args)
        self._prefix, self._bundle = args["prefix"], args.get("bundle")
        self.arns, self.arn_of = [], {}
        single = {name: each for name, each in args["documents"].items() if is_single(name)}
        several = {name: each for name, each in args["documents"].items() if name not in single}
        written = self._write_bundle(name, self._bundle, several, args) if self._bundle else {}
        self._revisions = written | self._write_each(name, single if self._bundle else args["documents"], args)
        self.revision = self.revision_of(*self._revisions)
        self.register_outputs({"arns": self.arns, "revision": self.revision})

    def reference(self, document: str, property: str) -> RemoteReference:  # noqa: A002 - the word of the ESO API
        """Where one value is, for External Secrets Operator."""
        return locate(self._prefix, self._bundle, document, property)

    def revision_of(self, *documents: str) -> pulumi.Output[str]:
        """Changes whenever the content of one of these documents changes; empty when none of them is written here."""
        chosen = [self._revisions[document] for document in documents if document in self._revisions]
        return pulumi.Output.all(*chosen).apply(lambda versions: ".".join(dict.fromkeys(map(str, versions))))

    def _write_bundle(
        self, name: str, bundle: str, documents: Mapping[str, Properties], args: AwsDocumentsArgs
    ) -> dict[str, pulumi.Output[str]]:
        if not documents:
            return {}
        generated = {document: each for document, each in args.get("generated", {}).items() if document in documents}
        version = self._write(name, "bundle", bundle, bundled(documents), bundled(generated), args)
        return dict.fromkeys(sorted(documents), version)

    def _write_each(
        self, name: str, documents: Mapping[str, Properties], args: AwsDocumentsArgs
    ) -> dict[str, pulumi.Output[str]]:
        made = args.get("generated", {})
        return {
            document: self._write(
                name,
                document.replace("/", "-"),
                f"{args['prefix']}/{document}",
                properties,
                made.get(document, {}),
                args,
            )
            for document, properties in sorted(documents.items())
        }

    def _write(
        self,
        name: str,
        suffix: str,
        secret_name: str,
        content: Properties,
        generated: Mapping[str, GeneratedValue],
        args: AwsDocumentsArgs,
    ) -> pulumi.Output[str]:
        own, changing = pulumi.ResourceOptions(parent=self), pulumi.ResourceOptions(parent=self, protect=False)
        secret = aws.secretsmanager.Secret(
            f"{name}-{suffix}",
            name=secret_name,
            kms_key_id=args.get("kms_key_id"),
            recovery_window_in_days=args.get("recovery_window_days", 30),
            replicas=[
                {"region": region, "kms_key_id": key or None}
                for region, key in sorted(args.get("replica_regions", {}).items())
            ],
            tags={**args.get("tags", {}), OWNER: args["owner"]},
            opts=own,
        )
        self.arns.append(secret.arn)
        self.arn_of[secret_name] = secret.arn
        if args.get("own_account_only", True):
            aws.secretsmanager.SecretPolicy(
                f"{name}-{suffix}-policy",
                secret_arn=secret.arn,
                policy=secret.arn.apply(own_account_only),
                block_public_policy=True,
                opts=changing,
            )
        rotation = args.get("rotation")
        rotated = rotation if rotation and rotation["document"] == suffix else None
        version = self._value(f"{name}-{suffix}", secret, content, generated, args, rotated)
        if rotated:
            self._rotate(f"{name}-{suffix}", secret, version, rotated)
        return pulumi.Output.unsecret(version.version_id)

    def _value(
        self,
        name: str,
        secret: aws.secretsmanager.Secret,
        content: Properties,
        generated: Mapping[str, GeneratedValue],
        args: AwsDocumentsArgs,
        rotation: RotationArgs | None,
    ) -> AwsGenerated | AwsInitialValue | aws.secretsmanager.SecretVersion:
        """The value of a secret, or the one that it starts with, where a function rotates it."""
        changing = pulumi.ResourceOptions(parent=self, protect=False)
        if generated:
            return AwsGenerated(
                f"{name}-generated",
                secret=secret.arn,
                generated=generated,
                given=content,
                connection=reached(args),
                rotated_by_others=rotation is not None,
                opts=changing,
            )
        value = pulumi.Output.secret(pulumi.Output.json_dumps(dict(content), sort_keys=True))
        if rotation:
            return AwsInitialValue(
                f"{name}-initial", secret=secret.arn, value=value, connection=rotation["connection"], opts=changing
            )
        return aws.secretsmanager.SecretVersion(
            f"{name}-version", secret_id=secret.id, secret_string=value, opts=changing
        )

    def _rotate(
        self, name: str, secret: aws.secretsmanager.Secret, initial: pulumi.Resource, rotation: RotationArgs
    ) -> None:
        aws.secretsmanager.SecretRotation(
            f"{name}-rotation",
            secret_id=secret.id,
            rotation_lambda_arn=rotation["lambda_arn"],
            rotation_rules={
                "automatically_after_days": rotation.get("schedule_days"),
                "schedule_expression": rotation.get("schedule_expression"),
            },
            rotate_immediately=rotation.get("rotate_immediately", False),
            opts=pulumi.ResourceOptions(parent=self, protect=False, depends_on=[initial]),
        )


def reached(args: AwsDocumentsArgs) -> AwsConnection:
    if "connection" not in args:
        raise ValueError("values are generated in AWS' client: give its connection")
    return args["connection"]


def check(args: AwsDocumentsArgs) -> None:
    rotation, bundle = args.get("rotation"), args.get("bundle")
    if rotation and bundle:
        raise ValueError(
            "rotation is of one document, and in a bundle all are one secret: leave out bundle or rotation"
        )
    if rotation and rotation["document"] not in args["documents"]:
        raise ValueError(f"rotation.document is {rotation['document']!r}, which is not one of documents")
    if rotation and (rotation.get("schedule_days") is None) == (rotation.get("schedule_expression") is None):
        raise ValueError("rotation needs exactly one of schedule_days and schedule_expression")


def bundled(documents: Mapping[str, Mapping[str, Value]]) -> dict[str, Value]:
    """All values of all documents under the names of environment variables."""
    content: dict[str, Value] = {}
    for document, properties in sorted(documents.items()):
        for name, value in properties.items():
            key = variable(document, name)
            if key in content:
                raise ValueError(f"two values of the bundle would be called {key}; one of them is {document}/{name}")
            content[key] = value
    return content
