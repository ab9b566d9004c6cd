"""Bootstrap and lock of a role with two users, against a real Postgres: a rotation takes the other user."""

import re
from collections.abc import Iterator

import pytest

from components.database.scripts import ALTERNATING, BOOTSTRAP, LOCK
from tests.unit.components.database.postgres_server import ADMIN, ADMIN_PASSWORD, Server, binaries, running_server
from tests.unit.components.database.test_bootstrap_script import HARD, OWNER_OF, bootstrap, variables

PROGRAMS = binaries()
OWNER, ALTERNATE = "gateway", "gateway_clone"
FIRST, SECOND, THIRD = "the first " + HARD, "the second " + HARD, "the third " + HARD
MANAGED = "an admin that is no superuser"
ADMINS = {
    "superuser": {"ADMIN_USERNAME": ADMIN, "ADMIN_PASSWORD": ADMIN_PASSWORD},
    "managed": {"ADMIN_USERNAME": "managed", "ADMIN_PASSWORD": MANAGED},
}
"""Managed servers, such as Amazon RDS, give nobody a superuser."""

OWNER_OF_TABLE = "SELECT tableowner FROM pg_tables WHERE tablename = '{}'"
MAY_LOG_IN = "SELECT rolcanlogin FROM pg_roles WHERE rolname = '{}'"
MARK = "litellm/ephemeral/0c1a55e5/pr-1/00000001"

pytestmark = pytest.mark.skipif(PROGRAMS is None, reason="no Postgres programs in PATH or /usr/lib/postgresql/*/bin")


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    assert PROGRAMS
    with running_server(PROGRAMS) as server:
        server.sql(f"CREATE ROLE managed LOGIN CREATEROLE CREATEDB PASSWORD '{MANAGED}'")
        yield server


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    yield running
    running.sql(f"DROP DATABASE IF EXISTS {OWNER} WITH (FORCE)")
    for role in (ALTERNATE, OWNER):
        running.sql(f"DROP ROLE IF EXISTS {role}")


@pytest.fixture(params=sorted(ADMINS))
def admin(request: pytest.FixtureRequest) -> dict[str, str]:
    return ADMINS[request.param]


def environment(user: str, password: str, **others: str) -> dict[str, str]:
    own = {"DATABASE": OWNER, "OWNER": OWNER, "ALTERNATE": ALTERNATE, "PATIENCE_SECONDS": "1", "DRAIN_SECONDS": "60"}
    return variables(user, password, **(own | others))


def alternate(server: Server, user: str, password: str, **others: str) -> str:
    done = server.run_script(ALTERNATING, environment(user, password, **others), None, BOOTSTRAP)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def refused(server: Server, script: str, user: str, password: str, **others: str) -> str:
    done = server.run_script(script, environment(user, password, **others), None, BOOTSTRAP)
    assert done.returncode != 0, done.stdout
    assert password not in done.stdout + done.stderr
    return done.stderr


def lock(server: Server, user: str, password: str, **others: str) -> str:
    done = server.run_script(LOCK, environment(user, password, **others))
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def stands(server: Server, admin: dict[str, str]) -> None:
    """A stack with one user, as every release before made it, and a table of LiteLLM's."""
    bootstrap(server, variables(OWNER, FIRST, **admin))
    server.sql("CREATE TABLE before (id int)", OWNER, FIRST, OWNER)


def test_both_users_log_in_after_a_rotation(server: Server) -> None:
    stands(server, ADMINS["managed"])
    alternate(server, ALTERNATE, SECOND, **ADMINS["managed"])
    assert server.sql("SELECT 1", ALTERNATE, SECOND, OWNER) == "1"
    assert server.sql("SELECT 1", OWNER, FIRST, OWNER) == "1", "the pods that still run have this one"


def test_what_the_second_user_makes_belongs_to_the_owner(server: Server) -> None:
    stands(server, ADMINS["managed"])
    alternate(server, ALTERNATE, SECOND, **ADMINS["managed"])
    server.sql("CREATE TABLE after (id int)", ALTERNATE, SECOND, OWNER)
    assert server.sql(OWNER_OF_TABLE.format("after"), database=OWNER) == OWNER


def test_the_second_user_changes_tables_of_before(server: Server, admin: dict[str, str]) -> None:
    """What Prisma's migrations do, and only an owner may."""
    stands(server, admin)
    alternate(server, ALTERNATE, SECOND, **admin)
    server.sql("ALTER TABLE before ADD COLUMN more int", ALTERNATE, SECOND, OWNER)
    server.sql("CREATE INDEX of_more ON before (more)", ALTERNATE, SECOND, OWNER)
    server.sql("CREATE SCHEMA of_its_own", ALTERNATE, SECOND, OWNER)


