"""How values of the store get into a pod where no Secret has them: what a delivery makes of what a component describes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict, cast

import pulumi

from components.restricted import RESTRICTED_CONTAINER

INJECTOR = "vault.hashicorp.com"
"""Prefix of the annotations that Vault's Agent Injector reads."""

SECRETS, FILES = "/vault/secrets", "/vault/files"
"""Folders in the agent's containers: of values that become variables, and of those that the program reads as files."""

START = f"{SECRETS}/start.sh"
TOKEN_VOLUME, TOKEN_FOLDER, TOKEN_FILE = "vault-token", "/var/run/secrets/vault.hashicorp.com/serviceaccount", "token"
TOKEN_SECONDS = 600
"""How long a token of the ServiceAccount is good for; the kubelet renews it."""

RESOURCES = {
    "requests-cpu": "10m",
    "requests-mem": "64Mi",
    "limits-mem": "128Mi",
    "requests-ephemeral": "16Mi",
    "limits-ephemeral": "64Mi",
}

FETCH, RENDER = "fetch-secrets", "render-secrets"
"""Names of the init containers that fetch, where it is not the Injector who adds them."""

CONFIGURATION, CONFIGURATION_VOLUME = "/vault/configs", "secrets-configuration"
WORK, WORK_VOLUME = "/home/vault", "secrets-work"
"""Where these containers may write, in memory."""

SECRETS_VOLUME = "secrets-values"

FETCH_MEMORY = "256Mi"
"""Memory limit of these containers: command lines are large."""


class AgentDelivery(TypedDict):
    """What brings values into the pods as the pods themselves: it logs in as the pod, and writes each value to memory. Vault
    Agent, put there by Vault's Agent Injector, or init containers of the pod itself.

    A component refers to Secrets as ever. Those that are named here do not exist: variables out of them come from files that
    the program is started with, and volumes of them are in memory, written by the agent.
    """

    config_map: pulumi.Input[str]
    """Required: ConfigMap with the agent's configuration, as `VaultAgent` makes it."""

    secrets: Sequence[str]
    """Required: names of the Secrets that the agent stands for."""

    image: str
    """Required: image that has the store's command line."""

    service_account: pulumi.Input[str]
    """Required: ServiceAccount that the store knows the pods by."""

    audience: str
    """Required: audience of its token."""

    revision: NotRequired[pulumi.Input[str]]
    """Optional: changes when a document behind the values does: pods roll over. Defaults to nothing."""

    once: NotRequired[bool]
    """Optional: for Jobs: the agent is done before the program starts, and does not stay. Defaults to false."""

    spread_seconds: NotRequired[int]
    """Optional: within how many seconds a program is started again when a value has changed. Defaults to never."""

    entrypoint: NotRequired[Sequence[str]]
    """Optional: what a container runs that has no command of its own: the entry point of its image. Defaults to nothing."""

    fetch: NotRequired[Sequence[Mapping[str, Any]]]
    """Optional: init containers that fetch, in order, without what all of them have; the first one has the token. Defaults to
    none: the Injector adds Vault Agent."""


def of_pod(template: Mapping[str, Any], *secrets: str) -> AgentDelivery | None:
    """The delivery of pods that are there, for a Job beside them; None where Secrets have the values."""
    notes: Mapping[str, str] = template.get("metadata", {}).get("annotations", {})
    spec: Mapping[str, Any] = template["spec"]
    fetching = [each for each in spec.get("initContainers", ()) if each["name"] in (FETCH, RENDER)]
    if notes.get(f"{INJECTOR}/agent-inject") != "true" and not fetching:
        return None
    volumes = {each["name"]: each for each in spec["volumes"]}
    token = volumes[TOKEN_VOLUME]["projected"]["sources"][0]
    found: AgentDelivery = {
        "config_map": volumes[CONFIGURATION_VOLUME]["configMap"]["name"]
        if fetching
        else notes[f"{INJECTOR}/agent-configmap"],
        "secrets": secrets,
        "image": fetching[0]["image"] if fetching else notes[f"{INJECTOR}/agent-image"],
        "service_account": spec["serviceAccountName"],
        "audience": token["serviceAccountToken"]["audience"],
        "once": True,
    }
    if fetching:
        found["fetch"] = fetching
    return found


