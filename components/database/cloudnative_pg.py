"""A Postgres that CloudNativePG runs in the cluster: several instances, one of which takes over when another one fails."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.database.cloudnative_api import API, OBJECT_STORES
from components.labels import labels
from components.objects import name_after
from components.sync.store import WAIT_UNTIL_READY

BARMAN = "barman-cloud.cloudnative-pg.io"
"""How a `Cluster` calls the plugin."""


class ObjectStoreArgs(TypedDict):
    """Where backups and the write-ahead log go, by the Barman Cloud plugin."""

    destination: pulumi.Input[str]
    """Required: such as `s3://bucket/path`."""

    endpoint: NotRequired[pulumi.Input[str] | None]
    """Optional: URL of a store that speaks S3, and is not AWS. Defaults to AWS."""

    secret: NotRequired[pulumi.Input[str] | None]
    """Optional: name of the Secret with the keys of the store. Defaults to the IAM role of the servers' ServiceAccount."""

    access_key_id_key: NotRequired[str]
    """Optional: key of the key's ID in `secret`. Defaults to `ACCESS_KEY_ID`."""

    secret_access_key_key: NotRequired[str]
    """Optional: key of the key itself in `secret`. Defaults to `SECRET_ACCESS_KEY`."""

    retention: NotRequired[str]
    """Optional: how long backups stay, such as `30d`. Defaults to `30d`."""

    schedule: NotRequired[str]
    """Optional: when, as cron with seconds. Defaults to `0 0 2 * * *`."""


class CloudNativePostgresArgs(TypedDict):
    """Arguments of `CloudNativePostgres`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the servers."""

    database: pulumi.Input[str]
    """Required: name of the database."""

    username: pulumi.Input[str]
    """Required: name of the role that owns it; CloudNativePG generates its password."""

    storage: pulumi.Input[str]
    """Required: size of the volume of each instance, such as `10Gi`."""

    instances: NotRequired[int]
    """Optional: number of servers. Defaults to 3."""

    storage_class: NotRequired[pulumi.Input[str] | None]
    """Optional: StorageClass of the volumes. Defaults to the cluster's."""

    image: NotRequired[pulumi.Input[str] | None]
    """Optional: image of the servers. Defaults to the operator's."""

    parameters: NotRequired[Mapping[str, str]]
    """Optional: parameters of Postgres. Defaults to none."""

    resources: NotRequired[pulumi.Input[Mapping[str, Any]]]
    """Optional: requests and limits of each instance. Defaults to none."""

    service_account_annotations: NotRequired[Mapping[str, str]]
    """Optional: annotations of the servers' ServiceAccount, such as an IAM role for backups. Defaults to none."""

    backup: NotRequired[ObjectStoreArgs | None]
    """Optional: an object store for backups. Defaults to none."""

    pooler_instances: NotRequired[int]
    """Optional: number of PgBouncers in front. Defaults to 0: none."""

    pooler_parameters: NotRequired[Mapping[str, str]]
    """Optional: parameters of PgBouncer. Defaults to its own."""

    timeout: NotRequired[str]
    """Optional: how long to wait until the servers are ready, as a Go duration. Defaults to `15m`."""


