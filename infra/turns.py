"""Whose turn it is: of two users, each rotation takes the other one, so that pods go on with the one that they have.

The configuration only counts rotations. Which user a stack logs in with, and whether it has two of them yet, its state says: a
stack with one user keeps it, under its name, until the next rotation.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from components.cache.redis import user_of_redis
from infra.config.redis import ElastiCacheConfig, InClusterRedis
from infra.config.stack import StackConfig

State = Mapping[str, Mapping[str, Any]]

GENERATOR = "random:index/randomPassword:RandomPassword"
JOB = "kubernetes:batch/v1:Job"
CACHE_USER, CACHE_USERS = "aws:elasticache/user:User", "aws:elasticache/userGroup:UserGroup"
REVISION = "litellm/revision"

PASSWORD, OTHER_PASSWORD = "password", "other-password"
"""Whose turn it is, and the one of before, in a document."""

ROTATION, TURN = "rotation", "turn"
"""What a password is kept with (`keepers`): the count of the configuration when it was made, and the turn."""


@dataclass(frozen=True)
class Users:
    """Two users that take turns, or one."""

    section: str
    """Section of the configuration that counts their rotations."""

    generators: tuple[str, ...]
    """What generates their passwords."""

    lock: str
    """The Job with which a rotation ends."""


DATABASE = Users("database", ("database-password-generator",), "database-lock-job")
"""LiteLLM's users in Postgres, where an admin sets the password of either."""

REDIS = Users("redis", ("redis-password-generator", "redis-alternate-password-generator"), "redis-lock-job")
"""Its users in Redis, each with a password of its own: the one of before lets the next one in."""


@dataclass(frozen=True)
class Turn:
    """Which user it is that a stack logs in with."""

    number: int = 0
    """How many rotations there were since there are two users; 0: there is one."""

    before: int = 0
    """The count of the configuration at the turn before."""

    @property
    def alternates(self) -> bool:
        """Whether there are two users."""
        return self.number > 0

    @property
    def second(self) -> bool:
        """Whether it is the turn of the second one, which comes with the first rotation."""
        return self.number % 2 == 1


ONE_USER = Turn()


@dataclass(frozen=True)
class Turns:
    """The turns of everything that a stack logs in to."""

    database: Turn = ONE_USER
    redis: Turn = ONE_USER


ONE_USER_EACH = Turns()


def turns(config: StackConfig, state: State) -> Turns:
    """What the state of a stack, and the rotations that the configuration asks for, make of it."""
    if config.gitops or config.secrets.generation == "store":
        # Where no state has the password of before, nothing can let its user in a while longer.
        return ONE_USER_EACH
    return Turns(
        database=turn(DATABASE, state, config.database.rotation, alternates=database_alternates(config)),
        redis=turn_of_redis(config, state),
    )


def turn_of_redis(config: StackConfig, state: State) -> Turn:
    """ElastiCache takes both tokens until the pods are replaced. Where it has users, it has two from the beginning."""
    match config.redis:
        case InClusterRedis() if not config.secrets.by_pods:
            return turn(REDIS, state, config.redis.rotation, alternates=True)
        case ElastiCacheConfig() if config.redis.alternates:
            return turn(REDIS, state, config.redis.rotation, alternates=True, at_once=True)
        case _:
            return ONE_USER


def turn(users: Users, state: State, rotation: int, *, alternates: bool, at_once: bool = False) -> Turn:
    """The turn of the last `up`, or the one after it where another rotation is asked for. `at_once`: not only then."""
    made = passwords(users, state)
    if not made:
        return Turn(1, rotation) if at_once else ONE_USER
    number, last = int(made[0].get(TURN, 0)), int(made[0][ROTATION])
    if alternates and (last != rotation or (at_once and number == 0)):
        return Turn(number + 1, last)
    return Turn(number, *(int(each[ROTATION]) for each in made[1:]))


def database_alternates(config: StackConfig) -> bool:
    """Whether a rotation takes the other user. A rotation function of AWS sees to that itself."""
    by_function = config.secrets.aws is not None and config.secrets.aws.rotation is not None
    return config.database.rotation_strategy == "alternating-users" and not by_function


