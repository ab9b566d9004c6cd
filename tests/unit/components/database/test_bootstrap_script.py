"""The bootstrap script against a real Postgres."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.database.scripts import BOOTSTRAP
from tests.unit.components.database.postgres_server import ADMIN, ADMIN_PASSWORD, Server, binaries, running_server

PROGRAMS = binaries()
HARD = "p@ss/w:rd?#[x]%&+ =é\"'\\`$(id)$HOME"
OWNER_OF = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = '{}'"

pytestmark = pytest.mark.skipif(PROGRAMS is None, reason="no Postgres programs in PATH or /usr/lib/postgresql/*/bin")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    assert PROGRAMS
    with running_server(PROGRAMS) as running:
        yield running


def variables(role: str, password: str = HARD, **others: str) -> dict[str, str]:
    """The environment of a bootstrap for `role` and a database of the same name."""
    return {
        "ADMIN_USERNAME": ADMIN,
        "ADMIN_PASSWORD": ADMIN_PASSWORD,
        "ADMIN_DATABASE": "postgres",
        "ROLE_USERNAME": role,
        "ROLE_PASSWORD": password,
        "DATABASE": role,
        "WAIT_SECONDS": "0",
    } | others


def bootstrap(server: Server, environment: dict[str, str]) -> str:
    done = server.run_script(BOOTSTRAP, environment)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def refused(server: Server, environment: dict[str, str]) -> str:
    """The message with which the script fails; no password is ever in it."""
    done = server.run_script(BOOTSTRAP, environment)
    assert done.returncode != 0, done.stdout
    for name in ("ADMIN_PASSWORD", "ROLE_PASSWORD"):
        assert not environment[name] or environment[name] not in done.stdout + done.stderr
    return done.stderr


def test_the_role_logs_in_to_a_database_that_it_owns(server: Server) -> None:
    bootstrap(server, variables("fresh"))
    assert server.sql("SELECT current_user", "fresh", HARD, "fresh") == "fresh"
    assert server.sql(OWNER_OF.format("fresh")) == "fresh"


def test_the_role_has_no_rights_on_the_server(server: Server) -> None:
    bootstrap(server, variables("plain"))
    rights = "rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
    assert server.sql(f"SELECT {rights} FROM pg_roles WHERE rolname = 'plain'") == "f"


def test_nobody_else_may_connect_to_the_database(server: Server) -> None:
    bootstrap(server, variables("private"))
    server.sql("CREATE ROLE stranger LOGIN PASSWORD 'stranger'")
    assert "permission denied" in server.refuses("stranger", "stranger", "private")


def test_a_second_run_keeps_role_and_data(server: Server) -> None:
    bootstrap(server, variables("again"))
    server.sql("CREATE TABLE kept (id int)", "again", HARD, "again")
    role = server.sql("SELECT oid FROM pg_roles WHERE rolname = 'again'")
    bootstrap(server, variables("again"))
    assert server.sql("SELECT count(*) FROM kept", "again", HARD, "again") == "0"
    assert server.sql("SELECT oid FROM pg_roles WHERE rolname = 'again'") == role


def test_a_run_with_a_new_password_replaces_the_old_one(server: Server) -> None:
    bootstrap(server, variables("rotated", "old password"))
    bootstrap(server, variables("rotated", "new password"))
    assert server.sql("SELECT 1", "rotated", "new password", "rotated") == "1"
    assert "authentication failed" in server.refuses("rotated", "old password", "rotated")


def test_the_statement_log_has_a_verifier_and_no_password(server: Server) -> None:
    bootstrap(server, variables("logged", "plaintext-to-look-for"))
    assert re.search(r"""ALTER USER "?logged"? PASSWORD 'SCRAM-SHA-256\$""", server.log)
    assert "plaintext-to-look-for" not in server.log
    assert ADMIN_PASSWORD not in server.log


def test_no_process_has_a_password_in_its_arguments(server: Server, tmp_path: Path) -> None:
    """A `psql` in front of the real one writes down its arguments."""
    recorder = tmp_path / "psql"
    recorder.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/arguments\nexec {server.binaries}/psql "$@"\n')
    recorder.chmod(recorder.stat().st_mode | stat.S_IXUSR)
    done = server.run_script(BOOTSTRAP, variables("silent", "plaintext-to-look-for"), path=tmp_path)
    assert done.returncode == 0, done.stderr
    arguments = (tmp_path / "arguments").read_text()
    assert "\\password" in arguments
    assert "plaintext-to-look-for" not in arguments
    assert ADMIN_PASSWORD not in arguments


def test_names_need_no_care(server: Server) -> None:
    """`dbname=…` would be a connection string, quotes an injection."""
    role, database = "we\"ird Rôle'; --", "dbname=x \"y\" 'z'"
    bootstrap(server, variables(role, DATABASE=database))
    assert server.sql("SELECT current_database()", role, HARD, database) == database