class CloudNativePostgres(pulumi.ComponentResource):
    """A `Cluster` of CloudNativePG, awaited until it is ready, with its backups and its pooler.

    **Type:** `litellm:index:CloudNativePostgres`. **Produces:** `Cluster`; with backups `ObjectStore` and `ScheduledBackup`;
    with a pooler `Pooler`. The operator makes the Secrets `<name>-app` (the login) and `<name>-ca` (the authority).
    """

    host: pulumi.Output[str]
    """Host name of the server that writes. It does not wait for it: use `depends_on` for that."""

    def __init__(self, name: str, args: CloudNativePostgresArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:CloudNativePostgres", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata = {"namespace": args["namespace"], "labels": labels(name)}
        backup = args.get("backup")
        store = (
            [self._object(f"{name}-backups", OBJECT_STORES, "ObjectStore", metadata, object_store(backup), child)]
            if backup
            else []
        )
        timeout = args.get("timeout", "15m")
        cluster = kubernetes.apiextensions.CustomResource(
            f"{name}-cluster",
            api_version=API,
            kind="Cluster",
            metadata={**metadata, "name": name, "annotations": WAIT_UNTIL_READY},
            spec=cluster_spec(name, args),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=store,
                custom_timeouts=pulumi.CustomTimeouts(create=timeout, update=timeout, delete="5m"),
            ),
        )
        after = pulumi.ResourceOptions(parent=self, depends_on=cluster)
        if backup:
            self._object(f"{name}-schedule", API, "ScheduledBackup", metadata, schedule(name, backup), after)
        if args.get("pooler_instances", 0):
            self._object(f"{name}-pooler", API, "Pooler", metadata, pooler(name, args), after)
        self.host = name_after(f"{name}-rw", cluster)
        self.register_outputs({"host": self.host})

    def _object(
        self,
        name: str,
        api: str,
        kind: str,
        metadata: Mapping[str, Any],
        spec: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
    ) -> pulumi.Resource:
        return kubernetes.apiextensions.CustomResource(
            name, api_version=api, kind=kind, metadata={**metadata, "name": name}, spec=dict(spec), opts=opts
        )


def cluster_spec(name: str, args: CloudNativePostgresArgs) -> dict[str, Any]:
    annotations = args.get("service_account_annotations")
    optional: dict[str, Any] = {
        "imageName": args.get("image"),
        "resources": args.get("resources"),
        "serviceAccountTemplate": {"metadata": {"annotations": dict(annotations)}} if annotations else None,
    }
    storage = {"size": args["storage"], "storageClass": args.get("storage_class")}
    archiver = {"name": BARMAN, "isWALArchiver": True, "parameters": {"barmanObjectName": f"{name}-backups"}}
    return {
        "instances": args.get("instances", 3),
        "bootstrap": {"initdb": {"database": args["database"], "owner": args["username"]}},
        "storage": {key: value for key, value in storage.items() if value},
        "postgresql": {"parameters": dict(args.get("parameters", {}))},
        **{key: value for key, value in optional.items() if value},
        **({"plugins": [archiver]} if args.get("backup") else {}),
    }


def object_store(given: ObjectStoreArgs) -> dict[str, Any]:
    secret, endpoint = given.get("secret"), given.get("endpoint")
    keys: dict[str, Any] = {"inheritFromIAMRole": True}
    if secret:
        keys = {
            "accessKeyId": {"name": secret, "key": given.get("access_key_id_key", "ACCESS_KEY_ID")},
            "secretAccessKey": {"name": secret, "key": given.get("secret_access_key_key", "SECRET_ACCESS_KEY")},
        }
    return {
        "configuration": {
            "destinationPath": given["destination"],
            **({"endpointURL": endpoint} if endpoint else {}),
            "s3Credentials": keys,
            "wal": {"compression": "gzip"},
            "data": {"compression": "gzip"},
        },
        "retentionPolicy": given.get("retention", "30d"),
    }


def schedule(name: str, given: ObjectStoreArgs) -> dict[str, Any]:
    return {
        "schedule": given.get("schedule", "0 0 2 * * *"),
        "cluster": {"name": name},
        "backupOwnerReference": "self",
        "method": "plugin",
        "pluginConfiguration": {"name": BARMAN},
    }


def pooler(name: str, args: CloudNativePostgresArgs) -> dict[str, Any]:
    return {
        "cluster": {"name": name},
        "instances": args.get("pooler_instances", 0),
        "type": "rw",
        "pgbouncer": {"poolMode": "transaction", "parameters": dict(args.get("pooler_parameters", {}))},
    }
