"""Config key `database`."""

import re
from typing import Any
from urllib.parse import quote_plus, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from infra.config.database.common import DocumentCredentials, SecretCredentials
from infra.config.database.existing import ExistingDatabase
from infra.config.database.kinds import DatabaseConfig, InClusterDatabase, connections_available
from infra.config.database.rds import RdsDatabase, default_connections

ADAPTER: TypeAdapter[Any] = TypeAdapter(DatabaseConfig)
ADMIN = {"document": "shared/postgres"}
HARD = "p@ss/w:rd?#[x]%&+ =é\"'\\`"


def existing(**others: Any) -> dict[str, Any]:
    return {"kind": "existing", "host": "db.example.com", "admin": ADMIN} | others


LOGIN = {"kind": "existing"}
PARTS = {"document": "app", "hostProperty": "host", "portProperty": "port", "databaseProperty": "dbname"}
WHOLE = {"document": "app", "urlProperty": "DATABASE_URL"}
SECRET = {"kubernetesSecret": "db-app"}

SUBNETS = ["subnet-0a1b2c3d", "subnet-0a1b2c3d4e5f67890"]


def rds(**others: Any) -> dict[str, Any]:
    placement = {"vpcId": "vpc-0a1b2c3d", "subnetIds": SUBNETS, "clientSecurityGroupIds": ["sg-0a1b2c3d"]}
    return {"kind": "rds", **placement} | others


def problems(given: object) -> dict[str, str]:
    """Every message of a refused section, by the path it is about."""
    with pytest.raises(ValidationError) as caught:
        ADAPTER.validate_python(given)
    return {".".join(str(part) for part in error["loc"]): error["msg"] for error in caught.value.errors()}


def rendered(template: str, username: str, password: str) -> str:
    """What ESO makes of a template: Go's `urlquery` escapes exactly what `quote_plus` does."""
    values = {"username": username, "password": password}
    replacement = r'{{ \.(\w+) \| urlquery \| replace "\+" "%20" }}'
    return re.sub(replacement, lambda found: quote_plus(values[found[1]]).replace("+", "%20"), template)


def test_nothing_said_is_a_postgres_in_the_cluster() -> None:
    section = ADAPTER.validate_python({})
    assert isinstance(section, InClusterDatabase)
    assert (section.name, section.username, section.sslmode) == ("litellm", "litellm", "disable")
    assert (section.storage, section.max_connections) == ("10Gi", 100)


def test_the_kind_may_be_left_out() -> None:
    assert ADAPTER.validate_python({"storage": None}) == InClusterDatabase(storage=None)


def test_an_existing_server_needs_only_a_host_and_an_admin() -> None:
    section = ADAPTER.validate_python(existing())
    assert isinstance(section, ExistingDatabase)
    assert (section.port, section.sslmode, section.credentials) == (5432, "require", "generated")
    assert section.admin == DocumentCredentials(document="shared/postgres")


def test_the_admin_may_be_in_a_secret_of_the_cluster() -> None:
    admin = {"kubernetesSecret": "master", "usernameKey": "user"}
    assert ADAPTER.validate_python(existing(admin=admin)).admin == SecretCredentials.model_validate(admin)


def test_a_role_that_exists_needs_no_admin() -> None:
    section = ADAPTER.validate_python(
        {"kind": "existing", "host": "db.example.com", "credentials": {"document": "app", "passwordProperty": "pw"}}
    )
    assert section.credentials.password_property == "pw"
    assert section.admin is None


def test_rds_needs_only_a_place_and_its_clients() -> None:
    section = ADAPTER.validate_python(rds())
    assert isinstance(section, RdsDatabase)
    assert (section.sslmode, section.engine_version, section.backup_retention_days) == ("verify-full", "16", 7)
    assert (section.deletion_protection, section.final_snapshot) == (None, None), "these follow protect"


def test_the_storage_may_be_kept_from_growing() -> None:
    assert ADAPTER.validate_python(rds(allocatedStorage=1000, maxAllocatedStorage=None)).max_allocated_storage is None


def test_parameters_may_be_written_as_numbers() -> None:
    section = ADAPTER.validate_python(rds(parameters={"log_min_duration_statement": 1000, "seq_page_cost": 0.5}))
    assert section.parameters == {"log_min_duration_statement": "1000", "seq_page_cost": "0.5"}


