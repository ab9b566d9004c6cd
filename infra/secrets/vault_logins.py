"""How External Secrets Operator logs in to Vault."""

from dataclasses import dataclass
from typing import Any, Protocol

import pulumi

from components.secrets.vault_auth import VaultKubernetesAuth, VaultKubernetesAuthArgs
from components.secrets.vault_jwt import VaultJwtAuth, VaultJwtAuthArgs
from components.secrets.vault_token import VaultTokenAuth, VaultTokenAuthArgs
from components.sync.store import ReaderArgs
from infra.config.secrets import VaultConfig
from infra.stack import READER, NamedStack


class LoginPlace(Protocol):
    """What of a Vault a login must know."""

    @property
    def config(self) -> VaultConfig: ...

    @property
    def role(self) -> str: ...

    @property
    def auth_path(self) -> str: ...

    @property
    def kubernetes_host(self) -> str: ...

    @property
    def kubernetes_ca_cert(self) -> str | None: ...


@dataclass(frozen=True)
class Login:
    """How the operator logs in."""

    eso_auth: pulumi.Output[dict[str, Any]]
    """The `auth` block of its Vault provider."""

    reader: ReaderArgs | None = None
    """The ServiceAccount that it logs in with."""

    resources: tuple[pulumi.Resource, ...] = ()
    """What must be there before."""


def reader_of(target: NamedStack, *, token_review: bool = False) -> ReaderArgs:
    operator = target.config.external_secrets
    return {
        "name": READER,
        "operator_namespace": operator.namespace,
        "operator_service_account": operator.service_account,
        "token_review": token_review,
    }


def kubernetes_login(
    store: LoginPlace,
    target: NamedStack,
    namespace: pulumi.Input[str],
    policy: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> Login:
    auth = store.config.kubernetes_auth
    args: VaultKubernetesAuthArgs = {
        "path": store.auth_path,
        "create": auth.create,
        "role": store.role,
        "service_account": target.reader,
        "namespace": namespace,
        "audience": auth.audience,
        "extra_audiences": auth.extra_audiences,
        "policies": [policy],
        "create_role": auth.create_role,
        "token_ttl_seconds": auth.token_ttl_seconds,
        "kubernetes_host": store.kubernetes_host,
        "use_client_token": auth.reviewer == "client",
    }
    if store.kubernetes_ca_cert:
        args["kubernetes_ca_cert"] = store.kubernetes_ca_cert
    made = VaultKubernetesAuth("vault-auth", args, opts)
    reviews = auth.create and auth.reviewer == "client"
    return Login(made.eso_auth, reader_of(target, token_review=reviews), (made,))


def jwt_login(
    store: LoginPlace,
    target: NamedStack,
    namespace: pulumi.Input[str],
    policy: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> Login:
    auth = store.config.jwt_auth
    args: VaultJwtAuthArgs = {
        "path": store.auth_path,
        "role": store.role,
        "service_account": target.reader,
        "namespace": namespace,
        "audience": auth.audience,
        "policies": [policy],
        "create_role": auth.create_role,
        "token_ttl_seconds": auth.token_ttl_seconds,
    }
    made = VaultJwtAuth("vault-auth", args, opts)
    return Login(made.eso_auth, reader_of(target), (made,))


def app_role_login(
    store: LoginPlace,
    _target: NamedStack,
    _namespace: pulumi.Input[str],
    _policy: pulumi.Input[str],
    _opts: pulumi.ResourceOptions,
) -> Login:
    given = store.config.app_role
    if given is None:
        raise ValueError("auth is approle without appRole")  # the model refuses it before
    block = {
        "path": given.path,
        "roleRef": {"name": given.kubernetes_secret, "key": given.role_id_key},
        "secretRef": {"name": given.kubernetes_secret, "key": given.secret_id_key},
    }
    return Login(pulumi.Output.from_input({"appRole": block}))


def token_login(
    store: LoginPlace,
    _: NamedStack,
    namespace: pulumi.Input[str],
    policy: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> Login:
    args: VaultTokenAuthArgs = {
        "namespace": namespace,
        "policies": [policy],
        "period": store.config.token_auth.period,
    }
    made = VaultTokenAuth("vault-token", args, opts)
    return Login(made.eso_auth, None, (made,))


LOGINS = {"kubernetes": kubernetes_login, "jwt": jwt_login, "approle": app_role_login, "token": token_login}