def test_an_admin_needs_no_more_than_to_create_roles_and_databases(server: Server) -> None:
    """Managed servers, such as Amazon RDS, give nobody a superuser."""
    server.sql("CREATE ROLE managed LOGIN CREATEROLE CREATEDB PASSWORD 'managed'")
    admin = {"ADMIN_USERNAME": "managed", "ADMIN_PASSWORD": "managed"}
    bootstrap(server, variables("tenant", "first", **admin))
    bootstrap(server, variables("tenant", **admin))
    assert server.sql(OWNER_OF.format("tenant")) == "tenant"
    assert server.sql("SELECT 1", "tenant", HARD, "tenant") == "1"


def test_a_database_of_the_admin_gets_tables_of_the_role(server: Server) -> None:
    """Amazon RDS makes the first database together with the server, for its admin."""
    server.sql("CREATE ROLE master LOGIN CREATEROLE CREATEDB PASSWORD 'master'")
    server.sql("CREATE DATABASE ready OWNER master")
    bootstrap(server, variables("guest", DATABASE="ready", ADMIN_USERNAME="master", ADMIN_PASSWORD="master"))
    server.sql("CREATE TABLE mine (id int)", "guest", HARD, "ready")
    assert server.sql(OWNER_OF.format("ready")) == "master"


def test_a_database_of_somebody_else_is_refused(server: Server) -> None:
    server.sql("CREATE ROLE outsider LOGIN CREATEROLE CREATEDB PASSWORD 'outsider'")
    server.sql("CREATE ROLE landlord")
    server.sql("CREATE DATABASE taken OWNER landlord")
    outsider = {"ADMIN_USERNAME": "outsider", "ADMIN_PASSWORD": "outsider"}
    message = refused(server, variables("lodger", DATABASE="taken", **outsider))
    assert "database taken" in message
    assert "landlord" in message


def test_a_role_without_login_gets_it(server: Server) -> None:
    server.sql("CREATE ROLE dormant NOLOGIN")
    bootstrap(server, variables("dormant"))
    assert server.sql("SELECT 1", "dormant", HARD, "dormant") == "1"


def test_a_wrong_admin_password_is_named(server: Server) -> None:
    message = refused(server, variables("unmade", ADMIN_PASSWORD="not the password"))
    assert "admin login failed" in message
    assert "password authentication failed" in message


def test_an_admin_that_may_not_create_roles_is_named(server: Server) -> None:
    server.sql("CREATE ROLE powerless LOGIN PASSWORD 'powerless'")
    message = refused(server, variables("unmade", ADMIN_USERNAME="powerless", ADMIN_PASSWORD="powerless"))
    assert "creating role unmade failed: does the admin have CREATEROLE?" in message


def test_an_admin_that_may_not_create_databases_is_named(server: Server) -> None:
    server.sql("CREATE ROLE halfway LOGIN CREATEROLE PASSWORD 'halfway'")
    message = refused(server, variables("homeless", ADMIN_USERNAME="halfway", ADMIN_PASSWORD="halfway"))
    assert "creating database homeless failed: does the admin have CREATEDB" in message


def test_a_server_that_does_not_answer_is_named(server: Server) -> None:
    message = refused(server, variables("unmade", PGPORT="1"))
    assert "no Postgres answers at 127.0.0.1:1" in message
    assert "refused" in message


def test_a_server_without_tls_is_named_when_tls_is_required(server: Server) -> None:
    message = refused(server, variables("unmade", PGSSLMODE="require"))
    assert "admin login failed" in message
    assert "SSL" in message


def test_a_superuser_is_never_the_role_of_the_gateway(server: Server) -> None:
    server.sql("CREATE ROLE mighty LOGIN SUPERUSER PASSWORD 'mighty'")
    assert "is a superuser" in refused(server, variables("mighty"))
    assert server.sql("SELECT 1", "mighty", "mighty") == "1", "its password was changed"


def test_the_admin_is_never_the_role_of_the_gateway(server: Server) -> None:
    assert "are the same" in refused(server, variables(ADMIN))


@pytest.mark.parametrize("password", ["", "two\nlines", "carriage\rreturn"])
def test_a_password_that_psql_cannot_set_is_refused(server: Server, password: str) -> None:
    assert "password" in refused(server, variables("unmade", password))


MEMBERSHIP = "SELECT pg_has_role('{}', '{}', 'MEMBER')"


RDS_ADMIN, RDS_ADMIN_PASSWORD = "rds_admin", "password of the admin on RDS"