def test_the_server_is_told_how_many_connections_were_asked_for() -> None:
    """Otherwise the check of the gateway's pool would count on something that the server does not know."""
    section = ADAPTER.validate_python(rds(maxConnections=300, parameters={"work_mem": "8192"}))
    assert section.server_parameters == {"work_mem": "8192", "max_connections": "300"}
    assert ADAPTER.validate_python(rds()).server_parameters == {}


def test_rds_keeps_two_connections_for_itself() -> None:
    assert ADAPTER.validate_python(rds(maxConnections=300)).connection_limit == 298


@pytest.mark.parametrize(
    ("instance_class", "measured"),
    [
        ("db.t3.micro", 81),
        ("db.t4g.medium", 405),
        ("db.m6gd.large", 839),
        ("db.r5.large", 1700),
        ("db.m7g.16xlarge", 5000),
    ],
)
def test_the_default_of_rds_is_not_overestimated(instance_class: str, measured: int) -> None:
    """`measured` is what such servers have been seen with; the estimate stays below, and in its magnitude."""
    assert 0.6 * measured < (default_connections(instance_class) or 0) <= measured


@pytest.mark.parametrize("unknown", ["db.q9.large", "db.r5.2xlarge.tpc2.mem4x", "db.m5.metal"])
def test_a_class_of_unknown_memory_is_not_checked(unknown: str) -> None:
    assert default_connections(unknown) is None
    assert ADAPTER.validate_python(rds(instanceClass=unknown)).connection_limit is None


def test_the_other_kinds_have_the_limit_that_was_given() -> None:
    assert ADAPTER.validate_python({"maxConnections": 50}).connection_limit == 50
    assert ADAPTER.validate_python(existing()).connection_limit is None
    assert ADAPTER.validate_python(existing(maxConnections=200)).connection_limit == 200


def test_iam_tokens_need_no_password_in_the_environment() -> None:
    variables = ADAPTER.validate_python(rds(iamAuthentication=True, name="gateway")).token_variables
    assert variables == {
        "IAM_TOKEN_DB_AUTH": "True",
        "DATABASE_USER": "litellm",
        "DATABASE_NAME": "gateway",
        "DATABASE_SSLMODE": "verify-full",
        "DATABASE_SSLROOTCERT": "/etc/litellm-certificates/database.crt",
    }