def there(config: StackConfig, users: Mapping[str, Mapping[str, str]]) -> Turns:
    """The turns of a stack whose state was lost, by the `username` and `other-username` of its documents.

    A first user who is alone, and one whose turn has come again, look the same in the document of the database, and are.
    """
    database, redis = users.get(DATABASE.section, {}), users.get(REDIS.section, {})
    second = database.get("username") == config.database.alternate
    number = (1 if redis.get("username") == user_of_redis(1) else 2) if "other-username" in redis else 0
    return Turns(
        database=Turn(1) if second and database_alternates(config) else ONE_USER,
        redis=Turn(number) if isinstance(config.redis, InClusterRedis) else ONE_USER,
    )


def check(config: StackConfig, state: State) -> Iterator[str]:
    """Problems when a rotation comes before the last one is done: pods may still have the user whose turn would be next.

    And where Redis would have one user, and there are two: whoever reads the store in a pod has the newest password.
    """
    if config.secrets.by_pods and REDIS in took_turns(state):
        yield (
            f"litellm:secrets.delivery is {config.secrets.delivery}, but the users of litellm:{REDIS.section} have taken turns "
            "by a rotation, and with it there is one user: set it to external-secrets"
        )
        return
    if isinstance(config.redis, ElastiCacheConfig) and (why := unfit_for(config.redis, state)):
        yield f"litellm:{REDIS.section}.rotationStrategy is {config.redis.rotation_strategy}, but {why}"
        return
    wanted = turns(config, state)
    for users, next_one in ((DATABASE, wanted.database), (REDIS, wanted.redis)):
        for made in passwords(users, state)[:1]:
            had = made.get(TURN, "0")
            if next_one.number <= 1 or had == str(next_one.number) or finished(config, state, users, had):
                continue
            yield (
                f"litellm:{users.section}.rotation asks for another rotation, but the one before, {made[ROTATION]}, is not "
                "finished: pods may still log in with the user whose password would change. Set it to "
                f"{made[ROTATION]} and run `make up`, then raise it"
            )


def unfit_for(redis: ElastiCacheConfig, state: State) -> str:
    """Why an ElastiCache cannot have users, or cannot be without them; empty where it can."""
    there = bool(of_type(state, CACHE_USERS))
    if there and not redis.alternates:
        return "users log in to the ElastiCache of this stack, and there is no way back to a token: set it to alternating-users"
    if redis.alternates and not there and any(int(made.get(TURN, 0)) > 1 for made in passwords(REDIS, state)):
        return "users of another Redis have taken turns in this stack: deploy ElastiCache with auth-token first"
    return ""


def took_turns(state: State) -> list[Users]:
    """Those of whom there are two."""
    return [users for users in (DATABASE, REDIS) if any(TURN in made for made in passwords(users, state))]


def passwords(users: Users, state: State) -> list[Mapping[str, str]]:
    """What their passwords are kept with, the one of now first."""
    made = [kept for name in users.generators if (kept := kept_with(state, name))]
    return sorted(made, key=lambda kept: int(kept.get(TURN, 0)), reverse=True)


def kept_with(state: State, name: str) -> Mapping[str, str] | None:
    """What a generated value is kept with."""
    return outputs(state, GENERATOR, name).get("keepers")


def finished(config: StackConfig, state: State, users: Users, turn: str) -> bool:
    """Whether the user of before is locked: by a Job, or in AWS."""
    if users is REDIS and isinstance(config.redis, ElastiCacheConfig):
        other = outputs(state, CACHE_USER, f"{cache_user(int(turn) + 1)}-user")
        return str(other.get("accessString", "")).startswith("off ")
    return locked(state, users.lock) == turn


def cache_user(turn: int) -> str:
    """What the program calls the user of ElastiCache whose turn it is."""
    return f"{REDIS.section}-{user_of_redis(turn).replace('_', '-')}"


def locked(state: State, name: str) -> str | None:
    """The turn that a Job has finished."""
    found: Any = outputs(state, JOB, name)
    for key in ("spec", "template", "metadata", "annotations"):
        found = found.get(key) or {}
    return found.get(REVISION)


def outputs(state: State, type_: str, name: str) -> Mapping[str, Any]:
    """What a resource has; nothing where there is none."""
    found = [each for urn, each in of_type(state, type_).items() if urn.endswith(f"::{name}")]
    return found[0].get("outputs") or {} if found else {}


def of_type(state: State, type_: str) -> State:
    """The resources of a type, by their URN."""
    return {urn: each for urn, each in state.items() if each["type"] == type_}
