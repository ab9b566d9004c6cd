"""The cluster that the kubeconfig names."""

import base64
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml


class ClusterError(Exception):
    """There is no cluster to work on; the message says what to set."""


@dataclass(frozen=True)
class Cluster:
    """One context of the kubeconfig."""

    context: str
    server: str
    """URL of the Kubernetes API."""

    ca_certificate: str
    """PEM of its CA; empty when the kubeconfig trusts the system's."""

    @property
    def id(self) -> str:
        """Eight characters that tell clusters apart, for people: of its CA, whatever URL it is reached by."""
        return hashlib.sha256((self.ca_certificate or self.server).encode()).hexdigest()[:8]


def kubeconfig_path(environment: Mapping[str, str] = os.environ) -> Path:
    """The first file of `KUBECONFIG`, or the default one."""
    named = environment.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(named).expanduser() if named else Path.home() / ".kube" / "config"


def read_cluster(context: str | None) -> Cluster:
    """Look a context up in the kubeconfig, or its current one.

    Raises:
        ClusterError: when there is no kubeconfig or no such context.
    """
    path = kubeconfig_path()
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except OSError:
        raise ClusterError(f"no kubeconfig at {path}: set KUBECONFIG to the file of the cluster to deploy to") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise ClusterError(f"{path} is no kubeconfig: set KUBECONFIG to the file of the cluster to deploy to")
    content = cast("dict[str, Any]", content)
    name = context or str(content.get("current-context") or "")
    contexts = by_name(content, "contexts", "context")
    if name not in contexts:
        known = ", ".join(sorted(contexts)) or "none"
        what = "no context of this name" if context else "no current context"
        raise ClusterError(f"{what} in {path} (there: {known}): set litellm:context, or `kubectl config use-context`")
    cluster = by_name(content, "clusters", "cluster").get(str(contexts[name].get("cluster")), {})
    return Cluster(name, str(cluster.get("server", "")), ca_of(cluster, path))


def by_name(content: dict[str, Any], section: str, kind: str) -> dict[str, dict[str, Any]]:
    entries: Any = content.get(section)
    found = cast("list[Any]", entries) if isinstance(entries, list) else []
    named = [cast("dict[str, Any]", entry) for entry in found if isinstance(entry, dict)]
    return {str(entry.get("name")): given for entry in named if isinstance(given := entry.get(kind) or {}, dict)}


def ca_of(cluster: dict[str, Any], kubeconfig: Path) -> str:
    if inline := cluster.get("certificate-authority-data"):
        return base64.b64decode(inline).decode()
    if file := cluster.get("certificate-authority"):
        return (kubeconfig.parent / str(file)).read_text()
    return ""