@pytest.mark.parametrize(
    ("given", "path", "message"),
    [
        ({"kind": "mysql"}, "", "in-cluster (the default), existing, rds or cloudnative-pg"),
        ({"size": "1Gi"}, "in-cluster.size", "not permitted"),
        ({"storage": "lots"}, "in-cluster.storage", "pattern"),
        ({"storage": None, "storageClass": "fast"}, "in-cluster", "storageClass is given, but storage is null"),
        ({"sslmode": "require"}, "in-cluster.sslmode", "has no certificate"),
        ({"sslmode": "on"}, "in-cluster.sslmode", "'disable', 'prefer', 'require' or 'verify-full'"),
        ({"username": "postgres"}, "in-cluster.username", "is the superuser"),
        ({"username": "pg_litellm"}, "in-cluster.username", "must not start with pg_"),
        ({"username": "é" * 32}, "in-cluster.username", "63 bytes"),
        ({"name": ""}, "in-cluster.name", "63 bytes"),
        ({"name": "two\nlines"}, "in-cluster.name", "control characters"),
        ({"rotation": -1}, "in-cluster.rotation", "greater than or equal to 0"),
        ({"maxConnections": 0}, "in-cluster.maxConnections", "greater than or equal to 10"),
        ({"kind": "existing", "admin": ADMIN}, "existing", "host is required"),
        (existing(host="postgresql://db"), "existing.host", "a host name in lower-case letters, or an IPv4 or IPv6"),
        (existing(host="[fd00::1]"), "existing.host", "without brackets"),
        (
            LOGIN | {"credentials": {"document": "app"}},
            "existing",
            "host is required, here or as credentials.hostProperty",
        ),
        (LOGIN | {"credentials": PARTS, "host": "db"}, "existing", "host is given twice"),
        (LOGIN | {"credentials": PARTS, "port": 5432}, "existing", "port is given twice"),
        (LOGIN | {"credentials": PARTS, "name": "x"}, "existing", "name is given twice"),
        (
            LOGIN | {"credentials": PARTS, "admin": ADMIN},
            "existing",
            "remove credentials.hostProperty, credentials.port",
        ),
        (
            LOGIN | {"credentials": WHOLE, "host": "db"},
            "existing",
            "host cannot stand beside credentials.urlProperty",
        ),
        (
            LOGIN | {"credentials": WHOLE, "sslmode": "require", "schema": "x"},
            "existing",
            "sslmode, schema cannot stand beside",
        ),
        (LOGIN | {"credentials": WHOLE, "admin": ADMIN}, "existing", "admin cannot stand beside"),
        (LOGIN | {"credentials": WHOLE | {"hostProperty": "h"}}, "existing", "whole login: remove hostProperty"),
        (LOGIN | {"credentials": WHOLE | {"kubernetesSecret": "x"}}, "existing.credentials", "exactly one of document"),
        (LOGIN | {"credentials": SECRET, "admin": ADMIN, "host": "db"}, "existing", "made its role, too"),
        (LOGIN | {"credentials": WHOLE, "readReplica": {"host": "r"}}, "existing", "readReplica cannot stand beside"),
        (
            LOGIN | {"credentials": SECRET | {"usernameKey": "u"}, "username": "x", "host": "db"},
            "existing",
            "taken from the Secret",
        ),
        (existing(port=0), "existing.port", "greater than or equal to 1"),
        ({"kind": "existing", "host": "db"}, "existing", "set admin to a document"),
        (existing(admin={}), "existing.admin", "exactly one of document"),
        (existing(admin=ADMIN | {"kubernetesSecret": "x"}), "existing.admin", "exactly one of document"),
        (existing(admin="generated"), "existing.admin", "exactly one of document"),
        (
            existing(credentials={"document": "app", "usernameProperty": "u"}, username="app"),
            "existing",
            "username is taken",
        ),
        (existing(credentials={"document": "app"}, rotation=1), "existing", "remove rotation"),
        (existing(credentials={"document": "an app "}), "existing.credentials.from-document.document", "pattern"),
        (existing(credentials="random"), "existing.credentials.generated", "'generated'"),
        ({"kind": "rds"} | {key: value for key, value in rds().items() if key != "vpcId"}, "rds.vpcId", "required"),
        (rds(vpcId="main"), "rds.vpcId", "such as vpc-"),
        (rds(subnetIds=SUBNETS[:1]), "rds.subnetIds", "at least 2"),
        (rds(subnetIds=SUBNETS[:1] * 2), "rds.subnetIds", "must not name anything twice"),
        (rds(clientSecurityGroupIds=[]), "rds.clientSecurityGroupIds", "at least 1"),
        (rds(instanceClass="m7g.large"), "rds.instanceClass", "such as db.t4g.medium"),
        (rds(engineVersion="14"), "rds.engineVersion", "from 15 on"),
        (rds(engineVersion="16.8.1"), "rds.engineVersion", "from 15 on"),
        (rds(allocatedStorage=10), "rds.allocatedStorage", "greater than or equal to 20"),
        (rds(allocatedStorage=100, maxAllocatedStorage=109), "rds", "at least 10 % more"),
        (rds(backupRetentionDays=36), "rds.backupRetentionDays", "less than or equal to 35"),
        (rds(sslmode="prefer"), "rds.sslmode", "refuses connections without TLS"),
        (rds(username="postgres"), "rds.username", "is the admin"),
        (rds(username="rdsadmin"), "rds.username", "names that start with rds"),
        (rds(parameters={"rds.force_ssl": "0"}), "rds.parameters", "TLS stays required"),
        (rds(parameters={"max_connections": "10"}), "rds.parameters", "use maxConnections"),
        (rds(parameters={"work mem": "1"}), "rds.parameters", "names of parameters"),
        (rds(kmsKeyId="alias/mine"), "rds.kmsKeyId", "no alias"),
        (rds(iamAuthentication=True, rotation=1), "rds", "remove rotation"),
        (rds(iamAuthentication=True, username="lite*"), "rds", "IAM policy"),
        (rds(admin=ADMIN), "rds.admin", "not permitted"),
        (rds(password="in plain text"), "rds.password", "not permitted"),
    ],
)
def test_a_mistake_is_named_with_its_place(given: object, path: str, message: str) -> None:
    found = problems(given)
    assert list(found) == [path]
    assert message in found[path]


