"""Whose turn it is to log in to the database, by the state of a stack and the rotations that its configuration asks for."""

from typing import Any

import pytest

from infra.turns import (
    CACHE_USER,
    CACHE_USERS,
    DATABASE,
    GENERATOR,
    JOB,
    ONE_USER_EACH,
    REVISION,
    Turn,
    check,
    there,
    turns,
)
from tests.unit.infra.stacks import config

URN = "urn:pulumi:dev::litellm::pulumi:pulumi:Stack$"


def state(locked: int | None = None, **keepers: str) -> dict[str, Any]:
    job = {"spec": {"template": {"metadata": {"annotations": {REVISION: str(locked)}}}}}
    return {
        f"{URN}{GENERATOR}::another": {"type": GENERATOR, "outputs": {"keepers": {"rotation": "7"}}},
        f"{URN}{GENERATOR}::{DATABASE.generators[0]}": {"type": GENERATOR, "outputs": {"keepers": keepers}},
    } | ({f"{URN}{JOB}::{DATABASE.lock}": {"type": JOB, "outputs": job}} if locked else {})


def of_redis(**made: dict[str, str]) -> dict[str, Any]:
    """A state with passwords of Redis: `password`, and `alternate_password` from the first rotation on."""
    return {
        f"{URN}{GENERATOR}::redis-{name.replace('_', '-')}-generator": {
            "type": GENERATOR,
            "outputs": {"keepers": keepers},
        }
        for name, keepers in made.items()
    }


def stack(rotation: int, **database: Any) -> Any:
    return config(database={"rotation": rotation, **database})


def turn(rotation: int, of: dict[str, Any], **database: Any) -> Turn:
    return turns(stack(rotation, **database), of).database


@pytest.mark.parametrize("rotation", [0, 3])
def test_a_new_stack_has_one_user(rotation: int) -> None:
    assert turn(rotation, {}) == Turn(0)


@pytest.mark.parametrize("rotation", [0, 1, 4])
def test_a_stack_that_stands_keeps_its_user_until_it_rotates(rotation: int) -> None:
    """Also one whose password an earlier release has rotated: that one had a single user."""
    assert turn(rotation, state(rotation=str(rotation))) == Turn(0)


@pytest.mark.parametrize("rotation", [1, 2])
def test_its_next_rotation_takes_the_second_user(rotation: int) -> None:
    taken = turn(rotation, state(rotation=str(rotation - 1)))
    assert (taken.alternates, taken.second) == (True, True)


def test_the_one_after_takes_the_first_again() -> None:
    taken = turn(5, state(rotation="4", turn="1"))
    assert (taken.alternates, taken.second) == (True, False)


def test_without_another_rotation_it_stays_whose_turn_it_is() -> None:
    assert turn(4, state(rotation="4", turn="1")) == Turn(1)


def test_a_single_user_has_no_second_one() -> None:
    assert turn(1, state(rotation="0"), rotationStrategy="single-user") == Turn(0)


def test_who_becomes_a_single_user_is_the_one_of_now() -> None:
    """The other one is locked."""
    assert turn(5, state(rotation="4", turn="1"), rotationStrategy="single-user") == Turn(1)


def test_objects_that_argo_cd_applies_know_no_state_and_have_one_user() -> None:
    assert turns(config(database={"rotation": 1}, gitops=True), state(rotation="0")).database == Turn(0)


def test_values_that_are_made_in_the_store_are_of_one_user() -> None:
    of_store = config(database={"rotation": 1}, secrets={"generation": "store"})
    assert turns(of_store, state(rotation="0")) == ONE_USER_EACH


def test_a_rotation_that_is_done_may_be_followed_by_another_one() -> None:
    assert not [*check(stack(5), state(locked=1, rotation="4", turn="1"))]


def test_the_first_rotation_follows_none() -> None:
    assert not [*check(stack(1), state(rotation="0"))]


@pytest.mark.parametrize("locked", [None, 1])
def test_a_rotation_that_is_not_done_is_not_followed_by_another_one(locked: int | None) -> None:
    """Pods may still have the user whose password would change."""
    (problem,) = check(stack(6), state(locked=locked, rotation="5", turn="2"))
    assert "Set it to 5" in problem


