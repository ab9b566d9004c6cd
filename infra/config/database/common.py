"""What every Postgres needs to be told: names, credentials, and how LiteLLM logs in."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, cast, get_args
from urllib.parse import quote, urlencode

from pydantic import Field, StringConstraints, model_validator

from components.certificate_files import DATABASE, path_of
from infra.config.base import SECRET_KEY, Checked, Image, ObjectName, Section, host_in_url
from infra.config.certificates import CaCertFile
from infra.config.database.pooler import PodPooler, Pooler
from infra.config.database.ssl import SslMode
from infra.config.references import DocumentReference, PropertyName, PropertyReference
from infra.config.versions import PINS

AUTHORITIES = path_of(DATABASE)
"""Where pods have the authorities of the server, where they are given."""

SUPERUSER = "postgres"
"""The superuser of the Postgres in the cluster, and the admin of one on RDS. LiteLLM never gets it."""

IDENTIFIER_BYTES = 63

CLONE = "_clone"


def identifier(value: str) -> str:
    if not 1 <= len(value.encode()) <= IDENTIFIER_BYTES:
        raise ValueError(f"must have 1 to {IDENTIFIER_BYTES} bytes: Postgres cuts off the rest")
    if not value.isprintable():
        raise ValueError("must not contain control characters")
    return value


def role_name(value: str) -> str:
    if value.startswith("pg_"):
        raise ValueError("must not start with pg_: Postgres keeps these names for itself")
    return value


Identifier = Annotated[str, Checked(identifier, f"at most {IDENTIFIER_BYTES} bytes")]
RoleName = Annotated[Identifier, Checked(role_name, f"at most {IDENTIFIER_BYTES} bytes, not starting with pg_")]
SecretKey = Annotated[str, StringConstraints(pattern=SECRET_KEY)]


class DocumentCredentials(DocumentReference):
    """A user name and a password in a document that is in the store already. They are referenced, never read."""

    username_property: PropertyName = "username"
    """Property with the user name."""

    password_property: PropertyName = "password"  # noqa: S105 - a name
    """Property with the password."""

    def at(self, name: str) -> PropertyReference:
        """One of the properties."""
        return PropertyReference(document=self.document, mount=self.mount, property=name)


class SecretCredentials(Section):
    """A user name and a password in a Kubernetes Secret, in the namespace of the gateway."""

    kubernetes_secret: ObjectName
    """Name of the Secret."""

    username_key: SecretKey = "username"
    """Key with the user name."""

    password_key: SecretKey = "password"  # noqa: S105 - a name
    """Key with the password."""


Part = Literal["username", "password", "host", "port", "database", "url"]
"""What a login can have in its document or Secret."""


class DocumentLogin(DocumentCredentials):
    """How LiteLLM logs in, from a document that is in the store already: user name and password at least, or the whole URL."""

    host_property: PropertyName | None = None
    """Property with the host. Without one: `host`."""

    port_property: PropertyName | None = None
    """Property with the port. Without one: `port`."""

    database_property: PropertyName | None = None
    """Property with the name of the database. Without one: `name`."""

    url_property: PropertyName | None = None
    """Property with the whole connection URL, in place of everything else: `postgresql://user:password@host:5432/database`,
    with `sslmode` and the like in it. A `caCertFile` is `/etc/litellm-certificates/database.crt` there (`sslrootcert=`)."""

    @property
    def properties(self) -> dict[Part, str]:
        """Where each part of the login is."""
        return parts(self, "property")


class SecretLogin(SecretCredentials):
    """How LiteLLM logs in, from a Kubernetes Secret in the namespace of the gateway, such as CloudNativePG's `<cluster>-app`:
    at least a user name and a password, or the whole URL. External Secrets Operator reads it."""

    host_key: SecretKey | None = None
    """Key with the host. Without one: `host` of the section."""

    port_key: SecretKey | None = None
    """Key with the port. Without one: `port` of the section."""

    database_key: SecretKey | None = None
    """Key with the name of the database. Without one: `name` of the section."""

    url_key: SecretKey | None = None
    """Key with the whole connection URL, in place of everything else."""

    @property
    def properties(self) -> dict[Part, str]:
        """Where each part of the login is."""
        return parts(self, "key")


Login = DocumentLogin | SecretLogin


def parts(login: Section, kind: str) -> dict[Part, str]:
    found: dict[Part, str | None] = {part: getattr(login, f"{part}_{kind}", None) for part in get_args(Part)}
    if found["url"]:
        return {"url": found["url"]}
    return {part: name for part, name in found.items() if name}


def source_of_credentials(value: object) -> str:
    if isinstance(value, str):
        return "generated"
    given = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    return "from-secret" if isinstance(value, SecretCredentials) or "kubernetesSecret" in given else "from-document"


class DatabaseSection(Section):
    """What every kind of database has."""

    image: Image = PINS["postgres"].image
    """The official Postgres image, Debian-based, 15 or later. The bootstrap Job runs its `psql`, for an existing server too."""

    name: Identifier = "litellm"
    """Name of LiteLLM's database."""

    username: RoleName = "litellm"
    """Name of LiteLLM's role in Postgres, which is no superuser."""

    sslmode: SslMode = "require"
    """TLS between LiteLLM and Postgres: `disable`, `prefer` (when the server has it), `require`, or `verify-full`, which also
    makes sure that it is the right server: its certificate must be for its host, and signed by a known authority."""

    db_schema: Annotated[Identifier | None, Field(alias="schema")] = None
    """Schema of LiteLLM's tables in the database. Defaults to `public`."""

    pod_pooler: PodPooler | None = None
    """A PgBouncer in each pod of LiteLLM, which keeps the connections to the server down. Defaults to none."""

    rotation: Annotated[int, Field(ge=0)] = 0
    """Raise it to generate a new password for LiteLLM's role. The admin's password stays."""

    rotation_strategy: Literal["alternating-users", "single-user"] = "alternating-users"
    """How a rotation goes: with `alternating-users` the new password is that of another user of the same role (`username` with
    `_clone` behind it, and back), so that pods go on with theirs until they are replaced; the user before is locked then. With
    `single-user` there is one, and pods cannot open new connections until they are replaced."""

    replaces: Literal["in-cluster", "rds", "cloudnative-pg"] | None = None
    """Kind of the database that this stack has had until now, and whose data may go: somebody has copied it. Without it another
    `kind`, or another namespace, is refused (docs/runbooks/changes.md). Remove it afterwards. Defaults to none."""

    @property
    def alternate(self) -> str:
        """Name of the second user: as AWS' functions that rotate two users call it, cut where Postgres would cut it."""
        return self.username.encode()[: IDENTIFIER_BYTES - len(CLONE)].decode(errors="ignore") + CLONE

    def url_template(
        self,
        host: str,
        port: int | str,
        username: str | None = "username",
        password: str = "password",  # noqa: S107 - a name
        database: str | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> str:
        """The connection URL, as an ESO template (engine v2) that uses the values called `username` and `password`.

        `host` and `port` may be templates themselves. `username` is None where the section has it, `database` is the value
        with the name of the database where it has not, and `parameters` are others than those of the section.
        """
        name = percent_encoded(database) if database else quote(self.name, safe="")
        user = percent_encoded(username) if username else quote(self.username, safe="")
        where = host if "{{" in host else host_in_url(host)
        return (
            f"postgresql://{user}:{percent_encoded(password)}"
            f"@{where}:{port}/{name}?{urlencode(parameters or self.url_parameters, safe='/')}"
        )

    @property
    def url_parameters(self) -> dict[str, str]:
        """What stands behind the `?` of the connection URL."""
        return {"sslmode": self.sslmode} | ({"schema": self.db_schema} if self.db_schema else {})


class NearbySection(DatabaseSection):
    """What servers in the gateway's namespace have."""

    wait_seconds: Annotated[int, Field(ge=0, le=60)] = 10
    """Seconds that LiteLLM waits for Postgres when it is away, through a relay in each pod (`database-relay`): a restart is a
    late answer then, and no 503 for a virtual key. LiteLLM itself waits for 10 at most, unless its
    `PROXY_DB_LOOKUP_DEADLINE_SECONDS` says more. There is no relay with 0, and none for a LiteLLM that answers without its
    database (`allow_requests_on_db_unavailable`)."""


class TokenSection(DatabaseSection):
    """What servers have that may take IAM tokens instead of passwords: those of Amazon RDS."""

    iam_authentication: bool = False
    """LiteLLM logs in to Amazon RDS with tokens of its pods' IAM role: there is no password. The stack makes the role and
    lets it, where it has `secrets.kind: aws`."""

    ca_cert_file: CaCertFile | None = None
    """With `sslmode: verify-full`: file with the authorities that the server's certificate may be signed by, in PEM, from the
    folder of the stack files. Defaults to those of Amazon RDS for a server there, otherwise to those of LiteLLM's image."""

    pooler: Pooler | None = None
    """A pooler between the pods and the server. Defaults to none."""

    @property
    def is_at_rds(self) -> bool:
        """Whether the server is one of Amazon RDS."""
        return False

    @property
    def url_is_given(self) -> bool:
        """Whether somebody else wrote the whole connection URL."""
        return False

    @property
    def verified(self) -> bool:
        return self.sslmode == "verify-full"

    @property
    def takes_authorities_of_rds(self) -> bool:
        """Whether pods need the authorities of Amazon RDS, which are in no image."""
        return self.verified and self.ca_cert_file is None and self.is_at_rds

    @property
    def has_authorities(self) -> bool:
        """Whether pods get a file with the authorities of this server."""
        return self.ca_cert_file is not None or self.takes_authorities_of_rds

    @property
    def url_parameters(self) -> dict[str, str]:
        file = {"sslrootcert": AUTHORITIES} if self.verified and self.has_authorities else {}
        return super().url_parameters | file

    @property
    def token_variables(self) -> dict[str, str]:
        """What LiteLLM reads to log in with IAM tokens, but for DATABASE_HOST, DATABASE_PORT and AWS_REGION."""
        return {
            "IAM_TOKEN_DB_AUTH": "True",
            "DATABASE_USER": self.username,
            "DATABASE_NAME": self.name,
            "DATABASE_SSLMODE": self.sslmode,
            **({"DATABASE_SCHEMA": self.db_schema} if self.db_schema else {}),
            **({"DATABASE_SSLROOTCERT": AUTHORITIES} if self.verified and self.has_authorities else {}),
        }

    @model_validator(mode="after")
    def pooler_fits(self) -> "TokenSection":
        if self.pooler is None:
            return self
        if self.iam_authentication:
            raise ValueError("pooler takes passwords, but with iamAuthentication there is none: remove one of them")
        if self.pod_pooler:
            raise ValueError("pooler and podPooler are two for the same: remove one of them")
        if self.url_is_given:
            raise ValueError(
                "pooler needs the parts of the login, but credentials have a whole URL: name the parts one by one"
            )
        return self

    @property
    def pooler_parameters(self) -> dict[str, str]:
        """What stands behind the `?` of the URL that goes through the pooler."""
        mode = self.pooler.sslmode if self.pooler else None
        return self.model_copy(update={"sslmode": mode or self.sslmode}).url_parameters | {"pgbouncer": "true"}

    @model_validator(mode="after")
    def authorities_are_asked(self) -> "TokenSection":
        if self.ca_cert_file is not None and not self.verified and not self.url_is_given:
            raise ValueError(
                f"caCertFile has no effect with sslmode {self.sslmode}: use verify-full, or remove caCertFile"
            )
        return self

    @model_validator(mode="after")
    def tokens_need_no_password(self) -> "TokenSection":
        if not self.iam_authentication:
            return self
        if self.rotation:
            raise ValueError("rotation generates passwords, but with iamAuthentication there is none: remove rotation")
        if self.sslmode not in ("require", "verify-full"):
            raise ValueError(
                "sslmode must be require or verify-full with iamAuthentication: RDS takes tokens over TLS only"
            )
        if not re.fullmatch(r"[A-Za-z0-9_.@-]+", self.username):
            raise ValueError(
                "username becomes part of an IAM policy with iamAuthentication: use letters, digits, _ . @ and - only"
            )
        return self


def percent_encoded(value: str) -> str:
    """Template text that writes a value into a URL, whatever characters it has.

    `urlquery` writes a space as `+`, which only a query decodes; a `+` of the value itself is `%2B` by then.
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", value):
        raise ValueError(f"{value!r} cannot be used in a template: use letters, digits and _")
    return f'{{{{ .{value} | urlquery | replace "+" "%20" }}}}'
