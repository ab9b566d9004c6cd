"""What a cluster has of a stack's credentials: its ExternalSecrets, the Secrets that were made of them, and who reads those."""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote, unquote

from components.labels import NAME
from components.secrets.references import unspelled
from components.sync.shared import FINGERPRINT, SYNCED
from infra.kubernetes_api import RefusedError
from tools.client.stored import Read, Stored
from tools.engine.cluster import Cluster
from tools.engine.sharing import API, JSON, PART_OF_LITELLM, listed, read_by
from tools.problem import Problem

Object = Mapping[str, Any]

EXPRESSION = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
CONDITION = re.compile(r"\{\{\s*if .*?\{\{\s*end\s*\}\}", re.DOTALL)
PLAIN, ENCODED = re.compile(r"\s*\.(\w+)\s*"), re.compile(r"\s*\.(\w+) \| urlquery\b.*")
ENCODED_TEXT = r"[\w%.~-]*"
"""What a value is written as into a URL."""

IN_SECRETS = "kubernetes"
"""Provider of a SecretStore that reads Secrets of the cluster, and no store."""


@dataclass(frozen=True)
class Source:
    """Where an ExternalSecret says that a value is."""

    document: str
    property: str | None
    mount: str | None = None
    """Vault: the engine."""

    in_secrets: bool = False
    """Whether the document is a Secret of the namespace."""


@dataclass(frozen=True)
class Pod:
    """A pod that runs and reads a Secret."""

    name: str
    workload: str
    started: datetime


@dataclass(frozen=True)
class Copy:
    """The value of one source, in one Secret."""

    source: Source
    secret: str
    key: str
    """Key of the Secret."""

    value: str | None = field(repr=False)
    """None where the Secret does not have it."""

    current: bool
    """Whether it is the Secret that the ExternalSecret makes now; otherwise one of before, which pods still read."""

    written: datetime | None
    """When the Secret got the values that it has; None where there is no Secret."""

    pods: tuple[Pod, ...]


def look(cluster: Cluster, namespace: str) -> list[Copy]:
    """All copies of the credentials of the stack in a namespace.

    Raises:
        RefusedError, and the errors of a cluster that does not answer: when it cannot be known.
    """
    place = f"/api/v1/namespaces/{namespace}"
    externals = listed(cluster, of_litellm(f"{API}/v1/namespaces/{namespace}/externalsecrets"), 404, accept=JSON)
    stores = listed(cluster, f"{API}/v1/namespaces/{namespace}/secretstores", 404, accept=JSON)
    synced = listed(cluster, f"{of_litellm(f'{place}/secrets')},{quote(SYNCED)}", accept=JSON)
    pods = [pod for pod in listed(cluster, f"{place}/pods", accept=JSON) if pod["status"].get("phase") == "Running"]
    by_store = {str(each["metadata"]["name"]): each["spec"]["provider"] for each in stores}
    return [
        copy
        for external in externals
        for secret, current in secrets_of(external, synced)
        for copy in copies(external, by_store, secret, current, [*readers(secret["metadata"]["name"], pods)])
        if current or copy.pods
    ]


def of_litellm(path: str) -> str:
    return f"{path}?labelSelector={quote(PART_OF_LITELLM)}"


def secrets_of(external: Object, synced: Sequence[Object]) -> Iterator[tuple[Object, bool]]:
    """The Secret that an ExternalSecret makes, and those that others of its name made before."""
    metadata = external["metadata"]
    wanted = external["spec"].get("target", {}).get("name") or metadata["name"]
    own = [each for each in synced if each["metadata"]["name"] == wanted]
    yield (own[0] if own else {"metadata": {"name": wanted}}), True
    label = metadata.get("labels", {}).get(NAME)
    for each in synced:
        if each["metadata"]["name"] != wanted and each["metadata"].get("labels", {}).get(NAME) == label:
            yield each, False


def copies(
    external: Object, stores: Mapping[str, Object], secret: Object, current: bool, pods: Sequence[Pod]
) -> Iterator[Copy]:
    spec = external["spec"]
    sources = {entry["secretKey"]: source(entry, spec["secretStoreRef"], stores) for entry in spec.get("data") or ()}
    mount = mount_of(stores.get(str(spec["secretStoreRef"]["name"]), {})) or ""
    extracts = [str(entry["extract"]["key"]) for entry in spec.get("dataFrom") or () if "extract" in entry]
    whole = [unspelled(mount, key) for key in extracts]
    texts: Mapping[str, str] = spec.get("target", {}).get("template", {}).get("data") or {}
    name, data = str(secret["metadata"]["name"]), cast("Mapping[str, str]", secret.get("data") or {})
    for key, template in sorted(texts.items()):
        text = base64.b64decode(data[key]).decode("utf-8", "replace") if key in data else None
        for used, value in values_in(template, text):
            at = sources.get(used) or next((Source(document, used) for document in whole), None)
            if at is not None:
                yield Copy(at, name, key, value, current, written_at(secret), tuple(pods))


