"""The Job that ends the login of the user whose turn is over."""

import re
from typing import Any

import pytest

from components.database.lock import DatabaseLock
from components.database.scripts import LOCK
from tests.recording import Recording, run
from tests.unit.components.database.test_bootstrap import JOB, arguments, environment

USERS = {"owner": "litellm", "alternate": "litellm_clone"}


def recorded(**others: Any) -> Recording:
    return run(lambda: {"completed": DatabaseLock("database-lock", arguments(**others)).completed})


def test_the_script_gets_every_variable_that_it_reads() -> None:
    names = set(re.findall(r"\$\{?([A-Z_]{3,})", LOCK)) | set(re.findall(r"getenv \w+ (\w+)", LOCK))
    assert names - {"SECONDS", "IN_DATABASE", "PREVIOUS"} <= set(environment(recorded(**USERS, mark="m")))


def test_kubernetes_leaves_the_script_as_it_is() -> None:
    assert "$$" not in LOCK
    assert not [name for name in environment(recorded(**USERS)) if f"$({name})" in LOCK]


def test_credentials_are_only_references() -> None:
    given = environment(recorded(**USERS))
    assert given["ADMIN_PASSWORD"] == {"name": "database-admin-1", "key": "password"}
    assert given["ROLE_PASSWORD"] == {"name": "database-1", "key": "password"}


def test_another_secret_is_another_lock() -> None:
    assert recorded(**USERS).inputs(JOB)["spec"] != recorded(**USERS, role_secret="database-2").inputs(JOB)["spec"]
    assert recorded(**USERS).one(JOB).replace_on_changes == ("spec",)


def test_a_lock_that_failed_is_tried_again_by_the_next_up() -> None:
    job = recorded(**USERS).inputs(JOB)
    assert job["metadata"]["annotations"]["pulumi.com/replaceUnready"] == "true"
    assert job["spec"]["backoffLimit"] == 2


def test_it_knows_for_how_long_pods_may_need_their_login() -> None:
    assert environment(recorded(**USERS, drain_seconds=90))["DRAIN_SECONDS"] == "90"


def test_with_one_user_there_is_nobody_to_lock() -> None:
    with pytest.raises(ValueError, match="owner and alternate"):
        recorded()
