"""Somebody who reads one document in Vault, and nothing else."""

from collections.abc import Sequence
from typing import NotRequired, TypedDict

import pulumi
import pulumi_vault as vault

from components.secrets.vault_documents import policy_mark, read_only_policy

TOKEN_SECONDS = 600


class VaultReaderAccount(TypedDict):
    """A ServiceAccount of Kubernetes."""

    namespace: str
    """Required: its namespace."""

    name: str
    """Required: its name."""


class VaultReaderLogin(TypedDict):
    """ServiceAccounts that log in by Vault's Kubernetes auth method."""

    path: pulumi.Input[str]
    """Required: path of the auth method below `auth/`."""

    audience: pulumi.Input[str]
    """Required: audience that their tokens must carry."""

    service_accounts: Sequence[VaultReaderAccount]
    """Required: who they are. Vault's roles combine each name with each namespace, so each gets its own role."""


class VaultReaderArgs(TypedDict):
    """Arguments of `VaultReader`."""

    mount: pulumi.Input[str]
    """Required: path of the KV version 2 engine."""

    document: str
    """Required: path of the document below the mount."""

    policy: str
    """Required: name of the policy, and the start of the names of roles: `<policy>-<namespace>-<ServiceAccount>`."""

    mark: NotRequired[str]
    """Optional: first line of the policy, a comment that says whose it is. Defaults to none."""

    login: NotRequired[VaultReaderLogin]
    """Optional: who gets a role with the policy. Defaults to nobody: others give the policy to whoever reads."""


class VaultReader(pulumi.ComponentResource):
    """A policy that reads one document, and roles that have it.

    **Type:** `litellm:index:VaultReader`. **Produces:** `vault.Policy`, and a `vault.kubernetes.AuthBackendRole` for each
    ServiceAccount.
    """

    policy: pulumi.Output[str]
    """Name of the policy."""

    def __init__(self, name: str, args: VaultReaderArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:VaultReader", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        mark = args.get("mark")
        text = pulumi.Output.from_input(args["mount"]).apply(
            lambda mount: (policy_mark(mark) + "\n" if mark else "") + read_only_policy(mount, [args["document"]])
        )
        policy = vault.Policy(f"{name}-policy", name=args["policy"], policy=text, opts=child)
        self.policy = policy.name
        if login := args.get("login"):
            for account in login["service_accounts"]:
                self._admit(name, account["namespace"], account["name"], login, args["policy"])
        self.register_outputs({"policy": self.policy})

    def _admit(self, name: str, namespace: str, account: str, login: VaultReaderLogin, role: str) -> None:
        vault.kubernetes.AuthBackendRole(
            f"{name}-role-{namespace}-{account}",
            backend=login["path"],
            role_name=f"{role}-{namespace}-{account}",
            bound_service_account_names=[account],
            bound_service_account_namespaces=[namespace],
            audience=login["audience"],
            token_policies=[self.policy],
            token_ttl=TOKEN_SECONDS,
            token_max_ttl=TOKEN_SECONDS,
            opts=pulumi.ResourceOptions(parent=self),
        )
