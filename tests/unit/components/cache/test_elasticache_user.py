"""A user of ElastiCache, of two that take turns."""

from typing import Any

import pytest

from components.cache.elasticache_user import ElastiCacheUser
from tests.recording import Recording, run

USER = "aws:elasticache/user:User"
PASSWORD = "a-password-to-look-for-everywhere"


def recorded(**others: Any) -> Recording:
    given: Any = {
        "user_id": "redis-0a1b2c3d-litellm-clone",
        "username": "litellm_clone",
        "password": PASSWORD,
        "engine": "valkey",
        "active": True,
    }

    def program() -> dict[str, Any]:
        ElastiCacheUser("redis-litellm-clone", given | others)
        return {}

    return run(program, preview=True)


@pytest.mark.parametrize(("active", "rights"), [(True, "on ~* &* +@all"), (False, "off ~* &* +@all")])
def test_whose_turn_is_over_cannot_log_in_and_may_finish(active: bool, rights: str) -> None:
    assert recorded(active=active).inputs(USER)["accessString"] == rights


def test_the_password_is_a_secret() -> None:
    assert any(path.startswith("passwords") for path in recorded().one(USER).secret_paths)