def source(entry: Object, usual: Object, stores: Mapping[str, Object]) -> Source:
    remote, store = entry["remoteRef"], cast("Object", entry.get("sourceRef") or {}).get("storeRef") or usual
    provider = stores.get(str(store["name"]), {})
    mount = mount_of(provider)
    return Source(unspelled(mount or "", str(remote["key"])), remote.get("property"), mount, IN_SECRETS in provider)


def mount_of(provider: Object) -> str | None:
    return cast("Object", provider.get("vault") or {}).get("path")


def secret_reader(cluster: Cluster, namespace: str) -> Read:
    """Reads Secrets that somebody else makes in the namespace, as documents of properties."""

    def read(name: str, _mount: str | None) -> Stored | None:
        try:
            found = cluster.get(f"/api/v1/namespaces/{namespace}/secrets/{name}", JSON)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise Problem(f"Secret {name} of namespace {namespace} may not be read: {error}") from None
        data = cast("Mapping[str, str]", found.get("data") or {})
        values = {key: base64.b64decode(value).decode("utf-8", "replace") for key, value in data.items()}
        return Stored(values, str(found["metadata"].get("resourceVersion", "")), written_at(found))

    return read


def values_in(template: str, text: str | None) -> Iterator[tuple[str, str | None]]:
    """The values that a template wrote into a text, by their names: those that stand there as they are, or percent-encoded.

    Of what it made of a value otherwise, such as a hash, nothing can be said. Without a text, the names only.
    """
    pattern, names, end = "", list[tuple[str, bool]](), 0
    simple = CONDITION.sub("{{ }}", template)
    for found in EXPRESSION.finditer(simple):
        pattern += re.escape(simple[end : found.start()])
        end = found.end()
        plain, encoded = PLAIN.fullmatch(found[1]), ENCODED.fullmatch(found[1])
        if match := plain or encoded:
            names.append((match[1], plain is None))
            pattern += "(.*?)" if plain else f"({ENCODED_TEXT})"
        else:
            pattern += ".*?"
    matched = re.fullmatch(pattern + re.escape(simple[end:]), text, re.DOTALL) if text is not None else None
    for number, (name, is_encoded) in enumerate(names, 1):
        value = matched[number] if matched else None
        yield name, unquote(value) if value is not None and is_encoded else value


def readers(secret: str, pods: Sequence[Object]) -> Iterator[Pod]:
    """The pods that read a Secret. Of the containers that do, the one that runs longest tells how old their values can be."""
    for pod in pods:
        spec = pod["spec"]
        running = {
            each["name"]: each["state"]["running"]["startedAt"]
            for each in pod["status"].get("containerStatuses") or ()
            if "running" in each.get("state", {})
        }
        volumes: list[Object] = spec.get("volumes") or []
        by_all = secret in read_by([each for each in volumes if not only_hashes(each)])
        started = [
            running[container["name"]]
            for container in spec["containers"]
            if container["name"] in running and (by_all or secret in read_by(container))
        ]
        if started:
            metadata = pod["metadata"]
            yield Pod(metadata["name"], metadata.get("labels", {}).get(NAME, ""), moment(min(started)))


def only_hashes(volume: Object) -> bool:
    """Whether all that a volume has of Secrets are hashes of their values, which are always those of now."""
    projected: dict[str, list[dict[str, Any]]] = volume.get("projected") or {}
    secrets: list[dict[str, Any]] = [each["secret"] for each in projected.get("sources", ()) if "secret" in each]
    return {item["key"] for secret in secrets for item in secret.get("items") or [{"key": ""}]} == {FINGERPRINT}


def written_at(secret: Object) -> datetime | None:
    """When the values of a Secret were written last: Kubernetes notes it for whoever owns them."""
    metadata = secret["metadata"]
    times = [
        entry["time"] for entry in metadata.get("managedFields") or () if "f:data" in (entry.get("fieldsV1") or {})
    ]
    latest = max(times, default=metadata.get("creationTimestamp"))
    return moment(latest) if latest else None


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