def test_the_first_user_uses_what_the_second_one_made(server: Server) -> None:
    stands(server, ADMINS["managed"])
    alternate(server, ALTERNATE, SECOND, **ADMINS["managed"])
    server.sql("CREATE TABLE after (id int)", ALTERNATE, SECOND, OWNER)
    alternate(server, OWNER, THIRD, **ADMINS["managed"])
    server.sql("ALTER TABLE after ADD COLUMN more int", OWNER, THIRD, OWNER)


def test_the_user_before_is_locked(server: Server, admin: dict[str, str]) -> None:
    stands(server, admin)
    alternate(server, ALTERNATE, SECOND, **admin)
    assert f"{OWNER} cannot log in any more" in lock(server, ALTERNATE, SECOND, **admin)
    assert "not permitted to log in" in server.refuses(OWNER, FIRST, OWNER)
    assert server.sql("SELECT 1", ALTERNATE, SECOND, OWNER) == "1"


def test_a_rotation_comes_back_to_the_first_user(server: Server, admin: dict[str, str]) -> None:
    stands(server, admin)
    alternate(server, ALTERNATE, SECOND, **admin)
    lock(server, ALTERNATE, SECOND, **admin)
    alternate(server, OWNER, THIRD, **admin)
    assert server.sql("SELECT 1", OWNER, THIRD, OWNER) == "1"
    assert server.sql("SELECT 1", ALTERNATE, SECOND, OWNER) == "1"
    lock(server, OWNER, THIRD, **admin)
    assert "not permitted to log in" in server.refuses(ALTERNATE, SECOND, OWNER)
    assert "authentication failed" in server.refuses(OWNER, FIRST, OWNER)


def test_and_goes_on_to_the_second_one(server: Server, admin: dict[str, str]) -> None:
    stands(server, admin)
    for user, password in ((ALTERNATE, SECOND), (OWNER, THIRD), (ALTERNATE, FIRST)):
        alternate(server, user, password, **admin)
        lock(server, user, password, **admin)
    assert server.sql("SELECT current_user", ALTERNATE, FIRST, OWNER) == OWNER


def test_a_second_run_of_either_changes_nothing(server: Server, admin: dict[str, str]) -> None:
    """An `up` that was interrupted."""
    stands(server, admin)
    for _ in range(2):
        alternate(server, ALTERNATE, SECOND, **admin)
    for _ in range(2):
        lock(server, ALTERNATE, SECOND, **admin)
    assert server.sql("SELECT 1", ALTERNATE, SECOND, OWNER) == "1"
    assert server.sql(MAY_LOG_IN.format(OWNER)) == "f"


def test_sessions_of_the_user_before_go_on_while_its_password_ends_by_itself(server: Server) -> None:
    stands(server, ADMINS["superuser"])
    alternate(server, ALTERNATE, SECOND)
    with server.session(OWNER, FIRST, OWNER) as session:
        assert "still has connections" in lock(server, ALTERNATE, SECOND, DRAIN_SECONDS="0")
        assert "authentication failed" in server.refuses(OWNER, FIRST, OWNER)
        assert session.poll() is None, "the session was ended"


def test_a_password_that_ended_by_itself_ends_no_other_one(server: Server, admin: dict[str, str]) -> None:
    stands(server, admin)
    alternate(server, ALTERNATE, SECOND, **admin)
    server.sql(f"ALTER ROLE {OWNER} VALID UNTIL 'yesterday'")
    alternate(server, OWNER, THIRD, **admin)
    assert server.sql("SELECT 1", OWNER, THIRD, OWNER) == "1"
    server.sql(f"ALTER ROLE {ALTERNATE} VALID UNTIL 'yesterday'")
    alternate(server, ALTERNATE, FIRST, **admin)
    assert server.sql("SELECT 1", ALTERNATE, FIRST, OWNER) == "1"


def test_nobody_is_locked_before_the_next_one_can_log_in(server: Server) -> None:
    stands(server, ADMINS["superuser"])
    assert f"so {OWNER} is not locked" in refused(server, LOCK, ALTERNATE, SECOND)
    assert server.sql("SELECT 1", OWNER, FIRST, OWNER) == "1"


