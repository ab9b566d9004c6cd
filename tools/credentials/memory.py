"""Which pods have which credentials in their memory, where they read the store themselves: as their ConfigMaps say."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from components.delivery import CONFIGURATION_VOLUME, INJECTOR, SECRETS
from components.labels import NAME
from components.sync.agent import SIDECAR
from components.sync.aws_fetch import PLAN
from tools.credentials.copies import Pod, Source, moment, of_litellm
from tools.engine.cluster import Cluster
from tools.engine.sharing import JSON, listed

Object = Mapping[str, Any]

AGENT = "vault-agent"
"""Container of the Injector, which stays when the program beside it starts again."""

DOCUMENT = re.compile(r"\$(\w+) := secret (\"(?:[^\"\\]|\\.)*\")")
PROPERTY = re.compile(r"\(index \$(\w+)\.Data\.data (\"(?:[^\"\\]|\\.)*\")\)")
"""What a template of Vault Agent reads."""


def look(cluster: Cluster, namespace: str) -> dict[Source, tuple[Pod, ...]]:
    """Every value that pods of the stack fetch, and the pods that run with it.

    Raises:
        RefusedError, and the errors of a cluster that does not answer: when it cannot be known.
    """
    place = f"/api/v1/namespaces/{namespace}"
    configurations = listed(cluster, of_litellm(f"{place}/configmaps"), accept=JSON)
    pods = [pod for pod in listed(cluster, f"{place}/pods", accept=JSON) if pod["status"].get("phase") == "Running"]
    found: dict[Source, tuple[Pod, ...]] = {}
    for configuration in configurations:
        readers = tuple(running(pod) for pod in pods if configuration_of(pod) == configuration["metadata"]["name"])
        for source in sources(configuration.get("data") or {}) if readers else ():
            found[source] = tuple(dict.fromkeys((*found.get(source, ()), *readers)))
    return found


def sources(data: Mapping[str, str]) -> Iterator[Source]:
    """Where the values are that a ConfigMap asks for."""
    if SIDECAR in data:
        for template in json.loads(data[SIDECAR])["template"]:
            documents = {name: json.loads(path) for name, path in DOCUMENT.findall(template["contents"])}
            for name, key in PROPERTY.findall(template["contents"]):
                mount, _, document = documents[name].partition("/data/")
                yield Source(document.partition("?")[0], json.loads(key), mount)
    if PLAN in data:
        plan = json.loads(data[PLAN])
        parts: list[Any] = [part for file in plan["files"] for part in file["parts"] if not isinstance(part, str)]
        for part in parts:
            yield Source(plan["documents"][part["document"]], part["property"] or None)


def configuration_of(pod: Object) -> str | None:
    """The ConfigMap by which a pod gets its values."""
    notes: Mapping[str, str] = pod["metadata"].get("annotations") or {}
    volumes = [each for each in pod["spec"].get("volumes") or () if each["name"] == CONFIGURATION_VOLUME]
    return volumes[0]["configMap"]["name"] if volumes else notes.get(f"{INJECTOR}/agent-configmap")


def running(pod: Object) -> Pod:
    """A pod, and since when its program runs: it has the values of that moment."""
    metadata = pod["metadata"]
    reading = {
        container["name"]
        for container in pod["spec"]["containers"]
        for mount in container.get("volumeMounts") or ()
        if mount["mountPath"].startswith(SECRETS) and container["name"] != AGENT
    }
    started = [
        each["state"]["running"]["startedAt"]
        for each in pod["status"].get("containerStatuses") or ()
        if each["name"] in reading and "running" in each.get("state", {})
    ]
    return Pod(
        metadata["name"],
        metadata.get("labels", {}).get(NAME, ""),
        moment(min(started, default=metadata["creationTimestamp"])),
    )
