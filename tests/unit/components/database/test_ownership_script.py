"""Bootstrap and drop of a role and a database with a mark, against a real Postgres that others use, too."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from components.database.scripts import ALTERNATING, BOOTSTRAP
from tests.unit.components.database.postgres_server import ADMIN, ADMIN_PASSWORD, Server, binaries, running_server
from tests.unit.components.database.test_bootstrap_script import bootstrap, refused, variables

DROP = Path(__file__).parents[4] / "tools" / "ephemeral" / "drop.sh"
PROGRAMS = binaries()
MARK = "litellm/ephemeral/0c1a55e5/pr-1/00000001"
OTHER = "litellm/ephemeral/0c1a55e5/pr-1/00000002"
ROLES = "SELECT rolname FROM pg_roles WHERE rolname LIKE 'env%' ORDER BY 1"
DATABASES = "SELECT datname FROM pg_database WHERE datname LIKE 'env%' ORDER BY 1"
COMMENT = "SELECT shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = '{}'"

pytestmark = pytest.mark.skipif(PROGRAMS is None, reason="no Postgres programs in PATH or /usr/lib/postgresql/*/bin")


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    assert PROGRAMS
    with running_server(PROGRAMS) as server:
        yield server


@pytest.fixture
def server(running: Server) -> Iterator[Server]:
    """A server without roles and databases of a test before."""
    yield running
    for database in running.sql(DATABASES).split():
        running.sql(f'DROP DATABASE "{database}"')
    for role in running.sql(ROLES).split():
        running.sql(f'DROP ROLE "{role}"')


def drop(server: Server, role: str, mark: str) -> None:
    done = server.run_script(DROP, variables(role, MARK=mark))
    assert done.returncode == 0, done.stderr


def test_the_role_says_whose_it_is(server: Server):
    bootstrap(server, variables("env_pr_1", MARK=MARK))
    assert server.sql(COMMENT.format("env_pr_1")) == MARK
    bootstrap(server, variables("env_pr_1", MARK=MARK))


def test_a_role_of_somebody_else_is_refused_and_keeps_its_password(server: Server):
    server.sql("CREATE ROLE env_pr_1 LOGIN PASSWORD 'theirs'")
    message = refused(server, variables("env_pr_1", MARK=MARK))
    assert f"role env_pr_1 exists already, and does not belong to {MARK}" in message
    assert server.sql("SELECT 1", "env_pr_1", "theirs", "postgres") == "1"


def test_a_role_of_an_environment_before_is_refused(server: Server):
    bootstrap(server, variables("env_pr_1", MARK=OTHER))
    assert "does not belong to" in refused(server, variables("env_pr_1", MARK=MARK))


def test_a_database_of_somebody_else_is_refused(server: Server):
    server.sql("CREATE DATABASE env_pr_1")
    assert "database env_pr_1 exists already" in refused(server, variables("env_pr_1", MARK=MARK))
    assert not server.sql(ROLES)


def test_both_are_dropped_with_somebody_still_connected(server: Server):
    bootstrap(server, variables("env_pr_1", MARK=MARK))
    connected = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'env_pr_1'"
    sleeper = Thread(target=server.psql, args=("SELECT pg_sleep(20)", ADMIN, ADMIN_PASSWORD, "env_pr_1"), daemon=True)
    sleeper.start()
    while server.sql(connected) != "1":
        assert sleeper.is_alive()
    drop(server, "env_pr_1", MARK)
    assert not server.sql(ROLES)
    assert not server.sql(DATABASES)


def test_a_second_drop_finds_nothing_to_do(server: Server):
    bootstrap(server, variables("env_pr_1", MARK=MARK))
    drop(server, "env_pr_1", MARK)
    drop(server, "env_pr_1", MARK)


def test_a_role_without_its_database_is_dropped_too(server: Server):
    """The bootstrap was killed in between."""
    server.sql(f"BEGIN; CREATE ROLE env_pr_1; COMMENT ON ROLE env_pr_1 IS '{MARK}'; COMMIT")
    drop(server, "env_pr_1", MARK)
    assert not server.sql(ROLES)


@pytest.mark.parametrize("comment", [f"'{OTHER}'", "NULL", f"'{MARK} '"])
def test_what_carries_another_mark_or_none_stays(server: Server, comment: str):
    server.sql("CREATE ROLE env_pr_1")
    server.sql(f"COMMENT ON ROLE env_pr_1 IS {comment}")
    server.sql("CREATE DATABASE env_pr_1 OWNER env_pr_1")
    drop(server, "env_pr_1", MARK)
    assert server.sql(ROLES) == "env_pr_1"
    assert server.sql(DATABASES) == "env_pr_1"


def test_a_database_of_that_name_that_the_role_does_not_own_stays(server: Server):
    bootstrap(server, variables("env_pr_1", MARK=MARK, DATABASE="env_other"))
    server.sql("CREATE DATABASE env_pr_1")
    server.sql("ALTER DATABASE env_other OWNER TO CURRENT_USER")
    server.sql("REVOKE ALL ON DATABASE env_other FROM env_pr_1")
    drop(server, "env_pr_1", MARK)
    assert server.sql(DATABASES).split() == ["env_other", "env_pr_1"]


def test_without_a_mark_nothing_is_dropped(server: Server):
    bootstrap(server, variables("env_pr_1"))
    assert server.run_script(DROP, variables("env_pr_1", MARK="")).returncode != 0
    assert server.sql(DATABASES) == "env_pr_1"


@pytest.mark.parametrize("user", ["env_pr_1", "env_pr_1_clone"])
def test_both_users_of_an_environment_are_dropped_whoever_logs_in_now(server: Server, user: str):
    bootstrap(server, variables("env_pr_1", MARK=MARK))
    users = {"OWNER": "env_pr_1", "ALTERNATE": "env_pr_1_clone", "DATABASE": "env_pr_1", "MARK": MARK}
    done = server.run_script(ALTERNATING, variables("env_pr_1_clone", **users), None, BOOTSTRAP)
    assert done.returncode == 0, done.stderr
    done = server.run_script(DROP, variables(user, **users))
    assert done.returncode == 0, done.stderr
    assert not server.sql(ROLES)
    assert not server.sql(DATABASES)