def test_what_a_pooler_made_the_second_user_own_is_given_to_the_owner(server: Server, admin: dict[str, str]) -> None:
    """`DISCARD ALL` of a pooler forgets as whom a session acts."""
    stands(server, admin)
    alternate(server, ALTERNATE, SECOND, **admin)
    server.sql("SET ROLE NONE; CREATE TABLE stray (id int)", ALTERNATE, SECOND, OWNER)
    assert server.sql(OWNER_OF_TABLE.format("stray"), database=OWNER) == ALTERNATE
    alternate(server, OWNER, THIRD, **admin)
    assert server.sql(OWNER_OF_TABLE.format("stray"), database=OWNER) == OWNER


def test_a_new_server_gets_owner_database_and_the_user_whose_turn_it_is(server: Server, admin: dict[str, str]) -> None:
    alternate(server, ALTERNATE, SECOND, **admin)
    assert server.sql(OWNER_OF.format(OWNER)) == OWNER
    assert server.sql("SELECT current_user", ALTERNATE, SECOND, OWNER) == OWNER
    lock(server, ALTERNATE, SECOND, **admin)
    assert server.sql(MAY_LOG_IN.format(OWNER)) == "f"


def test_the_second_user_has_no_rights_on_the_server(server: Server) -> None:
    alternate(server, ALTERNATE, SECOND, **ADMINS["managed"])
    rights = "rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls"
    assert server.sql(f"SELECT {rights} FROM pg_roles WHERE rolname = '{ALTERNATE}'") == "f"


def test_a_role_of_somebody_else_is_refused_and_keeps_its_password(server: Server) -> None:
    stands(server, ADMINS["superuser"])
    server.sql(f"CREATE ROLE {ALTERNATE} LOGIN PASSWORD 'theirs'")
    message = refused(server, ALTERNATING, ALTERNATE, SECOND)
    assert f"role {ALTERNATE} exists already, and is no user of {OWNER}'s" in message
    assert "single-user" in message
    assert server.sql("SELECT 1", ALTERNATE, "theirs", "postgres") == "1"


def test_the_user_that_a_rotation_function_of_aws_made_is_taken(server: Server) -> None:
    """`CREATE ROLE …_clone WITH LOGIN PASSWORD …; GRANT … TO …_clone`."""
    stands(server, ADMINS["superuser"])
    server.sql(f"CREATE ROLE {ALTERNATE} LOGIN PASSWORD 'lambda'")
    server.sql(f"GRANT {OWNER} TO {ALTERNATE}")
    server.sql("CREATE TABLE of_lambda (id int)", ALTERNATE, "lambda", OWNER)
    alternate(server, ALTERNATE, SECOND)
    assert server.sql(OWNER_OF_TABLE.format("of_lambda"), database=OWNER) == OWNER
    assert server.sql("SELECT current_user", ALTERNATE, SECOND, OWNER) == OWNER


def test_a_superuser_is_never_the_second_user(server: Server) -> None:
    stands(server, ADMINS["superuser"])
    server.sql(f"CREATE ROLE {ALTERNATE} LOGIN SUPERUSER PASSWORD 'mighty'")
    assert f"{ALTERNATE} exists and is a superuser" in refused(server, ALTERNATING, ALTERNATE, SECOND)


def test_the_second_user_says_whose_it_is(server: Server) -> None:
    bootstrap(server, variables(OWNER, FIRST, MARK=MARK))
    alternate(server, ALTERNATE, SECOND, MARK=MARK)
    comment = f"SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = '{ALTERNATE}'"
    assert server.sql(comment) == MARK
    alternate(server, ALTERNATE, SECOND, MARK=MARK)


def test_a_role_with_another_mark_gets_no_second_user(server: Server) -> None:
    bootstrap(server, variables(OWNER, FIRST, MARK=MARK + "0"))
    assert f"role {OWNER} exists already" in refused(server, ALTERNATING, ALTERNATE, SECOND, MARK=MARK)


def test_the_statement_log_has_no_password(server: Server) -> None:
    stands(server, ADMINS["managed"])
    seen = len(server.log)
    alternate(server, ALTERNATE, "plaintext-to-look-for", **ADMINS["managed"])
    lock(server, ALTERNATE, "plaintext-to-look-for", **ADMINS["managed"])
    assert re.search(rf"""ALTER USER "?{ALTERNATE}"? PASSWORD 'SCRAM-SHA-256\$""", server.log[seen:])
    assert "plaintext-to-look-for" not in server.log
