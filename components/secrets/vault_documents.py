"""Documents in a Vault KV version 2 engine, and the policy that lets somebody read them and nothing else."""

import json
from collections.abc import Mapping, Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_vault as vault

from components.secrets.generation import GeneratedValue
from components.secrets.references import RemoteReference
from components.secrets.vault_generated import OWNER, VaultGenerated
from components.secrets.vault_once import VaultConnection


class VaultDocumentsArgs(TypedDict):
    """Arguments of `VaultDocuments`."""

    mount: pulumi.Input[str]
    """Required: path of the KV version 2 engine."""

    prefix: str
    """Required: path below the mount that belongs to this environment alone."""

    documents: Mapping[str, Mapping[str, pulumi.Input[str]]]
    """Required: name of each document below the prefix, and its properties. Values are stored as secrets."""

    generated: NotRequired[Mapping[str, Mapping[str, GeneratedValue]]]
    """Optional: further properties of these documents, whose values are made in Vault's client and are in no state. Defaults to
    none. With any, `connection` is required."""

    connection: NotRequired[VaultConnection]
    """Optional: how the program reaches Vault, to make `generated` there."""

    owner: pulumi.Input[str]
    """Required: who manages the documents; written as custom metadata when a document is made, and left alone after."""

    policy: NotRequired[pulumi.Input[str]]
    """Optional: name of the read-only policy to write. Defaults to none: somebody else made one."""

    policy_mark: NotRequired[str]
    """Optional: first line of the policy, a comment that says whose it is: a policy has no metadata. Defaults to none."""

    also_readable: NotRequired[Sequence[str]]
    """Optional: paths below the mount of documents that somebody else wrote. Defaults to none."""

    elsewhere: NotRequired[Mapping[str, Sequence[str]]]
    """Optional: such documents in other KV version 2 engines, by the path of the engine. Defaults to none."""


class VaultDocuments(pulumi.ComponentResource):
    """KV version 2 documents with a read-only policy on exactly their paths.

    **Type:** `litellm:index:VaultDocuments`. **Produces:** one `vault.kv.SecretV2` per document, or
    `VaultGenerated` where some of it is `generated`; `vault.Policy` with `policy`.

    Raises:
        ValueError: when something is to be generated, and nothing says how to reach Vault.
    """

    policy: pulumi.Output[str]
    """Name of the policy that allows reading exactly these documents; empty when somebody else made one."""

    revision: pulumi.Output[str]
    """Changes whenever the content of a document changes: the versions of all documents, in the order of their names."""

    def __init__(self, name: str, args: VaultDocumentsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:VaultDocuments", name, None, opts)
        self._prefix = args["prefix"]
        self._revisions = {
            document: self._write(name, document, properties, args)
            for document, properties in sorted(args["documents"].items())
        }
        self.policy = self._allow(name, args["policy"], args) if "policy" in args else pulumi.Output.from_input("")
        self.revision = pulumi.Output.all(*self._revisions.values()).apply(
            lambda versions: ".".join(map(str, versions))
        )
        self.register_outputs({"policy": self.policy, "revision": self.revision})

    def reference(self, document: str, property: str) -> RemoteReference:  # noqa: A002 - the word of the ESO API
        """Where one value is, for External Secrets Operator."""
        return {"key": f"{self._prefix}/{document}", "property": property}

    def revision_of(self, *documents: str) -> pulumi.Output[str]:
        """Changes whenever the content of one of these documents changes."""
        chosen = [self._revisions[document] for document in documents]
        return pulumi.Output.all(*chosen).apply(lambda versions: ".".join(map(str, versions)))

    def _allow(self, name: str, policy: pulumi.Input[str], args: VaultDocumentsArgs) -> pulumi.Output[str]:
        own = [f"{args['prefix']}/{document}" for document in self._revisions]
        readable = sorted({*own, *args.get("also_readable", ())})
        return vault.Policy(
            f"{name}-policy",
            name=policy,
            policy=pulumi.Output.from_input(args["mount"]).apply(
                lambda mount: read_only_policy(mount, readable, args.get("policy_mark"), args.get("elsewhere", {}))
            ),
            opts=pulumi.ResourceOptions(parent=self),
        ).name

    def _write(
        self, name: str, document: str, properties: Mapping[str, pulumi.Input[str]], args: VaultDocumentsArgs
    ) -> pulumi.Output[str]:
        if made := args.get("generated", {}).get(document):
            return self._generate(name, document, properties, made, args)
        secret = vault.kv.SecretV2(
            f"{name}-{document.replace('/', '-')}",
            mount=args["mount"],
            name=f"{args['prefix']}/{document}",
            data_json=pulumi.Output.secret(pulumi.Output.json_dumps(dict(properties), sort_keys=True)),
            custom_metadata={"data": {OWNER: args["owner"]}},
            delete_all_versions=True,
            # The provider writes the values again, as a new version, whenever metadata changes.
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["customMetadata"]),
        )
        return pulumi.Output.unsecret(secret.metadata.apply(lambda metadata: str(metadata.get("version", ""))))

    def _generate(
        self,
        name: str,
        document: str,
        given: Mapping[str, pulumi.Input[str]],
        made: Mapping[str, GeneratedValue],
        args: VaultDocumentsArgs,
    ) -> pulumi.Output[str]:
        if "connection" not in args:
            raise ValueError("values are generated in Vault's client: give its connection")
        resource = VaultGenerated(
            f"{name}-{document.replace('/', '-')}-generated",
            mount=args["mount"],
            path=f"{args['prefix']}/{document}",
            generated=made,
            given=given,
            owner=args["owner"],
            connection=args["connection"],
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.Output.unsecret(resource.version.apply(str))


def read_only_policy(
    mount: str, paths: Sequence[str], mark: str | None = None, elsewhere: Mapping[str, Sequence[str]] | None = None
) -> str:
    """A Vault policy (HCL) that allows reading these documents of KV version 2 engines, and nothing else."""
    head = [policy_mark(mark)] if mark else []
    places = [(engine, path) for engine, below in {mount: paths, **(elsewhere or {})}.items() for path in below]
    rules = [
        f'path {json.dumps(f"{engine}/data/{path}")} {{\n  capabilities = ["read"]\n}}\n' for engine, path in places
    ]
    return "\n".join([*head, *rules])


def policy_mark(owner: str) -> str:
    """The comment that marks a policy as somebody's."""
    return f"# {OWNER}: {owner}\n"
