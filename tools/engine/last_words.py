"""The last lines of a container's log, without the values of the Secrets that its pod reads.

A log is written by programs that know passwords, and is read in a terminal or a pipeline. So whoever may not read the Secrets
of a pod, and could not tell what to take out, is not shown its log.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast
from urllib.parse import quote, unquote, urlsplit

from infra.config.detector import is_secret
from infra.kubernetes_api import UNREACHABLE, RefusedError
from infra.masked import MASK, masked
from infra.reason import reason
from infra.urls import without_secrets
from tools.engine.cluster import Cluster
from tools.engine.state import part

LINES = 15
WIDTH = 600
"""Characters of a line: LiteLLM's own have a whole traceback in one, and say at its end what it was."""

SHORTEST = 4
"""Characters of a value that is looked for: shorter ones are in every other word."""

Object = Mapping[str, Any]


class UnknownValuesError(Exception):
    """What is secret in a log cannot be known."""


def last_words(cluster: Cluster, pod: Object, container: str, *, previous: bool) -> list[str]:
    """What a container said last, or why that is not shown."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    by_hand = f"`kubectl logs -n {namespace} {name} -c {container}{' --previous' if previous else ''}`"
    path = f"/api/v1/namespaces/{namespace}/pods/{name}/log?container={container}&tailLines={LINES}"
    try:
        values = secret_values(cluster, pod)
        text = cluster.text(f"{path}&previous=true" if previous else path)
    except UnknownValuesError as error:
        return [f"its log is not shown, as {error}: {by_hand} shows it"]
    except (RefusedError, *UNREACHABLE) as error:
        return [f"its log cannot be read: {reason(error)}. {by_hand} shows it"]
    lines = [shortened(line) for line in without(text, values).splitlines() if line.strip()]
    return ["the last lines of its log:", *(f"  | {line}" for line in lines)] if lines else ["its log is empty"]


def secret_values(cluster: Cluster, pod: Object) -> set[str]:
    """Every value that the pod was given as a secret.

    Raises:
        UnknownValuesError: when one of its Secrets may not be read, or values reach it on another way.
        RefusedError: when the API answers with another error.
    """
    spec, namespace = pod["spec"], pod["metadata"]["namespace"]
    if any("csi" in volume for volume in spec.get("volumes", [])):
        raise UnknownValuesError("secrets reach this pod through a CSI volume")
    values = set(plain_values(spec))
    for name in sorted(names_of_secrets(spec)):
        try:
            secret = cluster.get(f"/api/v1/namespaces/{namespace}/secrets/{name}")
        except RefusedError as error:
            if error.status == 404:
                continue
            if error.status == 403:
                raise UnknownValuesError(f"these credentials may not read the Secret {name}") from None
            raise
        values |= {decoded(value) for value in part(secret, "data").values()}
    return values


def names_of_secrets(spec: Object) -> Iterator[str]:
    for container in containers(spec):
        for source in container.get("envFrom", []):
            yield from named(source.get("secretRef"), "name")
        for variable in container.get("env", []):
            yield from named(part(variable, "valueFrom").get("secretKeyRef"), "name")
    for volume in spec.get("volumes", []):
        yield from named(volume.get("secret"), "secretName")
        projected: list[dict[str, Any]] = part(volume, "projected").get("sources") or []
        for source in projected:
            yield from named(source.get("secret"), "name")


def named(reference: Object | None, key: str) -> Iterator[str]:
    if reference:
        yield str(reference[key])


def plain_values(spec: Object) -> Iterator[str]:
    """Variables that somebody wrote into the pod, and that are secret by their name or form."""
    for container in containers(spec):
        for variable in container.get("env", []):
            if is_secret(variable["name"], value := str(variable.get("value") or "")):
                yield value


def containers(spec: Object) -> list[dict[str, Any]]:
    return [*spec.get("initContainers", []), *spec["containers"]]


def decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode(errors="replace")
    except binascii.Error:
        return value


def without(text: str, values: set[str]) -> str:
    """A text with a mask for each value, and for whatever else looks like a secret."""
    forms = {form for value in values for piece in pieces(value) for form in written(piece)}
    for form in sorted(forms, key=len, reverse=True):
        text = text.replace(form, MASK)
    return without_secrets(masked(text))


def pieces(value: str) -> Iterator[str]:
    """A value, and what is in it: its lines, the texts of a document, the password of a URL."""
    yield value
    yield from value.splitlines()
    if "://" in value:
        try:
            parts = urlsplit(value)
        except ValueError:
            return
        yield from (each for each in (parts.password, parts.netloc.rpartition("@")[0]) if each)
    if value.lstrip()[:1] in ("{", "["):
        try:
            yield from texts(json.loads(value))
        except (ValueError, RecursionError):
            return


def texts(document: Any) -> Iterator[str]:
    if isinstance(document, str):
        yield from (document, *document.splitlines())
    elif isinstance(document, Mapping):
        for each in cast("Mapping[str, Any]", document).values():
            yield from texts(each)
    elif isinstance(document, list):
        for each in cast("list[Any]", document):
            yield from texts(each)


def written(value: str) -> Iterator[str]:
    """How a program may write a value into a log: as it is, in a URL, or as a text of JSON or Python."""
    if len(value.strip()) >= SHORTEST:
        yield from (value, value.strip(), quote(value, safe=""), quote(value), unquote(value))
        yield from (json.dumps(value)[1:-1], json.dumps(json.dumps(value)[1:-1])[1:-1], repr(value)[1:-1])


def shortened(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH // 3]} … {line[-WIDTH * 2 // 3 :]}"
