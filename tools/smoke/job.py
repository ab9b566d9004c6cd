"""The Job that asks from inside the cluster: a pod like those of the gateway, without what only those need."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from components.delivery import delivered, of_pod, writes_files
from components.gateway.inside import RESOURCES, command
from components.gateway.pod import PORT, seconds
from components.labels import labels
from components.pods import secret_variable
from components.restricted import RESTRICTED_CONTAINER
from infra.config.stack import StackConfig
from infra.workloads import ENVIRONMENT, GATEWAY, SECRET_FILES, SMOKE

MODULES = ("components.gateway.api", "tools.smoke.checks")
"""What the Job runs, the last one as its program."""

LIKE_THE_GATEWAY = (
    "imagePullSecrets",
    "nodeSelector",
    "tolerations",
    "priorityClassName",
    "hostAliases",
    "securityContext",
)
"""Fields of the gateway's pods that say where they may run, and as whom."""

CHECKS_THAT_WAIT = 3
STARTUP_SECONDS = 180
"""For a node with the image, and the pod."""

KEPT_SECONDS = 3600
"""How long a Job that is done stays, for its log."""


def wanted(config: StackConfig, namespace: str) -> dict[str, Any]:
    """What the checks are told: where the gateway is, and what it should be."""
    gateway, smoke = config.gateway, config.smoke
    path = config.ingress.root_path or gateway.root_path
    return {
        "url": f"http://{GATEWAY}.{namespace}.svc:{PORT}{path}",
        "models": [model.name for model in gateway.models],
        "aliases": gateway.aliases,
        "model": smoke.model or gateway.mock_model,
        "max_tokens": smoke.max_tokens,
        "adds_models": gateway.store_model_in_db,
        "keyless": gateway.allow_requests_without_key,
        "logs_spend": gateway.general_settings.get("disable_spend_logs") is not True,
        "seconds": seconds(smoke.timeout),
    }


def patience(config: StackConfig) -> int:
    """Seconds that the Job may take."""
    return CHECKS_THAT_WAIT * seconds(config.smoke.timeout) + STARTUP_SECONDS


def job(config: StackConfig, namespace: str, deployment: Mapping[str, Any]) -> dict[str, Any]:
    """The Job for the gateway of `deployment`, as it runs: with its image, its nodes and its Secret."""
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    main = next(each for each in spec["containers"] if each["name"] == GATEWAY)
    gateway: Mapping[str, Any] = deployment["spec"]["template"]
    agent = of_pod(gateway, ENVIRONMENT, SECRET_FILES)
    secret = ENVIRONMENT if agent else secret_of(main)
    # A node may be left out by its labels; what keeps the gateway's pods apart is of no concern here.
    affinity: Any = spec.get("affinity", {}).get("nodeAffinity")
    container: dict[str, Any] = {
        "name": "smoke",
        "image": main["image"],
        "imagePullPolicy": "IfNotPresent",
        "command": command(*MODULES),
        "env": [
            {"name": "SMOKE", "value": json.dumps(wanted(config, namespace))},
            secret_variable("LITELLM_MASTER_KEY", secret, "LITELLM_MASTER_KEY"),
        ],
        "securityContext": RESTRICTED_CONTAINER,
        "resources": with_cpu_limit(config.pods.cpu_limit),
    }
    pod: dict[str, Any] = {
        **{field: spec[field] for field in LIKE_THE_GATEWAY if spec.get(field)},
        **({"affinity": {"nodeAffinity": affinity}} if affinity else {}),
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "containers": [container],
    }
    if writes_files(gateway):
        # The same agent, which needs somewhere to write the gateway's files.
        pod["volumes"] = [{"name": "secret-files", "secret": {"secretName": SECRET_FILES}}]
    marks = {**labels(SMOKE), "app.kubernetes.io/managed-by": "litellm-tools"}
    template: dict[str, Any] = {
        "metadata": {
            "labels": {**config.pods.labels, **config.pods.job_labels, **marks},
            "annotations": {**config.pods.annotations, **config.pods.job_annotations},
        },
        "spec": pod,
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{SMOKE}-{secrets.token_hex(4)}",
            "namespace": namespace,
            "labels": marks,
            "ownerReferences": [owner(deployment)],
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": patience(config),
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": delivered(template, agent, config.pods.cpu_limit) if agent else template,
        },
    }


def secret_of(container: Mapping[str, Any]) -> str:
    """The Secret that becomes the variables of a container."""
    (name,) = (each["secretRef"]["name"] for each in container["envFrom"] if "secretRef" in each)
    return name


def owner(deployment: Mapping[str, Any]) -> dict[str, Any]:
    """A Job that stays for its log goes with the gateway, at the latest."""
    metadata = deployment["metadata"]
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": metadata["name"], "uid": metadata["uid"]}


def with_cpu_limit(cpu: str | None) -> dict[str, Any]:
    return {**RESOURCES, "limits": {**RESOURCES["limits"], **({"cpu": cpu} if cpu else {})}}
