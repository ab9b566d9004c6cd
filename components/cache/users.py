"""The users of the Redis in the cluster, of which two take turns: each rotation gives the other one a password."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import pulumi

from components.cache.redis import PORT, USER
from components.jobs import REPORT_SECONDS, awaited_job, in_attempts
from components.objects import given_name
from components.pods import PodSettings, restricted_pod, secret_variable, template
from components.restricted import RESTRICTED_CONTAINER

FOLDER = Path(__file__).parent
COMMON = (FOLDER / "users_common.sh").read_text()
GIVE, LOCK = (COMMON + (FOLDER / name).read_text() for name in ("user.sh", "lock.sh"))

TIMEOUT_SECONDS = 300
WAIT_SECONDS, PATIENCE_SECONDS = 120, 60

RESOURCES = {
    "requests": {"cpu": "50m", "memory": "32Mi", "ephemeral-storage": "16Mi"},
    "limits": {"memory": "64Mi", "ephemeral-storage": "64Mi"},
}


class RedisUserArgs(TypedDict):
    """Arguments of `RedisUser` and `RedisLock`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the Job."""

    image: pulumi.Input[str]
    """Required: official Redis image, Debian-based, 7 or later; only its `redis-cli` is used."""

    host: pulumi.Input[str]
    """Required: host name of the server."""

    secret: pulumi.Input[str]
    """Required: name of the Secret with `username` and `password` of the user whose turn it is, and `other-username` and
    `other-password` of the one of before, who may change users until it is locked."""

    max_memory_bytes: int
    """Required: bytes for data, which the server gets without a restart."""

    port: NotRequired[pulumi.Input[int]]
    """Optional: port of the server. Defaults to 6379."""

    revision: NotRequired[pulumi.Input[str]]
    """Optional: any text; a new one runs the Job again. Defaults to nothing."""

    pod: NotRequired[PodSettings]
    """Optional: where the pods run, and what else all pods of a stack have. Defaults to nothing."""


class RedisUser(pulumi.ComponentResource):
    """An awaited Job that gives the user whose turn it is its password, in a Redis that runs and keeps what it has.

    **Type:** `litellm:index:RedisUser`. **Produces:** `Job`.

    The user of before is left alone: pods log in with it until they are replaced. See `RedisLock`.
    """

    completed: pulumi.Output[str]
    """Name of the Job. Known once the user can log in."""

    def __init__(self, name: str, args: RedisUserArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:RedisUser", name, None, opts)
        self.completed = given_name(job(name, args, GIVE, self))
        self.register_outputs({"completed": self.completed})


class RedisLock(pulumi.ComponentResource):
    """An awaited Job that ends the login of the user whose turn is over. It belongs after the rollout of what logs in.

    **Type:** `litellm:index:RedisLock`. **Produces:** `Job`.

    It waits up to a minute until nobody is connected as that user. What still is, goes on; but for `default`, which then may
    only ask whether the server is alive.
    """

    completed: pulumi.Output[str]
    """Name of the Job. Known once the user is locked."""

    def __init__(self, name: str, args: RedisUserArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:RedisLock", name, None, opts)
        self.completed = given_name(job(name, args, LOCK, self))
        self.register_outputs({"completed": self.completed})


def job(name: str, args: RedisUserArgs, script: str, parent: pulumi.Resource) -> Any:
    note = {"litellm/revision": args.get("revision", "")}
    spec = in_attempts(TIMEOUT_SECONDS, template(name, pod(args, script), args.get("pod"), note))
    timeouts = pulumi.CustomTimeouts(create=f"{TIMEOUT_SECONDS + REPORT_SECONDS}s", delete="2m")
    return awaited_job(name, args["namespace"], spec, timeouts, parent)


def pod(args: RedisUserArgs, script: str) -> dict[str, Any]:
    return {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": restricted_pod(USER),
        "containers": [
            {
                "name": "users",
                "image": args["image"],
                "command": ["bash", "-c", script],
                "env": variables(args),
                "resources": RESOURCES,
                "securityContext": RESTRICTED_CONTAINER,
                "terminationMessagePolicy": "FallbackToLogsOnError",
                "volumeMounts": [{"name": "temporary", "mountPath": "/tmp"}],  # noqa: S108 - the container's own
            }
        ],
        # What bash hands a command by standard input, it writes to a file first.
        "volumes": [{"name": "temporary", "emptyDir": {}}],
    }


def variables(args: RedisUserArgs) -> list[Mapping[str, Any]]:
    plain: Mapping[str, pulumi.Input[str]] = {
        "HOST": args["host"],
        "PORT": pulumi.Output.from_input(args.get("port", PORT)).apply(str),
        "MAX_MEMORY": str(args["max_memory_bytes"]),
        "WAIT_SECONDS": str(WAIT_SECONDS),
        "PATIENCE_SECONDS": str(PATIENCE_SECONDS),
    }
    keys = {
        "ROLE_USERNAME": "username",
        "ROLE_PASSWORD": "password",
        "OTHER_USERNAME": "other-username",
        "OTHER_PASSWORD": "other-password",
    }
    return [
        *({"name": name, "value": text} for name, text in plain.items()),
        *(secret_variable(name, args["secret"], key) for name, key in keys.items()),
    ]
