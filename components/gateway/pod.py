"""What the gateway's pods and its migration Job share: they run the same image in the same surroundings."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from components.pods import restricted_pod
from components.restricted import RESTRICTED_CONTAINER

USER = 65534
"""`nobody`, the user of the image litellm-non_root."""

COMMAND = ["litellm"]
"""Not the image's entrypoint: that has changed between releases, the command has not."""

PORT = 4000
"""Where LiteLLM answers."""

SECONDS = {"h": 3600, "m": 60, "s": 1}

SURROUNDINGS: dict[str, str] = {
    # No .env file is searched for.
    "LITELLM_MODE": "PRODUCTION",
    # The list of prices comes from the image: no download from GitHub at start-up.
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    # The root filesystem is read-only: everything that LiteLLM, Prisma and Hugging Face write goes to /tmp. Left to the image
    # are PRISMA_*: since 1.90.6 it has Prisma's command and engines in /opt/prisma, for every user, and another cache folder
    # would be filled by a download. So are LITELLM_NON_ROOT and LITELLM_UI_PATH: the admin page is served from where the image
    # has it, ready to use, so that no init container has to copy it.
    "HOME": "/tmp",  # noqa: S108
    "XDG_CACHE_HOME": "/tmp/.cache",  # noqa: S108
    "LITELLM_MIGRATION_DIR": "/tmp/litellm/migrations",  # noqa: S108
    "LITELLM_ASSETS_PATH": "/tmp/litellm/assets",  # noqa: S108
}

WRITABLE = {"name": "tmp", "mountPath": "/tmp"}  # noqa: S108

TMP_SIZE = "1Gi"


def seconds(duration: str) -> int:
    """Seconds of a Go duration of hours, minutes and seconds."""
    return sum(int(number) * SECONDS[unit] for number, unit in re.findall(r"([0-9]+)(h|m|s)", duration))


def variables(values: Mapping[str, pulumi.Input[str]]) -> list[dict[str, Any]]:
    """Plain environment variables, by name."""
    return [{"name": name, "value": values[name]} for name in sorted(values)]


def container(name: str, image: pulumi.Input[str], rest: Mapping[str, Any]) -> dict[str, Any]:
    """A container of LiteLLM's image, with a writable /tmp and nothing else to write to."""
    mounts = [WRITABLE, *rest.get("volumeMounts", ())]
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "securityContext": RESTRICTED_CONTAINER,
        **rest,
        "volumeMounts": mounts,
    }


def pod(
    main: Mapping[str, Any],
    *,
    volumes: Sequence[Mapping[str, Any]] = (),
    tmp_size: str = TMP_SIZE,
    node_selector: pulumi.Input[Mapping[str, pulumi.Input[str]]] | None = None,
    tolerations: pulumi.Input[Sequence[pulumi.Input[Mapping[str, Any]]]] | None = None,
    rest: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The spec of a restricted pod with one container."""
    placement = {"nodeSelector": node_selector, "tolerations": tolerations}
    return {
        "automountServiceAccountToken": False,
        # A Service named redis would otherwise set REDIS_PORT to something that is no number.
        "enableServiceLinks": False,
        "securityContext": restricted_pod(USER),
        "containers": [main],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": tmp_size}}, *volumes],
        **{key: value for key, value in placement.items() if value},
        **(rest or {}),
    }
