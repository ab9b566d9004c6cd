"""Rules about every pod."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from policy.resource import Resource, at, differs, entries, known, mapping
from policy.rule import rule
from policy.rules.workloads import containers, injected, pod_of

MOVING = re.compile(r"(^|[-_.])(latest|stable|main|master|nightly|edge|dev|canary)$")
VERSION = re.compile(r"\d+\.\d+\.\d+")


@rule(
    "pinned-images",
    reason="a tag that moves starts another version after a restart, with nobody having deployed it",
    fix="name a version (image:v1.2.3) or a digest (image@sha256:…); name a version of each chart",
)
def pinned_images(resource: Resource) -> Iterator[str]:
    for name, container in [*containers(pod_of(resource)), *injected(resource)]:
        image = known(container.get("image"))
        if isinstance(image, str) and not is_pinned(image):
            yield f"container {name}: image {image} is not pinned"
    from_repository = resource.kind == "Release" and mapping(resource.inputs.get("repositoryOpts"))
    if from_repository and resource.inputs.get("version") is None:
        yield f"chart {resource.inputs.get('chart')}: no version is named"


def is_pinned(image: str) -> bool:
    if "@sha256:" in image:
        return True
    tag = image.rpartition("/")[2].partition(":")[2]
    return bool(tag) and (not MOVING.search(tag) or bool(VERSION.search(tag)))


@rule(
    "restricted-pods",
    reason="a pod that may more than it needs turns a hole in one program into one of the node, or of the cluster",
    fix="use components/pods.py: no root, no privileges, a read-only root filesystem, no token, limits",
)
def restricted_pods(resource: Resource) -> Iterator[str]:
    pod = pod_of(resource)
    if not pod:
        return
    yield from wrong(
        (differs(pod.get("automountServiceAccountToken"), False), "automountServiceAccountToken must be false"),
        *((bool(known(pod.get(field))), f"{field} must not be set") for field in ("hostNetwork", "hostPID", "hostIPC")),
        (any("hostPath" in mapping(volume) for volume in entries(pod.get("volumes"))), "hostPath is not allowed"),
    )
    for name, container in [*containers(pod), *injected(resource)]:
        yield from (f"container {name}: {what}" for what in unrestricted(pod, container))


def unrestricted(pod: dict[str, Any], container: dict[str, Any]) -> Iterator[str]:
    own, shared = mapping(container.get("securityContext")), mapping(pod.get("securityContext"))
    run_as_non_root = own.get("runAsNonRoot", shared.get("runAsNonRoot"))
    seccomp = at(own, "seccompProfile", "type") or at(shared, "seccompProfile", "type")
    yield from wrong(
        (differs(run_as_non_root, True), "runAsNonRoot must be true"),
        (own.get("runAsUser", shared.get("runAsUser")) == 0, "runAsUser must not be 0"),
        (differs(seccomp, "RuntimeDefault", "Localhost"), "seccompProfile must be RuntimeDefault"),
        (differs(own.get("allowPrivilegeEscalation"), False), "allowPrivilegeEscalation must be false"),
        (bool(known(own.get("privileged"))), "privileged must not be set"),
        (differs(own.get("readOnlyRootFilesystem"), True), "readOnlyRootFilesystem must be true"),
        (differs(at(own, "capabilities", "drop"), ["ALL"]), "capabilities must drop ALL"),
        (bool(entries(at(own, "capabilities", "add"))), "capabilities must not be added"),
        (not at(container, "resources", "limits", "memory"), "needs a memory limit"),
        *(
            (not at(container, "resources", kind, "ephemeral-storage"), f"needs {kind} of ephemeral storage")
            for kind in ("requests", "limits")
        ),
    )


def wrong(*checks: tuple[bool, str]) -> Iterable[str]:
    return [what for is_wrong, what in checks if is_wrong]