def test_it_is_finished_by_the_same_rotation() -> None:
    assert not [*check(stack(5), state(rotation="5", turn="2"))]


def test_the_second_user_is_called_as_aws_calls_it() -> None:
    assert stack(0).database.alternate == "litellm_clone"


def test_its_name_is_not_longer_than_postgres_keeps_it() -> None:
    name = stack(0, username="ü" * 31).database.alternate
    assert name.endswith("_clone")
    assert len(name.encode()) <= 63


def redis(rotation: int, of: dict[str, Any]) -> Turn:
    return turns(config(redis={"rotation": rotation}), of).redis


def test_a_redis_that_stands_keeps_its_user_until_it_rotates() -> None:
    assert redis(3, of_redis(password={"rotation": "3"})) == Turn(0)


def test_a_rotation_of_redis_knows_how_often_the_other_password_was_rotated() -> None:
    """Otherwise that one, with which the next user is let in, would be generated again."""
    assert redis(4, of_redis(password={"rotation": "3"})) == Turn(1, before=3)


def test_and_so_does_the_next_up_and_the_next_rotation() -> None:
    made = of_redis(password={"rotation": "3"}, alternate_password={"rotation": "4", "turn": "1"})
    assert redis(4, made) == Turn(1, before=3)
    assert redis(5, made) == Turn(2, before=4)


def test_a_rotation_of_redis_that_is_not_done_is_not_followed_by_another_one() -> None:
    made = of_redis(password={"rotation": "3"}, alternate_password={"rotation": "4", "turn": "1"})
    (problem,) = check(config(redis={"rotation": 5}), made)
    assert problem.startswith("litellm:redis.rotation asks for another rotation, but the one before, 4,")


def test_another_kind_of_redis_has_one_user() -> None:
    made = of_redis(password={"rotation": "3"}, alternate_password={"rotation": "4", "turn": "1"})
    existing = config(redis={"kind": "existing", "host": "redis.example.com"})
    assert turns(existing, made).redis == Turn(0)


AGENT = {"delivery": "vault-agent", "vault": {"address": "https://vault.example.com"}}


def test_users_of_the_database_take_turns_where_pods_keep_the_login_they_have() -> None:
    assert turns(config(database={"rotation": 1}, secrets=AGENT), state(rotation="0")).database == Turn(1)


def test_pods_that_get_the_newest_password_of_redis_have_one_user() -> None:
    """A pod of before gets the password of now as well, which must not be the one of somebody else."""
    made = of_redis(password={"rotation": "0"})
    assert turns(config(redis={"rotation": 1}, secrets=AGENT), made).redis == Turn(0)


def test_users_of_redis_that_took_turns_are_not_handed_to_vault_agent() -> None:
    made = of_redis(password={"rotation": "0"}, alternate_password={"rotation": "1", "turn": "1"})
    (problem,) = check(config(secrets=AGENT, redis={"rotation": 1}), made)
    assert "the users of litellm:redis have taken turns" in problem


def test_users_of_the_database_that_took_turns_are() -> None:
    made = state(locked=1, rotation="1", turn="1")
    assert not [*check(config(secrets=AGENT, database={"rotation": 1}), made)]


def test_a_stack_that_never_rotated_may_be_handed_to_it() -> None:
    assert not [*check(config(secrets=AGENT), state(rotation="0"))]


@pytest.mark.parametrize(
    ("database", "redis", "numbers"),
    [
        ({"username": "litellm"}, {}, (0, 0)),
        ({"username": "litellm_clone"}, {"username": "litellm", "other-username": "default"}, (1, 1)),
        ({}, {"username": "litellm_clone", "other-username": "litellm"}, (0, 2)),
        ({"username": "of_somebody"}, {"username": "default"}, (0, 0)),
    ],
    ids=["one user each", "after one rotation", "after two", "other names"],
)
def test_where_the_state_was_lost_the_documents_say_whose_turn_it_is(
    database: dict[str, str], redis: dict[str, str], numbers: tuple[int, int]
) -> None:
    found = there(config(), {"database": database, "redis": redis})
    assert (found.database.number, found.redis.number) == numbers


