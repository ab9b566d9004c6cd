"""The users of a stack's ElastiCache, of whom two take turns (docs/adr/0032-users-of-elasticache.md)."""

from collections.abc import Mapping

import pulumi
import pulumi_random as random

from components.cache.elasticache_user import ElastiCacheUser
from components.cache.redis import user_of_redis
from infra.config.redis import ElastiCacheConfig
from infra.turns import OTHER_PASSWORD, PASSWORD, Turn, cache_user

Passwords = Mapping[str, pulumi.Input[str]]


def id_of_group(opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """The ID of the group. An account has one of each, whichever stack it is of."""
    return random.RandomId("redis-users-id", byte_length=4, prefix="redis-", opts=opts).hex


def who_log_in(
    redis: ElastiCacheConfig,
    passwords: Passwords,
    turn: Turn,
    group: pulumi.Output[str],
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Input[str]]:
    """Register the users that are there before the pods; returns the IDs of the group's.

    Pods of a server that had a token have it until the first rotation, as Redis' own user. The user of before goes on: it is
    locked once no pod needs it.
    """
    default, now, before = (user_of_redis(number) for number in (0, turn.number, turn.number - 1))
    members: dict[str, pulumi.Input[str]] = {before: id_of(group, before)}
    members[default] = login(redis, group, 0, passwords[OTHER_PASSWORD], opts, active=turn.number == 1)
    members[now] = login(redis, group, turn.number, passwords[PASSWORD], opts, active=True)
    return [members[name] for name in sorted(members)]


def locked(
    redis: ElastiCacheConfig,
    passwords: Passwords,
    turn: Turn,
    group: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> None:
    """Register the user whose turn it is not."""
    login(redis, group, turn.number + 1, passwords[OTHER_PASSWORD], opts, active=False)


def login(
    redis: ElastiCacheConfig,
    group: pulumi.Input[str],
    number: int,
    password: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    *,
    active: bool,
) -> pulumi.Output[str]:
    """The user of a turn; returns its ID."""
    username = user_of_redis(number)
    user = ElastiCacheUser(
        cache_user(number),
        {
            "user_id": id_of(group, username),
            "username": username,
            "password": password,
            "engine": redis.engine,
            "active": active,
        },
        opts,
    )
    return user.user_id


def id_of(group: pulumi.Input[str], username: str) -> pulumi.Output[str]:
    """In the words of AWS: an ID has no underscore."""
    return pulumi.Output.concat(group, "-", username.replace("_", "-"))
