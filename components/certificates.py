"""Certificates of authorities, as files in pods: with them, a server's own certificate is checked."""

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.certificate_files import FOLDER
from components.labels import labels
from components.objects import short_hash

VOLUME = "certificates"


class CertificateFile(TypedDict):
    """One file of certificates in `/etc/litellm-certificates`, from a ConfigMap or from a Secret."""

    file: str
    """Required: name of the file."""

    key: str
    """Required: key of the ConfigMap or the Secret."""

    config_map: NotRequired[pulumi.Input[str]]
    """Optional: name of the ConfigMap. Either this or `secret`."""

    secret: NotRequired[pulumi.Input[str]]
    """Optional: name of the Secret. Either this or `config_map`."""


class CertificatesArgs(TypedDict):
    """Arguments of `Certificates`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the ConfigMap."""

    files: Mapping[str, str]
    """Required: certificates in PEM, by the name of their file. Plain: they are public, and their hash names the ConfigMap."""


class Certificates(pulumi.ComponentResource):
    """Certificates of authorities in a ConfigMap.

    **Type:** `litellm:index:Certificates`. **Produces:** `v1 ConfigMap`.

    Immutable, and named by its hash: other certificates are another ConfigMap, and pods roll over to it.
    """

    config_map: pulumi.Output[str]
    """Name of the ConfigMap; its keys are the files."""

    def __init__(self, name: str, args: CertificatesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:Certificates", name, None, opts)
        called = f"{name}-{short_hash(str(sorted(args['files'].items())))}"
        self.config_map = kubernetes.core.v1.ConfigMap(
            called,
            metadata={"name": called, "namespace": args["namespace"], "labels": labels(name)},
            data=dict(args["files"]),
            immutable=True,
            opts=pulumi.ResourceOptions(parent=self),
        ).metadata.name.apply(str)
        self.register_outputs({"config_map": self.config_map})


def with_certificates(pod: Mapping[str, Any], files: Sequence[CertificateFile] | None) -> dict[str, Any]:
    """The spec of a pod, all containers of which have the files."""
    if not files:
        return dict(pod)
    mount = {"name": VOLUME, "mountPath": FOLDER, "readOnly": True}
    volume = {"name": VOLUME, "projected": {"sources": [source(each) for each in files]}}
    mounted = {
        kind: [{**each, "volumeMounts": [*each.get("volumeMounts", ()), mount]} for each in pod[kind]]
        for kind in ("initContainers", "containers")
        if kind in pod
    }
    return {**pod, **mounted, "volumes": [*pod.get("volumes", ()), volume]}


def source(given: CertificateFile) -> dict[str, Any]:
    items = [{"key": given["key"], "path": given["file"]}]
    if "secret" in given:
        return {"secret": {"name": given["secret"], "items": items}}
    return {"configMap": {"name": given.get("config_map", ""), "items": items}}