def writes_files(template: Mapping[str, Any]) -> bool:
    """Whether pods that are there have values as a volume, which whoever has the same configuration needs, too."""
    notes: Mapping[str, str] = template.get("metadata", {}).get("annotations", {})
    mounted = [
        mount["mountPath"]
        for each in template["spec"].get("initContainers", ())
        if each["name"] == FETCH
        for mount in each["volumeMounts"]
    ]
    return f"{INJECTOR}/agent-init-json-patch" in notes or any(path.startswith(FILES) for path in mounted)


def delivered(template: Mapping[str, Any], delivery: AgentDelivery, cpu: str | None = None) -> dict[str, Any]:
    """The template of a pod, with what brings its values. `cpu` is the limit of containers that have none."""
    spec: Mapping[str, Any] = template["spec"]
    metadata: Mapping[str, Any] = template["metadata"]
    volumes = {
        each["name"]: each["secret"]["secretName"] for each in spec.get("volumes", ()) if stands_for(each, delivery)
    }
    token = {
        "serviceAccountToken": {
            "path": TOKEN_FILE,
            "audience": delivery["audience"],
            "expirationSeconds": TOKEN_SECONDS,
        }
    }
    fetching = "fetch" in delivery
    notes = {} if fetching else annotations(delivery, spec, volumes, cpu)
    pod = {
        **spec,
        "serviceAccountName": delivery["service_account"],
        "containers": [with_values(each, delivery) for each in spec["containers"]],
        "volumes": [
            *(in_memory(each["name"]) if each["name"] in volumes else each for each in spec.get("volumes", ())),
            {"name": TOKEN_VOLUME, "projected": {"sources": [token]}},
        ],
    }
    return {
        **template,
        "metadata": {
            **metadata,
            "annotations": {
                **metadata.get("annotations", {}),
                **notes,
                "litellm/delivered": delivery.get("revision", ""),
            },
        },
        "spec": with_fetchers(pod, delivery, spec, volumes, cpu) if fetching else pod,
    }


def with_fetchers(
    pod: Mapping[str, Any],
    delivery: AgentDelivery,
    described: Mapping[str, Any],
    volumes: Mapping[str, str],
    cpu: str | None,
) -> dict[str, Any]:
    """The pod with init containers that fetch, before its own, and with the values where those read them that need them."""
    names = reading(described["containers"], delivery)
    values = {"name": SECRETS_VOLUME, "mountPath": SECRETS}
    containers = [
        {**each, "volumeMounts": [*each.get("volumeMounts", ()), {**values, "readOnly": True}]}
        if each["name"] in names
        else each
        for each in pod["containers"]
    ]
    mounts = [
        {"name": CONFIGURATION_VOLUME, "mountPath": CONFIGURATION, "readOnly": True},
        {"name": WORK_VOLUME, "mountPath": WORK},
        values,
        *({"name": name, "mountPath": f"{FILES}/{secret}"} for name, secret in sorted(volumes.items())),
    ]
    token = {"name": TOKEN_VOLUME, "mountPath": TOKEN_FOLDER, "readOnly": True}
    fetchers = [
        {
            **each,
            "imagePullPolicy": "IfNotPresent",
            "securityContext": RESTRICTED_CONTAINER,
            "resources": resources(cpu),
            "volumeMounts": [*mounts, *([] if number else [token])],
        }
        for number, each in enumerate(delivery.get("fetch", ()))
    ]
    return {
        **pod,
        "initContainers": [*fetchers, *pod.get("initContainers", ())],
        "containers": containers,
        "volumes": [
            *pod["volumes"],
            {"name": CONFIGURATION_VOLUME, "configMap": {"name": delivery["config_map"]}},
            in_memory(WORK_VOLUME),
            in_memory(SECRETS_VOLUME),
        ],
    }


def resources(cpu: str | None) -> dict[str, Any]:
    """Those of a container that fetches."""
    found = {
        kind: {"ephemeral-storage": RESOURCES[f"{kind}-ephemeral"], "memory": memory}
        for kind, memory in (("requests", RESOURCES["requests-mem"]), ("limits", FETCH_MEMORY))
    }
    return {
        "requests": {"cpu": RESOURCES["requests-cpu"], **found["requests"]},
        "limits": {**({"cpu": cpu} if cpu else {}), **found["limits"]},
    }


