"""Config key `ui`: LiteLLM's admin page, and who logs in to it."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from infra.config.base import CLIENT_ID, SCOPES, Checked, DnsName, Section
from infra.config.gateway.models import Text
from infra.config.references import PropertyReference

HTTPS_URL = r"^https?://[^\s@?#]+$"


def endpoint(value: str) -> str:
    if not re.match(HTTPS_URL, value):
        raise ValueError("must be a URL such as https://login.example.com/oauth2/token, without credentials and query")
    return value.rstrip("/")


Endpoint = Annotated[str, Checked(endpoint, "a URL such as https://login.example.com/oauth2/token", HTTPS_URL)]
ClientId = Annotated[str, StringConstraints(pattern=CLIENT_ID)]


class Password(Section):
    """The password of the page, generated, or in a document that is there."""

    length: Annotated[int, Field(ge=20, le=256)] = 32
    """Number of random letters and digits. Changing it alone changes nothing: see `rotation`."""

    rotation: Annotated[int, Field(ge=0)] = 0
    """Raise it to generate a new one. Pods roll, and the old one stops working."""

    existing: PropertyReference | None = None
    """Use what is in the store already, instead of generating one."""


class Group(Section):
    """A group of the provider, whose members may log in and nobody else."""

    name: Text
    """How the provider calls it: a name, or in Microsoft Entra an object id."""

    claim: Text = "groups"
    """Where the groups are in what the provider says of a user."""


class Attributes(Section):
    """Claims of a user, where they have other names than LiteLLM expects."""

    user_id: Text | None = None
    """Who it is. LiteLLM expects `preferred_username`."""

    email: Text | None = None
    """E-mail address. LiteLLM expects `email`."""

    display_name: Text | None = None
    """Name to show. LiteLLM expects `sub`."""

    first_name: Text | None = None
    """First name. LiteLLM expects `first_name`."""

    last_name: Text | None = None
    """Last name. LiteLLM expects `last_name`."""

    role: Text | None = None
    """Role in LiteLLM, such as `proxy_admin` or `internal_user`. LiteLLM expects `role`."""

    @property
    def variables(self) -> dict[str, str]:
        given: dict[str, str] = self.model_dump(exclude_none=True)
        return {f"GENERIC_USER_{name.removeprefix('user_').upper()}_ATTRIBUTE": claim for name, claim in given.items()}


class Sso(Section):
    """What all providers have in common."""

    client_id: ClientId
    """Id of the application that is registered with the provider for LiteLLM; its redirect URI is `<URL>/sso/callback`."""

    client_secret: PropertyReference
    """Where its secret is in the store."""

    allowed_domains: tuple[DnsName, ...] = ()
    """Domains of e-mail addresses that may log in. Without any: whoever the provider lets through."""

    allowed_group: Group | None = None
    """The group whose members may log in; LiteLLM takes one. Without it: whoever the provider lets through."""

    auto_redirect: bool = False
    """The page goes to the provider at once, without its own form."""

    def variables(self) -> dict[str, str]:
        """What LiteLLM reads of it, but for the secret."""
        domains = {"ALLOWED_EMAIL_DOMAINS": ",".join(self.allowed_domains)} if self.allowed_domains else {}
        redirect = {"AUTO_REDIRECT_UI_LOGIN_TO_SSO": "true"} if self.auto_redirect else {}
        return {f"{self.prefix}_CLIENT_ID": self.client_id, **domains, **redirect}

    @property
    def prefix(self) -> str:
        """How LiteLLM's variables of the provider begin."""
        return "GENERIC"


class Google(Sso):
    """Google Workspace."""

    kind: Literal["google"]
    """`google`."""

    @property
    def prefix(self) -> str:
        return "GOOGLE"

    @model_validator(mode="after")
    def has_no_groups(self) -> "Google":
        if self.allowed_group:
            raise ValueError("allowedGroup: Google says nothing of groups at a login: use allowedDomains")
        return self


class Microsoft(Sso):
    """Microsoft Entra ID."""

    kind: Literal["microsoft"]
    """`microsoft`."""

    tenant: ClientId
    """Id of the tenant."""

    @property
    def prefix(self) -> str:
        return "MICROSOFT"

    def variables(self) -> dict[str, str]:
        return {**super().variables(), "MICROSOFT_TENANT": self.tenant}