@pytest.fixture(scope="module")
def guarded(server: Server) -> Server:
    """The server with the rule of Amazon RDS: passwords of members of `rds_iam`, direct or not, are refused."""
    rules = server.folder / "data" / "pg_hba.conf"
    rules.write_text(f"host all +rds_iam 127.0.0.1/32 reject\n{rules.read_text()}")
    server.sql("SELECT pg_reload_conf()")
    server.sql(f"CREATE ROLE {RDS_ADMIN} LOGIN CREATEROLE CREATEDB PASSWORD '{RDS_ADMIN_PASSWORD}'")
    return server


@pytest.fixture
def rds(guarded: Server) -> Iterator[Server]:
    guarded.sql("CREATE ROLE rds_iam NOLOGIN")
    yield guarded
    guarded.sql("DROP ROLE rds_iam")


def on_rds(role: str, *, tokens: bool) -> dict[str, str]:
    admin = {"ADMIN_USERNAME": RDS_ADMIN, "ADMIN_PASSWORD": RDS_ADMIN_PASSWORD}
    return variables(role, **admin, IAM_AUTHENTICATION=str(tokens).lower())


def admin_logs_in(rds: Server) -> bool:
    return rds.sql("SELECT 1", RDS_ADMIN, RDS_ADMIN_PASSWORD) == "1"


def test_a_role_with_tokens_has_no_use_for_its_password(rds: Server) -> None:
    bootstrap(rds, on_rds("token", tokens=True))
    assert rds.sql(MEMBERSHIP.format("token", "rds_iam")) == "t"
    assert rds.sql(OWNER_OF.format("token")) == "token"
    assert "rejects connection" in rds.refuses("token", HARD, "token")


def test_a_role_with_tokens_needs_no_password_at_all(rds: Server) -> None:
    """The Job has none to give it: what the role proves its login with, nobody knows afterwards."""
    given = on_rds("passwordless", tokens=True)
    del given["ROLE_PASSWORD"]
    bootstrap(rds, given)
    assert rds.sql(OWNER_OF.format("passwordless")) == "passwordless"
    assert rds.sql(MEMBERSHIP.format("passwordless", "rds_iam")) == "t"
    assert admin_logs_in(rds)


def test_without_tokens_a_password_is_needed(server: Server) -> None:
    assert "empty user name or password" in refused(server, variables("nothing", ""))


def test_the_admin_of_a_role_with_tokens_is_not_locked_out(rds: Server) -> None:
    """A member of the role would be a member of `rds_iam` too, and the admin has only its password."""
    bootstrap(rds, on_rds("sealed", tokens=True))
    assert rds.sql(MEMBERSHIP.format("rds_admin", "rds_iam")) == "f"
    assert admin_logs_in(rds)


def test_a_second_run_with_tokens_never_takes_them_away(rds: Server) -> None:
    """Pods that connect in between would be refused."""
    bootstrap(rds, on_rds("steady", tokens=True))
    seen = len(rds.log)
    assert "as before" in bootstrap(rds, on_rds("steady", tokens=True))
    assert "REVOKE" not in rds.log[seen:]
    assert rds.sql(MEMBERSHIP.format("steady", "rds_iam")) == "t"


def test_a_role_may_change_from_a_password_to_tokens_and_back(rds: Server) -> None:
    bootstrap(rds, on_rds("changing", tokens=False))
    assert rds.sql("SELECT 1", "changing", HARD, "changing") == "1"
    bootstrap(rds, on_rds("changing", tokens=True))
    assert "rejects connection" in rds.refuses("changing", HARD, "changing")
    assert admin_logs_in(rds)
    bootstrap(rds, on_rds("changing", tokens=False))
    assert rds.sql("SELECT 1", "changing", HARD, "changing") == "1"


def test_a_lost_database_of_a_role_with_tokens_is_made_again(rds: Server) -> None:
    bootstrap(rds, on_rds("lost", tokens=True))
    rds.sql("DROP DATABASE lost")
    bootstrap(rds, on_rds("lost", tokens=True))
    assert rds.sql(OWNER_OF.format("lost")) == "lost"
    assert rds.sql(MEMBERSHIP.format("lost", "rds_iam")) == "t"
    assert admin_logs_in(rds)


def test_an_admin_that_would_be_locked_out_is_named_and_is_not(rds: Server) -> None:
    rds.sql("CREATE ROLE between")
    rds.sql("CREATE ROLE bound LOGIN")
    rds.sql("GRANT bound TO between")
    rds.sql("GRANT between TO rds_admin")
    message = refused(rds, on_rds("bound", tokens=True))
    assert "granting rds_iam to role bound failed" in message
    assert "could not log in any more" in message
    assert rds.sql(MEMBERSHIP.format("bound", "rds_iam")) == "f"
    assert admin_logs_in(rds)
    rds.sql("DROP ROLE between")


def test_tokens_on_a_server_that_is_not_amazons_are_refused(server: Server) -> None:
    message = refused(server, variables("elsewhere", IAM_AUTHENTICATION="true"))
    assert "granting rds_iam to role elsewhere failed: is this Amazon RDS" in message
