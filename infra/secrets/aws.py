"""AWS Secrets Manager as the store of a stack."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from components.aws_role import AwsRole, annotations
from components.secrets import aws_names
from components.secrets.aws_client import AwsConnection
from components.secrets.aws_documents import AwsDocuments, AwsDocumentsArgs
from components.secrets.aws_identity import AwsIdentity, AwsIdentityArgs, eso_provider, static_keys_auth
from components.secrets.aws_key import AwsKey
from components.secrets.aws_once import AwsSaltKey
from components.secrets.aws_policies import read_only_policy
from components.secrets.aws_reader import AwsReader, AwsReaderArgs
from components.secrets.names import SALT
from components.secrets.references import RemoteReference
from components.sync.aws_fetch import AwsLogin
from components.sync.store import ReaderArgs
from infra.aws.identity import account, operator_role, reader_role
from infra.cluster import Cluster
from infra.config.aws.identity import IrsaIdentity, PodIdentity, StaticKeys
from infra.config.aws.store import AwsConfig
from infra.config.database.common import DocumentCredentials
from infra.config.database.existing import ExistingDatabase
from infra.config.load import ConfigProblem
from infra.config.stack import StackConfig
from infra.secrets.documents import DATABASE, document_of_key, documents, made_in_the_store
from infra.secrets.store import OpenStore, Values, place_in
from infra.servers import Servers
from infra.stack import NamedStack

PROVIDER = "aws"

INLINE_POLICY = 10_240
"""Characters that the policies in a role may have, white space aside."""


@dataclass(frozen=True)
class AwsStore:
    """Secrets Manager, with the names that one stack uses there."""

    config: AwsConfig
    stack: str

    @property
    def prefix(self) -> str:
        return self.config.prefix_of(self.stack)

    @property
    def connection(self) -> AwsConnection:
        role = self.config.assume_role
        return {
            "region": self.config.region,
            "account": self.config.account_id,
            "role_arn": role.role_arn if role else None,
            "external_id": role.external_id if role else None,
        }

    def provider(self) -> pulumi.ProviderResource:
        role = self.config.assume_role
        # A plain dictionary would reach the provider with its keys as they are, and the provider knows no `role_arn`.
        assumed = [aws.ProviderAssumeRoleArgs(**role.model_dump())] if role else None
        return aws.Provider(
            PROVIDER,
            region=self.config.region,
            allowed_account_ids=[self.config.account] if self.config.account else None,
            assume_roles=assumed,
            default_tags={"tags": self.config.default_tags} if self.config.default_tags else None,
        )

    def locate(self, document: str, name: str) -> RemoteReference:
        return aws_names.locate(self.prefix, self.config.bundle_of(self.stack), document, name)

    def place(self, reference: RemoteReference) -> str:
        return place_in(reference)

    def secrets_of(self, documents: Mapping[str, object]) -> list[str]:
        """Names of the secrets that hold these documents."""
        return sorted({str(self.locate(document, "")["key"]) for document in documents})

    def adopted(self, document: str, name: str, opts: pulumi.InvokeOptions) -> pulumi.Output[str] | None:
        if not self.config.adopt:
            return None
        place = self.locate(document, name)
        found = aws.secretsmanager.get_secret_version_output(secret_id=place["key"], opts=opts)
        return pulumi.Output.secret(found.secret_string.apply(lambda text: value_in(text, place)))

    def take_over(self, target: NamedStack) -> str:
        if self.config.adopt or target.config.keys.salt.existing:
            # Whoever names the salt key has begun to refer to what is there; a name that is taken AWS refuses.
            return ""
        return (
            f"set litellm:secrets.aws.adopt to true in Pulumi.{target.stack}.yaml, and `make up STACK={target.stack}` takes "
            f"over the secrets below {self.prefix}/, roles, policies, and what is in the namespace, as it is"
        )

    def operator_identity(self, target: NamedStack, opts: pulumi.ResourceOptions) -> AwsRole | None:
        identity = self.config.identity
        if not isinstance(identity, PodIdentity) or identity.controller_role_arn:
            return None
        return operator_role(target, identity, opts)

    def open(
        self,
        target: NamedStack,
        namespace: pulumi.Input[str],
        values: Values,
        servers: Servers,
        operator_identity: AwsRole | None,
        opts: pulumi.ResourceOptions,
    ) -> OpenStore:
        key = self._key(target, opts)
        salt = self._salt_key(target, key, opts)
        guarded = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(protect=target.config.protect))
        if self.config.rotation:
            values = {**values, DATABASE: {**values[DATABASE], **connection_details(target.config, servers)}}
        documents = AwsDocuments("documents", self._documents(target, values, key), guarded)
        secrets: list[pulumi.Input[str]] = [*documents.arns, *(resource.arn for resource in salt)]
        secrets += sorted({reference.document for _, reference in target.config.references()})
        if servers.managed_admin is not None:
            secrets.append(servers.managed_admin)
        keys = [*([key] if key is not None else []), *self.config.decrypt_keys]
        block, reader, identity, login = self._reader(target, namespace, secrets, keys, operator_identity, opts)
        return OpenStore(
            provider_block=block,
            reader=reader,
            documents=documents,
            resources=(documents, *salt, *identity),
            readers=self._readers(target, documents, keys, opts),
            aws=login,
        )

    def _readers(
        self,
        target: NamedStack,
        documents: AwsDocuments,
        keys: Sequence[pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> dict[str, pulumi.Output[str]]:
        """Policies for the secrets of single keys, by the name of the key."""
        found: dict[str, pulumi.Output[str]] = {}
        for name, key in target.config.access.keys.items():
            if key.readers is None:
                continue
            args: AwsReaderArgs = {
                "policy": aws_names.role_name("litellm", target.stack, self.config.region, "key", name),
                "secret": documents.arn_of[f"{self.prefix}/{document_of_key(name)}"],
                "region": self.config.region,
                "keys": keys,
                "roles": key.readers.roles,
                "tags": self.config.tags,
            }
            found[name] = AwsReader(f"key-{name}-reader", args, opts).policy
        return found

    def _key(self, target: NamedStack, opts: pulumi.ResourceOptions) -> pulumi.Input[str] | None:
        if self.config.kms != "create":
            return self.config.kms_key_arn
        keep = target.config.keys.salt.retain
        kept = pulumi.ResourceOptions(protect=keep, retain_on_delete=keep)
        return AwsKey(
            "secrets-key",
            alias=re.sub(r"[^A-Za-z0-9/_-]", "-", self.prefix.strip("/")),
            connection=self.connection,
            owner=target.owner,
            # A secret that can be restored is worth nothing without its key.
            deletion_window_days=max(7, self.config.recovery_window_days),
            tags={**self.config.default_tags, **self.config.tags},
            opts=pulumi.ResourceOptions.merge(opts, kept),
        ).arn

    def _salt_key(
        self, target: NamedStack, key: pulumi.Input[str] | None, opts: pulumi.ResourceOptions
    ) -> list[AwsSaltKey]:
        salt = target.config.keys.salt
        if salt.existing and target.own_salt is None:
            return []
        kept = pulumi.ResourceOptions(protect=salt.retain, retain_on_delete=salt.retain)
        return [
            AwsSaltKey(
                "salt-key",
                secret=target.own_salt or f"{self.prefix}/{SALT[0]}",
                connection=self.connection,
                owner=target.owner,
                length=salt.length,
                kms_key_id=key,
                recovery_window_days=self.config.recovery_window_days,
                replica_regions=self.config.replica_keys,
                own_account_only=self.config.resource_policy,
                tags={**self.config.default_tags, **self.config.tags},
                opts=pulumi.ResourceOptions.merge(opts, kept),
            )
        ]

    def _documents(self, target: NamedStack, values: Values, key: pulumi.Input[str] | None) -> AwsDocumentsArgs:
        args: AwsDocumentsArgs = {
            "prefix": self.prefix,
            "documents": values,
            "generated": made_in_the_store(target.config),
            "connection": self.connection,
            "owner": target.owner,
            "bundle": self.config.bundle_of(self.stack),
            "kms_key_id": key,
            "recovery_window_days": self.config.recovery_window_days,
            "replica_regions": self.config.replica_keys,
            "own_account_only": self.config.resource_policy,
            "tags": self.config.tags,
        }
        if rotation := self.config.rotation:
            args["rotation"] = {
                "document": DATABASE,
                "connection": self.connection,
                "lambda_arn": rotation.lambda_arn,
                "schedule_days": rotation.schedule_days,
                "schedule_expression": rotation.schedule_expression,
                "rotate_immediately": rotation.rotate_immediately,
            }
        return args

    def _reader(
        self,
        target: NamedStack,
        namespace: pulumi.Input[str],
        secrets: Sequence[pulumi.Input[str]],
        keys: Sequence[pulumi.Input[str]],
        operator_role: AwsRole | None,
        opts: pulumi.ResourceOptions,
    ) -> tuple[pulumi.Output[dict[str, Any]], ReaderArgs | None, tuple[pulumi.Resource, ...], AwsLogin]:
        """The provider block, the ServiceAccount that reads with it, what must be there before, and how a pod reads itself."""
        identity, operator, region = self.config.identity, target.config.external_secrets, self.config.region
        if isinstance(identity, StaticKeys):
            auth = static_keys_auth(
                identity.kubernetes_secret, identity.access_key_id_key, identity.secret_access_key_key
            )
            return eso_provider(region, auth), None, (), {"region": region, "static_keys": secret_of(identity)}
        role = operator_role or reader_role(target, identity, namespace, opts)
        own_tokens = isinstance(identity, IrsaIdentity)
        args: AwsIdentityArgs = {
            "role_name": role.name,
            "role_arn": role.arn,
            "region": region,
            "account": account(self.config, opts),
            "secrets": secrets,
            "keys": keys,
            "service_account": target.reader if own_tokens else None,
            "assumed": not own_tokens and operator_role is None,
        }
        reads = AwsIdentity("reader", args, opts)
        reader: ReaderArgs | None = None
        if own_tokens:
            reader = {
                "name": target.reader,
                "operator_namespace": operator.namespace,
                "operator_service_account": operator.service_account,
                "annotations": annotations(reads.role_arn, identity.audience),
            }
        login: AwsLogin = {"region": region, "role_arn": reads.role_arn}
        return eso_provider(region, reads.eso_auth, reads.eso_role), reader, (reads,), login


def value_in(text: str, place: RemoteReference) -> str:
    """A property of a secret that is taken over.

    Raises:
        pulumi.RunError: when it is not there.
    """
    name = place.get("property", "")
    found = json.loads(text)
    if name not in found:
        raise pulumi.RunError(
            f"litellm:secrets.aws.adopt: the secret {place['key']} has no {name}: put it there (docs/runbooks/lost-state.md), "
            "or remove adopt"
        )
    return str(found[name])


def secret_of(identity: StaticKeys) -> tuple[str, str, str]:
    """The Secret with the access key, and its two keys."""
    return identity.kubernetes_secret, identity.access_key_id_key, identity.secret_access_key_key


def connection_details(config: StackConfig, servers: Servers) -> dict[str, pulumi.Input[str]]:
    """What AWS' rotation functions look for in a document, beside user and password (AWS Secrets Manager User Guide,
    "JSON structure of AWS Secrets Manager secrets"). Those that alternate between two users log in with `masterarn`."""
    host, port = servers.database
    details: dict[str, pulumi.Input[str]] = {
        "engine": "postgres",
        "host": host,
        "port": pulumi.Output.from_input(port).apply(lambda known: str(int(known))),
        "dbname": config.database.name,
    }
    admin = config.database.admin if isinstance(config.database, ExistingDatabase) else None
    elevated = admin.document if isinstance(admin, DocumentCredentials) else servers.managed_admin
    return details | ({"masterarn": elevated} if elevated is not None else {})


def resolve(
    config: StackConfig, stack: str, _cluster: Cluster, *, offline: bool
) -> tuple[AwsStore, list[ConfigProblem]]:
    """Secrets Manager as the configuration names it. The environment has the credentials, which the preflight looks at."""
    if config.secrets.aws is None:
        raise ValueError("secrets.kind is aws without secrets.aws")  # the model refuses it before
    del offline
    store = AwsStore(config.secrets.aws, stack)
    return store, [*reader_fits(config, store)]


def reader_fits(config: StackConfig, store: AwsStore) -> Iterator[ConfigProblem]:
    """IAM takes no longer policy. Each secret is named in it, and once more where a KMS key decrypts."""
    if isinstance(store.config.identity, StaticKeys):
        return
    region, account_id = store.config.region, "0" * 12
    names = {*store.secrets_of({**documents(config), SALT[0]: {}}), *(each.document for _, each in config.references())}
    keys = [*(["created"] if store.config.kms != "default" else []), *store.config.decrypt_keys]
    text = read_only_policy([aws_names.secret_pattern(name, region, account_id) for name in names], keys, region)
    length = len("".join(text.split()))
    if length > INLINE_POLICY:
        each = length // len(names)
        yield ConfigProblem(
            "access.keys",
            f"and the other documents are {len(names)} secrets, whose policy for the operator has about {length} characters: "
            f"IAM takes {INLINE_POLICY}, so about {INLINE_POLICY // each} secrets. Divide the keys among stacks, or use "
            "secrets.kind vault",
        )