def test_with_a_single_user_no_document_makes_two() -> None:
    found = there(config(database={"rotationStrategy": "single-user"}), {"database": {"username": "litellm_clone"}})
    assert found.database == Turn(0)


def cache(strategy: str = "alternating-users", **others: Any) -> Any:
    """A stack with ElastiCache."""
    network = {"vpcId": "vpc-0a1b2c3d", "subnetIds": ["subnet-0a1b2c3d", "subnet-1a2b3c4d"]}
    place = {"kind": "elasticache", **network, "clientSecurityGroupIds": ["sg-0a1b2c3d"]}
    aws = {
        "kind": "aws",
        "aws": {"region": "eu-central-1", "identity": {"kind": "pod-identity", "clusterName": "cluster"}},
    }
    return config(secrets=aws, redis={**place, "rotationStrategy": strategy, **others})


def in_aws(**users: str) -> dict[str, Any]:
    """Users of ElastiCache in a state, with what they may do."""
    return {
        f"{URN}{CACHE_USER}::redis-{name.replace('_', '-')}-user": {
            "type": CACHE_USER,
            "outputs": {"accessString": rights},
        }
        for name, rights in users.items()
    } | {f"{URN}{CACHE_USERS}::redis-users": {"type": CACHE_USERS}}


TOKEN = of_redis(password={"rotation": "3"})
FIRST = of_redis(password={"rotation": "3"}, alternate_password={"rotation": "3", "turn": "1"})


def test_an_elasticache_with_a_token_stays_with_it() -> None:
    assert turns(cache("auth-token", rotation=4), TOKEN).redis == Turn(0)


def test_one_that_is_asked_for_users_has_them_at_once_and_its_token_as_the_password_before() -> None:
    assert turns(cache(rotation=3), TOKEN).redis == Turn(1, before=3)


def test_a_new_elasticache_begins_with_users() -> None:
    assert turns(cache(rotation=2), {}).redis == Turn(1, before=2)


def test_and_stays_in_its_first_turn() -> None:
    assert turns(cache(rotation=3), FIRST).redis == Turn(1, before=3)


def test_a_rotation_of_elasticache_takes_the_other_user() -> None:
    assert turns(cache(rotation=4), FIRST).redis == Turn(2, before=3)


def test_a_rotation_waits_until_the_other_user_of_elasticache_is_locked() -> None:
    half_way = FIRST | in_aws(litellm="on ~* &* +@all")
    (problem,) = check(cache(rotation=4), half_way)
    assert problem.startswith("litellm:redis.rotation asks for another rotation, but the one before, 3,")


def test_a_rotation_goes_on_once_the_other_user_of_elasticache_is_locked() -> None:
    done = FIRST | in_aws(litellm="on ~* &* +@all", litellm_clone="off ~* &* +@all")
    assert not [*check(cache(rotation=4), done)]


OF_ANOTHER_REDIS = of_redis(password={"rotation": "4", "turn": "2"}, alternate_password={"rotation": "3", "turn": "1"})


def test_the_turns_of_another_redis_are_none_of_elasticache() -> None:
    (problem,) = check(cache(rotation=4), OF_ANOTHER_REDIS)
    assert "users of another Redis have taken turns in this stack: deploy ElastiCache with auth-token first" in problem


def test_and_end_with_a_token() -> None:
    assert not [*check(cache("auth-token", rotation=4), OF_ANOTHER_REDIS)]


def test_users_of_elasticache_whose_making_was_interrupted_are_made() -> None:
    assert not [*check(cache(rotation=3), FIRST)]


def test_users_of_elasticache_do_not_become_a_token_again() -> None:
    (problem,) = check(cache("auth-token"), FIRST | in_aws(litellm="on ~* &* +@all"))
    assert problem.startswith("litellm:redis.rotationStrategy is auth-token, but users log in")
