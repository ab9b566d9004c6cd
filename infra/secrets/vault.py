"""HashiCorp Vault as the store of a stack."""

import base64
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pulumi
import pulumi_random as random
import pulumi_vault as vault

from components.secrets.references import RemoteReference
from components.secrets.vault_documents import VaultDocuments, VaultDocumentsArgs, read_only_policy
from components.secrets.vault_once import VaultConnection, VaultMount, VaultSaltKey
from components.secrets.vault_reader import VaultReader, VaultReaderArgs
from components.sync.agent import AgentLogin
from infra.cluster import Cluster
from infra.config.access import Readers
from infra.config.base import http_url
from infra.config.load import ConfigProblem
from infra.config.secrets import VaultConfig, is_loopback
from infra.config.stack import StackConfig
from infra.secrets.documents import SALT, document_of_key, made_in_the_store
from infra.secrets.store import OpenStore, Values, place_in
from infra.secrets.vault_logins import LOGINS
from infra.servers import Servers
from infra.stack import NamedStack

IN_CLUSTER_API = "https://kubernetes.default.svc"
OFFLINE_ADDRESS = "https://vault.invalid:8200"


@dataclass(frozen=True)
class VaultStore:
    """Vault, with the names that one stack uses there."""

    config: VaultConfig
    address: str
    cluster_address: str
    ca_bundle: str | None
    """Vault's CA for External Secrets Operator: PEM in base64."""

    prefix: str
    policy: str
    role: str
    auth_path: str
    kubernetes_host: str
    kubernetes_ca_cert: str | None

    cluster: str
    """Which cluster the stack is in, for the mark of its documents."""

    @property
    def mount(self) -> str:
        return self.config.mount.path

    @property
    def ca_cert_file(self) -> str | None:
        return str(self.config.ca_cert_file) if self.config.ca_cert_file else None

    @property
    def connection(self) -> VaultConnection:
        return {"address": self.address, "namespace": self.config.namespace, "ca_cert_file": self.ca_cert_file}

    def provider(self) -> pulumi.ProviderResource:
        return self._provider("vault", self.config.namespace)

    def _provider(self, name: str, namespace: str | None) -> vault.Provider:
        return vault.Provider(
            name,
            address=self.address,
            namespace=namespace,
            ca_cert_file=self.ca_cert_file,
            # The environment's token is short-lived already, and need not have the right to create another one.
            skip_child_token=True,
        )

    def locate(self, document: str, name: str) -> RemoteReference:
        return {"key": f"{self.prefix}/{document}", "property": name}

    def place(self, reference: RemoteReference) -> str:
        return f"{reference.get('mount', self.mount)}/{place_in(reference)}"

    def elsewhere(self, target: NamedStack) -> dict[str, list[str]]:
        """Documents that the stack refers to and that are in other engines, by mount."""
        found: dict[str, set[str]] = {}
        for _, given in target.config.references():
            if given.mount not in (None, self.mount):
                found.setdefault(given.mount, set()).add(given.document)
        return {mount: sorted(documents) for mount, documents in sorted(found.items())}

    def adopted(self, document: str, name: str, opts: pulumi.InvokeOptions) -> pulumi.Output[str] | None:
        if not self.config.adopt:
            return None
        path = f"{self.prefix}/{document}"
        found = pulumi.Output.from_input(vault.kv.get_secret_v2_output(mount=self.mount, name=path, opts=opts))
        return pulumi.Output.secret(found.apply(lambda secret: secret.data[name]))

    def take_over(self, target: NamedStack) -> str:
        if self.config.adopt:
            return ""
        return (
            f"set litellm:secrets.vault.adopt to true in Pulumi.{target.stack}.yaml, and `make up STACK={target.stack}` takes "
            "over documents, policy, role, auth method, and what is in the namespace, with the values that they have"
        )

    def operator_identity(self, _target: NamedStack, _opts: pulumi.ResourceOptions) -> None:
        """None: the operator asks Kubernetes for a token of the reader, or has one of Vault."""

    def open(
        self,
        target: NamedStack,
        namespace: pulumi.Input[str],
        values: Values,
        _servers: Servers,
        _operator_identity: None,
        opts: pulumi.ResourceOptions,
    ) -> OpenStore:
        connection = self.connection
        mount: pulumi.Input[str] = self.mount
        if self.config.mount.create:
            mount = VaultMount("vault-mount", path=self.mount, connection=connection, opts=opts).path
        salt = self._salt_key(target, mount, connection, opts)
        own_salt = [target.own_salt or f"{self.prefix}/{SALT}"] if salt else []
        here = {given.document for _, given in target.config.references() if given.mount in (None, self.mount)}
        elsewhere = self.elsewhere(target)
        args: VaultDocumentsArgs = {
            "mount": mount,
            "prefix": self.prefix,
            "documents": values,
            "generated": made_in_the_store(target.config),
            "connection": connection,
            "owner": self._mark(target, opts),
            "also_readable": sorted({*own_salt, *here}),
            "elsewhere": elsewhere,
        }
        own_policy = self.config.writes_policy and not self.config.auth_namespace
        if own_policy:
            args["policy"] = self.policy
        if mark := target.config.ephemeral.mark:
            args["policy_mark"] = mark
        documents = VaultDocuments("documents", args, opts)
        above, policy = opts, documents.policy
        if self.config.auth_namespace:
            above = in_namespace(opts, self._provider("vault-auth-namespace", self.config.auth_namespace))
            if self.config.writes_policy:
                policy = self._policy_above(documents, args, mount, above)
        login = LOGINS[self.config.auth](self, target, namespace, policy, above)
        readers = self._readers(target, mount, documents, login.resources, opts)
        block: dict[str, pulumi.Input[object]] = {
            "server": self.cluster_address,
            "path": mount,
            "version": "v2",
            "auth": login.eso_auth.apply(self._where_logins_are),
        }
        optional = {"namespace": self.config.namespace, "caBundle": self.ca_bundle}
        block |= {key: value for key, value in optional.items() if value}
        return OpenStore(
            provider_block=pulumi.Output.from_input({"vault": block}),
            other_mounts={path: pulumi.Output.from_input({"vault": {**block, "path": path}}) for path in elsewhere},
            reader=login.reader,
            documents=documents,
            resources=(documents, *login.resources, *salt),
            readers=readers,
            agent=self._agent(),
            mount=self.mount,
        )

    def _agent(self) -> AgentLogin | None:
        """How a pod logs in by itself; None with what a person gave to the operator."""
        if self.config.auth not in ("kubernetes", "jwt"):
            return None
        return {
            "address": self.cluster_address,
            "namespace": self.config.namespace,
            "auth_namespace": self.config.auth_namespace,
            "ca": read_if_there(self.config.ca_cert_file),
            "method": self.config.auth,
            "path": f"auth/{self.auth_path}",
            "role": self.role,
        }

    def _readers(
        self,
        target: NamedStack,
        mount: pulumi.Input[str],
        documents: VaultDocuments,
        needed: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> dict[str, pulumi.Output[str]]:
        """Policies for the documents of single keys, by the name of the key."""
        after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[documents, *needed]))
        return {
            name: VaultReader(f"key-{name}-reader", self._reader(target, mount, name, key.readers), after).policy
            for name, key in target.config.access.keys.items()
            if key.readers
        }

    def _reader(self, target: NamedStack, mount: pulumi.Input[str], name: str, given: Readers) -> VaultReaderArgs:
        args: VaultReaderArgs = {
            "mount": mount,
            "document": f"{self.prefix}/{document_of_key(name)}",
            "policy": f"litellm-{target.stack}-key-{name}",
        }
        if mark := target.config.ephemeral.mark:
            args["mark"] = mark
        if given.service_accounts:
            args["login"] = {
                "path": self.auth_path,
                "audience": self.config.kubernetes_auth.audience,
                "service_accounts": [
                    {"namespace": each.namespace, "name": each.name} for each in given.service_accounts
                ],
            }
        return args

    def _where_logins_are(self, auth: dict[str, Any]) -> dict[str, Any]:
        return {**auth, "namespace": self.config.auth_namespace} if self.config.auth_namespace else auth

    def _policy_above(
        self,
        documents: VaultDocuments,
        args: VaultDocumentsArgs,
        mount: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> pulumi.Output[str]:
        """The policy in the namespace of the login, where paths begin with the way down to the documents."""
        namespace, above = self.config.namespace or "", self.config.auth_namespace or ""
        down = namespace.removeprefix(above).strip("/")
        own = [f"{self.prefix}/{name}" for name in args["documents"]]
        here = sorted({*own, *args.get("also_readable", ())})
        elsewhere = {f"{down}/{path}": below for path, below in args.get("elsewhere", {}).items()}
        return vault.Policy(
            "documents-policy-above",
            name=self.policy,
            policy=pulumi.Output.from_input(mount).apply(
                lambda path: read_only_policy(f"{down}/{path}", here, args.get("policy_mark"), elsewhere)
            ),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[documents])),
        ).name

    def _mark(self, target: NamedStack, opts: pulumi.ResourceOptions) -> pulumi.Input[str]:
        """What documents are marked with: a state that was lost, or another checkout's, does not know the random part."""
        if target.config.ephemeral.mark:
            return target.config.ephemeral.mark
        identity = random.RandomId("identity", byte_length=4, opts=opts)
        return pulumi.Output.concat(f"{target.owner}/{self.cluster}/", identity.hex)

    def _salt_key(
        self, target: NamedStack, mount: pulumi.Input[str], connection: VaultConnection, opts: pulumi.ResourceOptions
    ) -> list[pulumi.Resource]:
        salt = target.config.keys.salt
        if salt.existing and target.own_salt is None:
            return []
        kept = pulumi.ResourceOptions(protect=salt.retain, retain_on_delete=salt.retain)
        return [
            VaultSaltKey(
                "salt-key",
                # In the engine that it is in, whichever one the other documents move to.
                mount=salt.existing.mount or mount if salt.existing else mount,
                path=target.own_salt or f"{self.prefix}/{SALT}",
                length=salt.length,
                connection=connection,
                opts=pulumi.ResourceOptions.merge(opts, kept),
            )
        ]


