"""What Argo CD and kustomize are told about the rendered objects."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.urls import bare
from tools.problem import Problem

KUSTOMIZATION, APPLICATION = "kustomization.yaml", "application.yaml"

PLACEHOLDER = "https://git.example.com/your/repository.git"


@dataclass(frozen=True)
class Source:
    """Where Argo CD finds the rendered folder."""

    repository: str
    path: str
    revision: str = "HEAD"


def kustomization(files: Sequence[str]) -> dict[str, Any]:
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(files),
    }


def application(stack: str, namespace: str, source: Source) -> dict[str, Any]:
    """The Application. It is applied once, by hand or by an app of apps, and is not part of the kustomization."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": f"litellm-{stack}",
            "namespace": "argocd",
            # The operator fills in defaults; the API server knows that these are no difference.
            "annotations": {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"},
        },
        "spec": {
            "project": "default",
            "source": {
                "repoURL": source.repository,
                "path": source.path,
                "targetRevision": source.revision,
            },
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                # What pods of the old version still read goes when those of the new one are healthy.
                "syncOptions": ["PruneLast=true", "ServerSideApply=true"],
                "retry": {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "3m"}},
            },
        },
    }


def source_of(folder: Path, repository: str | None, revision: str) -> Source:
    """The Git repository that the folder is in; a placeholder where it is in none.

    Raises:
        Problem: for a given repository with credentials in its URL.
    """
    there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.is_dir())
    top = git(there, "rev-parse", "--show-toplevel")
    path = folder.absolute().resolve()
    within = path.relative_to(Path(top).resolve()).as_posix() if top else folder.name
    origin = git(there, "config", "--get", "remote.origin.url") if top else ""
    if repository and bare(repository) != repository:
        raise Problem(
            "the URL of the repository has a password, a token or a query in it, and would be in a file: give it without, and "
            "the credentials to Argo CD (`argocd repo add`)"
        )
    return Source(repository or bare(origin) or PLACEHOLDER, within, revision)


def git(folder: Path, *arguments: str) -> str:
    try:
        command = ["git", "-C", str(folder), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
