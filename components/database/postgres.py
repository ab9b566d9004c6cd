"""A small Postgres in the cluster, from the official image."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.labels import labels, selector
from components.objects import name_after
from components.pods import PodSettings, restricted_pod, secret_variable, template
from components.restricted import RESTRICTED_CONTAINER

PORT = 5432
USER = 999
"""`postgres` in the Debian-based official image."""

STORAGE = "/storage"
"""Outside the folders that the image declares as volumes: these moved between Postgres 17 and 18."""

# The image's first start runs a server that listens on the socket only; so TCP answers when the real one does.
ANSWERS = {"exec": {"command": ["pg_isready", "--quiet", "--host=127.0.0.1", f"--port={PORT}", "--username=postgres"]}}


class PostgresArgs(TypedDict):
    """Arguments of `Postgres`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the server."""

    image: pulumi.Input[str]
    """Required: official Postgres image, Debian-based."""

    admin_secret: pulumi.Input[str]
    """Required: name of the Secret with the superuser's `username` and `password`. They are read once, by the first start on
    an empty volume: a later change of the password has no effect on the server."""

    resources: pulumi.Input[Mapping[str, Any]]
    """Required: Kubernetes requests and limits of the server."""

    max_connections: NotRequired[pulumi.Input[int]]
    """Optional: connections that the server accepts. Defaults to 100."""

    storage: NotRequired[str | None]
    """Optional: size of the volume, such as `10Gi`. Defaults to none: the data lives as long as the pod."""

    storage_class: NotRequired[pulumi.Input[str] | None]
    """Optional: StorageClass of the volume. Defaults to the cluster's."""

    retain_data: NotRequired[bool]
    """Optional: keep the volume when the server is deleted. Defaults to false."""

    pod: NotRequired[PodSettings]
    """Optional: where the pods run, and what else all pods of a stack have. Defaults to nothing."""

    timeout: NotRequired[str]
    """Optional: how long to wait until the server is ready, as a Go duration. Defaults to `5m`."""


class Postgres(pulumi.ComponentResource):
    """One Postgres pod, its Service and its volume.

    **Type:** `litellm:index:Postgres`. **Produces:** `StatefulSet`, `Service`; Kubernetes makes the volume's claim.
    """

    host: pulumi.Output[str]
    """Host name of the server within the cluster. It does not wait for the server: use `depends_on` for that."""

    port: pulumi.Output[int]
    """Port of the server."""

    def __init__(self, name: str, args: PostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:Postgres", name, None, opts)
        timeout = args.get("timeout", "5m")
        service_spec: Any = {
            "selector": selector(name),
            "ports": [{"name": "postgres", "port": PORT, "targetPort": "postgres"}],
        }
        service = kubernetes.core.v1.Service(
            f"{name}-service",
            metadata={
                "name": name,
                "namespace": args["namespace"],
                "labels": labels(name),
                # The StatefulSet is awaited; waiting for the endpoints as well only takes longer.
                "annotations": {"pulumi.com/skipAwait": "true"},
            },
            spec=service_spec,
            opts=pulumi.ResourceOptions(parent=self, protect=False),
        )
        storage = args.get("storage")
        retention = "Retain" if args.get("retain_data", False) else "Delete"
        spec: Any = {
            "replicas": 1,
            "serviceName": name,
            "selector": {"matchLabels": selector(name)},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": retention, "whenScaled": "Retain"},
            "template": template(name, pod(args), args.get("pod")),
            "volumeClaimTemplates": [claim(storage, args.get("storage_class"))] if storage else [],
        }
        kubernetes.apps.v1.StatefulSet(
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


def pod(args: PostgresArgs) -> dict[str, Any]:
    # shared_memory counts against the container's memory limit; the 64 MiB of the runtime are too few for parallel queries.
    scratch = {"run": {}, "temporary": {}, "shared-memory": {"medium": "Memory"}}
    if not args.get("storage"):
        scratch["storage"] = {}
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # Otherwise each start changes the group of every file of the volume.
        "securityContext": restricted_pod(USER) | {"fsGroupChangePolicy": "OnRootMismatch"},
        # The image stops with SIGINT: clients are disconnected and a checkpoint is written, which may take a while.
        "terminationGracePeriodSeconds": 60,
        "containers": [container(args)],
        "volumes": [{"name": volume, "emptyDir": empty} for volume, empty in scratch.items()],
    }


def container(args: PostgresArgs) -> dict[str, Any]:
    return {
        "name": "postgres",
        "image": args["image"],
        "args": [
            "postgres",
            "-c",
            pulumi.Output.concat(
                "max_connections=", pulumi.Output.from_input(args.get("max_connections", 100)).apply(str)
            ),
            "-c",
            "password_encryption=scram-sha-256",
        ],
        "env": [
            secret_variable("POSTGRES_USER", args["admin_secret"], "username"),
            secret_variable("POSTGRES_PASSWORD", args["admin_secret"], "password"),
            {"name": "POSTGRES_INITDB_ARGS", "value": "--auth-host=scram-sha-256"},
            {"name": "PGDATA", "value": f"{STORAGE}/data"},
        ],
        "ports": [{"name": "postgres", "containerPort": PORT}],
        "resources": args["resources"],
        "securityContext": RESTRICTED_CONTAINER,
        # Five minutes for a first start or the recovery after a crash.
        "startupProbe": ANSWERS | {"periodSeconds": 1, "timeoutSeconds": 5, "failureThreshold": 300},
        "readinessProbe": ANSWERS | {"periodSeconds": 5, "timeoutSeconds": 5, "failureThreshold": 3},
        "livenessProbe": ANSWERS | {"periodSeconds": 20, "timeoutSeconds": 10, "failureThreshold": 6},
        "volumeMounts": [
            {"name": "storage", "mountPath": STORAGE},
            {"name": "run", "mountPath": "/var/run/postgresql"},
            {"name": "temporary", "mountPath": "/tmp"},  # noqa: S108 - the container's own
            {"name": "shared-memory", "mountPath": "/dev/shm"},  # noqa: S108
        ],
    }


def claim(size: str, storage_class: pulumi.Input[str] | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return {
        "metadata": {"name": "storage"},
        "spec": spec | ({"storageClassName": storage_class} if storage_class else {}),
    }