def test_the_url_says_where_and_how() -> None:
    url = urlsplit(rendered(ADAPTER.validate_python(existing()).url_template("db.example.com", 6432), "user", "x"))
    assert (url.scheme, url.hostname, url.port) == ("postgresql", "db.example.com", 6432)
    assert (url.path, url.query) == ("/litellm", "sslmode=require")


@given(username=st.text(min_size=1), password=st.text(min_size=1))
def test_any_user_and_password_survive_the_url(username: str, password: str) -> None:
    url = urlsplit(rendered(InClusterDatabase().url_template("h", 5432), username, password))
    assert unquote(url.username or "") == username
    assert unquote(url.password or "") == password
    assert url.hostname == "h"


def test_a_space_in_a_password_is_no_plus() -> None:
    """A URL's user part is not a form: `+` would arrive as a plus."""
    url = rendered(InClusterDatabase().url_template("h", 5432), "litellm", HARD)
    assert url == (
        "postgresql://litellm:p%40ss%2Fw%3Ard%3F%23%5Bx%5D%25%26%2B%20%3D%C3%A9%22%27%5C%60@h:5432/litellm?sslmode=disable"
    )


def test_a_name_cannot_break_out_of_the_url_or_the_template() -> None:
    template = InClusterDatabase(name="a/b?{{ .password }}").url_template("h", 5432)
    assert unquote(urlsplit(rendered(template, "user", "secret")).path) == "/a/b?{{ .password }}"


def test_the_url_uses_the_values_it_is_told_to() -> None:
    template = InClusterDatabase().url_template("h", 5432, username="database_user", password="database_password")
    assert re.findall(r"{{ \.(\w+)", template) == ["database_user", "database_password"]


def test_a_value_that_a_template_cannot_name_is_refused() -> None:
    with pytest.raises(ValueError, match="master-key"):
        InClusterDatabase().url_template("h", 5432, password="master-key")


def test_a_server_keeps_some_connections_for_superusers() -> None:
    assert connections_available(100) == 97
    assert connections_available(1) == 0


def test_a_login_may_say_where_the_server_is() -> None:
    section = ADAPTER.validate_python(LOGIN | {"credentials": PARTS})
    assert section.host is None
    assert section.login.properties == {
        "username": "username",
        "password": "password",
        "host": "host",
        "port": "port",
        "database": "dbname",
    }


def test_a_whole_url_is_the_whole_login() -> None:
    assert ADAPTER.validate_python(LOGIN | {"credentials": WHOLE}).login.properties == {"url": "DATABASE_URL"}


def test_a_login_may_be_the_secret_of_cloudnative_pg() -> None:
    keys = {"hostKey": "host", "portKey": "port", "databaseKey": "dbname"}
    login = ADAPTER.validate_python(LOGIN | {"credentials": SECRET | keys}).login
    assert login.properties["database"] == "dbname"
    assert login.kubernetes_secret == "db-app"


@pytest.mark.parametrize(
    ("given", "shown"), [("fd00::1", "[fd00::1]"), ("FD00:0::1", "[fd00::1]"), ("10.0.0.1", "10.0.0.1")]
)
def test_an_address_of_ipv6_has_brackets_in_the_url_only(given: str, shown: str) -> None:
    section = ADAPTER.validate_python(existing(host=given))
    assert section.host == shown.strip("[]")
    assert f"@{shown}:5432/" in section.url_template(section.host, 5432)


def test_a_schema_is_part_of_the_url() -> None:
    section = ADAPTER.validate_python(existing(schema="lite llm"))
    assert section.url_template("db", 5432).endswith("?sslmode=require&schema=lite+llm")


PASSWORD_ALONE = {
    "kind": "existing",
    "host": "h",
    "credentials": {"document": "all", "passwordProperty": "db_password"},
}


def test_the_user_name_may_stand_here_and_the_password_in_a_document():
    login = ExistingDatabase.model_validate({**PASSWORD_ALONE, "username": "llmproxy"}).login
    assert login is not None
    assert login.properties == {"password": "db_password"}