def in_namespace(opts: pulumi.ResourceOptions, provider: vault.Provider) -> pulumi.ResourceOptions:
    """The same options with another provider of Vault."""
    given = cast("list[pulumi.ProviderResource]", opts.providers)
    others = [each for each in given if not isinstance(each, vault.Provider)]
    return pulumi.ResourceOptions(providers=[*others, provider], depends_on=opts.depends_on)


def resolve(
    config: StackConfig, stack: str, cluster: Cluster, *, offline: bool
) -> tuple[VaultStore, list[ConfigProblem]]:
    """Vault as the configuration and VAULT_ADDR name it, or a stand-in for the offline plan."""
    vault = config.secrets.vault
    address = vault.address or ("" if offline else os.environ.get("VAULT_ADDR", "").rstrip("/"))
    problems = [] if offline else list(missing(vault, address))
    auth = vault.kubernetes_auth
    in_cluster = auth.reviewer == "vault"
    vault_ca = read_if_there(vault.ca_cert_file)
    store = VaultStore(
        config=vault,
        address=address or OFFLINE_ADDRESS,
        cluster_address=vault.cluster_address or address or OFFLINE_ADDRESS,
        ca_bundle=base64.b64encode(vault_ca.encode()).decode() if vault_ca else None,
        prefix=vault.prefix or stack,
        policy=vault.policy or f"litellm-{stack}",
        role=(vault.jwt_auth if vault.auth == "jwt" else auth).role or f"litellm-{stack}",
        auth_path=auth_path(vault, "" if config.shared else f"-{stack}"),
        kubernetes_host=auth.host or (IN_CLUSTER_API if in_cluster else cluster.server),
        kubernetes_ca_cert=read_if_there(auth.ca_cert_file) or (None if in_cluster else cluster.ca_certificate or None),
        cluster=cluster.id,
    )
    return store, problems