class OpenIdConnect(Sso):
    """A provider that LiteLLM knows by its endpoints."""

    scope: Annotated[str, StringConstraints(pattern=SCOPES)] = "openid email profile"
    """Scopes that are asked for, with a space between them; `groups` where `allowedGroup` needs it."""

    pkce: bool = False
    """Use PKCE, where the application asks for it."""

    attributes: Attributes = Attributes.model_construct()
    """Claims that have other names."""

    def endpoints(self) -> tuple[str, str, str]:
        """Where users log in, where tokens are, and where users are described."""
        raise NotImplementedError

    def variables(self) -> dict[str, str]:
        authorization, token, userinfo = self.endpoints()
        return {
            **super().variables(),
            "GENERIC_AUTHORIZATION_ENDPOINT": authorization,
            "GENERIC_TOKEN_ENDPOINT": token,
            "GENERIC_USERINFO_ENDPOINT": userinfo,
            "GENERIC_SCOPE": self.scope,
            **({"GENERIC_CLIENT_USE_PKCE": "true"} if self.pkce else {}),
            **self.attributes.variables,
        }


class Okta(OpenIdConnect):
    """Okta."""

    kind: Literal["okta"]
    """`okta`."""

    domain: DnsName
    """Host of the organization: `example.okta.com`."""

    authorization_server: Annotated[str, StringConstraints(pattern=CLIENT_ID)] | None = None
    """Id of a custom authorization server, such as `default`. Without one: that of the organization."""

    def endpoints(self) -> tuple[str, str, str]:
        server = f"/{self.authorization_server}" if self.authorization_server else ""
        base = f"https://{self.domain}/oauth2{server}/v1"
        return f"{base}/authorize", f"{base}/token", f"{base}/userinfo"


class Generic(OpenIdConnect):
    """Any provider of OpenID Connect, such as Keycloak."""

    kind: Literal["generic"]
    """`generic`."""

    authorization_endpoint: Endpoint
    """Where users log in."""

    token_endpoint: Endpoint
    """Where LiteLLM gets tokens."""

    userinfo_endpoint: Endpoint
    """Where users are described."""

    def endpoints(self) -> tuple[str, str, str]:
        return self.authorization_endpoint, self.token_endpoint, self.userinfo_endpoint


SsoConfig = Annotated[Google | Microsoft | Okta | Generic, Field(discriminator="kind")]


class UiConfig(Section):
    """LiteLLM's admin page. See docs/ui.md."""

    enabled: bool = True
    """Serve it. With false nobody has it, inside the cluster neither; `ingress.closed: [admin]` closes it from outside."""

    username: Text | None = None
    """Who logs in with the password. LiteLLM's own default is `admin`."""

    password: Password | None = None
    """The password: with `{}` a generated one, a document `ui` of the store. Without this key it is the master key, which is
    more than a page should ask for."""

    sso: SsoConfig | None = None
    """Log in with a provider: `kind` is `google`, `microsoft`, `okta` or `generic`. LiteLLM takes five users without a
    license."""

    password_login: bool = True
    """Also take user and password where there is `sso`. With false the provider is the only way in."""

    proxy_admin: Text | None = None
    """Id of the user, as the provider says it, who administrates everything. Others see what LiteLLM's roles let them."""

    @model_validator(mode="after")
    def is_there(self) -> "UiConfig":
        if not self.enabled and self.model_fields_set - {"enabled"}:
            raise ValueError("enabled is false, and the rest says who logs in: remove it, or enabled: false")
        if not self.password_login and self.sso is None:
            raise ValueError("passwordLogin is false, and there is no sso: nobody could log in")
        return self

    @property
    def variables(self) -> dict[str, str]:
        """Plain variables of the gateway."""
        return {
            **({} if self.enabled else {"DISABLE_ADMIN_UI": "True"}),
            **({"UI_USERNAME": self.username} if self.username else {}),
            **({"PROXY_ADMIN_ID": self.proxy_admin} if self.proxy_admin else {}),
            **(self.sso.variables() if self.sso else {}),
        }

    @property
    def documents(self) -> dict[str, PropertyReference]:
        """Where variables are that are secrets, and that somebody else wrote."""
        existing = self.password.existing if self.password else None
        return {
            **({"UI_PASSWORD": existing} if existing else {}),
            **({f"{self.sso.prefix}_CLIENT_SECRET": self.sso.client_secret} if self.sso else {}),
        }

    def references(self) -> Iterator[tuple[str, PropertyReference]]:
        """What is read from documents of somebody else, and where the configuration says so."""
        if self.password and self.password.existing:
            yield "ui.password.existing", self.password.existing
        if self.sso:
            yield "ui.sso.clientSecret", self.sso.client_secret

    @property
    def generates(self) -> Password | None:
        """The password that the stack makes."""
        return self.password if self.password and not self.password.existing else None

    @property
    def general_settings(self) -> dict[str, Any]:
        """LiteLLM's `general_settings` of the page."""
        group = self.sso.allowed_group if self.sso else None
        mode = {
            "type": "restricted_sso_group",
            "restricted_sso_group": group.name if group else "",
            "sso_group_jwt_field": group.claim if group else "",
        }
        return {
            **({"ui_access_mode": mode} if group else {}),
            **({} if self.password_login else {"disable_password_login_when_sso_enabled": True}),
        }
