"""The Jobs that give the users of a Redis their turns, against a real one that is never restarted."""

import hashlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.cache.redis import alternating_template, configuration_template
from components.cache.users import GIVE, LOCK
from tests import programs
from tests.unit.components.cache.redis_server import Server, running_server

MEMORY = 32 * 1024**2
PASSWORDS = {name: f"{name} 'p@ss\" $(id)" for name in ("first", "second", "third")}
FIRST, SECOND, THIRD = PASSWORDS.values()
BEFORE, ONE, OTHER = ("default", FIRST), ("litellm", SECOND), ("litellm_clone", THIRD)
Login = tuple[str, str]


def rendered(template: str, user: str, password: str) -> str:
    """The file as External Secrets Operator writes it."""
    hashed = hashlib.sha256(password.encode()).hexdigest()
    text = template.replace("{{ .password | sha256sum }}", hashed).replace("{{ .username }}", user)
    # The test's own address and folder follow.
    return re.sub(r"(?m)^(bind|port|dir) .*\n", "", text)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A Redis as every release before made it, with a counter in it."""
    with running_server(tmp_path, rendered(configuration_template(MEMORY), *BEFORE)) as running:
        running.ask(*BEFORE, "SET", "counter", "7")
        yield running


def environment(now: Login, before: Login) -> dict[str, str]:
    return {
        "ROLE_USERNAME": now[0],
        "ROLE_PASSWORD": now[1],
        "OTHER_USERNAME": before[0],
        "OTHER_PASSWORD": before[1],
        "MAX_MEMORY": str(MEMORY),
        "WAIT_SECONDS": "1",
        "PATIENCE_SECONDS": "1",
    }


def done(server: Server, script: str, now: Login, before: Login) -> str:
    ended = server.run_script(script, environment(now, before))
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def refused(server: Server, script: str, now: Login, before: Login) -> str:
    ended = server.run_script(script, environment(now, before))
    assert ended.returncode != 0, ended.stdout
    assert not [password for _, password in (now, before) if password in ended.stdout + ended.stderr]
    return ended.stderr


def rotate(server: Server, now: Login, before: Login) -> None:
    done(server, GIVE, now, before)
    done(server, LOCK, now, before)


def test_both_users_log_in_after_a_rotation_and_see_the_same(server: Server) -> None:
    done(server, GIVE, ONE, BEFORE)
    assert [server.ask(*login, "GET", "counter") for login in (BEFORE, ONE)] == ["7", "7"]


def test_the_default_user_is_locked_but_for_the_probes_of_its_pod(server: Server) -> None:
    rotate(server, ONE, BEFORE)
    assert server.ask(*BEFORE, "-e", "PING") == "PONG"
    assert "NOPERM" in server.ask(*BEFORE, "GET", "counter")
    assert "NOPERM" in server.ask(*BEFORE, "ACL", "LIST")
    assert server.ask(*ONE, "GET", "counter") == "7"


def test_rotations_go_from_one_to_the_other_and_back(server: Server) -> None:
    rotate(server, ONE, BEFORE)
    rotate(server, OTHER, ONE)
    assert "WRONGPASS" in server.ask(*ONE, "GET", "counter")
    again = ("litellm", FIRST + " again")
    rotate(server, again, OTHER)
    assert "WRONGPASS" in server.ask(*OTHER, "GET", "counter")
    assert server.ask(*again, "GET", "counter") == "7"


def test_a_second_run_of_either_changes_nothing(server: Server) -> None:
    """An `up` that was interrupted."""
    for script in (GIVE, GIVE, LOCK, LOCK, GIVE):
        done(server, script, ONE, BEFORE)
    assert server.ask(*ONE, "GET", "counter") == "7"
    assert "NOPERM" in server.ask(*BEFORE, "GET", "counter")


def test_a_connection_of_the_user_before_goes_on(server: Server) -> None:
    rotate(server, ONE, BEFORE)
    done(server, GIVE, OTHER, ONE)
    command = [programs.needed("redis-cli"), "-p", str(server.port), "--user", ONE[0], "--no-auth-warning"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env={"REDISCLI_AUTH": ONE[1]}, stdin=pipe, stdout=pipe, text=True) as connected:
        assert connected.stdin
        assert connected.stdout
        connected.stdin.write("GET counter\n")
        connected.stdin.flush()
        assert connected.stdout.readline() == "7\n"
        done(server, LOCK, OTHER, ONE)
        answer, _ = connected.communicate("GET counter\n", timeout=30)
    assert answer == "7\n"


def test_nobody_is_locked_before_the_next_one_can_log_in(server: Server) -> None:
    assert "so default is not locked" in refused(server, LOCK, ONE, BEFORE)
    assert server.ask(*BEFORE, "GET", "counter") == "7"


def test_a_server_that_knows_neither_is_named(server: Server) -> None:
    message = refused(server, GIVE, OTHER, ONE)
    assert "neither litellm_clone nor litellm can log in" in message


def test_a_server_that_does_not_answer_is_named(server: Server) -> None:
    ended = server.run_script(GIVE, environment(ONE, BEFORE) | {"PORT": "1"})
    assert "no Redis answers at 127.0.0.1:1" in ended.stderr


def test_memory_for_data_changes_without_a_restart(server: Server) -> None:
    ended = server.run_script(GIVE, environment(ONE, BEFORE) | {"MAX_MEMORY": "20000000"})
    assert ended.returncode == 0, ended.stderr
    assert server.ask(*ONE, "CONFIG", "GET", "maxmemory").splitlines() == ["maxmemory", "20000000"]


def test_no_process_has_a_password_in_its_arguments(server: Server, tmp_path: Path) -> None:
    """A `redis-cli` in front of the real one writes down its arguments."""
    real = programs.needed("redis-cli")
    recorder = tmp_path / "redis-cli"
    recorder.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/arguments\nexec {real} "$@"\n')
    recorder.chmod(0o755)
    for script in (GIVE, LOCK):
        ended = server.run_script(script, environment(ONE, BEFORE) | {"PATH": f"{tmp_path}:/usr/bin:/bin"})
        assert ended.returncode == 0, ended.stderr
    arguments = (tmp_path / "arguments").read_text()
    assert "ACL\nWHOAMI" in arguments
    assert not [text for text in PASSWORDS.values() if text in arguments]
    assert hashlib.sha256(SECOND.encode()).hexdigest() not in arguments


def test_a_server_that_is_made_later_begins_with_the_user_of_now(tmp_path: Path) -> None:
    with running_server(tmp_path, rendered(alternating_template(MEMORY), *ONE)) as made:
        assert made.ask(*ONE, "PING") == "PONG"
        assert made.ask("default", ONE[1], "-e", "PING") == "PONG", "its probes log in so"
        assert "NOPERM" in made.ask("default", ONE[1], "GET", "counter")
        done(made, GIVE, ONE, BEFORE)
        done(made, LOCK, ONE, BEFORE)
        assert made.ask("default", ONE[1], "-e", "PING") == "PONG"


def test_kubernetes_leaves_the_scripts_as_they_are() -> None:
    """In a command, the kubelet reads `$$` as `$` and replaces `$(NAME)` where NAME is a variable."""
    for script in (GIVE, LOCK):
        assert "$$" not in script
        assert not [name for name in environment(ONE, BEFORE) if f"$({name})" in script]
