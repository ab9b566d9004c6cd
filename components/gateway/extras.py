"""What somebody else wants in the gateway's pods: volumes and containers beside LiteLLM, held to what its own keep to."""

from collections.abc import Mapping, Sequence
from typing import Any

from components.restricted import RESTRICTED_CONTAINER

DISK = {"requests": "64Mi", "limits": "1Gi"}
"""Ephemeral storage of a container that does not say."""


def with_extras(spec: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """A pod's spec with the extra volumes and containers that the arguments of `Gateway` have."""
    main, *others = spec["containers"]
    mounts = args.get("extra_volume_mounts", ())
    beside = [restricted(each) for each in args.get("extra_containers", ())]
    before = [restricted(each) for each in args.get("extra_init_containers", ())]
    return {
        **spec,
        "containers": [main | {"volumeMounts": [*main["volumeMounts"], *mounts]}, *others, *beside],
        "volumes": [*spec["volumes"], *args.get("extra_volumes", ())],
        **(
            {"initContainers": [*spec.get("initContainers", ()), *before]} if before or "initContainers" in spec else {}
        ),
    }


def restricted(container: Mapping[str, Any]) -> dict[str, Any]:
    """A container with what Pod Security level `restricted` asks for, and a share of the disk, under what it says itself."""
    resources: Mapping[str, Any] = container.get("resources", {})
    shares: Sequence[tuple[str, str]] = tuple(DISK.items())
    return {
        "imagePullPolicy": "IfNotPresent",
        **container,
        "securityContext": {**RESTRICTED_CONTAINER, **container.get("securityContext", {})},
        "resources": {
            **resources,
            **{kind: {"ephemeral-storage": share, **resources.get(kind, {})} for kind, share in shares},
        },
    }
