"""Config key `database` of kind `existing`: a Postgres that is there already."""

import re
from typing import Annotated, Any, Literal, cast

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from infra.config.aws.vpc import REGION, shaped
from infra.config.base import DnsName, Port, Section
from infra.config.database.common import (
    DocumentCredentials,
    Identifier,
    SecretCredentials,
    TokenSection,
    source_of_credentials,
)

RDS_HOST = rf"[a-z0-9.-]+\.({REGION})\.rds\.amazonaws\.com(?:\.cn)?"
"""The name that RDS gives to a server, with its region."""


class ExistingDatabase(TokenSection):
    """A Postgres that is there already: Amazon RDS, Cloud SQL, a server of your own."""

    kind: Literal["existing"]
    """`existing`: a server that is there already."""

    host: DnsName
    """Host name or IPv4 address of the server, as pods reach it."""

    port: Port = 5432
    """Port of the server."""

    max_connections: Annotated[int, Field(ge=1)] | None = None
    """The server's `max_connections`. When given, a gateway that could ask for more is refused."""

    credentials: Annotated[
        Annotated[Literal["generated"], Tag("generated")] | Annotated[DocumentCredentials, Tag("from-document")],
        Discriminator(
            source_of_credentials,
            custom_error_type="unknown_source",
            custom_error_message="must be generated, or {document, usernameProperty, passwordProperty}",
        ),
    ] = "generated"
    """LiteLLM's user name and password: `generated` (with `username`; needs `admin`), or a document of the store."""

    admin: (
        Annotated[
            Annotated[DocumentCredentials, Tag("from-document")] | Annotated[SecretCredentials, Tag("from-secret")],
            Discriminator(source_of_credentials),
        ]
        | None
    ) = None
    """Who creates LiteLLM's role and database: a role that may (`CREATEROLE CREATEDB`), from a document of the store or a
    Kubernetes Secret. Without one, both must exist."""

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
    def rds_region(self) -> str | None:
        """Region of the server, from its name at RDS; None for every other name."""
        found = re.fullmatch(RDS_HOST, self.host)
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
        return self

    @field_validator("admin", mode="before")
    @classmethod
    def one_source(cls, value: object) -> object:
        if value is None or isinstance(value, Section):
            return value
        given = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
        if len({"document", "kubernetesSecret"} & set(given)) != 1:
            raise ValueError("must have exactly one of document (a path in the store) and kubernetesSecret (a name)")
        return given

    @model_validator(mode="after")
    def credentials_fit_together(self) -> "ExistingDatabase":
        if self.credentials == "generated":
            if self.admin is None and not self.iam_authentication:
                raise ValueError(
                    "credentials are generated, so somebody must create the role: set admin to a document of the store or a "
                    "kubernetesSecret, or set credentials to a document with the user name and password of an existing role"
                )
            return self
        if "username" in self.model_fields_set:
            raise ValueError("username is taken from the document in credentials: remove username")
        if self.rotation:
            raise ValueError(
                "rotation generates passwords, but credentials come from a document: remove rotation, and write a new version "
                "of the document instead"
            )
        return self
