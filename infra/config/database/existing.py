"""Config key `database` of kind `existing`: a Postgres that is there already."""

import re
from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from infra.config.aws.vpc import REGION, shaped
from infra.config.base import Host, Port, Section
from infra.config.database.common import (
    DocumentCredentials,
    DocumentLogin,
    Identifier,
    Login,
    SecretCredentials,
    SecretLogin,
    TokenSection,
    source_of_credentials,
)

RDS_HOST = rf"[a-z0-9.-]+\.({REGION})\.rds\.amazonaws\.com(?:\.cn)?"
"""The name that RDS gives to a server, with its region."""


class ReadReplica(Section):
    """A copy of the server that only answers reads. Each worker opens as many connections to it as to the server."""

    host: Host
    """Host name, IPv4 or IPv6 address of the replica, as pods reach it."""

    port: Port = 5432
    """Port of the replica."""

    max_connections: Annotated[int, Field(ge=1)] | None = None
    """The replica's `max_connections`. When given, a gateway that could ask for more is refused."""


class ExistingDatabase(TokenSection):
    """A Postgres that is there already: Amazon RDS, Cloud SQL, a server of your own."""

    kind: Literal["existing"]
    """`existing`: a server that is there already."""

    host: Host | None = None
    """Host name, IPv4 or IPv6 address of the server, as pods reach it. Required, unless `credentials` say where it is."""

    port: Port = 5432
    """Port of the server."""

    max_connections: Annotated[int, Field(ge=1)] | None = None
    """The server's `max_connections`. When given, a gateway that could ask for more is refused."""

    credentials: Annotated[
        Annotated[Literal["generated"], Tag("generated")]
        | Annotated[DocumentLogin, Tag("from-document")]
        | Annotated[SecretLogin, Tag("from-secret")],
        Discriminator(
            source_of_credentials,
            custom_error_type="unknown_source",
            custom_error_message="must be generated, or {document, usernameProperty, passwordProperty}, or "
            "{kubernetesSecret, usernameKey, passwordKey}",
        ),
    ] = "generated"
    """LiteLLM's user name and password: `generated` (with `username`; needs `admin`), a document of the store, or a Kubernetes
    Secret. The last two may have the host, the port and the name of the database as well, or the whole URL; or the password
    alone, where `username` stands here."""

    admin: (
        Annotated[
            Annotated[DocumentCredentials, Tag("from-document")] | Annotated[SecretCredentials, Tag("from-secret")],
            Discriminator(source_of_credentials),
        ]
        | None
    ) = None
    """Who creates LiteLLM's role and database: a role that may (`CREATEROLE CREATEDB`), from a document of the store or a
    Kubernetes Secret. Without one, both must exist."""

    read_replica: ReadReplica | None = None
    """A replica for LiteLLM's reads (`DATABASE_URL_READ_REPLICA`), with the same login, database and TLS. Defaults to none."""

    admin_database: Identifier = "postgres"
    """The database that the admin logs in to."""

    resource_id: (
        Annotated[str, shaped(r"(db|cluster)-[A-Z0-9]+", "a resource ID of RDS such as db-ABCDEFGHIJKL01234")] | None
    ) = None
    """With `iamAuthentication`: the server's resource ID at RDS (`DbiResourceId`, of Aurora `DbClusterResourceId`), which
    the policy of the pods' role names."""

    @property
    def connection_limit(self) -> int | None:
        """Connections that the server accepts; None when nobody says how many."""
        return self.max_connections

    @property
    def is_at_rds(self) -> bool:
        return self.rds_region is not None

    @property
    def url_is_given(self) -> bool:
        return self.login is not None and "url" in self.login.properties

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the server: "" and 0 where only the login knows them."""
        parts = self.login.properties if self.login else {}
        whole = self.url_is_given
        return "" if whole or "host" in parts else self.host or "", 0 if whole or "port" in parts else self.port

    @property
    def rds_region(self) -> str | None:
        """Region of the server, from its name at RDS; None for every other name."""
        found = re.fullmatch(RDS_HOST, self.host or "")
        return found[1] if found else None

    @model_validator(mode="after")
    def tokens_are_for_rds(self) -> "ExistingDatabase":
        if not self.iam_authentication:
            if self.resource_id:
                raise ValueError(
                    "resourceId is given without iamAuthentication: set that to true, or remove resourceId"
                )
            return self
        if not self.rds_region:
            raise ValueError(
                "host is another name, but with iamAuthentication it must be the server's own name at RDS "
                "(….eu-west-1.rds.amazonaws.com): a token is for that name, and no other will do"
            )
        if self.credentials != "generated":
            raise ValueError(
                "credentials have a password, but with iamAuthentication there is none: remove credentials"
            )
        if self.read_replica:
            raise ValueError(
                "readReplica needs a password, but with iamAuthentication there is none: remove readReplica"
            )
        return self

    @field_validator("admin", "credentials", mode="before")
    @classmethod
    def one_source(cls, value: object, info: ValidationInfo) -> object:
        if value is None or isinstance(value, Section) or (isinstance(value, str) and info.field_name == "credentials"):
            return value
        given = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        if len({"document", "kubernetesSecret"} & set(given)) != 1:
            raise ValueError("must have exactly one of document (a path in the store) and kubernetesSecret (a name)")
        return given

    @property
    def login(self) -> Login | None:
        """Where somebody else keeps LiteLLM's login; None where it is generated."""
        if self.credentials == "generated":
            return None
        given = self.credentials
        if "username" not in self.model_fields_set or self.names_the_user(given):
            return given
        field = "username_property" if isinstance(given, DocumentLogin) else "username_key"
        return given.model_copy(update={field: None})

    @staticmethod
    def names_the_user(given: Login) -> bool:
        """Whether a login says itself where its user name is."""
        return bool({"username_property", "username_key", "url_property", "url_key"} & given.model_fields_set)

    @model_validator(mode="after")
    def credentials_fit_together(self) -> "ExistingDatabase":
        login = self.login
        if login is None:
            if self.host is None:
                raise ValueError("host is required: where is the server?")
            if self.admin is None and not self.iam_authentication:
                raise ValueError(
                    "credentials are generated, so somebody must create the role: set admin to a document of the store or a "
                    "kubernetesSecret, or set credentials to a document with the user name and password of an existing role"
                )
            return self
        where = "document" if isinstance(login, DocumentLogin) else "Secret"
        kind = "Property" if isinstance(login, DocumentLogin) else "Key"
        if "username" in self.model_fields_set and {"username", "url"} & login.properties.keys():
            raise ValueError(
                f"username is taken from the {where} in credentials: remove it here, or username{kind} there"
            )
        if self.rotation:
            raise ValueError(
                f"rotation generates passwords, but credentials come from a {where}: remove rotation, and write a new version "
                f"of the {where} instead"
            )
        if "url" in login.properties:
            self.url_says_it_all(login, kind)
        else:
            self.parts_are_there_once(login, kind)
        return self

    def url_says_it_all(self, login: Login, kind: str) -> None:
        doubled = [
            f"{part}{kind}"
            for part in ("username", "password", "host", "port", "database")
            if f"{part}_{kind.lower()}" in login.model_fields_set
        ]
        if doubled:
            raise ValueError(f"credentials.url{kind} is the whole login: remove {', '.join(doubled)} there")
        ours = {
            "host": "host",
            "port": "port",
            "name": "name",
            "sslmode": "sslmode",
            "db_schema": "schema",
            "admin": "admin",
            "read_replica": "readReplica",
            "pooler": "pooler",
        }
        given = [ours[field] for field in ours if field in self.model_fields_set and getattr(self, field) is not None]
        if given:
            raise ValueError(
                f"{', '.join(given)} cannot stand beside credentials.url{kind}, which is the whole login: remove that here, or "
                "name the parts of the login one by one"
            )

    @model_validator(mode="after")
    def the_job_knows_the_authorities(self) -> "ExistingDatabase":
        if self.verified and self.admin and not self.has_authorities:
            raise ValueError(
                "sslmode is verify-full, but the image of the bootstrap Job knows no authorities: give those of the server in "
                "caCertFile"
            )
        return self

    def parts_are_there_once(self, login: Login, kind: str) -> None:
        parts = login.properties
        if self.host is None and "host" not in parts:
            raise ValueError(f"host is required, here or as credentials.host{kind}: where is the server?")
        for part, field in (("host", "host"), ("port", "port"), ("database", "name")):
            if part in parts and field in self.model_fields_set:
                raise ValueError(f"{field} is given twice, here and as credentials.{part}{kind}: remove one")
        elsewhere = [f"{part}{kind}" for part in ("host", "port", "database") if part in parts]
        if self.admin and elsewhere:
            raise ValueError(
                f"admin creates role and database, for which host, port and name must stand here: remove credentials."
                f"{', credentials.'.join(elsewhere)}, or remove admin where both exist"
            )
        if self.admin and isinstance(login, SecretLogin):
            raise ValueError(
                "admin is given, but whoever made the Secret in credentials made its role, too: remove admin"
            )
