"""Lets a Deployment roll over to the values that its Secrets have now.

It runs in a pod with Python's standard library alone (components/gateway/inside.py). Of a Secret it knows a hash, from a file.
What it may do is read one Deployment, and change it. What it has seen stands in an annotation of the Deployment, so that
nothing is missed while its own pod is moved.

Values that an `up` changes come with Secrets of other names, and make other pods. Those of before get them as well until they
go, which is no reason to replace pods: so each `up` announces its rotations before it writes, and as long as they are others
than those that this program was started with, it waits for its successor.
"""

import hashlib
import http.client
import json
import os
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

SEEN = "litellm/secrets-seen"
"""Annotation of the Deployment: which Secrets they were, and the hash of what was in them."""

VALUES = "litellm/secrets"
"""Annotation of its pods: the hash of the values for which they were replaced. Another one makes other pods."""

MANAGER = "litellm-restarter"
"""Field manager of both annotations: nobody else's apply takes them away, or calls them a conflict."""

DIGITS = 16
PAUSE_SECONDS = 1.0
LIMIT_SECONDS = 10
READY = Path("/tmp/ready")  # noqa: S108 - the pod's own folder

Object = Mapping[str, Any]


class RefusedError(Exception):
    """The API server did not do what it was asked for. The message has its reason."""


class HeldError(Exception):
    """The pods are not replaced now. The message says what that waits for."""


@dataclass(frozen=True)
class Announcement:
    """What the last `up` announced before it wrote any value."""

    path: str
    """Of its ConfigMap, in the API."""

    rotations: str
    """What is in it as long as no later `up` has begun to rotate."""


class Cluster:
    """Kubernetes' API server, with the token and the authority that a pod has as files in `folder`."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        self.folder, self.host, self.port = folder, host, port

    def connection(self) -> http.client.HTTPConnection:
        trusted = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        return http.client.HTTPSConnection(self.host, self.port, timeout=LIMIT_SECONDS, context=trusted)

    def ask(self, method: str, path: str, body: Object | None = None) -> Object | None:
        """An object; None where there is none of that name.

        Raises:
            RefusedError: when the answer is any other.
        """
        # Read each time: Kubernetes replaces a token before it expires.
        token = (self.folder / "token").read_text(encoding="utf-8").strip()
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        content = None if body is None else json.dumps(body)
        connection = self.connection()
        try:
            connection.request(method, path, content, headers | {"Content-Type": "application/merge-patch+json"})
            answer = connection.getresponse()
            said = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status == http.HTTPStatus.NOT_FOUND:
            return None
        if answer.status != http.HTTPStatus.OK:
            raise RefusedError(f"{answer.status}: {said.get('message', '')}")
        return said


def hash_of(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:DIGITS]


def values_in(folder: Path) -> str:
    """A hash of what is in all Secrets."""
    return hash_of(*(file.read_text(encoding="utf-8") for file in sorted(folder.iterdir()) if file.is_file()))


def reads(deployment: Object, names: Sequence[str]) -> bool:
    """Whether the pods of a Deployment have these Secrets."""
    template = json.dumps(deployment["spec"]["template"])
    return all(json.dumps(name) in template for name in names)


def hold(cluster: Cluster, announcement: Announcement | None) -> None:
    """Leave the pods to an `up` that has begun to rotate.

    Raises:
        HeldError: as long as it is not finished.
    """
    found = announcement and cluster.ask("GET", announcement.path)
    if announcement and (found is None or found["data"]["rotations"] != announcement.rotations):
        raise HeldError(
            "values change by an `up` that is not finished, which replaces the pods itself: run `make up` again"
        )


def bring(
    cluster: Cluster,
    deployment: str,
    names: Sequence[str],
    first: str,
    now: str,
    announcement: Announcement | None = None,
) -> bool:
    """Tell a Deployment which values its Secrets have, and replace its pods where it knew of other ones.

    Args:
        deployment: its path in the API.
        names: of the Secrets. Pods that an `up` gave other Secrets are new ones.
        first: what was in these Secrets before any pod could have read them.
        now: what is in them.
        announcement: says whether an `up` is about to change them; None where nobody announces anything.

    Returns:
        Whether there is such a Deployment, with pods that have these Secrets.

    Raises:
        HeldError: when the pods are left to an `up`.
    """
    found = cluster.ask("GET", deployment)
    if found is None or not reads(found, names):
        return False
    secrets = hash_of(",".join(names))
    annotations: Mapping[str, str] = found["metadata"].get("annotations") or {}
    known = annotations.get(SEEN, "")
    had = known.removeprefix(f"{secrets}.") if known.startswith(f"{secrets}.") else first
    if known == f"{secrets}.{now}":
        return True
    change: dict[str, Any] = {"metadata": {"annotations": {SEEN: f"{secrets}.{now}"}}}
    if had != now:
        hold(cluster, announcement)
        change["spec"] = {"template": {"metadata": {"annotations": {VALUES: now}}}}
    cluster.ask("PATCH", f"{deployment}?fieldManager={MANAGER}", change)
    print("the pods are replaced, as a value has changed" if had != now else "the values are known", flush=True)
    return True


def watch(folder: Path, bring: Callable[[str, str], bool], ready: Path = READY, pause: float = PAUSE_SECONDS) -> None:
    """Look at the values until something raises, and bring the Deployment to each change of them."""
    first, told, said = values_in(folder), "", ""
    while True:
        now = values_in(folder)
        try:
            if now != told and bring(first, now):
                told = now
            ready.touch()
        except HeldError as why:
            ready.touch()
            if said != (said := str(why)):
                print(said, flush=True)
        except (OSError, ValueError, http.client.HTTPException, RefusedError) as error:
            # The API server is away for a while now and then, and says the same each time.
            if said != (said := f"{type(error).__name__}: {error}"):
                print(said, flush=True)
        time.sleep(pause)


def main(namespace: str, deployment: str, secrets: str, folder: str, config_map: str = "", rotations: str = "") -> None:
    """What the pod runs.

    Args:
        namespace: of everything.
        deployment: its name.
        secrets: names of the Secrets.
        folder: has `token`, `ca.crt`, and in `values` a file for each Secret.
        config_map: name of the ConfigMap in which each `up` announces its rotations; empty for none.
        rotations: those of the `up` that this is from.
    """
    files = Path(folder)
    cluster = Cluster(files, os.environ["KUBERNETES_SERVICE_HOST"], int(os.environ["KUBERNETES_SERVICE_PORT"]))
    path = f"/apis/apps/v1/namespaces/{quote(namespace)}/deployments/{quote(deployment)}"
    maps, names = f"/api/v1/namespaces/{quote(namespace)}/configmaps", secrets.split(",")
    announcement = Announcement(f"{maps}/{quote(config_map)}", rotations) if config_map else None
    watch(files / "values", lambda first, now: bring(cluster, path, names, first, now, announcement))


if __name__ == "__main__":
    import sys

    main(*sys.argv[1:])