def auth_path(vault: VaultConfig, own: str) -> str:
    """Path of the auth method below `auth/`; `own` is how it ends where a stack makes one for itself."""
    kubernetes = vault.kubernetes_auth
    if vault.auth == "jwt":
        return vault.jwt_auth.path
    if vault.app_role:
        return vault.app_role.path
    return kubernetes.path or (f"kubernetes{own}" if kubernetes.create else "kubernetes")


def missing(vault: VaultConfig, address: str) -> Iterator[ConfigProblem]:
    if not address:
        yield ConfigProblem(
            "secrets.vault.address", "not set, and VAULT_ADDR is not set either: name your Vault in one"
        )
    elif reason := what_is_wrong_with(address):
        yield ConfigProblem("secrets.vault.address", f"not set, so VAULT_ADDR is taken, and that {reason}")
    elif is_loopback(address) and not vault.cluster_address:
        message = "VAULT_ADDR is this machine's loopback, which pods cannot reach: set the address that pods use"
        yield ConfigProblem("secrets.vault.clusterAddress", message)
    files = {"caCertFile": vault.ca_cert_file, "kubernetesAuth.caCertFile": vault.kubernetes_auth.ca_cert_file}
    for key, file in files.items():
        if file and read_if_there(file) is None:
            yield ConfigProblem(f"secrets.vault.{key}", "is no file with a certificate in PEM form that can be read")


def what_is_wrong_with(address: str) -> str:
    try:
        http_url(address, "https://vault.example.com:8200")
    except ValueError as error:
        return str(error)
    return ""


def read_if_there(file: Path | None) -> str | None:
    try:
        return file.read_text(encoding="utf-8") if file else None
    except (OSError, ValueError):
        return None