def stands_for(volume: Mapping[str, Any], delivery: AgentDelivery) -> bool:
    return mapping(volume.get("secret")).get("secretName") in delivery["secrets"]


def annotations(
    delivery: AgentDelivery, spec: Mapping[str, Any], volumes: Mapping[str, str], cpu: str | None
) -> dict[str, pulumi.Input[str]]:
    user = str(spec["securityContext"]["runAsUser"])
    own: dict[str, pulumi.Input[str]] = {
        "agent-inject": "true",
        "agent-configmap": delivery["config_map"],
        "agent-image": delivery["image"],
        "agent-inject-containers": ",".join(reading(spec["containers"], delivery)),
        "agent-service-account-token-volume-name": TOKEN_VOLUME,
        "agent-set-security-context": "true",
        "agent-run-as-user": user,
        "agent-run-as-group": user,
        "agent-limits-cpu": cpu or "",
        **{f"agent-{name}": amount for name, amount in RESOURCES.items()},
    }
    if delivery.get("once"):
        own["agent-pre-populate-only"] = "true"
    if volumes:
        patch = mounts_patch(volumes)
        own |= {"agent-init-json-patch": patch} | ({} if delivery.get("once") else {"agent-json-patch": patch})
    return {f"{INJECTOR}/{name}": value for name, value in own.items()}


def reading(containers: Sequence[Mapping[str, Any]], delivery: AgentDelivery) -> list[str]:
    """Containers that get to see the files: those whose variables they are. Without any name the Injector would take all."""
    names = [each["name"] for each in containers if with_values(each, delivery) != each]
    return names or [containers[0]["name"]]


def with_values(container: Mapping[str, Any], delivery: AgentDelivery) -> dict[str, Any]:
    """A container that gets its variables from files."""
    folders = [f"{SECRETS}/{name}/" for each in container.get("envFrom", ()) if (name := all_of(each, delivery))]
    files = [f"{each['name']}={path}" for each in container.get("env", ()) if (path := file_of(each, delivery))]
    if not folders and not files:
        return dict(container)
    found = {key: value for key, value in container.items() if key not in ("env", "envFrom")}
    kept = {
        "env": [each for each in container.get("env", ()) if not file_of(each, delivery)],
        "envFrom": [each for each in container.get("envFrom", ()) if not all_of(each, delivery)],
    }
    watched = "spread_seconds" in delivery and not delivery.get("once")
    mode = ("watch", str(delivery.get("spread_seconds"))) if watched else ("once", "0")
    words = [*folders, *files, "--"]
    command = [*("/bin/sh", START), *mode, *words, *container.get("command", delivery.get("entrypoint", ()))]
    probes = {
        name: asked_with(probe, ["/bin/sh", START, "once", "0", *words])
        for name, probe in container.items()
        if name.endswith("Probe") and "exec" in probe
    }
    return found | {name: values for name, values in kept.items() if values} | {"command": command} | probes


def all_of(source: Mapping[str, Any], delivery: AgentDelivery) -> str | None:
    """The Secret that becomes variables as a whole, where the agent stands for it."""
    name = mapping(source.get("secretRef")).get("name")
    return name if isinstance(name, str) and name in delivery["secrets"] else None


def file_of(variable: Mapping[str, Any], delivery: AgentDelivery) -> str | None:
    """Where the agent writes the value of a variable; None for one that it does not."""
    given = mapping(mapping(variable.get("valueFrom")).get("secretKeyRef"))
    name = given.get("name")
    return f"{SECRETS}/{name}/{given['key']}" if isinstance(name, str) and name in delivery["secrets"] else None


def mapping(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def in_memory(volume: str) -> dict[str, Any]:
    return {"name": volume, "emptyDir": {"medium": "Memory", "sizeLimit": "4Mi"}}


def mounts_patch(volumes: Mapping[str, str]) -> str:
    """What puts the volumes of a pod into the agent's containers, each where its Secret's files are written."""
    operations = [
        {"op": "add", "path": "/volumeMounts/-", "value": {"name": name, "mountPath": f"{FILES}/{secret}"}}
        for name, secret in sorted(volumes.items())
    ]
    return json.dumps(operations)


def asked_with(probe: Mapping[str, Any], start: Sequence[str]) -> dict[str, Any]:
    """A probe whose command gets the same variables as the program."""
    return {**probe, "exec": {"command": [*start, *probe["exec"]["command"]]}}
