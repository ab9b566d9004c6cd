"""A user of ElastiCache, whom the group of a server lets in."""

from typing import TypedDict

import pulumi
import pulumi_aws as aws

from components.cache.redis import EVERYTHING


class ElastiCacheUserArgs(TypedDict):
    """Arguments of `ElastiCacheUser`."""

    user_id: pulumi.Input[str]
    """Required: ID, the only one of its kind in account and region: small letters, digits and hyphens."""

    username: str
    """Required: name to log in with."""

    password: pulumi.Input[str]
    """Required: 16 to 128 letters and digits. Kept as a Pulumi secret."""

    engine: str
    """Required: `valkey` or `redis`, as the group has it."""

    active: bool
    """Required: whether the user may log in. Connections that are there stay, so that nothing under way is cut."""


class ElastiCacheUser(pulumi.ComponentResource):
    """A user of ElastiCache who may do everything with the servers of its groups, or cannot log in.

    **Type:** `litellm:index:ElastiCacheUser`. **Produces:** `elasticache.User`.
    """

    user_id: pulumi.Output[str]
    """ID of the user, once there is one."""

    def __init__(self, name: str, args: ElastiCacheUserArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:ElastiCacheUser", name, None, opts)
        user = aws.elasticache.User(
            f"{name}-user",
            user_id=args["user_id"],
            user_name=args["username"],
            engine=args["engine"],
            access_string=f"{'on' if args['active'] else 'off'} {EVERYTHING}",
            passwords=[pulumi.Output.secret(args["password"])],
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.user_id = user.user_id
        self.register_outputs({"user_id": self.user_id})
