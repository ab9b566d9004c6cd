"""One Kubernetes Secret, built from documents of the store by External Secrets Operator."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NotRequired, TypedDict

import pulumi
import pulumi_kubernetes as kubernetes

from components.labels import labels
from components.objects import given_name
from components.secrets.references import RemoteReference, spelled
from components.sync.shared import FINGERPRINT
from components.sync.store import API_VERSION, WAIT_UNTIL_READY

REVISION = "litellm/revision"
"""Annotation of the Secret: which versions of the documents it was made from."""

CONTENT = ["spec.refreshInterval", "spec.secretStoreRef", "spec.target.template", "spec.data", "spec.dataFrom"]
"""What makes another Secret when it changes: all of the spec but the policies, which make no other content."""

HASH_OF_ALL = "{{ . | toJson | sha256sum }}"

SECONDS = {"h": 3600, "m": 60, "s": 1}


class SyncedSecretArgs(TypedDict):
    """Arguments of `SyncedSecret`."""

    namespace: pulumi.Input[str]
    """Required: namespace of the Secret."""

    store: pulumi.Input[str]
    """Required: name of the store."""

    store_kind: NotRequired[pulumi.Input[str]]
    """Optional: `ClusterSecretStore`, or `SecretStore` in the same namespace. Defaults to `SecretStore`."""

    mount: NotRequired[str]
    """Optional: with Vault, the engine that `store` reads. Defaults to none: keys are as the store takes them."""

    values: Mapping[str, RemoteReference]
    """Required: the values that the template may use, by name, and where each is in the store."""

    stores: NotRequired[Mapping[str, pulumi.Input[str]]]
    """Optional: SecretStores, in the same namespace, of the other mounts that `values` are in, by mount. Defaults to none."""

    extract: NotRequired[Sequence[str]]
    """Optional: documents to take as a whole (`dataFrom.extract`): the template may use each of their properties by its name.
    Defaults to none."""

    template: Mapping[str, pulumi.Input[str]]
    """Required: the keys of the Secret; each is an ESO template (engine v2) over `values`."""

    type: NotRequired[str]
    """Optional: type of the Secret, such as `kubernetes.io/tls`. Defaults to `Opaque`."""

    revision: NotRequired[pulumi.Input[str]]
    """Optional: changes when the documents behind `values` change. Defaults to nothing."""

    steady: NotRequired[bool]
    """Optional: keep the name of the Secret when `revision` changes, and sync it in place: for a Job that need not run again
    when a password changes, and reads the current one when it does. Defaults to false."""

    in_place: NotRequired[bool]
    """Optional: the Secret keeps its name when it changes, for a server that must not restart for that: what is made later
    begins with the new content. Defaults to false."""

    fingerprint: NotRequired[bool]
    """Optional: add the key `FINGERPRINT`. Defaults to false."""

    refresh_interval: NotRequired[pulumi.Input[str]]
    """Optional: how often the store is read again, such as `1h`. Defaults to `1h`."""


class SyncedSecret(pulumi.ComponentResource):
    """An ExternalSecret, awaited until Ready.

    **Type:** `litellm:index:SyncedSecret`. **Produces:** `external-secrets.io/v1 ExternalSecret`.

    Whatever changes makes another Secret, with another name, next to the old one: whoever reads it rolls over to the new name,
    and the old one goes last. No pod ever starts with half of a rotation. A `steady` one gets another name only when its
    template changes, or the places of its values in the store.

    The Secret outlives its ExternalSecret, for as long as pods may need it. Nothing in Pulumi's state stands for it, as its
    values would be there, too: `make up` and `make destroy` delete those that nobody uses any more.
    """

    secret: pulumi.Output[str]
    """Name of the Kubernetes Secret."""

    def __init__(self, name: str, args: SyncedSecretArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("litellm:index:SyncedSecret", name, None, opts)
        mount, revision = args.get("mount", ""), args.get("revision", "")
        whole = [spelled(mount, key) for key in args.get("extract", ())]
        # The operator syncs at once when an annotation of the ExternalSecret changes.
        of_external, of_secret = ({REVISION: revision}, "") if args.get("steady") else ({}, revision)
        resource = kubernetes.apiextensions.CustomResource(
            f"{name}-secret",
            api_version=API_VERSION,
            kind="ExternalSecret",
            metadata={
                "namespace": args["namespace"],
                "labels": labels(name),
                "annotations": WAIT_UNTIL_READY | of_external,
            },
            spec={
                "refreshInterval": pulumi.Output.from_input(args.get("refresh_interval", "1h")).apply(go_duration),
                "secretStoreRef": {"kind": args.get("store_kind", "SecretStore"), "name": args["store"]},
                "target": {
                    # Owner would let Kubernetes collect the Secret as soon as its ExternalSecret is gone, whoever took that
                    # away: an operator or a CRD that is uninstalled, and the gateway's next pod could not start.
                    "creationPolicy": "Orphan",
                    "deletionPolicy": "Retain",
                    "template": {
                        "engineVersion": "v2",
                        "type": args.get("type", "Opaque"),
                        "metadata": {"labels": labels(name), "annotations": {REVISION: of_secret}},
                        "data": {
                            **args["template"],
                            **({FINGERPRINT: HASH_OF_ALL} if args.get("fingerprint", False) else {}),
                        },
                    },
                },
                "data": [
                    {"secretKey": variable, **source(reference, args.get("stores", {}), mount)}
                    for variable, reference in sorted(args["values"].items())
                ],
                **({"dataFrom": [{"extract": {"key": key}} for key in whole]} if whole else {}),
            },
            opts=pulumi.ResourceOptions(
                parent=self,
                replace_on_changes=[] if args.get("in_place", False) else CONTENT,
                custom_timeouts=pulumi.CustomTimeouts(create="2m", update="2m", delete="1m"),
            ),
        )
        self.secret = given_name(resource)
        self.register_outputs({"secret": self.secret})


def source(reference: RemoteReference, stores: Mapping[str, pulumi.Input[str]], usual: str) -> dict[str, Any]:
    """Where one value comes from, as an ExternalSecret says it."""
    mount = "" if "store" in reference else reference.get("mount", usual)
    key = pulumi.Output.from_input(reference["key"]).apply(partial(spelled, mount))
    remote = {"key": key, **({"property": reference["property"]} if "property" in reference else {})}
    store = stores.get(reference.get("store", reference.get("mount", "")))
    elsewhere = {} if store is None else {"sourceRef": {"storeRef": {"kind": "SecretStore", "name": store}}}
    return {"remoteRef": remote, **elsewhere}


def go_duration(text: str) -> str:
    """A duration as Go writes it: `1h` is `1h0m0s`. The operator rewrites the field so, and would own another form."""
    seconds = sum(int(number) * SECONDS[unit] for number, unit in re.findall(r"([0-9]+)([hms])", text))
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
