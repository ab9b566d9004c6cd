"""Config keys `gateway.extraVolumes`, `extraVolumeMounts`, `extraContainers` and `extraInitContainers`: passed through to
Kubernetes, as far as the gateway's own containers and the namespace's Pod Security level allow."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from components.gateway.wait import NAME as RELAY
from infra.config.base import DNS_LABEL
from infra.config.gateway.modules import mapping

OWN_VOLUMES = frozenset({"tmp", "config", "secret-files", "metrics", "certificates"})
OWN_CONTAINERS = frozenset({"litellm", "authorities", RELAY})
OWN_FOLDERS = frozenset({"/tmp", "/etc/litellm", "/etc/litellm-secrets", "/etc/litellm-certificates"})  # noqa: S108

FREE_OF_SECURITY = frozenset({"runAsUser", "runAsGroup", "readOnlyRootFilesystem", "seccompProfile"})
"""Of a container's securityContext; the rest is what Pod Security level `restricted` asks for."""

Entries = Iterable[Mapping[str, Any]]


def volume_problems(volumes: Entries, mounts: Entries, containers: Entries) -> Iterator[str]:
    """What Kubernetes would refuse, or what would take away from LiteLLM what it needs."""
    names = [each.get("name") for each in volumes]
    yield from named_well("extraVolumes", names, OWN_VOLUMES)
    for index, volume in enumerate(volumes):
        if "hostPath" in volume:
            yield f"extraVolumes[{index}] is a hostPath, which Pod Security level restricted refuses: use another kind"
    known = {*names, *OWN_VOLUMES}
    for index, mount in enumerate(mounts):
        if mount.get("name") not in known:
            yield f"extraVolumeMounts[{index}].name is no volume: add it to extraVolumes"
        if str(mount.get("mountPath", "")).rstrip("/") in {"", *OWN_FOLDERS}:
            yield f"extraVolumeMounts[{index}].mountPath must be a folder of its own, and none of LiteLLM's"
    for container in containers:
        given: Any = container.get("volumeMounts")
        mounted = [mapping(mount).get("name") for mount in cast("list[Any]", given)] if isinstance(given, list) else []
        if set(map(str, mounted)) - set(map(str, known)):
            yield "a container mounts a volume that there is not: add it to extraVolumes"


def container_problems(key: str, containers: Entries, pinned: Callable[[str], str]) -> Iterator[str]:
    """What the gateway's own containers do not do either."""
    yield from named_well(key, [each.get("name") for each in containers], OWN_CONTAINERS)
    for index, container in enumerate(containers):
        where = f"{key}[{index}]"
        image: Any = container.get("image")
        try:
            pinned(image if isinstance(image, str) else "")
        except ValueError as error:
            yield f"{where}.image: {error}"
        if "memory" not in mapping(mapping(container.get("resources")).get("limits")):
            yield f"{where}.resources.limits.memory is required: without it, the container may take the memory of LiteLLM"
        if set(mapping(container.get("securityContext"))) - FREE_OF_SECURITY:
            yield (
                f"{where}.securityContext may have {', '.join(sorted(FREE_OF_SECURITY))}; the rest is what Pod Security level "
                "restricted asks for, and set already"
            )


def named_well(key: str, names: list[Any], own: frozenset[str]) -> Iterator[str]:
    if any(not isinstance(name, str) or not re.fullmatch(DNS_LABEL, name) for name in names):
        yield f"{key} must have a name each, of lower-case letters, digits and -"
    if len(set(map(str, names))) < len(names):
        yield f"{key} has a name twice"
    if taken := sorted(own & {str(name) for name in names}):
        yield f"{key} may not be called {', '.join(taken)}, which is the gateway's own"
