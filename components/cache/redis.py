"""A small Redis in the cluster, from the official image."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.labels import labels, selector
from components.objects import name_after
from components.pods import PodSettings, restricted_pod, secret_variable, template
from components.restricted import RESTRICTED_CONTAINER

PORT = 6379
USER = 999
"""`redis` in the Debian-based official image."""

CONFIGURATION = "redis.conf"

EVERYTHING, PASSWORD = "~* &* +@all", "#{{ .password | sha256sum }}"
"""What a user of LiteLLM may do, and the password of one, in the words of an access control list."""

# With `-e`, redis-cli fails when Redis answers with an error, such as a wrong password.
PING = {"exec": {"command": ["redis-cli", "-e", "ping"]}}


class RedisArgs(TypedDict):
    """Arguments of `Redis`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the server."""

    image: pulumi.Input[str]
    """Required: official Redis image, Debian-based, 7 or later."""

    secret: pulumi.Input[str]
    """Required: name of the Secret with `password`, and with `redis.conf` made from `configuration_template`. Another name
    restarts Redis."""

    resources: pulumi.Input[Mapping[str, Any]]
    """Required: Kubernetes requests and limits of the server. The memory limit must be well above `maxmemory`."""

    pod: NotRequired[PodSettings]
    """Optional: where the pods run, and what else all pods of a stack have. Defaults to nothing."""

    timeout: NotRequired[str]
    """Optional: how long to wait until the server is ready, as a Go duration. Defaults to `5m`."""


class Redis(pulumi.ComponentResource):
    """One Redis pod, in memory only, and its Service.

    **Type:** `litellm:index:Redis`. **Produces:** `Deployment`, `Service`.
    """

    host: pulumi.Output[str]
    """Host name of the server within the cluster. It does not wait for the server: use `depends_on` for that."""

    port: pulumi.Output[int]
    """Port of the server."""

    def __init__(self, name: str, args: RedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:Redis", name, None, opts)
        timeout = args.get("timeout", "5m")
        service_spec: Any = {
            "selector": selector(name),
            "ports": [{"name": "redis", "port": PORT, "targetPort": "redis"}],
        }
        service = kubernetes.core.v1.Service(
            f"{name}-service",
            metadata={
                "name": name,
                "namespace": args["namespace"],
                "labels": labels(name),
                # The Deployment is awaited; waiting for the endpoints as well only takes longer.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec=service_spec,
            opts=pulumi.ResourceOptions(parent=self),
        )
        spec: Any = {
            "replicas": 1,
            # Two servers behind one Service would each have half of the counters.
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": selector(name)},
            "template": template(name, pod(args), args.get("pod")),
        }
        kubernetes.apps.v1.Deployment(
            f"{name}-server",
            metadata={"name": name, "namespace": args["namespace"], "labels": labels(name)},
            spec=spec,
            opts=pulumi.ResourceOptions(
                parent=self, custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout, delete="2m")
            ),
        )
        self.host = pulumi.Output.concat(name_after(name, service), ".", args["namespace"], ".svc")
        self.port = pulumi.Output.from_input(PORT)
        self.register_outputs({"host": self.host, "port": self.port})


def configuration_template(max_memory_bytes: int) -> str:
    """The file `redis.conf`, as an ESO template (engine v2) over the value `password`.

    The password is there as a SHA-256 hash: so none needs quoting, and none can add a line to the file.
    """
    return configuration(max_memory_bytes, f"user default reset on {EVERYTHING} {PASSWORD}")


def alternating_template(max_memory_bytes: int) -> str:
    """The same over the values `username` and `password`, where two users take turns: it has the one whose turn it is.

    The probes log in as the default user, which may do nothing else.
    """
    probes = f"user default reset on +ping {PASSWORD}"
    return configuration(max_memory_bytes, f"{probes}\nuser {{{{ .username }}}} reset on {EVERYTHING} {PASSWORD}")


def user_of_redis(turn: int) -> str:
    """The user of a turn, of two that alternate. Before the first rotation it is Redis' own default user."""
    return ("litellm" if turn % 2 else "litellm_clone") if turn else "default"


def configuration(max_memory_bytes: int, users: str) -> str:
    return f"""\
bind * -::*
port {PORT}
dir /data
{users}
maxmemory {max_memory_bytes}
maxmemory-policy noeviction
save ""
appendonly no
"""


def pod(args: RedisArgs) -> dict[str, Any]:
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": restricted_pod(USER),
        "terminationGracePeriodSeconds": 10,
        "containers": [container(args)],
        "volumes": [
            {"name": "data", "emptyDir": {}},
            {
                "name": "configuration",
                "secret": {
                    "secretName": args["secret"],
                    "items": [{"key": CONFIGURATION, "path": CONFIGURATION}],
                    "defaultMode": 0o440,
                },
            },
        ],
    }


def container(args: RedisArgs) -> dict[str, Any]:
    return {
        "name": "redis",
        "image": args["image"],
        # Not the image's entry point, which loads modules that LiteLLM does not use.
        "command": ["redis-server", f"/etc/redis/{CONFIGURATION}"],
        # redis-cli of the probes reads it; the server does not.
        "env": [secret_variable("REDISCLI_AUTH", args["secret"], "password")],
        "ports": [{"name": "redis", "containerPort": PORT}],
        "resources": args["resources"],
        "securityContext": RESTRICTED_CONTAINER,
        "startupProbe": PING | {"periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 60},
        "readinessProbe": PING | {"periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3},
        # Redis has one thread: a slow command delays the answer, and a restart would lose every counter.
        "livenessProbe": PING | {"periodSeconds": 20, "timeoutSeconds": 10, "failureThreshold": 6},
        "volumeMounts": [
            {"name": "data", "mountPath": "/data"},
            {"name": "configuration", "mountPath": "/etc/redis", "readOnly": True},
        ],
    }
